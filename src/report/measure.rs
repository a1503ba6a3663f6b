//! The numbers that other tools keep from run to run, each with its interval where the run has one.

use super::Report;
use crate::{
    judge::{self, Unit},
    metrics::Metrics,
    stats::Interval,
};
use goodput_grammar::slo::{Class, Part, Stat, Subject, Throughput};

/// One number of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The number, as SLOs name it.
    pub subject: Subject,
    /// The requests that it is about.
    pub part: Part,
    /// Milliseconds, a ratio 0–1, or per second, as the subject says.
    pub value: f64,
    /// Where the server's number lies, for numbers that an SLO limits.
    pub interval: Option<Interval>,
}

const STATS: [Stat; 4] = [
    Stat::Mean,
    Stat::Percentile(50.0),
    Stat::Percentile(90.0),
    Stat::Percentile(99.0),
];

impl Measure {
    /// The numbers of a report: mean, p50, p90 and p99 of the gate's latencies, throughput, goodput and errors, of all
    /// requests and of each class; fairness; and whatever else an SLO limits. None of an invalid run, whose numbers say nothing about the server and must not
    /// enter any history.
    pub fn all(report: &Report) -> Vec<Measure> {
        if report.verdict() == judge::Verdict::Invalid {
            return Vec::new();
        }
        let metrics = report.metrics();
        let slos = &report.criteria().slos;
        let mut numbers: Vec<(Subject, Part)> = usual(metrics).map(|s| (s, Part::ALL)).collect();
        for class in report.run().classes() {
            let of_class = metrics.class(class.as_str()).unwrap_or(metrics);
            numbers.extend(usual(of_class).map(|subject| (subject, Part::of_class(class))));
        }
        if metrics.fairness.is_some() {
            numbers.push((Subject::Jain, Part::ALL));
        }
        for limited in slos.iter().map(|slo| (slo.subject, slo.part)) {
            if !numbers.contains(&limited) {
                numbers.push(limited);
            }
        }
        let judged = |number: (Subject, Part)| {
            let mut judged = slos.iter().zip(&report.judgement().slos);
            judged.find(|(slo, _)| (slo.subject, slo.part) == number)
        };
        numbers
            .into_iter()
            .filter_map(|(subject, part)| {
                let judged = judged((subject, part));
                let value = match judged {
                    Some((_, result)) => result.value,
                    None => report.number(subject, part),
                };
                Some(Measure {
                    subject,
                    part,
                    value: value?,
                    interval: judged.and_then(|(_, result)| result.interval),
                })
            })
            .collect()
    }

    /// The unit: `ms`, `ratio`, `ratio/h`, `req/s` or `tok/s`.
    pub fn unit(&self) -> &'static str {
        match Unit::of(&self.subject) {
            Unit::Milliseconds => "ms",
            Unit::Ratio => "ratio",
            Unit::RatioPerHour => "ratio/h",
            Unit::RequestsPerSecond => "req/s",
            Unit::TokensPerSecond => "tok/s",
            Unit::Requests => "req",
            Unit::Index => "index",
        }
    }

    /// Returns whether a better server has a larger value.
    pub fn bigger_is_better(&self) -> bool {
        !self.subject.from_above()
    }

    /// The number's name in lower case with hyphens, the metric first: `ttft-p99`, `throughput-output`, and the part of
    /// the run last: `ttft-p99-turn-2-on`.
    pub fn slug(&self) -> String {
        let last = self
            .part
            .to_string()
            .replace(", ", "-")
            .replace(' ', "-")
            .replace('+', "-on");
        let part = if last.is_empty() {
            last
        } else {
            format!("-{last}")
        };
        let worst = match self.part.class {
            Class::Worst => "worst-class-",
            Class::All | Class::One(_) => "",
        };
        let number = match &self.subject {
            Subject::Latency(stat, latency) => {
                // The grammar's own words, in the order that sorts.
                format!("{latency}-{stat}").replace('.', "-")
            }
            subject => subject
                .to_string()
                .replace(['(', '.'], "-")
                .replace(')', ""),
        };
        format!("{worst}{number}{part}")
    }
}

fn usual(metrics: &Metrics) -> impl Iterator<Item = Subject> {
    let latencies = metrics
        .usual()
        .flat_map(|(latency, _)| STATS.map(|stat| Subject::Latency(stat, latency)));
    latencies.chain([
        Subject::Throughput(Throughput::Requests),
        Subject::Throughput(Throughput::Input),
        Subject::Throughput(Throughput::Output),
        Subject::Goodput,
        Subject::Errors,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{criteria, failing_run, report};

    #[test]
    fn usual_and_limited_numbers_have_names_units_and_intervals() {
        let measures = Measure::all(&report(failing_run(), criteria()));
        let lines: Vec<String> = measures
            .iter()
            .map(|m| {
                let direction = if m.bigger_is_better() { "more" } else { "less" };
                let interval = m.interval.map_or("", |_| ", interval");
                format!(
                    "{} {:.3} {} {direction}{interval}",
                    m.slug(),
                    m.value,
                    m.unit()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn an_invalid_run_has_no_numbers() {
        let mut run = failing_run();
        run.partial = true;
        assert_eq!(Measure::all(&report(run, criteria())), []);
    }
}
