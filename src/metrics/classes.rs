//! Numbers of each class of a mix.

use super::{Metrics, measure};
use crate::run::Run;
use goodput_grammar::{class::ClassName, goodput::RequestLimit, slo::Part};
use serde::Serialize;

/// One class of a run: its requests measured as if they were a run of their own, which lasts as long as the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// Name of the class.
    pub name: String,
    /// Every number of its requests.
    pub metrics: Metrics,
}

impl ClassMetrics {
    /// Measures the classes of a run, in the order of the mix.
    pub(super) fn of(run: &Run, limits: &[RequestLimit]) -> Vec<Self> {
        let measured = |name: ClassName| ClassMetrics {
            name: name.to_string(),
            metrics: measure(&run.part(Part::of_class(name)), limits),
        };
        run.classes().map(measured).collect()
    }
}

impl Run {
    /// Names of the classes of a mix, in its order; none of another dataset.
    pub(crate) fn classes(&self) -> impl Iterator<Item = ClassName> {
        // Names in a damaged file may be anything; they cannot be limited either.
        let names = self.setup.classes.iter();
        names.filter_map(|name| ClassName::parse(name).ok())
    }
}

impl Metrics {
    /// The numbers of a class.
    pub fn class(&self, name: &str) -> Option<&Metrics> {
        let found = self.classes.iter().find(|class| class.name == name);
        found.map(|class| &class.metrics)
    }
}
