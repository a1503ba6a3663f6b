//! Runs of result files.

use super::bench::{Benches, Run};
use crate::{
    grammar::slo,
    history::{PastLoad, PastNumber},
    judge::{SloResult, Unit},
    results::Reading,
};
use serde_json::{Map, Value};

/// Numbers by vLLM's keys: the name, the key, the unit, and whether larger is better.
const OF_VLLM: [(&str, &str, Unit, bool); 7] = [
    (
        "throughput(output)",
        "output_throughput",
        Unit::TokensPerSecond,
        true,
    ),
    ("p50(ttft)", "median_ttft_ms", Unit::Milliseconds, false),
    ("p99(ttft)", "p99_ttft_ms", Unit::Milliseconds, false),
    ("p50(itl)", "median_itl_ms", Unit::Milliseconds, false),
    ("p99(itl)", "p99_itl_ms", Unit::Milliseconds, false),
    ("p50(e2el)", "median_e2el_ms", Unit::Milliseconds, false),
    ("p99(e2el)", "p99_e2el_ms", Unit::Milliseconds, false),
];

/// Numbers as goodput counts them, from the plan: the name and its place in the key `goodput`.
const OF_GOODPUT: [(&str, &str); 5] = [
    ("p50(ttft)", "/latency/ttft_ms/p50"),
    ("p99(ttft)", "/latency/ttft_ms/p99"),
    ("p50(e2el)", "/latency/e2el_ms/p50"),
    ("p99(e2el)", "/latency/e2el_ms/p99"),
    ("goodput", "/goodput/ratio"),
];

/// Adds the run of a result. An invalid one has no numbers that belong into a history.
///
/// # Errors
/// The result has no date.
pub(super) fn add(reading: &Reading, benches: &mut Benches) -> Result<(), String> {
    let (values, own) = (reading.values(), reading.own());
    let text = |key: &str| values.get(key).and_then(Value::as_str);
    let Some(at) = text("date").and_then(time) else {
        return Err("has no `date`, so its place in the history is not known".to_owned());
    };
    let verdict = own
        .and_then(|own| own.get("verdict"))
        .and_then(Value::as_str);
    if verdict == Some("invalid") {
        return Ok(());
    }
    let name = own.and_then(|own| own.get("name")).and_then(Value::as_str);
    let name = text("label").or(name).or(text("endpoint_type"));
    let run = Run {
        at,
        commit: text("commit").map(str::to_owned),
        outcome: verdict.map(str::to_owned),
        numbers: numbers(values, own),
    };
    benches.add(name.unwrap_or("a run"), load(values, own), run);
    Ok(())
}

/// vLLM's `20261201-032558` as `2026-12-01T03:25:58`, in the zone of the machine that wrote it.
fn time(date: &str) -> Option<String> {
    let digits = |range: std::ops::Range<usize>| {
        let part = date.get(range)?;
        part.chars().all(|c| c.is_ascii_digit()).then_some(part)
    };
    let [year, month, day] = [digits(0..4)?, digits(4..6)?, digits(6..8)?];
    let [hour, minute, second] = [digits(9..11)?, digits(11..13)?, digits(13..15)?];
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}

fn load(values: &Map<String, Value>, own: Option<&Value>) -> PastLoad {
    let text = |key: &str| values.get(key)?.as_str().map(str::to_owned);
    let own_is = |key: &str| own.is_some_and(|own| own[key] == Value::Bool(true));
    let dataset = own.and_then(|own| own.get("dataset")?.as_str());
    PastLoad {
        exact: own_is("simulated"),
        backend: text("endpoint_type").or_else(|| text("backend")),
        model: text("model_id"),
        dataset: dataset.map(str::to_owned),
        requests: values.get("num_prompts").and_then(Value::as_u64),
        // Without a rate it is the text `inf`.
        rate: values.get("request_rate").and_then(Value::as_f64),
        max_concurrency: values.get("max_concurrency").and_then(Value::as_u64),
    }
}

fn numbers(values: &Map<String, Value>, own: Option<&Value>) -> Vec<PastNumber> {
    let mut numbers: Vec<PastNumber> = Vec::new();
    let mut put = |name: &str, unit, bigger_is_better, value: Option<f64>, limit| {
        let Some(value) = value else { return };
        let number = PastNumber {
            name: name.to_owned(),
            unit,
            bigger_is_better,
            value,
            limit,
        };
        match numbers.iter_mut().find(|other| other.name == name) {
            Some(other) => *other = number,
            None => numbers.push(number),
        }
    };
    for (name, key, unit, bigger) in OF_VLLM {
        put(
            name,
            unit,
            bigger,
            values.get(key).and_then(Value::as_f64),
            None,
        );
    }
    let Some(own) = own else { return numbers };
    for (name, place) in OF_GOODPUT {
        let (unit, bigger) = match name {
            "goodput" => (Unit::Ratio, true),
            _ => (Unit::Milliseconds, false),
        };
        put(
            name,
            unit,
            bigger,
            own.pointer(place).and_then(Value::as_f64),
            None,
        );
    }
    let results = own.get("slos").cloned().unwrap_or_default();
    let results: Vec<SloResult> = serde_json::from_value(results).unwrap_or_default();
    for result in results {
        let parsed = slo::parse(&result.slo);
        let Ok([slo]) = parsed.as_deref() else {
            continue;
        };
        let bigger = !slo.subject.from_above();
        let unit = Unit::of(&slo.subject);
        put(
            &slo.number(),
            unit,
            bigger,
            result.value,
            Some(result.limit),
        );
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("20261201-032558", Some("2026-12-01T03:25:58"))]
    #[case("2026-12-01", None)]
    #[case("é0261201-032558", None)]
    #[case("", None)]
    fn vllms_dates(#[case] date: &str, #[case] at: Option<&str>) {
        assert_eq!(time(date).as_deref(), at);
    }
}
