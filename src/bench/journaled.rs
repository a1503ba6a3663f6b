//! Which runs have a journal, and what its first line says.

use super::{Control, checked::Checked, classes};
use crate::{
    journal::{FORM, Heading, Journal},
    run::Setup,
    targets::Place,
};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

impl Checked {
    /// The journal of a live run, if there is a place for one. The run goes on without it.
    pub(super) fn journal(
        &self,
        place: &Place,
        setup: Setup,
        control: &Control,
    ) -> Option<Arc<Journal>> {
        let (Some(to), Place::Endpoint(_)) = (&self.keeping.journal, place) else {
            return None;
        };
        let heading = Heading {
            goodput_journal: FORM,
            began: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            setup,
            limits: classes::limits_text(&self.load, &self.demands),
        };
        let begun = Journal::begin(to, &heading, control.observer.clone());
        begun
            .inspect_err(|e| {
                control
                    .observer
                    .says(&format!("there is no journal of the run: {e}"))
            })
            .ok()
    }

    /// Says before a live run which ones before it were killed.
    pub(super) fn tell_left_journals(&self, place: &Place, control: &Control) {
        let (Some(to), Place::Endpoint(_)) = (&self.keeping.journal, place) else {
            return;
        };
        for left in to.left() {
            let left = left.display();
            control.observer.says(&format!(
                "a run was killed before it had a report. `goodput report {left}` shows what it \
                 measured; remove the file when you no longer need it"
            ));
        }
    }
}

impl Control {
    /// The control of a run whose requests go into this journal, too.
    pub(super) fn journaling(&self, journal: Option<&Arc<Journal>>) -> Control {
        let mut control = self.clone();
        if let Some(journal) = journal {
            control.observer = journal.observing();
        }
        control
    }
}
