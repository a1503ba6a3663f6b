//! `worst_class(…)`: the number of the class in which it is worst.
//!
//! Its interval joins those of the classes. Say that larger is worse, so that the number is the largest of the classes'.
//! Above it ends at the largest of their upper ends: that is at least the upper end of the class which truly is worst, so it
//! is too low as rarely as one class's end. Below it ends at the largest of their lower ends: that is too high if the end of
//! any class is, so each class's interval there is wrong with the error over the number of classes (union bound).

use super::{
    criteria::Criteria,
    slo_result::{Found, SloResult},
    verdict::Verdict,
};
use crate::{metrics::measure, run::Run, stats::Interval};
use goodput_grammar::{
    class::ClassName,
    slo::{Class, Part, Slo},
};

/// A limit of one class.
struct OfClass {
    name: ClassName,
    requests: usize,
    /// With the interval of the bench's confidence.
    result: SloResult,
    /// The interval that is wrong for any class with the bench's probability.
    together: Option<Interval>,
}

/// Evaluates a limit on the worst class.
pub(super) fn of_worst(slo: &Slo, run: &Run, criteria: &Criteria) -> SloResult {
    let names: Vec<ClassName> = run.classes().collect();
    let count = names.len() as f64;
    let each: Vec<OfClass> = names
        .into_iter()
        .map(|name| {
            let of_class = Slo {
                part: Part {
                    class: Class::One(name),
                    ..slo.part
                },
                ..slo.clone()
            };
            let part = run.part(of_class.part);
            let metrics = measure(&part, &criteria.limits);
            let at = |confidence| SloResult::of(&of_class, &part, &metrics, confidence);
            OfClass {
                name,
                requests: part.records.len(),
                result: at(criteria.confidence),
                together: at(1.0 - (1.0 - criteria.confidence) / count).interval,
            }
        })
        .collect();
    combine(slo, &each, run.records.len(), criteria.confidence)
}

fn combine(slo: &Slo, each: &[OfClass], requests: usize, confidence: f64) -> SloResult {
    let above = slo.subject.from_above();
    let without = each.iter().find(|class| class.result.value.is_none());
    let worse = |a: f64, b: f64| {
        if above {
            b.total_cmp(&a)
        } else {
            a.total_cmp(&b)
        }
    };
    let valued = each
        .iter()
        .filter_map(|class| Some((class, class.result.value?)));
    let worst = valued.min_by(|a, b| worse(a.1, b.1));
    let (Some((worst, value)), None) = (worst, without) else {
        let why = match without {
            Some(class) => class.result.sentence.clone(),
            None => format!("{}: no value: the run has no classes", slo.number()),
        };
        // A run too short for a number has not missed it.
        let verdict = without.map_or(Verdict::Fail, |class| class.result.verdict);
        return SloResult::without(slo, confidence, verdict, why);
    };
    let found = Found {
        value,
        interval: interval(each, above).map(|interval| interval.around(value)),
        about: format!(" in class `{}`", worst.name),
    };
    SloResult::decide(slo, confidence, found, |_| more_requests(each, requests))
}

/// The interval of the worst class's number; `None` if the numbers have none.
fn interval(each: &[OfClass], above: bool) -> Option<Interval> {
    let worst = |ends: Vec<Option<f64>>| -> Option<f64> {
        let ends = ends.into_iter().collect::<Option<Vec<f64>>>()?;
        ends.into_iter()
            .reduce(if above { f64::max } else { f64::min })
    };
    let single: Vec<Interval> = each
        .iter()
        .filter_map(|class| class.result.interval)
        .collect();
    let together: Vec<Interval> = each.iter().filter_map(|class| class.together).collect();
    if single.len() < each.len() || together.len() < each.len() {
        return None;
    }
    let lows = |of: &[Interval]| worst(of.iter().map(|interval| interval.low).collect());
    let highs = |of: &[Interval]| worst(of.iter().map(|interval| interval.high).collect());
    Some(if above {
        // One class with a known good end is bounded by it, whatever the others are.
        let known = together.iter().filter_map(|interval| interval.low);
        Interval {
            low: known.reduce(f64::max),
            high: highs(&single),
        }
    } else {
        let known = together.iter().filter_map(|interval| interval.high);
        Interval {
            low: lows(&single),
            high: known.reduce(f64::min),
        }
    })
}

/// Requests of all classes, until the class that needs most has enough.
fn more_requests(each: &[OfClass], requests: usize) -> Option<u64> {
    let open = each
        .iter()
        .filter(|class| class.result.verdict == Verdict::Inconclusive);
    let more = open.map(|class| {
        let share = class.requests as f64 / requests.max(1) as f64;
        Some((class.result.more_requests? as f64 / share.max(f64::MIN_POSITIVE)).ceil() as u64)
    });
    more.collect::<Option<Vec<u64>>>()?.into_iter().max()
}
