//! Whether a run could pass an SLO at all, known before it: what its best outcome would prove.
//!
//! In the best outcome every request succeeds, every value is within its limit, and no request depends on
//! another. Then `n` requests of which none is bad leave room for a share of bad ones of at most
//! `1 − e^(1/n)`, where `e` is the probability that the interval may be wrong with ("rule of three": about
//! `3 / n` at 95 %), and a percentile `q` of values far below its limit has an upper bound if `qⁿ ≤ e`. Both are what the verdict's own
//! intervals give for such a run.

use crate::slo::{Latency, Level, Op, Slo, Stat, StatKind, Subject};
use std::fmt;

/// Fewer requests do not show whether they depend on each other, so throughputs have no
/// interval, and gaps between tokens count by requests.
pub const FEWEST: u64 = 8;
/// One request in this many may stall. Until a run has probably met one, a mean of latencies has no upper end, because a
/// stall may have any length. A convention.
pub const STALLS_ONCE_IN: f64 = 50.0;
/// A drift is a line through this number of blocks of a run at least.
pub const BLOCKS: u64 = 8;
/// How many times its own requests a suggested limit allows for, so that a single slow request does not
/// leave it open again.
const EASE: f64 = 1.5;

/// How long a run may become, and how sure its intervals are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Requests that the SLO is about.
    pub requests: u64,
    /// Requests asked for: more than those, if the SLO is about one class.
    pub planned: u64,
    /// How many of them are sent as one; 1 without batches.
    pub batch: u64,
    /// How many times as many the run may grow to; at least 1.
    pub max_extend: u64,
    /// The number of runs of the plan that count as one nevertheless: pairs of a comparison. 1 without.
    pub repeats: u64,
    /// How sure the intervals are, above 0 and below 1.
    pub confidence: f64,
    /// The largest number of gaps between tokens of an answer; `None` if it is not known.
    pub gaps: Option<u64>,
}

/// An SLO that no outcome of a run could pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Unprovable {
    /// The SLO.
    pub slo: Slo,
    /// How long the run may become, and how sure its intervals are.
    pub effort: Effort,
    /// Requests that the plan would need; `None` when no number is enough.
    pub needed: Option<u64>,
    /// A limit that the run could prove, if there is one.
    pub instead: Option<Slo>,
}

/// The number of segments of a run that have ended at each look, for a run of at most this many: after the first and
/// the last, and at most three between them, at growing distances.
pub fn looks(segments: usize) -> Vec<usize> {
    let last = segments.max(1);
    let count = last.min(5);
    let mut looks: Vec<usize> = (0..count)
        .map(|look| {
            let progress = look as f64 / (count.max(2) - 1) as f64;
            (last as f64).powf(progress).round() as usize
        })
        .collect();
    // Where rounding put two looks together, the later one moves on.
    for look in 1..count {
        looks[look] = looks[look].max(looks[look - 1] + 1);
    }
    looks
}

/// The smallest number of requests in a block of which a drift takes this statistic: ten, and two on either side of a
/// percentile.
pub fn in_block(stat: Stat) -> u64 {
    match stat.kind() {
        StatKind::Rank(percent) => {
            let beyond = (percent / 100.0).min(1.0 - percent / 100.0);
            // What dividing has put behind the digits is rounded away.
            ((2.0 / beyond * 1e6).round() / 1e6).ceil().max(10.0) as u64
        }
        StatKind::Moment | StatKind::Extreme => 10,
    }
}

/// The number of requests that contain one that [stalls](STALLS_ONCE_IN), except with this probability.
pub fn to_meet_stalls(error: f64) -> f64 {
    (error.ln() / (-1.0 / STALLS_ONCE_IN).ln_1p()).ceil()
}

impl Effort {
    /// The error probability of the last look, which knows most and has the largest part of the error.
    fn error(&self) -> f64 {
        let looks = looks(
            usize::try_from(self.max_extend)
                .unwrap_or(usize::MAX)
                .min(100),
        );
        let before = looks.iter().rev().nth(1).copied().unwrap_or(0) as f64;
        let last = looks.last().copied().unwrap_or(1) as f64;
        (1.0 - self.confidence) * (last - before) / last
    }

    /// Plans of the run.
    fn plans(&self) -> f64 {
        self.max_extend as f64 * self.repeats as f64
    }

    /// Requests of all plans together.
    fn in_all(&self) -> f64 {
        self.requests.div_ceil(self.batch.max(1)) as f64 * self.plans()
    }

    /// Why not even the best outcome of the run would pass this SLO; `None` if it would.
    pub fn unprovable(&self, slo: &Slo) -> Option<Unprovable> {
        let needed = self.needed(slo);
        let enough = needed.is_some_and(|needed| self.in_all() >= needed);
        (!enough).then(|| Unprovable {
            slo: slo.clone(),
            effort: *self,
            needed: self.fewest(slo),
            instead: self.easier(slo),
        })
    }

    /// The fewest requests that the plan needs for this SLO to be decided, if all are good and far from every
    /// limit; `None` when no number is enough.
    pub fn fewest(&self, slo: &Slo) -> Option<u64> {
        let needed = self.needed(slo)? / self.plans();
        let of_plan = self.planned.max(1) as f64 / self.requests.max(1) as f64;
        Some((needed.ceil() * of_plan).ceil() as u64 * self.batch.max(1))
    }

    /// Requests, in all, whose best outcome passes; `None` when no number of them is enough.
    fn needed(&self, slo: &Slo) -> Option<f64> {
        let error = self.error();
        // The number of requests among which none is bad, if the share of bad ones is below `room` or at it.
        let none_of = |room: f64, strict: bool| {
            let needed = error.ln() / (-room).ln_1p();
            let whole = needed.ceil().max(1.0);
            match room {
                _ if room <= 0.0 => None,
                _ if room >= 1.0 => Some(1.0),
                _ if strict && whole == needed => Some(whole + 1.0),
                _ => Some(whole),
            }
        };
        let few = FEWEST as f64;
        match (slo.subject, slo.op) {
            (Subject::Errors, Op::Lt | Op::Le) => none_of(slo.limit, slo.op == Op::Lt),
            (Subject::Goodput | Subject::Valid, Op::Gt | Op::Ge) => {
                none_of(1.0 - slo.limit, slo.op == Op::Gt)
            }
            (Subject::Errors | Subject::Goodput | Subject::Valid, _) => Some(1.0),
            (Subject::Drift(Level::Latency(stat, _)), _) => Some((BLOCKS * in_block(stat)) as f64),
            // Its samples are not requests.
            (Subject::Drift(Level::Memory), _) => Some(1.0),
            // Each block of the run has a mean.
            (Subject::QueueGrowth, _) => Some(BLOCKS as f64 * few),
            // A search sends as many as it needs.
            (Subject::Max(_), _) => Some(1.0),
            (Subject::Throughput(_) | Subject::Cached | Subject::Warm(_) | Subject::Jain, _) => {
                Some(few)
            }
            (Subject::Latency(stat, latency), op) => {
                let percentile = match stat.kind() {
                    StatKind::Moment => return Some(to_meet_stalls(error)),
                    StatKind::Extreme => return Some(1.0),
                    StatKind::Rank(percentile) if percentile <= 0.0 || percentile >= 100.0 => {
                        return Some(1.0);
                    }
                    StatKind::Rank(percentile) => percentile,
                };
                let beyond = match op {
                    Op::Lt | Op::Le => 1.0 - percentile / 100.0,
                    Op::Gt | Op::Ge => percentile / 100.0,
                };
                let values = none_of(beyond, false)?;
                // Each request has many gaps, which count by themselves once there are requests enough.
                let many = match self.gaps {
                    Some(gaps) => (values / gaps.max(1) as f64).ceil().max(few),
                    None => few,
                };
                Some(match latency {
                    Latency::Itl => values.min(many),
                    _ => values,
                })
            }
        }
    }

    /// The same SLO with a limit, or a percentile, that the run has requests enough for.
    fn easier(&self, slo: &Slo) -> Option<Slo> {
        let rounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
        let with = |share: f64| match slo.subject {
            Subject::Errors => Slo {
                limit: share,
                ..slo.clone()
            },
            Subject::Goodput | Subject::Valid => Slo {
                limit: 1.0 - share,
                ..slo.clone()
            },
            Subject::Latency(Stat::Percentile(_), latency) => {
                // What adding has put behind the digits is rounded away.
                let percentile = ((1.0 - share) * 1e6).round() / 1e4;
                let subject = Subject::Latency(Stat::Percentile(percentile), latency);
                Slo {
                    subject,
                    ..slo.clone()
                }
            }
            _ => slo.clone(),
        };
        rounds.into_iter().map(with).find(|easier| {
            let needed = self.needed(easier);
            easier != slo && needed.is_some_and(|needed| EASE * needed <= self.in_all())
        })
    }
}

impl Unprovable {
    /// What would do, as settings to write.
    fn fix(&self) -> String {
        // Latencies of neighbours are alike, so percentiles want about twice as many.
        let alike = match self.slo.subject {
            Subject::Latency(..) => 2,
            _ => 1,
        };
        // Two digits are enough to remember.
        let round = |needed: u64| {
            let needed = needed.saturating_mul(alike);
            let scale = 10_u64.pow(needed.max(1).ilog10().saturating_sub(1));
            needed.div_ceil(scale) * scale
        };
        let more = self
            .needed
            .map(|needed| format!("`requests = {}`", round(needed)));
        let easier = self.instead.as_ref().map(|slo| format!("`{slo}`"));
        match (more, easier) {
            (Some(more), Some(easier)) => format!("Write {more}, or limit {easier}"),
            (Some(more), None) => format!("Write {more}"),
            (None, Some(easier)) => format!("Limit {easier}"),
            (None, None) => "Write more requests and another limit".to_owned(),
        }
    }

    /// How many requests there are, and how many it would take.
    fn why(&self) -> String {
        let Effort {
            requests,
            planned,
            batch,
            max_extend,
            repeats,
            confidence,
            ..
        } = self.effort;
        let times = match (max_extend, repeats) {
            (1, 1) => String::new(),
            (1, pairs) => format!(" in each of {pairs} pairs"),
            (times, _) => format!(" and `max_extend = {times}`"),
        };
        let batches = match batch {
            0 | 1 => String::new(),
            batch => format!(", {batch} of them in one"),
        };
        let batches = match planned {
            all if all > requests => format!("{batches} of the class, {all} in all"),
            _ => batches,
        };
        let percent = (confidence * 1e8).round() / 1e6;
        match self.needed {
            Some(needed) => format!(
                "with {requests} requests{batches}{times}. Even if all of them are good, {percent} % confidence takes \
                 {needed}"
            ),
            None => format!(
                "with {requests} requests{batches}{times}, nor with any other number: the next one may always be bad"
            ),
        }
    }

    /// The sentence of an error, behind the SLO: where proof is asked for.
    pub fn error(&self) -> String {
        format!("cannot be proved {}. {}", self.why(), self.fix())
    }
}

/// The sentence of a note: where a run passes unless something is shown against it.
impl fmt::Display for Unprovable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` can only fail, never pass, {}. {}",
            self.slo,
            self.why(),
            self.fix()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::parse;
    use rstest::rstest;

    fn effort(requests: u64) -> Effort {
        Effort {
            requests,
            planned: requests,
            batch: 1,
            max_extend: 1,
            repeats: 1,
            confidence: 0.95,
            gaps: Some(63),
        }
    }

    fn slo(text: &str) -> Slo {
        parse(text).unwrap().remove(0)
    }

    #[rstest]
    #[case("errors < 1%", 299)]
    #[case("errors < 0.1%", 2995)]
    #[case("errors <= 100%", 1)]
    #[case("goodput >= 95%", 59)]
    #[case("goodput >= 99.9%", 2995)]
    #[case("goodput > 0%", 1)]
    #[case("p50(ttft) < 1s", 5)]
    #[case("p50(itl) < 1s", 5)]
    #[case("p90(ttft) < 1s", 29)]
    #[case("p99(e2el) <= 1s", 299)]
    #[case("p99.9(tpot) < 1s", 2995)]
    #[case("p99(itl) < 1s", 8)]
    #[case("p99.9(itl) < 1s", 48)]
    #[case("max(ttft) < 1s", 1)]
    #[case("p100(ttft) < 1s", 1)]
    #[case("mean(ttft) < 1s", 149)]
    #[case("throughput(output) > 1", 8)]
    #[case("drift(mean(e2el)) < 5%/h", 80)]
    #[case("drift(p50(ttft)) < 5%/h", 80)]
    #[case("drift(p99(ttft)) < 5%/h", 1600)]
    fn the_fewest_requests(#[case] text: &str, #[case] needed: u64) {
        let slo = slo(text);
        assert_eq!(effort(needed).unprovable(&slo), None);
        if needed > 1 {
            let unprovable = effort(needed - 1).unprovable(&slo).unwrap();
            assert_eq!(unprovable.needed, Some(needed));
        }
    }

    #[rstest]
    #[case("errors <= 0%")]
    #[case("goodput >= 100%")]
    fn what_no_number_proves(#[case] text: &str) {
        let unprovable = effort(1_000_000).unprovable(&slo(text)).unwrap();
        assert_eq!(unprovable.needed, None);
        assert!(unprovable.error().contains("nor with any other number"));
    }

    #[test]
    fn growing_and_confidence_count() {
        let limit = slo("errors < 1%");
        let grows = Effort {
            max_extend: 3,
            ..effort(150)
        };
        assert_eq!(
            grows.unprovable(&limit),
            None,
            "450 requests, 1.7 % error at the last look"
        );
        assert!(
            Effort {
                max_extend: 2,
                ..effort(150)
            }
            .unprovable(&limit)
            .is_some()
        );
        assert!(Effort { batch: 2, ..grows }.unprovable(&limit).is_some());
        assert!(
            Effort {
                repeats: 2,
                ..effort(150)
            }
            .unprovable(&limit)
            .is_none()
        );
        assert!(
            Effort {
                confidence: 0.99,
                ..effort(300)
            }
            .unprovable(&limit)
            .is_some()
        );
        assert!(
            Effort {
                confidence: 0.99,
                ..effort(459)
            }
            .unprovable(&limit)
            .is_none()
        );
    }

    #[test]
    fn sentences_say_what_would_do() {
        let unprovable = effort(600).unprovable(&slo("errors < 0.1%")).unwrap();
        assert_eq!(
            unprovable.error(),
            "cannot be proved with 600 requests. Even if all of them are good, 95 % confidence takes 2995. \
             Write `requests = 3000`, or limit `errors < 1%`"
        );
        let unprovable = effort(100).unprovable(&slo("p99(ttft) < 300ms")).unwrap();
        assert_eq!(
            unprovable.to_string(),
            "`p99(ttft) < 300ms` can only fail, never pass, with 100 requests. Even if all of them are good, \
             95 % confidence takes 299. Write `requests = 600`, or limit `p95(ttft) < 300ms`"
        );
    }

    #[test]
    fn a_class_needs_more_requests_of_all() {
        let slo = &parse("errors(batch) < 5%").unwrap()[0];
        let of_class = Effort {
            planned: 1000,
            ..effort(10)
        };
        let said = of_class.unprovable(slo).unwrap().error();
        assert!(
            said.contains("10 requests of the class, 1000 in all"),
            "{said}"
        );
        assert!(
            said.contains("takes 5900. Write `requests = 5900`"),
            "{said}"
        );
    }
}
