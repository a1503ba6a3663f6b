//! The lines about classes of requests, and about clients.

use crate::{
    judge::number,
    metrics::{Fairness, Metrics},
};

/// Lines about each class, and how evenly clients were served; none without classes and clients.
pub(super) fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let classes = metrics.classes.iter().map(|class| {
        let text = format!("{}: {}", class.name, of_class(&class.metrics));
        ("class", text)
    });
    let fairness = metrics
        .fairness
        .iter()
        .map(|fairness| ("fairness", even(fairness)));
    classes.chain(fairness).collect()
}

fn of_class(metrics: &Metrics) -> String {
    let counts = &metrics.counts;
    let mut parts = vec![match counts.ended() {
        1 => "1 request".to_owned(),
        ended => format!("{ended} requests"),
    }];
    if counts.failed > 0 {
        parts.push(format!("{} failed", counts.failed));
    }
    if !metrics.goodput.limits.is_empty() && metrics.goodput.counted > 0 {
        parts.push(format!("{} % good", number(metrics.goodput.ratio * 100.0)));
    }
    for (name, latency) in [("TTFT", &metrics.gate.ttft), ("E2EL", &metrics.gate.e2el)] {
        if !latency.is_empty() {
            let (p50, p99) = (number(latency.median), number(latency.percentile(99.0)));
            parts.push(format!("{name} p50 {p50} ms, p99 {p99} ms"));
        }
    }
    let output = metrics.throughput.output_tokens;
    if output > 0.0 {
        parts.push(format!("{} output tok/s", number(output)));
    }
    parts.join(", ")
}

fn even(fairness: &Fairness) -> String {
    let clients = fairness.clients.len();
    let served = || fairness.clients.iter().map(|client| client.service);
    let all: f64 = served().sum();
    let share = |service: f64| number(service / all * 100.0);
    let least = share(served().fold(f64::INFINITY, f64::min));
    let most = share(served().fold(0.0, f64::max));
    format!(
        "Jain's index {} over {clients} clients, by input + 2 x output tokens; the least has {least} %, the most {most} %",
        number(fairness.jain)
    )
}
