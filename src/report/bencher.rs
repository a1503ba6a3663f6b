//! Bencher Metric Format, which `bencher run --adapter json` reads.
//!
//! Source: <https://bencher.dev/docs/reference/bencher-metric-format>, and the JSON schema there.

use super::{Measure, Outcome};
use serde_json::{Map, Value, json};

/// The numbers of all benches that have some: `{"chat": {"ttft-p99": {"value": 52.3}}}`, in the units
/// of [`Measure`]. The ends of an interval are `lower_value` and `upper_value`.
pub fn bencher_json(outcomes: &[Outcome]) -> Value {
    let mut benches = Map::new();
    for outcome in outcomes {
        let measures = outcome.measured.iter().flat_map(|m| &m.measures);
        let metrics: Map<_, _> = measures.map(metric).collect();
        if !metrics.is_empty() {
            benches.insert(outcome.name.clone(), metrics.into());
        }
    }
    benches.into()
}

fn metric(measure: &Measure) -> (String, Value) {
    let mut metric = json!({"value": measure.value});
    if let Some(interval) = &measure.interval {
        let ends = [
            ("lower_value", interval.low),
            ("upper_value", interval.high),
        ];
        for (key, end) in ends {
            if let Some(end) = end {
                metric[key] = json!(end);
            }
        }
    }
    (measure.slug(), metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::outcomes;

    #[test]
    fn numbers_under_bench_and_measure() {
        insta::assert_json_snapshot!(bencher_json(&outcomes()));
    }
}
