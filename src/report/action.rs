//! The custom format of the GitHub action `benchmark-action/github-action-benchmark`.
//!
//! The action has one setting a file that says whether smaller or bigger is better, so there are two files: latencies
//! and errors, throughput and goodput.

use super::{Measure, Outcome};
use serde_json::{Value, json};

/// Entries for `tool: customSmallerIsBetter` or, with `bigger`, `tool: customBiggerIsBetter`.
pub fn action_json(outcomes: &[Outcome], bigger: bool) -> Value {
    let entries = outcomes.iter().flat_map(|outcome| {
        let measured = outcome.measured.iter();
        measured.flat_map(move |measured| {
            let wanted = move |m: &&Measure| m.bigger_is_better() == bigger;
            let extra = format!("{}, {}", measured.setup.target, measured.setup.backend);
            measured
                .measures
                .iter()
                .filter(wanted)
                .map(move |measure| entry(&outcome.name, measure, &extra))
        })
    });
    Value::from_iter(entries)
}

fn entry(bench: &str, measure: &Measure, extra: &str) -> Value {
    let mut entry = json!({
        // The action draws one chart for each name.
        "name": format!("{bench}/{}", measure.slug()),
        "unit": measure.unit(),
        "value": measure.value,
        "extra": extra,
    });
    if let Some(interval) = &measure.interval
        && let (Some(low), Some(high)) = (interval.low, interval.high)
    {
        entry["range"] = json!(format!("{low:.3} … {high:.3}"));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::outcomes;

    #[test]
    fn each_number_is_in_the_file_of_its_direction() {
        let [smaller, bigger] = [false, true].map(|bigger| action_json(&outcomes(), bigger));
        let names = |json: &Value| -> Vec<String> {
            let entries = json.as_array().unwrap().iter();
            entries
                .map(|entry| entry["name"].as_str().unwrap().to_owned())
                .collect()
        };
        assert!(names(&smaller).contains(&"chat_short/ttft-p99".to_owned()));
        assert!(names(&bigger).contains(&"chat_short/goodput".to_owned()));
        assert!(names(&smaller).iter().all(|n| !names(&bigger).contains(n)));
        insta::assert_json_snapshot!(bigger);
    }
}
