//! Searches for the highest load at which the SLOs hold.
//!
//! Each trial is a run of its own, with a plan of its own seed, after the server has drained. Which loads are tried, and what
//! follows from them, is in [`stats::search`](crate::stats::search); what an SLO asks of a trial in
//! [`Criterion`]. The run of the report is that of the highest load that kept the SLOs.

mod answer;
mod check;
mod hunt;
mod trial;

use super::{
    Control,
    checked::Checked,
    classes,
    conduct::{closed, opened},
    notes,
};
use crate::{
    clock::Nanos,
    error::Error,
    grammar::{
        search::{Over, Search as Sought},
        slo::{Slo, Subject},
    },
    judge::{Criteria, Criterion, Finding, FindingKind, Stopped, judge},
    metrics::measure,
    report::Report,
    stats::search::{Search, Settings},
};
use hunt::{Ending, Hunt};
use std::time::Instant;

impl Checked {
    /// Searches, and gives the report of the highest load that kept the SLOs.
    pub(super) fn conduct_search(
        &self,
        wanted: Sought,
        control: &Control,
    ) -> Result<Report, Error> {
        let _lock = self.lock_for(&[&self.target], control)?;
        let opened = opened(&self.target, control)?;
        let mut prepared = self.prepare(&opened.place, None, control)?;
        prepared.align();
        control.go_on("prepared its requests")?;
        self.tell_left_journals(&opened.place, control);
        let limits = classes::limits(&self.load, &self.demands);
        let demanded = |slo: &&Slo| matches!(slo.subject, Subject::Max(_));
        let (demands, slos): (Vec<&Slo>, Vec<&Slo>) = self.demands.slo.iter().partition(demanded);
        let demands: Vec<Slo> = demands.into_iter().cloned().collect();
        // A bench is checked before it searches, so each can be searched for.
        let criteria = slos
            .iter()
            .filter_map(|slo| Criterion::new(slo, &limits).ok());
        let criteria: Vec<Criterion> = criteria.collect();
        let mut hunt = Hunt {
            bench: self,
            control,
            place: &opened.place,
            prepared: &prepared,
            over: wanted.over,
            search: Search::new(
                Settings {
                    start: 1.0,
                    range: wanted.range.unwrap_or((0.0, f64::INFINITY)),
                    whole: wanted.over == Over::Concurrency,
                    within: wanted.within,
                    error: 1.0 - self.demands.confidence,
                },
                criteria.len(),
            ),
            criteria,
            trials: Vec::new(),
            plans: 0,
            repeated: 0,
            requests: 0,
            took: Nanos(0),
            began: Instant::now(),
            best: None,
        };
        let mut invalid = None;
        let stopped = match hunt.start(wanted.range).and_then(|()| hunt.go(&demands)) {
            Ok(stopped) => stopped,
            Err(Ending::Invalid(finding)) => {
                invalid = Some(finding);
                Stopped::Ended
            }
            Err(Ending::Error(Error::Ended(_))) if hunt.best.is_some() => {
                invalid = Some(Finding {
                    kind: FindingKind::Trial,
                    message: format!(
                        "the search was ended after {} trials; let it finish",
                        hunt.trials.len()
                    ),
                });
                Stopped::Ended
            }
            Err(Ending::Error(why)) => return Err(why),
        };
        let capacity = hunt.capacity(stopped, self.demands.confidence);
        let scatter = hunt.contradictions();
        let best = hunt.best.take();
        let complaint = closed(opened.guard);
        let Some((_, run)) = best else {
            return Err(Error::Target("nothing was sent".into()));
        };
        let criteria = Criteria {
            slos: Vec::new(),
            complaint,
            ..self.criteria(1)
        };
        let metrics = measure(&run, &criteria.limits);
        let mut judgement = judge(&run, &metrics, &criteria);
        // Trials that fail are what a search looks for.
        judgement.findings.retain(|finding| {
            !matches!(
                finding.kind,
                FindingKind::FailedRequests | FindingKind::StopCondition
            )
        });
        let inconclusive = self.demands.on_inconclusive;
        let mut judgement = judgement.searched(capacity, &demands, invalid, inconclusive);
        judgement.findings.extend(scatter);
        judgement.findings.extend(self.note_on_target());
        let notes = prepared.plan.notes.iter().cloned().chain(notes::on(&run));
        let notes = notes.collect();
        let criteria = Criteria {
            slos: demands,
            ..criteria
        };
        Ok(Report::new(run, notes, criteria, metrics, judgement))
    }
}
