//! The same latencies from both starts: from the plan, by which a run is judged, and from the send, as vLLM counts. A
//! run shows both where they differ.

use crate::{
    judge::number,
    metrics::{Metrics, Summary},
};

/// Two lines, or none where both starts give the same.
pub(super) fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    if !metrics.plan_and_send_differ() {
        return Vec::new();
    }
    let (gate, sent, goodput) = (&metrics.gate, &metrics.latency, &metrics.goodput);
    vec![
        (
            "from plan",
            format!(
                "{}; by these goodput and SLOs are judged",
                numbers(&gate.ttft, &gate.e2el, goodput.good, goodput.counted)
            ),
        ),
        (
            "from send",
            format!(
                "{}; vLLM's numbers",
                numbers(
                    &sent.ttft,
                    &sent.e2el,
                    goodput.good_from_sent,
                    goodput.counted
                )
            ),
        ),
    ]
}

fn numbers(ttft: &Summary, e2el: &Summary, good: u64, counted: u64) -> String {
    let latency = |name: &str, summary: &Summary| {
        let [p50, p90, p99] = [50.0, 90.0, 99.0].map(|q| number(summary.percentile(q)));
        let shown = format!("{name} p50 {p50} / p90 {p90} / p99 {p99} ms, ");
        if summary.is_empty() {
            String::new()
        } else {
            shown
        }
    };
    let share = good as f64 / (counted as f64).max(1.0) * 100.0;
    format!(
        "{}{}goodput {} % ({good} of {counted})",
        latency("TTFT", ttft),
        latency("E2EL", e2el),
        number(share),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Nanos,
        metrics::{
            measure,
            testing::{limit, record, run_of},
        },
    };
    use goodput_grammar::goodput::RequestMetric;

    /// Ten requests, each of which waits so much longer for its send than the one before.
    fn lines_of(step: u64) -> Vec<(&'static str, String)> {
        let records = (0..10).map(|index| {
            let sent = 1_000 + index * 100;
            let mut record = record(sent, &[sent + 50, sent + 80], 2);
            record.intended = Nanos((sent * 1_000 - index * step) * 1_000);
            record.index = index as usize;
            record
        });
        let mut run = run_of(records.collect());
        run.setup.open_loop = true;
        lines(&measure(&run, &[limit(RequestMetric::Ttft, 60)]))
    }

    #[test]
    fn a_queue_in_front_of_the_send_is_shown_from_both_starts() {
        let text: Vec<String> = lines_of(20_000).into_iter().map(|line| line.1).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        TTFT p50 140.0 / p90 212.0 / p99 228.2 ms, E2EL p50 170.0 / p90 242.0 / p99 258.2 ms, goodput 10.00 % (1 of 10); by these goodput and SLOs are judged
        TTFT p50 50.00 / p90 50.00 / p99 50.00 ms, E2EL p50 80.00 / p90 80.00 / p99 80.00 ms, goodput 100.0 % (10 of 10); vLLM's numbers
        ");
    }

    #[test]
    fn less_than_one_per_cent_is_not_worth_a_line() {
        assert_eq!(lines_of(50), []);
    }
}
