//! What reads the rows of a set.

use super::{family::Known, files::Files, rows, shuffle};
use crate::plan::{PlanError, PlanSpec, dataset::media::Shelf};
use goodput_grammar::dataset::Hf;

/// What reads rows of a set.
pub(super) struct Reader<'a> {
    pub(super) set: &'a Hf,
    pub(super) known: &'static Known,
    pub(super) id: &'a str,
    pub(super) shelf: Shelf,
    pub(super) spec: &'a PlanSpec<'a>,
}

impl Reader<'_> {
    /// Rows in the order in which they are asked.
    pub(super) fn rows<'a>(&self, files: &'a Files<'_>) -> Result<rows::Rows<'a>, PlanError> {
        let split = self.set.split.as_deref().or(self.known.split);
        let (subset, asked) = match &self.set.subset {
            Some(subset) => (Some(subset.as_str()), true),
            None => (self.known.subset, false),
        };
        let chosen = files.choose(subset, asked, split)?;
        let open = move |file: String| rows::open(files, file);
        Ok(match (self.set.keep_order, self.set.no_stream) {
            (true, _) => Box::new(chosen.into_iter().flat_map(open)),
            (false, true) => {
                let all = chosen.into_iter().flat_map(open).collect();
                Box::new(shuffle::at_once(all, self.spec.seed))
            }
            (false, false) => Box::new(shuffle::streamed(chosen, open, self.spec.seed)),
        })
    }
}
