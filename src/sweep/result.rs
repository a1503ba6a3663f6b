//! The numbers of a bench under the keys of `vllm bench serve`.

use crate::{
    bench::Bench,
    report::{JsonOptions, Report, VllmMetric, VllmOptions, vllm_json},
};
use jiff::Zoned;
use serde_json::{Map, Value};

/// The keys of a result file for a bench that no command line describes.
pub(crate) fn result(bench: &Bench, report: &Report) -> Map<String, Value> {
    let run = report.run();
    let vllm = VllmOptions {
        percentile_metrics: Some(vec![
            VllmMetric::Ttft,
            VllmMetric::Tpot,
            VllmMetric::Itl,
            VllmMetric::E2el,
        ]),
        goodput_given: !bench.demands.goodput.is_empty(),
        ..VllmOptions::default()
    };
    let options = JsonOptions {
        date: Zoned::now().strftime("%Y%m%d-%H%M%S").to_string(),
        model_id: Some(report.model().to_owned()),
        tokenizer_id: vllm.tokenizer_id(run),
        num_prompts: bench.load.planned(),
        vllm,
        ..JsonOptions::default()
    };
    let json = vllm_json(run, report.metrics(), report.judgement(), &options);
    match serde_json::to_value(json) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}
