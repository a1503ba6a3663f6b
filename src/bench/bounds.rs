//! Checks that a bench's numbers are within the bounds of a run: see [`crate::grammar::bounds`].

use super::Bench;
use crate::{
    grammar::{Mistake, bounds, dataset, duration, ramp},
    problem::Problem,
};
use std::{fmt::Display, time::Duration};

impl Bench {
    pub(super) fn check_bounds(&self, problems: &mut Vec<Problem>) {
        self.check_numbers(problems);
        self.check_spans(problems);
        let mut add = |field: &str, value: &dyn Display, checked: Result<(), Mistake>| {
            problems.extend(
                checked
                    .err()
                    .map(|mistake| Problem::new(field, value, mistake.0)),
            );
        };
        if let Some(rates) = &self.load.ramp {
            add("ramp", rates, ramp::within_bounds(rates));
        }
        let requests = self.load.requests as u64;
        // Too many requests have a message of their own.
        let held = if requests <= bounds::REQUESTS {
            requests
        } else {
            1
        };
        add(
            "dataset",
            &self.load.dataset,
            dataset::fits(&self.load.dataset, held),
        );
        let times = match self.demands.versus {
            Some(_) => 2 * (self.demands.pairs as u64).min(16),
            None => ((self.demands.max_extend.max(self.load.rounds)) as u64).min(100),
        };
        // The largest number stands for all that a file has.
        if requests < bounds::REQUESTS && requests * times > bounds::REQUESTS {
            let most = bounds::REQUESTS;
            let fix = format!(
                "makes {} requests in all; a run may have {most}",
                requests * times
            );
            add("requests", &requests, Err(Mistake::new(fix)));
        }
    }

    /// Checks the upper bounds. Numbers that are too small have messages of their own ([`check`](Self::check)).
    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let whole = |number: usize| (number as f64, number.to_string());
        let numbers = [
            ("requests", whole(self.load.requests)),
            (
                "max_concurrency",
                whole(self.load.max_concurrency.unwrap_or(1)),
            ),
            ("workers", whole(self.client.workers)),
            ("warmups", whole(self.client.warmups)),
            ("warmup_rounds", whole(self.load.warmup_rounds)),
            ("rate", (self.load.rate, shown(self.load.rate))),
            (
                "burstiness",
                (self.load.burstiness, shown(self.load.burstiness)),
            ),
            (
                "probe_rate",
                (self.client.probe_rate, shown(self.client.probe_rate)),
            ),
            (
                "structured_output_ratio",
                (
                    self.wire.structured_output_ratio,
                    shown(self.wire.structured_output_ratio),
                ),
            ),
            (
                "confidence",
                (self.demands.confidence, shown(self.demands.confidence)),
            ),
        ];
        // Of a duration that is too short it is said elsewhere.
        let lasting = |name: &str| name == "requests" && self.load.duration.is_some();
        for (name, (value, shown)) in numbers {
            if lasting(name) && value == 0.0 {
                continue;
            }
            let said = |problem: &Problem| problem.field == name;
            if let Err(mistake) = bounds::number(name, value)
                && !problems.iter().any(said)
            {
                problems.push(Problem::new(name, shown, mistake.0));
            }
        }
    }

    fn check_spans(&self, problems: &mut Vec<Problem>) {
        let timeouts = &self.client.timeouts;
        let spans = [
            ("connect_timeout", Some(timeouts.connect)),
            ("first_token_timeout", Some(timeouts.first_token)),
            ("between_tokens_timeout", Some(timeouts.between_tokens)),
            ("total_timeout", Some(timeouts.total)),
            ("ready_timeout", self.client.ready_timeout),
            (
                "server_metrics_interval",
                self.client.server_metrics_interval,
            ),
            ("max_lateness", Some(self.client.max_lateness)),
            ("duration", self.load.duration),
            ("grace", self.load.grace),
        ];
        for (name, span) in spans {
            let Some(span) = span else { continue };
            if let Err(mistake) = bounds::span(name, span) {
                let shown = match span {
                    Duration::MAX => "(without end)".to_owned(),
                    span => duration::format(span),
                };
                problems.push(Problem::new(name, shown, mistake.0));
            }
        }
    }
}

/// A number as people write it: not with three hundred digits.
fn shown(number: f64) -> String {
    let plain = number.to_string();
    match plain.len() {
        ..20 => plain,
        _ => format!("{number:e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::dataset::{Dataset, Hf, Random};
    use rstest::rstest;

    fn bench() -> Bench {
        Bench::new("absurd").target("http://127.0.0.1:1")
    }

    #[rstest]
    #[case(bench().requests(99_999_999_999), "requests")]
    #[case(bench().requests(usize::MAX), "requests")]
    #[case(bench().requests(4_294_967_296), "requests")]
    #[case(bench().requests(1_000_000).max_extend(100), "requests")]
    #[case(bench().requests(1_000_000).versus("sim"), "requests")]
    #[case(bench().workers(100_000), "workers")]
    #[case(bench().workers(usize::MAX), "workers")]
    #[case(bench().warmups(usize::MAX), "warmups")]
    #[case(bench().max_concurrency(usize::MAX), "max_concurrency")]
    #[case(bench().rate(1e300), "rate")]
    #[case(bench().rate(1e-300), "rate")]
    #[case(bench().rate(f64::NAN), "rate")]
    #[case(bench().rate(10).burstiness(1e300), "burstiness")]
    #[case(bench().rate(10).burstiness(1e-300), "burstiness")]
    #[case(bench().ramp("linear 1..1e12"), "ramp")]
    #[case(bench().probe_rate(1e9), "probe_rate")]
    #[case(bench().probe_rate(f64::INFINITY), "probe_rate")]
    #[case(bench().probe_rate(1e-300), "probe_rate")]
    #[case(bench().confidence(1.0 - 1e-12), "confidence")]
    #[case(bench().structured_output("choice(a)").structured_output_ratio(50), "structured_output_ratio")]
    #[case(bench().structured_output("choice(a)").structured_output_ratio(f64::NAN), "structured_output_ratio")]
    #[case(bench().dataset("random(input = 99999999999)"), "dataset")]
    #[case(bench().dataset("random(output = 99999999999)"), "dataset")]
    #[case(bench().dataset("random(prefix = 18446744073709551616)"), "dataset")]
    #[case(bench().dataset(Dataset::Random(Random { prefix: usize::MAX, ..Random::default() })), "dataset")]
    #[case(bench().dataset("random(input = 10000000)").requests(1_000), "dataset")]
    #[case(bench().dataset("random(batch = 99999999999)"), "dataset")]
    #[case(bench().dataset("random-mm(buckets = '4294967296x4294967296 = 1')"), "dataset")]
    #[case(bench().dataset("random-mm(buckets = '64x64x1000000000 = 1')"), "dataset")]
    #[case(bench().dataset("random-mm(buckets = '65535x65535 = 1')"), "dataset")]
    #[case(bench().dataset("random-mm(items = 99999999999)"), "dataset")]
    #[case(bench().dataset(Dataset::Hf(Hf { output: Some(99_999_999_999), ..Hf::default() })), "output")]
    #[case(bench().dataset(Dataset::Random(Random { output: usize::MAX, ..Random::default() })), "output")]
    #[case(bench().dataset("sonnet(s.txt, input = 99999999999)"), "dataset")]
    #[case(bench().total_timeout(Duration::MAX), "total_timeout")]
    #[case(bench().ready_timeout(Duration::from_secs(u64::MAX)), "ready_timeout")]
    #[case(bench().connect_timeout("99999999999h"), "connect_timeout")]
    #[case(bench().server_metrics_interval("1ns"), "server_metrics_interval")]
    #[case(bench().pairs(usize::MAX).versus("sim"), "pairs")]
    #[case(bench().max_extend(usize::MAX), "max_extend")]
    #[case(bench().target("sim(ttft = 99999999999h)"), "target")]
    #[case(bench().target("sim(engine = linear, num_blocks = 99999999999)"), "target")]
    #[case(bench().target("sim(engine = linear, num_speculative_tokens = 99999)"), "target")]
    fn absurd_numbers_are_problems_of_their_setting(#[case] bench: Bench, #[case] field: &str) {
        let error = bench.check().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let told = error.to_string();
        assert!(told.contains(field), "{told}");
    }

    #[test]
    fn large_numbers_are_no_problem() {
        let bench = bench()
            .requests(5_000_000)
            .rate(1e6)
            .dataset("random(input = 100)");
        bench
            .max_concurrency(5_000_000)
            .total_timeout("8760h")
            .check()
            .unwrap();
    }
}
