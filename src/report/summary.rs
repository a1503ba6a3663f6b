//! The report of a test or bench.

use super::{client, evidence::evidence};
use crate::{
    judge::{Judgement, number},
    metrics::{Basis, Metrics, Summary, definition, one_line},
    run::{Run, Task},
};
use goodput_grammar::slo::Latency;
use std::fmt::Write;

/// The report of a run for people: what was measured, the numbers, each SLO and the verdict with
/// its evidence. Plain text without colours; ends without a line break.
pub fn summary(run: &Run, metrics: &Metrics, judgement: &Judgement) -> String {
    let mut lines = vec![headline(run)];
    let mut line = |label: &str, text: String| lines.push(format!("  {label:<11} {text}"));
    line("target", target(run));
    line("requests", requests(metrics));
    if let Some(cut) = cut(run) {
        line("cut", cut);
    }
    line("duration", duration(run, metrics));
    for (label, text) in latencies(run, metrics) {
        line(&label, text);
    }
    line("throughput", throughput(run, metrics));
    line("goodput", goodput(metrics));
    for (label, text) in client::lines(run, metrics) {
        line(label, text);
    }
    lines.push(evidence(judgement));
    lines.join("\n")
}

fn headline(run: &Run) -> String {
    let name = &run.setup.name;
    if run.setup.simulated {
        format!("{name}: SIMULATED (the built-in simulation answered, no real server)")
    } else {
        name.clone()
    }
}

fn target(run: &Run) -> String {
    let setup = &run.setup;
    let mut text = format!("{}, {}", setup.target, setup.backend);
    if let Some(model) = &setup.model {
        let _ = write!(text, ", model {}", one_line(model));
    }
    text
}

fn requests(metrics: &Metrics) -> String {
    let counts = &metrics.counts;
    let mut text = format!("{} ok, {} failed", counts.completed, counts.failed);
    if counts.cancelled > 0 {
        let _ = write!(text, ", {} cancelled", counts.cancelled);
    }
    let _ = write!(text, " of {} planned", counts.planned);
    text
}

/// What the ends that were cut off had.
fn cut(run: &Run) -> Option<String> {
    let steady = run.steady?;
    let at_start = (steady.cut_start > 0).then(|| {
        let found = if steady.settled == Some(true) {
            " until the server had settled"
        } else {
            ""
        };
        let from = seconds(steady.from.as_secs_f64());
        format!("{} of the first {from}{found}", steady.cut_start)
    });
    let rest = (run.duration - steady.to).as_secs_f64();
    let at_end =
        (steady.cut_end > 0).then(|| format!("{} of the last {}", steady.cut_end, seconds(rest)));
    let both: Vec<String> = at_start.into_iter().chain(at_end).collect();
    if both.is_empty() {
        return Some("no request".to_owned());
    }
    let failed = run
        .records
        .iter()
        .filter(|record| record.cut && !record.ok())
        .count();
    let failed = match failed {
        0 => String::new(),
        failed => format!(" ({failed} of them failed)"),
    };
    Some(format!(
        "{}: they count in no number{failed}",
        both.join(" and ")
    ))
}

fn duration(run: &Run, metrics: &Metrics) -> String {
    let throughput = &metrics.throughput;
    let asked = match (run.setup.rate, run.setup.open_loop) {
        (Some(rate), _) => format!("{} req/s asked", number(rate)),
        (None, true) => "a changing rate asked".to_owned(),
        (None, false) if run.setup.max_concurrency.is_some() => "closed loop".to_owned(),
        (None, false) => "all at once".to_owned(),
    };
    let at_most = match run.setup.max_concurrency {
        Some(most) => format!(", {most} at a time"),
        None => String::new(),
    };
    let sent = if run.setup.open_loop {
        // The rate of a burst says how fast this machine writes.
        format!(", {} req/s sent", number(throughput.send_rate))
    } else {
        String::new()
    };
    format!(
        "{}; {asked}{at_most}{sent}, {} req/s completed",
        seconds(run.measured_time().as_secs_f64()),
        number(throughput.requests),
    )
}

/// A time in seconds, or in milliseconds where it is short.
fn seconds(time: f64) -> String {
    match time {
        _ if time < 1.0 => format!("{} ms", number(time * 1e3)),
        _ => format!("{} s", number(time)),
    }
}

/// Rows of percentiles under a heading: the gate's numbers, which limits are compared with.
fn latencies(run: &Run, metrics: &Metrics) -> Vec<(String, String)> {
    let from = match metrics.gate.basis {
        Basis::Intended => "ms, from the planned send time",
        Basis::Sent => "ms, from sending",
    };
    let heading = format!("{:>10} {:>10} {:>10}   {from}", "p50", "p90", "p99");
    let mut rows = vec![("latency".to_owned(), heading)];
    let generates = run.setup.task == Task::Generate;
    for &latency in Latency::ALL {
        let (summary, definition) = (metrics.gate(latency), definition(latency));
        let shown = if definition.usual {
            generates || !definition.of_tokens
        } else {
            // The answer's first token, where it is not the very first: the server reasons.
            !summary.is_empty() && *summary != metrics.gate.ttft
        };
        if shown {
            let label = format!("  {latency}");
            // A long name takes its room from the space before the first number.
            let longer = label.len().saturating_sub(LABEL);
            let numbers = percentiles(summary);
            let space = numbers.len() - numbers.trim_start().len();
            rows.push((label, numbers[longer.min(space)..].to_owned()));
        }
    }
    rows
}

/// The width of labels.
const LABEL: usize = 11;

fn percentiles(summary: &Summary) -> String {
    if summary.is_empty() {
        return format!("{:>10} {:>10} {:>10}", "-", "-", "-");
    }
    let [p50, p90, p99] = [50.0, 90.0, 99.0].map(|q| summary.percentile(q));
    format!("{p50:>10.2} {p90:>10.2} {p99:>10.2}")
}

fn throughput(run: &Run, metrics: &Metrics) -> String {
    let throughput = &metrics.throughput;
    let mut text = format!(
        "{} req/s, {} tok/s in",
        number(throughput.requests),
        number(throughput.input_tokens),
    );
    let _ = match run.setup.task {
        Task::Generate => write!(text, ", {} tok/s out", number(throughput.output_tokens)),
        Task::Pool => write!(text, ", {} inputs/s", number(throughput.inputs)),
    };
    if throughput.rtfx > 0.0 {
        let _ = write!(text, ", RTFx {}", number(throughput.rtfx));
    }
    text
}

fn goodput(metrics: &Metrics) -> String {
    let goodput = &metrics.goodput;
    let limits: Vec<String> = goodput
        .limits
        .iter()
        .map(|limit| {
            let ms = limit.at_most.as_secs_f64() * 1e3;
            format!("{}:{ms}", limit.metric)
        })
        .collect();
    let within = if limits.is_empty() {
        "no limits on requests: all successes count".to_owned()
    } else {
        format!("within {} ms", limits.join(" "))
    };
    format!(
        "{} % ({} of {}), {within}",
        number(goodput.ratio * 100.0),
        goodput.good,
        goodput.counted,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Criteria,
        record::{Channel, RequestError},
        report::testing::{criteria, failing_run, lifted},
    };

    fn rendered(run: &Run, criteria: &Criteria) -> String {
        let (metrics, judgement) = criteria.assess(run);
        summary(run, &metrics, &judgement)
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(rendered(&failing_run(), &criteria()));
    }

    #[test]
    fn a_passing_simulated_closed_loop() {
        let mut run = failing_run();
        run.setup.simulated = true;
        run.setup.target = "sim(ttft = 50ms, itl = 10ms)".to_owned();
        run.setup.open_loop = false;
        run.setup.rate = None;
        run.setup.max_concurrency = Some(4);
        run.records[0]
            .events
            .change(|events| events[0].channel = Channel::Reasoning);
        insta::assert_snapshot!(rendered(&run, &lifted()));
    }

    #[test]
    fn an_invalid_run() {
        let mut run = failing_run();
        run.partial = true;
        for record in &mut run.records {
            record.error = Some(RequestError::Cancelled);
        }
        insta::assert_snapshot!(rendered(&run, &criteria()));
    }
}
