//! The numbers that runs are compared by.
//!
//! Few metrics are gated, because each is a further chance of a false alarm: the middle and the body of TTFT, the
//! means of TPOT and E2EL, the share of requests that succeed, the share of good ones where limits say what is good,
//! and output tokens a second where the server sets the pace. A change in the p99 of a thousand requests is made by
//! ten of them; tails are shown and decide nothing.

use super::{estimate::Estimate, quantity::Unit, slo::value};
use crate::{
    metrics::Metrics,
    run::Run,
    stats::{Interval, compare::Worse},
};
use goodput_grammar::{
    class::ClassName,
    slo::{Latency, Part, Stat, Subject, Throughput},
};
use std::fmt;

/// A number that servers are compared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Compared {
    pub(crate) measured: Measured,
    /// The class of requests that it is about; `None` for all.
    pub(crate) class: Option<ClassName>,
    pub(crate) worse: Worse,
    /// Whether the verdict depends on it.
    pub(crate) gated: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measured {
    /// A number that an SLO may limit.
    Number(Subject),
    /// The share of requests that succeeded: the errors, in a form whose ratios mean something.
    Succeeded,
}

impl Compared {
    /// All numbers of a bench, gated ones first. `limited` says whether the bench defines good requests. Of each class
    /// the means and the share of good requests are gated, too: one class may get worse where all together do not.
    pub(crate) fn all(limited: bool, open_loop: bool, classes: &[ClassName]) -> Vec<Compared> {
        let compared = |measured, worse, gated| Compared {
            measured,
            class: None,
            worse,
            gated,
        };
        let latency = |stat, latency, gated| {
            let subject = Subject::Latency(stat, latency);
            compared(Measured::Number(subject), Worse::Higher, gated)
        };
        // In open loop the plan sets the pace.
        let output = Measured::Number(Subject::Throughput(Throughput::Output));
        let output = compared(output, Worse::Lower, !open_loop);
        let mut all = vec![
            latency(Stat::Mean, Latency::Ttft, true),
            latency(Stat::Percentile(50.0), Latency::Ttft, true),
            latency(Stat::Percentile(90.0), Latency::Ttft, true),
            latency(Stat::Mean, Latency::Tpot, true),
            latency(Stat::Mean, Latency::E2el, true),
            compared(Measured::Succeeded, Worse::Lower, true),
        ];
        if limited {
            let good = Measured::Number(Subject::Goodput);
            all.push(compared(good, Worse::Lower, true));
        }
        all.push(output);
        all.extend([
            latency(Stat::Percentile(99.0), Latency::Ttft, false),
            latency(Stat::Percentile(99.0), Latency::Itl, false),
            latency(Stat::Percentile(99.0), Latency::E2el, false),
        ]);
        for class in classes {
            let of_class = |metric: Compared| Compared {
                class: Some(*class),
                ..metric
            };
            all.push(of_class(latency(Stat::Mean, Latency::Ttft, true)));
            all.push(of_class(latency(Stat::Mean, Latency::E2el, true)));
            if limited {
                let good = Measured::Number(Subject::Goodput);
                all.push(of_class(compared(good, Worse::Lower, true)));
            }
            all.push(of_class(latency(
                Stat::Percentile(99.0),
                Latency::Ttft,
                false,
            )));
        }
        all.sort_by_key(|metric| !metric.gated);
        all
    }

    /// The numbers of the requests that it is about.
    pub(crate) fn of_class<'a>(&self, metrics: &'a Metrics) -> Option<&'a Metrics> {
        match &self.class {
            Some(class) => metrics.class(class.as_str()),
            None => Some(metrics),
        }
    }

    /// The number, as SLOs name it: `mean(ttft, chat)`.
    pub(crate) fn name(&self) -> String {
        match (self.measured, self.class) {
            (Measured::Number(subject), Some(class)) => subject.of(Part::of_class(class)),
            (measured, _) => measured.to_string(),
        }
    }

    /// Where the number lies with this confidence, in the unit in which it is shown; `None` if the run cannot say.
    pub(crate) fn interval(
        &self,
        run: &Run,
        metrics: &Metrics,
        confidence: f64,
    ) -> Option<Interval> {
        let part = self.class.map(|class| run.part(Part::of_class(class)));
        let (run, metrics) = (part.as_ref().unwrap_or(run), self.of_class(metrics)?);
        let (subject, turned) = match self.measured {
            Measured::Number(subject) => (subject, false),
            Measured::Succeeded => (Subject::Errors, true),
        };
        let number = value(&subject, metrics).ok()?;
        let mut values = None;
        let estimate = Estimate::of(&subject, number, None, run, metrics, &mut values);
        let interval = match estimate {
            Estimate::Exact => return None,
            estimate => estimate.interval(1.0 - confidence).around(number),
        };
        Some(if turned {
            Interval {
                low: interval.high.map(|high| 1.0 - high),
                high: interval.low.map(|low| 1.0 - low),
            }
        } else {
            interval
        })
    }

    pub(crate) fn unit(&self) -> Unit {
        match self.measured {
            Measured::Number(subject) => Unit::of(&subject),
            Measured::Succeeded => Unit::Ratio,
        }
    }

    /// The value as it is shown.
    pub(crate) fn shown(&self, metrics: &Metrics) -> Option<f64> {
        let metrics = self.of_class(metrics)?;
        match self.measured {
            Measured::Number(subject) => value(&subject, metrics).ok(),
            Measured::Succeeded => value(&Subject::Errors, metrics)
                .ok()
                .map(|errors| 1.0 - errors),
        }
    }

    /// The value in a form that ratios can be taken from. Shares count half a request more on either side, so that
    /// none and all of them have ratios too.
    pub(crate) fn value(&self, metrics: &Metrics) -> Option<f64> {
        let metrics = self.of_class(metrics)?;
        let share = |part: u64, all: u64| Some((part as f64 + 0.5) / (all as f64 + 1.0));
        let counts = &metrics.counts;
        match self.measured {
            Measured::Number(Subject::Goodput) => {
                share(metrics.goodput.good, metrics.goodput.counted)
            }
            Measured::Number(subject) => value(&subject, metrics).ok(),
            Measured::Succeeded => share(counts.completed, counts.completed + counts.failed),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Number(subject) => subject.fmt(f),
            Measured::Succeeded => f.write_str("1 - errors"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gated_ones_come_first_and_tails_decide_nothing() {
        let list = |limited, open_loop| -> Vec<String> {
            let all = Compared::all(limited, open_loop, &[]);
            assert!(all.is_sorted_by_key(|metric| !metric.gated));
            let gated = all.iter().filter(|metric| metric.gated);
            gated.map(|metric| metric.measured.to_string()).collect()
        };
        let latencies = [
            "mean(ttft)",
            "p50(ttft)",
            "p90(ttft)",
            "mean(tpot)",
            "mean(e2el)",
        ];
        let chat = ClassName::parse("chat").unwrap();
        let with_class = Compared::all(true, true, &[chat]);
        assert!(with_class.is_sorted_by_key(|metric| !metric.gated));
        let of_class = with_class.iter().filter(|metric| metric.class.is_some());
        let of_class: Vec<_> = of_class
            .map(|metric| (metric.name(), metric.gated))
            .collect();
        let expected = [
            ("mean(ttft, chat)", true),
            ("mean(e2el, chat)", true),
            ("goodput(chat)", true),
            ("p99(ttft, chat)", false),
        ];
        assert_eq!(
            of_class,
            expected.map(|(name, gated)| (name.to_owned(), gated))
        );
        let (in_open_loop, in_closed) = (list(false, true), list(true, false));
        assert_eq!(in_open_loop[..5], latencies);
        assert_eq!(in_open_loop[5..], ["1 - errors"]);
        assert_eq!(in_closed[..5], latencies);
        assert_eq!(
            in_closed[5..],
            ["1 - errors", "goodput", "throughput(output)"]
        );
    }
}
