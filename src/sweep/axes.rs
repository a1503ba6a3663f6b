//! What a sweep varies: settings with several values, and all combinations of them.

use serde_json::Value;

/// Settings that change together, with the values that they take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) keys: Vec<String>,
    /// For each step, a value of each key.
    pub(crate) steps: Vec<Vec<Value>>,
}

/// One combination: each setting that varies, with its value, in the order of the axes.
pub(crate) type Point = Vec<(String, Value)>;

/// The largest number of cases of a sweep.
pub(crate) const MOST: usize = 10_000;

impl Axis {
    fn step(&self, step: &[Value]) -> Point {
        self.keys
            .iter()
            .cloned()
            .zip(step.iter().cloned())
            .collect()
    }
}

/// The number of combinations.
pub(crate) fn size(axes: &[Axis]) -> usize {
    axes.iter()
        .fold(1, |size, axis| size.saturating_mul(axis.steps.len()))
}

/// All combinations, the last axis fastest. There are [`size`] of them.
pub(crate) fn product(axes: &[Axis]) -> Vec<Point> {
    axes.iter().fold(vec![Vec::new()], |points, axis| {
        let longer = |point: &Point| {
            let steps = axis.steps.iter().map(|step| axis.step(step));
            steps
                .map(|step| point.iter().cloned().chain(step).collect())
                .collect::<Vec<Point>>()
        };
        points.iter().flat_map(longer).collect()
    })
}

/// A value as names and tables show it: text without quotes, everything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    impl Axis {
        /// One setting with its values.
        fn of(key: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
            Axis {
                keys: vec![key.into()],
                steps: values.into_iter().map(|value| vec![value]).collect(),
            }
        }
    }

    #[test]
    fn the_last_axis_changes_fastest_and_linked_settings_change_together() {
        let pairs = Axis {
            keys: vec!["c".into(), "n".into()],
            steps: vec![vec![json!(1), json!(10)], vec![json!(4), json!(40)]],
        };
        let points = product(&[Axis::of("rate", [json!(1), json!("inf")]), pairs]);
        let text = |point: &Point| {
            let pairs = point
                .iter()
                .map(|(key, value)| format!("{key}={}", shown(value)));
            pairs.collect::<Vec<_>>().join(" ")
        };
        let texts: Vec<String> = points.iter().map(text).collect();
        assert_eq!(
            texts,
            [
                "rate=1 c=1 n=10",
                "rate=1 c=4 n=40",
                "rate=inf c=1 n=10",
                "rate=inf c=4 n=40"
            ]
        );
    }

    #[test]
    fn nothing_that_varies_is_one_case() {
        assert_eq!(product(&[]), vec![Vec::new()]);
        assert_eq!(size(&[]), 1);
    }

    proptest! {
        #[test]
        fn each_combination_comes_once(lengths in prop::collection::vec(0_usize..5, 0..5)) {
            let axes: Vec<Axis> = lengths
                .iter()
                .enumerate()
                .map(|(axis, length)| Axis::of(format!("a{axis}"), (0..*length).map(|v| json!(v))))
                .collect();
            let mut points: Vec<String> =
                product(&axes).iter().map(|point| format!("{point:?}")).collect();
            prop_assert_eq!(points.len(), size(&axes));
            points.sort();
            points.dedup();
            prop_assert_eq!(points.len(), size(&axes));
        }
    }
}
