//! What the server reported about the run, in words and for the key `goodput` of result files.

use crate::{
    judge::number,
    metrics::{Counts, Metrics},
    run::{GaugeSample, GaugeSeries, Run, ServerCounts, ServerSide, Task},
};
use serde_json::{Map, Value, json};

/// Lines of the summary: what the server counted next to what was counted here, its series, and the probes.
pub(super) fn lines(run: &Run, metrics: &Metrics) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut line = |label, text: Option<String>| lines.extend(text.map(|text| (label, text)));
    line("server", ttft(run, metrics));
    let side = run.server.as_ref();
    line("server", counted(run, &metrics.counts));
    line(
        "server",
        side.and_then(|side| series(side.gauges.as_ref()?)),
    );
    line("probes", probes(metrics));
    lines
}

fn ttft(run: &Run, metrics: &Metrics) -> Option<String> {
    let server = run.audit.server_ttft?;
    let ours = &metrics.latency.ttft;
    Some(format!(
        "ttft {} ms on average of {} by its /metrics, {} ms of {} from sending here",
        number(server.mean_ms),
        server.count,
        number(ours.mean),
        ours.count,
    ))
}

fn counted(run: &Run, ours: &Counts) -> Option<String> {
    let side = run.server.as_ref()?;
    if side.restarted {
        return Some("restarted during the run: its counts say nothing".to_owned());
    }
    let counts = side.counted.as_ref()?;
    let mut parts = Vec::new();
    if let Some(tokens) = counts.prompt_tokens {
        let cached = counts.cached_prompt_tokens.filter(|count| *count > 0);
        let cached = cached.map_or(String::new(), |cached| format!(", {cached} of them cached"));
        let here = ours.input_tokens;
        parts.push(format!("{tokens} prompt tokens ({here} here){cached}"));
    }
    let generates = run.setup.task == Task::Generate;
    if let Some(tokens) = counts.generation_tokens.filter(|_| generates) {
        parts.push(format!("{tokens} generated ({} here)", ours.output_tokens));
    }
    if let Some(preemptions) = counts.preemptions.filter(|count| *count > 0) {
        let plural = if preemptions == 1 { "" } else { "s" };
        parts.push(format!("{preemptions} preemption{plural}"));
    }
    parts.extend(cache(counts));
    parts.extend(drafts(counts));
    let off = match counts.off_by {
        0 => String::new(),
        by => format!("; its page rounds by up to {by}"),
    };
    (!parts.is_empty()).then(|| format!("by its /metrics {}{off}", parts.join(", ")))
}

fn cache(counts: &ServerCounts) -> Option<String> {
    let hits = counts.prefix_cache?.hit_ratio()?;
    Some(format!("prefix cache hits {} %", number(hits * 100.0)))
}

fn drafts(counts: &ServerCounts) -> Option<String> {
    let rates = counts.spec_decode.as_ref()?.rates()?;
    Some(format!(
        "{} % of draft tokens accepted",
        number(rates.acceptance_percent)
    ))
}

/// Means and peaks of the samples.
fn series(series: &GaugeSeries) -> Option<String> {
    type Gauge = fn(&GaugeSample) -> Option<f64>;
    let gauges: [(&str, &str, f64, Gauge); 4] = [
        ("running", "", 1.0, |sample| sample.running),
        ("waiting", "", 1.0, |sample| sample.waiting),
        ("KV memory", " %", 100.0, |sample| sample.kv_usage),
        ("memory", " MiB", 1.0 / 1_048_576.0, |sample| {
            sample.memory_bytes
        }),
    ];
    let part = |(name, unit, scale, gauge): (&str, &str, f64, Gauge)| {
        let values: Vec<f64> = series.samples.iter().filter_map(gauge).collect();
        let most = values.iter().copied().reduce(f64::max)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(format!(
            "{name} {}{unit} on average, {}{unit} at most",
            number(mean * scale),
            number(most * scale)
        ))
    };
    let parts: Vec<String> = gauges.into_iter().filter_map(part).collect();
    let samples = series.samples.len();
    (!parts.is_empty()).then(|| format!("{} ({samples} samples)", parts.join("; ")))
}

fn probes(metrics: &Metrics) -> Option<String> {
    let probes = metrics.probes.as_ref()?;
    let latencies = match probes.completed {
        0 => String::new(),
        _ => format!(
            ", e2el p50 {} ms, p99 {} ms, {} ms at most",
            number(probes.e2el.median),
            number(probes.e2el.percentile(99.0)),
            number(probes.e2el.max)
        ),
    };
    Some(format!(
        "{} ok, {} failed{latencies}",
        probes.completed, probes.failed
    ))
}

/// The key `server`: as stored, with its ratios, and the series by columns.
pub(super) fn value(side: &ServerSide) -> Value {
    let mut value = json!(side);
    let cache = side.counted.as_ref().and_then(|counts| counts.prefix_cache);
    if let Some(ratio) = cache.and_then(|cache| cache.hit_ratio()) {
        value["counted"]["prefix_cache"]["hit_ratio"] = json!(ratio);
    }
    if let Some(series) = &side.gauges {
        value["gauges"] = columns(series);
    }
    value
}

/// Columns of equal length; those that the server does not show are left out.
fn columns(series: &GaugeSeries) -> Value {
    type Column = fn(&GaugeSample) -> Value;
    let all: [(&str, Column); 8] = [
        ("at_s", |sample| json!(sample.at.as_secs_f64())),
        ("running", |sample| json!(sample.running)),
        ("waiting", |sample| json!(sample.waiting)),
        ("kv_usage", |sample| json!(sample.kv_usage)),
        ("preemptions", |sample| json!(sample.preemptions)),
        ("cached_prompt_tokens", |sample| {
            json!(sample.cached_prompt_tokens)
        }),
        ("generation_tokens", |sample| {
            json!(sample.generation_tokens)
        }),
        ("memory_bytes", |sample| json!(sample.memory_bytes)),
    ];
    let mut columns = Map::new();
    columns.insert("interval_ms".to_owned(), json!(series.interval_ms));
    for (name, column) in all {
        let values: Vec<Value> = series.samples.iter().map(column).collect();
        if values.iter().any(|value| !value.is_null()) {
            columns.insert(name.to_owned(), Value::Array(values));
        }
    }
    Value::Object(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::{
            measure,
            testing::{record, run_of},
        },
        record::{Record, RequestError},
        run::{PrefixCache, ServerTtft, SpecDecode},
    };

    fn told() -> Run {
        let mut run = run_of(vec![record(0, &[50, 60], 2), record(10, &[80], 1)]);
        run.audit.server_ttft = Some(ServerTtft {
            count: 2,
            mean_ms: 41.25,
        });
        let sample = |at: u64, running: f64| GaugeSample {
            at: Nanos(at * 500_000_000),
            running: Some(running),
            waiting: Some(0.0),
            kv_usage: Some(0.125 * running),
            preemptions: Some(at),
            ..GaugeSample::default()
        };
        run.server = Some(ServerSide {
            about: [("version".to_owned(), "0.32.0".to_owned())].into(),
            engine: Some("vLLM".to_owned()),
            counted: Some(ServerCounts {
                prompt_tokens: Some(20),
                cached_prompt_tokens: Some(16),
                generation_tokens: Some(3),
                preemptions: Some(1),
                prefix_cache: Some(PrefixCache {
                    queries: 20,
                    hits: 16,
                }),
                spec_decode: Some(SpecDecode {
                    drafts: 2,
                    draft_tokens: 8,
                    accepted_tokens: 3,
                    accepted_at: vec![2, 1],
                }),
                diffusion: None,
                off_by: 0,
            }),
            restarted: false,
            gauges: Some(GaugeSeries {
                interval_ms: 500.0,
                samples: vec![sample(0, 2.0), sample(1, 1.0)],
            }),
        });
        run.probes = vec![record(0, &[7], 1), record(500, &[509], 1)];
        run
    }

    fn text(run: &Run) -> String {
        let lines = lines(run, &measure(run, &[]));
        let lines = lines
            .iter()
            .map(|(label, text)| format!("{label}: {text}\n"));
        lines.collect()
    }

    #[test]
    fn all_lines() {
        insta::assert_snapshot!(text(&told()), @r"
        server: ttft 41.25 ms on average of 2 by its /metrics, 60.00 ms of 2 from sending here
        server: by its /metrics 20 prompt tokens (20 here), 16 of them cached, 3 generated (3 here), 1 preemption, prefix cache hits 80.00 %, 37.50 % of draft tokens accepted
        server: running 1.50 on average, 2.00 at most; waiting 0 on average, 0 at most; KV memory 18.75 % on average, 25.00 % at most (2 samples)
        probes: 2 ok, 0 failed, e2el p50 8.00 ms, p99 8.98 ms, 9.00 ms at most
        ");
    }

    #[test]
    fn a_page_that_rounds_is_not_taken_at_its_word() {
        let mut run = told();
        let side = run.server.as_mut().unwrap();
        side.counted = Some(ServerCounts {
            prompt_tokens: Some(30),
            off_by: 10,
            ..ServerCounts::default()
        });
        let text = text(&run);
        let line = text.lines().nth(1).unwrap();
        assert_eq!(
            line,
            "server: by its /metrics 30 prompt tokens (20 here); its page rounds by up to 10"
        );
    }

    #[test]
    fn the_key() {
        let value = value(&told().server.unwrap());
        insta::assert_snapshot!(value.to_string(), @r#"{"about":{"version":"0.32.0"},"engine":"vLLM","counted":{"prompt_tokens":20,"cached_prompt_tokens":16,"generation_tokens":3,"preemptions":1,"prefix_cache":{"queries":20,"hits":16,"hit_ratio":0.8},"spec_decode":{"drafts":2,"draft_tokens":8,"accepted_tokens":3,"accepted_at":[2,1]}},"gauges":{"interval_ms":500.0,"at_s":[0.0,0.5],"running":[2.0,1.0],"waiting":[0.0,0.0],"kv_usage":[0.25,0.125],"preemptions":[0,1]}}"#);
    }

    #[test]
    fn a_restart_is_said() {
        let mut run = run_of(vec![record(0, &[50], 1)]);
        run.server = Some(ServerSide {
            restarted: true,
            ..ServerSide::default()
        });
        run.probes = vec![Record {
            error: Some(RequestError::NoTokens),
            ..record(0, &[], 0)
        }];
        insta::assert_snapshot!(text(&run), @r"
        server: restarted during the run: its counts say nothing
        probes: 0 ok, 1 failed
        ");
    }
}
