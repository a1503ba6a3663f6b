//! Prometheus text, for a Pushgateway or node_exporter's textfile collector.

use super::{Measure, Outcome};
use crate::{label::escaped, metrics::definition};
use goodput_grammar::slo::{Class, Latency, Part, Subject};
use std::fmt::Write;

/// The numbers of all benches in the text exposition format 0.0.4, in Prometheus' base units: seconds and ratios. All
/// are gauges, because each belongs to one run; `goodput_exit_code` says how it ended.
pub fn prometheus_text(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, samples: Vec<(String, f64)>| {
        if samples.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{{{labels}}} {value}");
        }
    };
    let each = |value: &dyn Fn(&Outcome) -> Option<f64>| -> Vec<(String, f64)> {
        let values = outcomes.iter().map(|outcome| (outcome, value(outcome)));
        values
            .filter_map(|(outcome, value)| Some((labels(outcome), value?)))
            .collect()
    };
    family(
        "goodput_exit_code",
        "How the bench ended: 0 pass or ignored, 1 fail, 2 unusable input, 3 inconclusive, 4 invalid.",
        each(&|outcome| Some(f64::from(outcome.exit_code()))),
    );
    let counted = |count: fn(&crate::metrics::Counts) -> u64| {
        each(&|outcome| Some(count(&outcome.measured.as_ref()?.counts) as f64))
    };
    family(
        "goodput_requests_completed",
        "Requests that succeeded.",
        counted(|counts| counts.completed),
    );
    family(
        "goodput_requests_failed",
        "Requests that failed.",
        counted(|counts| counts.failed),
    );
    for (name, help) in &families() {
        let samples = outcomes.iter().flat_map(|outcome| {
            let measures = outcome.measured.iter().flat_map(|m| &m.measures);
            let samples = measures.map(sample);
            samples
                .filter(|(family, ..)| family == name)
                .map(|(_, label, value)| (labels(outcome) + &label, value))
        });
        let samples = samples.collect();
        family(name, help, samples);
    }
    text
}

/// Names and help of all families of numbers.
fn families() -> Vec<(String, String)> {
    let latencies = Latency::ALL.iter().map(|latency| {
        let definition = definition(*latency);
        let from = if definition.from_start {
            "; in open loop from the planned send time"
        } else {
            ""
        };
        (seconds(*latency), format!("{}{from}.", definition.meaning))
    });
    let others = [
        (PER_SECOND, "Requests or tokens per second over the run."),
        (GOOD, "Share of requests within all per-request limits."),
        (ERRORS, "Share of requests that failed."),
        (
            CACHED,
            "Share of the prompt tokens that the server's prefix cache had.",
        ),
        (
            JAIN,
            "Jain's index of the tokens that clients were served, from 1 / clients to 1.",
        ),
        (
            QUEUE_GROWTH,
            "Share of the requests that came and stayed in flight, more and more.",
        ),
        (
            CAPACITY,
            "Highest load at which the SLOs held, in requests per second or in flight.",
        ),
        (
            VALID,
            "Share of the requests for a structure that were answered with it.",
        ),
        (
            WARM,
            "Mean latency in the later rounds over that in the first.",
        ),
        (
            DRIFT,
            "Growth over the run's time, as a share of the mean per hour.",
        ),
    ];
    let others = others.map(|(name, help)| (name.to_owned(), help.to_owned()));
    latencies.chain(others).collect()
}

const PER_SECOND: &str = "goodput_throughput_per_second";
const GOOD: &str = "goodput_good_ratio";
const ERRORS: &str = "goodput_error_ratio";

const CACHED: &str = "goodput_cached_ratio";
const VALID: &str = "goodput_valid_ratio";
const WARM: &str = "goodput_warm_ratio";
const JAIN: &str = "goodput_jain_index";
const QUEUE_GROWTH: &str = "goodput_queue_growth_ratio";
const CAPACITY: &str = "goodput_capacity";
const DRIFT: &str = "goodput_drift_ratio_per_hour";

fn seconds(latency: Latency) -> String {
    format!("goodput_{latency}_seconds")
}

/// Family, further labels and value of a number.
fn sample(measure: &Measure) -> (String, String, f64) {
    let value = measure.value;
    let (family, label, value) = match &measure.subject {
        Subject::Latency(stat, latency) => {
            (seconds(*latency), format!(",stat=\"{stat}\""), value / 1e3)
        }
        Subject::Throughput(of) => (PER_SECOND.to_owned(), format!(",of=\"{of}\""), value),
        Subject::Goodput => (GOOD.to_owned(), String::new(), value),
        Subject::Errors => (ERRORS.to_owned(), String::new(), value),
        Subject::QueueGrowth => (QUEUE_GROWTH.to_owned(), String::new(), value),
        Subject::Max(over) => (
            CAPACITY.to_owned(),
            format!(",over=\"{}\"", over.name()),
            value,
        ),
        Subject::Jain => (JAIN.to_owned(), String::new(), value),
        Subject::Cached => (CACHED.to_owned(), String::new(), value),
        Subject::Valid => (VALID.to_owned(), String::new(), value),
        Subject::Warm(latency) => (WARM.to_owned(), format!(",latency=\"{latency}\""), value),
        Subject::Drift(level) => (DRIFT.to_owned(), format!(",of=\"{level}\""), value),
    };
    let place = Part::at(measure.part.place).to_string();
    let part = match place.as_str() {
        "" => String::new(),
        place => format!(",part=\"{place}\""),
    };
    let class = match measure.part.class {
        Class::All => String::new(),
        Class::One(name) => format!(",class=\"{name}\""),
        Class::Worst => ",class=\"(worst)\"".to_owned(),
    };
    (family, label + &part + &class, value)
}

fn labels(outcome: &Outcome) -> String {
    let mut labels = format!("bench=\"{}\"", escaped(&outcome.name));
    if let Some(measured) = &outcome.measured {
        let setup = &measured.setup;
        let model = setup.model.as_deref().unwrap_or_default();
        let _ = write!(
            labels,
            ",backend=\"{}\",model=\"{}\",simulated=\"{}\"",
            escaped(&setup.backend),
            escaped(model),
            setup.simulated
        );
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{outcome, outcomes};
    use prometheus_parse::{Scrape, Value};

    /// Read by a parser that is not ours, everything is there.
    #[test]
    fn a_foreign_parser_reads_every_number() {
        let outcomes = outcomes();
        let text = prometheus_text(&outcomes);
        let lines = text.lines().map(|line| Ok(line.to_owned()));
        let scrape = Scrape::parse(lines).unwrap();
        let measures: usize = outcomes
            .iter()
            .filter_map(|o| Some(o.measured.as_ref()?.measures.len()))
            .sum();
        let measured = outcomes.iter().filter(|o| o.measured.is_some()).count();
        assert_eq!(
            scrape.samples.len(),
            measures + 2 * measured + outcomes.len()
        );
        let p99 = scrape
            .samples
            .iter()
            .find(|s| s.metric == "goodput_ttft_seconds" && s.labels.get("stat") == Some("p99"))
            .unwrap();
        assert_eq!(p99.labels.get("bench"), Some("chat_short"));
        let Value::Gauge(seconds) = p99.value else {
            panic!("{p99:?}")
        };
        let measure = outcomes[0].measured.as_ref().unwrap().measures.iter();
        let ms = measure.clone().find(|m| m.slug() == "ttft-p99").unwrap();
        assert!((seconds * 1e3 - ms.value).abs() < 1e-9);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn names_cannot_break_out_of_their_label() {
        let mut outcome = outcome("pass");
        outcome.name = "a \"b\" \\ c\nd".to_owned();
        let text = prometheus_text(&[outcome]);
        assert!(text.contains(r#"bench="a \"b\" \\ c\nd","#), "{text}");
    }
}
