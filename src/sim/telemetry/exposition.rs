//! Prometheus' text format. The crates for it (`prometheus`, `prometheus-client`) bring registries and
//! label types; a page whose series are all known beforehand needs a few lines.

use super::histogram::Histogram;
use crate::label::escaped;
use std::fmt::Write as _;

/// Media type of the format.
pub(crate) const TEXT: &str = "text/plain; version=1.0.0; charset=utf-8";

/// A page under construction.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
    model: String,
}

impl Exposition {
    /// An empty page whose series have this `model_name`.
    pub(super) fn new(model: &str) -> Self {
        Exposition {
            text: String::new(),
            model: escaped(model),
        }
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "gauge");
        self.sample(name, &[], value);
    }

    /// A gauge of the process, not of the model.
    pub(super) fn of_process(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help, "gauge");
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{name} {value:?}");
    }

    /// A counter. The name is without `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        self.sample(&name, &[], value as f64);
    }

    /// A counter with a value for each of a label's.
    pub(super) fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        for (key, value) in values {
            self.sample(&name, &[(label, &key)], value as f64);
        }
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        let mut count = 0;
        for (bound, below) in histogram.buckets() {
            let bound = bound.map_or("+Inf".to_owned(), |bound| format!("{bound:?}"));
            self.sample(&format!("{name}_bucket"), &[("le", &bound)], below as f64);
            count = below;
        }
        self.sample(&format!("{name}_count"), &[], count as f64);
        self.sample(&format!("{name}_sum"), &[], histogram.sum());
    }

    /// A gauge with labels of its own.
    pub(super) fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, help, "gauge");
        self.line(name, labels, value);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let model = std::mem::take(&mut self.model);
        let mut all = vec![("engine", "0"), ("model_name", model.as_str())];
        all.extend_from_slice(labels);
        // Python's client sorts them.
        all.sort_unstable();
        self.line(name, &all, value);
        self.model = model;
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{value}\""))
            .collect();
        let _ = writeln!(self.text, "{name}{{{}}} {value:?}", labels.join(","));
    }
}
