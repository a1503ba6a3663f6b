//! What vLLM's `benchmark_serving_structured_output.py` (0.33) prints and saves besides the table.

use super::{
    fields::{VllmJson, column, put},
    json::JsonOptions,
    multi_turn::Description,
    vllm::VllmMetric,
};
use crate::{
    metrics::{Basis, Metrics, RequestTimes, gaps},
    record::Record,
    run::Run,
};
use serde_json::{Map, Value, json};

/// The line after the table: `correct_rate(%)` with the script's score, or `None` where it checks nothing. The script ends it
/// with a space, and so does this.
pub fn correct_rate(metrics: &Metrics) -> String {
    let score =
        percent(metrics).map_or_else(|| "None".to_owned(), |percent| format!("{percent:?}"));
    format!("correct_rate(%) {score} \n")
}

fn percent(metrics: &Metrics) -> Option<f64> {
    metrics.structured.as_ref()?.correct_percent
}

/// The script's result file, key for key in its order. Numbers that do not exist are null; pandas writes `NaN`.
pub fn structured_json<'a>(run: &'a Run, metrics: &Metrics, options: &JsonOptions) -> VllmJson<'a> {
    let mut result = VllmJson::default();
    let (setup, counts, rates) = (&run.setup, &metrics.counts, &metrics.throughput);
    column(&mut result, "outputs", &run.records, output);
    put(&mut result, "backend", setup.backend.as_str());
    put(&mut result, "model_id", options.model_id.as_deref());
    put(&mut result, "tokenizer_id", options.tokenizer_id.as_deref());
    put(&mut result, "num_prompts", options.num_prompts);
    put(
        &mut result,
        "request_rate",
        setup.rate.map_or(json!("inf"), Value::from),
    );
    put(&mut result, "burstiness", setup.burstiness);
    put(&mut result, "max_concurrency", setup.max_concurrency);
    put(&mut result, "correct_rate(%)", percent(metrics));
    put(&mut result, "duration", run.duration.as_secs_f64());
    put(&mut result, "completed", counts.completed);
    put(&mut result, "total_input_tokens", counts.input_tokens);
    put(&mut result, "total_output_tokens", counts.output_tokens);
    put(&mut result, "request_throughput", rates.requests);
    put(&mut result, "output_throughput", rates.output_tokens);
    put(&mut result, "total_token_throughput", rates.total_tokens);
    put(&mut result, "ttft_description", described(run, ttft));
    put(&mut result, "tpot_description", described(run, tpot));
    column(&mut result, "input_lens", &run.records, |record| {
        json!(record.input.tokens)
    });
    column(&mut result, "output_lens", &run.records, |record| {
        json!(if record.ok() { record.output.tokens } else { 0 })
    });
    column(&mut result, "ttfts", &run.records, |record| {
        json!(ttft(record))
    });
    column(&mut result, "itls", &run.records, |record| {
        json!(
            gaps(record)
                .map(|gap| gap.as_secs_f64())
                .collect::<Vec<_>>()
        )
    });
    column(
        &mut result,
        "errors",
        &run.records,
        |record| match &record.error {
            Some(error) => json!(error.to_string()),
            None => json!(""),
        },
    );
    statistics(&mut result, metrics, options);
    result
}

/// `outputs`: what was generated, what the dataset expects, and whether the script counts it.
fn output(record: &Record) -> Value {
    let answered = record.structure.as_deref();
    json!({
        "generated": if record.ok() { record.text.as_str() } else { "" },
        "expected": answered.and_then(|answered| answered.expected.as_deref()),
        "correctness": answered.and_then(|answered| answered.correct),
    })
}

/// Seconds; 0 of a request that has none, as in the script.
fn ttft(record: &Record) -> f64 {
    let times = RequestTimes::of(record, Basis::Sent);
    times
        .and_then(|times| times.ttft())
        .map_or(0.0, |ttft| ttft.as_secs_f64())
}

fn tpot(record: &Record) -> f64 {
    let times = RequestTimes::of(record, Basis::Sent).filter(|_| record.ok());
    times.and_then(|times| times.tpot_ms()).unwrap_or(0.0) / 1e3
}

/// pandas' `describe` of one value a request, failed ones included.
fn described(run: &Run, value: fn(&Record) -> f64) -> Value {
    const STATISTICS: [&str; 8] = ["count", "mean", "std", "min", "25%", "50%", "75%", "max"];
    let values = run.records.iter().map(value).collect();
    let description = Description::of(vec![("", values)], 0);
    let row = description.rows.first().map_or(&[][..], |(_, row)| row);
    let described = description.statistics.iter().zip(row);
    let kept = described.filter(|(name, _)| STATISTICS.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn statistics(result: &mut VllmJson<'_>, metrics: &Metrics, options: &JsonOptions) {
    const USUAL: [VllmMetric; 3] = [VllmMetric::Ttft, VllmMetric::Tpot, VllmMetric::Itl];
    let chosen = options.vllm.percentile_metrics.as_deref().unwrap_or(&USUAL);
    let known = [USUAL[0], USUAL[1], USUAL[2], VllmMetric::E2el];
    for metric in known.into_iter().filter(|metric| chosen.contains(metric)) {
        let (summary, name) = (metric.of(metrics), metric.name());
        let or_zero = |value: f64| if value.is_nan() { 0.0 } else { value };
        put(result, &format!("mean_{name}_ms"), or_zero(summary.mean));
        put(
            result,
            &format!("median_{name}_ms"),
            or_zero(summary.median),
        );
        put(result, &format!("std_{name}_ms"), or_zero(summary.std));
        for (percentile_name, percentile) in options.vllm.percentiles() {
            let value = or_zero(summary.percentile(percentile));
            put(result, &format!("p{percentile_name}_{name}_ms"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{
            measure,
            testing::{record, run_of},
        },
        record::RequestError,
        structure::{Answered, Validity},
    };

    fn run() -> Run {
        let answered = |index: usize, correct: bool| {
            let mut record = record(0, &[100, 150, 200], 3);
            record.index = index;
            record.text = "{}".to_owned();
            record.structure = Some(Box::new(Answered {
                kind: "json".to_owned(),
                sent: true,
                checked: true,
                validity: Some(Validity::Valid),
                correct: Some(correct),
                expected: Some("{\"a\": 1}".to_owned()),
            }));
            record
        };
        let mut failed = answered(2, false);
        failed.error = Some(RequestError::NoTokens);
        failed.events = std::iter::empty().collect();
        run_of(vec![answered(0, true), answered(1, true), failed])
    }

    /// The order of the script's `json.dump`, by reference/anchors of vLLM 0.33.
    #[test]
    fn keys_have_the_scripts_order() {
        let run = run();
        let metrics = measure(&run, &[]);
        let text = serde_json::to_string(&structured_json(&run, &metrics, &JsonOptions::default()));
        let result: Map<String, Value> = serde_json::from_str(&text.unwrap()).unwrap();
        let keys: Vec<&str> = result.keys().map(String::as_str).collect();
        let head = "outputs backend model_id tokenizer_id num_prompts request_rate burstiness max_concurrency \
                    correct_rate(%) duration completed total_input_tokens total_output_tokens request_throughput \
                    output_throughput total_token_throughput ttft_description tpot_description input_lens output_lens \
                    ttfts itls errors";
        let statistics = ["ttft", "tpot", "itl"].map(|name| {
            ["mean", "median", "std", "p99"].map(|statistic| format!("{statistic}_{name}_ms"))
        });
        let expected: Vec<String> = head
            .split_whitespace()
            .map(str::to_owned)
            .chain(statistics.into_iter().flatten())
            .collect();
        assert_eq!(keys, expected);
        let output: Vec<&String> = result["outputs"][0].as_object().unwrap().keys().collect();
        assert_eq!(output, ["generated", "expected", "correctness"]);
        assert_eq!(
            result["outputs"][2],
            json!({"generated": "", "expected": "{\"a\": 1}", "correctness": false})
        );
        // pandas 2.3: `pd.Series([0.1, 0.1, 0.0]).describe()`.
        let described = &result["ttft_description"];
        let names: Vec<&String> = described.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["count", "mean", "std", "min", "25%", "50%", "75%", "max"]
        );
        assert_eq!(
            (&described["count"], &described["25%"]),
            (&json!(3.0), &json!(0.05))
        );
        assert!((described["std"].as_f64().unwrap() - 0.057_735_026_918_962_58).abs() < 1e-12);
    }

    #[test]
    fn the_line_is_the_scripts() {
        let metrics = measure(&run(), &[]);
        assert_eq!(
            correct_rate(&metrics),
            "correct_rate(%) 66.66666666666666 \n"
        );
        assert_eq!(
            correct_rate(&measure(&run_of(Vec::new()), &[])),
            "correct_rate(%) None \n"
        );
    }
}
