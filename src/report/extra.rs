//! The key `goodput` of a result file: what vLLM does not know or does not report.

use super::{client, failures::first_errors, frontends, server};
use crate::{
    judge::{Curve, Expect, Judgement},
    metrics::{Course, Metrics, Stalls, Summary, Timeline},
    record::{CountSource, Record, TokenCount},
    run::Run,
};
use goodput_grammar::goodput::RequestLimit;
use serde_json::{Map, Value, json};

/// The version of the `goodput` key's form. It rises when a reader of the older form would be
/// misled.
pub const SCHEMA: u32 = 1;

pub(super) fn extra(
    run: &Run,
    metrics: &Metrics,
    judgement: &Judgement,
    dataset: Option<&str>,
) -> Value {
    let setup = &run.setup;
    let mut extra = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "name": setup.name,
        "target": setup.target,
        "simulated": setup.simulated,
        "partial": run.partial,
        "model": setup.model,
        "dataset": dataset,
        "seed": setup.seed,
        "plan_hash": setup.plan_hash,
        "open_loop": setup.open_loop,
        "bench": setup.bench,
        "verdict": judgement.verdict,
        "findings": judgement.findings,
        "slos": judgement.slos,
        "limits": limits(&metrics.goodput.limits),
        "goodput": metrics.goodput,
        "requests": metrics.counts,
        "throughput": metrics.throughput,
        "peaks": metrics.peaks,
        "latency": latency(metrics),
        "histograms": histograms(metrics),
        "errors": errors(metrics),
        "error_groups": judgement.errors,
        "first_errors": first_errors(run),
        "worst": judgement.worst,
        "token_counts": {
            "input": sources(run, |record| record.input),
            "output": sources(run, |record| record.output),
        },
        "audit": run.audit,
        "client": client::lines(run, metrics),
    });
    if !setup.frontends.is_empty() {
        extra["frontends"] = json!(frontends::counts(run));
    }
    if let Some(course) = Course::of(run) {
        extra["course"] = json!(course);
    }
    if let Some(stalls) = Stalls::of(run, &metrics.latency.itl) {
        extra["stalls"] = json!(stalls);
    }
    let slowest = Timeline::of_slowest(run);
    if !slowest.is_empty() {
        extra["slowest"] = json!(slowest);
    }
    if let Some(server) = &run.server {
        extra["server"] = server::value(server);
    }
    if judgement.expect != Expect::default() {
        extra["expect"] = json!(judgement.expect);
    }
    if let Some(function) = &judgement.function {
        extra["function"] = json!(function);
    }
    if let Some(probes) = &metrics.probes {
        extra["probes"] = json!(probes);
    }
    if let Some(sessions) = &metrics.sessions {
        extra["sessions"] = json!(sessions);
    }
    if let Some(warm_up) = run.warm_up {
        extra["warm_up"] = json!({
            "requests": warm_up.requests,
            "failed": warm_up.failed,
            "duration": warm_up.duration.as_secs_f64(),
        });
    }
    if let Some(ending) = &run.ending {
        extra["ending"] = json!(ending);
        extra["ending"]["at"] = json!(ending.at.as_secs_f64());
    }
    if let Some(steady) = &run.steady {
        extra["steady"] = json!({
            "from": steady.from.as_secs_f64(),
            "to": steady.to.as_secs_f64(),
            "cut_start": steady.cut_start,
            "cut_end": steady.cut_end,
            "settled": steady.settled,
        });
    }
    if let Some(rounds) = &metrics.rounds {
        extra["rounds"] = json!(rounds);
    }
    if !metrics.classes.is_empty() {
        let classes = metrics.classes.iter();
        let classes = classes.map(|class| (class.name.clone(), of_class(&class.metrics)));
        extra["classes"] = classes.collect::<Map<_, _>>().into();
    }
    if let Some(fairness) = &metrics.fairness {
        extra["fairness"] = json!(fairness);
    }
    if let Some(share) = metrics.cached_share {
        extra["cached_share"] = json!(share);
    }
    if let Some(structured) = &metrics.structured {
        extra["structured"] = json!(structured);
    }
    if let Some(capacity) = &judgement.capacity {
        extra["capacity"] = json!(capacity);
    }
    if let Some(curve) = Curve::of(run, metrics, judgement) {
        extra["curve"] = json!(curve);
    }
    if let Some(comparison) = &judgement.comparison {
        extra["comparison"] = json!({
            "conclusion": comparison.conclusion(),
            "detectable": comparison.detectable(),
        });
        merge(&mut extra["comparison"], json!(comparison));
    }
    extra
}

/// The numbers of one class, under the names that those of the run have.
fn of_class(metrics: &Metrics) -> Value {
    let mut class = json!({
        "goodput": metrics.goodput,
        "requests": metrics.counts,
        "throughput": metrics.throughput,
        "latency": latency(metrics),
    });
    if let Some(share) = metrics.cached_share {
        class["cached_share"] = json!(share);
    }
    class
}

/// The gate's latencies, and those that do not depend on when a request starts.
fn latency(metrics: &Metrics) -> Value {
    let mut latency = json!(metrics.gate);
    latency["tpot_ms"] = json!(metrics.latency.tpot);
    latency["itl_ms"] = json!(metrics.latency.itl);
    latency
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// The gate's latencies as `[µs, count]` pairs: small, and two runs' can be added up.
fn histograms(metrics: &Metrics) -> Value {
    let pairs = |summary: &Summary| {
        let buckets = summary.histogram().buckets();
        let pairs = buckets
            .iter()
            .map(|bucket| json!([bucket.micros, bucket.count]));
        Value::from_iter(pairs)
    };
    let usual = metrics.usual();
    Value::from_iter(usual.map(|(latency, summary)| (format!("{latency}_us"), pairs(summary))))
}

fn limits(limits: &[RequestLimit]) -> Value {
    let mut all = Map::new();
    for limit in limits {
        let key = format!("{}_ms", limit.metric);
        let at_most = json!(limit.at_most.as_secs_f64() * 1e3);
        match limit.class {
            None => {
                all.insert(key, at_most);
            }
            Some(class) => all.entry(class.to_string()).or_insert_with(|| json!({}))[key] = at_most,
        }
    }
    all.into()
}

/// Failures by kind, most frequent message first.
fn errors(metrics: &Metrics) -> Value {
    let mut kinds = Map::new();
    for group in &metrics.errors {
        let before = kinds.get(&group.kind).and_then(Value::as_u64).unwrap_or(0);
        kinds.insert(group.kind.clone(), json!(before + group.count));
    }
    kinds.into()
}

/// The number of successes whose tokens come from each source.
fn sources(run: &Run, count: fn(&Record) -> TokenCount) -> Value {
    let from = |source| {
        let successes = run.records.iter().filter(|record| record.ok());
        successes
            .filter(|record| count(record).source == source)
            .count()
    };
    json!({
        "usage": from(CountSource::Usage),
        "tokenizer": from(CountSource::Tokenizer),
        "estimate": from(CountSource::Estimate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{criteria, failing_run};

    #[test]
    fn the_goodput_key() {
        let run = failing_run();
        let (metrics, judgement) = criteria().assess(&run);
        let dataset = Some("random(input = 256, output = 4)");
        let extra = extra(&run, &metrics, &judgement, dataset);
        let text = serde_json::to_string_pretty(&extra).unwrap();
        insta::assert_snapshot!(text);
    }
}
