//! A comparison as a table.

use crate::{
    judge::{Change, Comparison, Pairing, number},
    stats::{Interval, compare::Conclusion},
};

/// Formats a heading, a row a metric, and what follows from them. Indented; without a trailing newline.
///
/// `judged` is false for an invalid run, whose numbers mean nothing: then no row has a conclusion.
pub fn comparison(comparison: &Comparison, judged: bool) -> String {
    let mut lines = vec![format!("  compared    {}", heading(comparison))];
    lines.push(format!(
        "    {:<20} {:>12} {:>12} {:>9}  {:<18} {:>10}  {}",
        "metric", "A", "B", "change", "interval", "detectable", "conclusion"
    ));
    lines.extend(comparison.changes.iter().map(|change| row(change, judged)));
    if judged {
        lines.push(format!("  {}", summary(comparison)));
    }
    let remarks = comparison.attribution.iter().map(|text| ("where", text));
    let notes = comparison.notes.iter().map(|text| ("note", text));
    lines.extend(
        remarks
            .chain(notes)
            .map(|(label, text)| format!("    {label}: {text}")),
    );
    lines.join("\n")
}

fn heading(comparison: &Comparison) -> String {
    let against = &comparison.against;
    match comparison.pairing {
        Pairing::Paired { pairs, at_most } if pairs < at_most => {
            format!("B with A = {against}: {pairs} pairs of runs, of at most {at_most}")
        }
        Pairing::Paired { pairs, .. } => format!("B with A = {against}: {}", of_pairs(pairs)),
        Pairing::Unpaired => {
            format!("B with A = {against}: unpaired, from another time: shows only large changes")
        }
        Pairing::Exact => format!("B with A = {against}: the same plan on virtual time, exactly"),
    }
}

fn of_pairs(pairs: usize) -> String {
    match pairs {
        1 => "1 pair of runs".to_owned(),
        _ => format!("{pairs} pairs of runs"),
    }
}

fn row(change: &Change, judged: bool) -> String {
    let Change {
        subject,
        unit,
        a,
        b,
        statistics,
        conclusion,
        ..
    } = change;
    let (mark, conclusion) = match (judged && change.gated, conclusion) {
        (false, _) if change.gated => (' ', "not judged"),
        (false, _) => (' ', "not gated"),
        (true, Conclusion::Worse) => ('✗', "WORSE"),
        (true, Conclusion::Better) => ('✓', "better"),
        (true, Conclusion::Same) => ('✓', "same"),
        // Alone it would be a change; among all gated metrics chance shows one this large.
        (true, Conclusion::Inconclusive) if excludes_zero(&statistics.interval) => {
            ('?', "not beyond chance over all metrics")
        }
        (true, Conclusion::Inconclusive) => ('?', "no change shown"),
    };
    let detectable = match statistics.detectable {
        Some(change) if change < MOST => format!("{} %", number(change * 100.0)),
        _ => "-".to_owned(),
    };
    format!(
        "  {mark} {subject:<20} {:>12} {:>12} {:>9}  {:<18} {detectable:>10}  {conclusion}",
        unit.measured(*a),
        unit.measured(*b),
        percent(statistics.change),
        interval(&statistics.interval),
    )
}

fn excludes_zero(interval: &Interval) -> bool {
    interval.low.is_some_and(|low| low > 0.0) || interval.high.is_some_and(|high| high < 0.0)
}

/// Larger relative changes are not distinguished.
const MOST: f64 = 10.0;

/// Formats a relative change, with its sign.
pub(super) fn percent(change: f64) -> String {
    format!("{} %", tenths(change))
}

/// Formats a change in per cent, with a sign.
fn tenths(change: f64) -> String {
    if change > MOST {
        return format!("over {:.0}", MOST * 100.0);
    }
    // Avoids −0.0.
    let rounded = (change * 1e3).round() / 10.0 + 0.0;
    format!("{rounded:+.1}")
}

pub(super) fn interval(interval: &Interval) -> String {
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("[{}, {}]", tenths(low), tenths(high)),
        (Some(low), None) => format!("[at least {}]", tenths(low)),
        (None, Some(high)) => format!("[at most {}]", tenths(high)),
        (None, None) => "-".to_owned(),
    }
}

/// The result of a comparison in one sentence.
pub(super) fn summary(comparison: &Comparison) -> String {
    let names = |conclusion| {
        let named = comparison.of(conclusion).map(|change| {
            let change_of = percent(change.statistics.change);
            format!("{} {change_of}", change.subject)
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let threshold = number(comparison.rule.noise_threshold * 100.0);
    match comparison.conclusion() {
        Conclusion::Worse => format!("REGRESSION: {}", names(Conclusion::Worse)),
        Conclusion::Better => {
            let better = names(Conclusion::Better);
            match comparison.pairing {
                // Of two servers there is no baseline.
                Pairing::Paired { .. } => format!("improvement: {better}"),
                Pairing::Unpaired | Pairing::Exact => {
                    format!("improvement: {better}. Save a new baseline to keep it")
                }
            }
        }
        Conclusion::Same => format!("no change of {threshold} % or more"),
        Conclusion::Inconclusive => match comparison.finest() {
            Some((subject, detectable)) => format!(
                "no change shown; a change of {subject} would most likely have been shown from {} % on, \
                 others need more",
                number(detectable * 100.0)
            ),
            None => "no change shown, and none could be: one pair does not show its own noise"
                .to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{changed, compared};
    use rstest::rstest;

    #[test]
    fn the_table() {
        let changes = [
            Conclusion::Worse,
            Conclusion::Better,
            Conclusion::Same,
            Conclusion::Inconclusive,
        ]
        .map(changed);
        let mut changes = changes.to_vec();
        changes[3].statistics.interval = Interval::UNKNOWN;
        changes[3].statistics.detectable = None;
        changes.push(Change {
            subject: "p99(ttft)".to_owned(),
            gated: false,
            ..changed(Conclusion::Worse)
        });
        let mut compared = compared(changes);
        compared
            .attribution
            .push("the prefill got slower".to_owned());
        compared.notes.push("both sides were restarted".to_owned());
        insta::assert_snapshot!(comparison(&compared, true));
        insta::assert_snapshot!("not_judged", comparison(&compared, false));
    }

    #[rstest]
    #[case(Conclusion::Worse, "REGRESSION: p50(ttft) +20.0 %")]
    #[case(Conclusion::Better, "improvement: p50(ttft) -20.0 %")]
    #[case(Conclusion::Same, "no change of 5.00 % or more")]
    #[case(
        Conclusion::Inconclusive,
        "no change shown; a change of p50(ttft) would most likely have been shown from 7.50 % on, others need more"
    )]
    fn what_it_comes_to(#[case] conclusion: Conclusion, #[case] sentence: &str) {
        assert_eq!(summary(&compared(vec![changed(conclusion)])), sentence);
    }
}
