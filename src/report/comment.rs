//! Markdown for a comment on a pull request: what changed since the baseline, in three lines for each bench.

use super::{
    Outcome,
    comparison::{interval, percent, summary},
    markdown::{plain, sign},
    sparkline::sparkline,
};
use crate::{
    judge::{Change, Comparison},
    metrics::one_line,
    stats::compare::Conclusion,
};

/// The first line, by which a workflow finds the comment that it wrote before.
const MARK: &str = "<!-- goodput -->";

/// The most changes in the line of numbers.
const MOST: usize = 3;

/// Formats a heading and for each bench three lines at most: the conclusion, the numbers that changed most with a
/// sparkline of the stored runs and the new one, and where the change comes from. A bench without a comparison has its
/// verdict and what speaks against it.
///
/// The first line is a mark in an HTML comment, so that a workflow can replace its own comment.
pub fn comment(outcomes: &[Outcome]) -> String {
    let mut text = format!("{MARK}\n### goodput: {}\n", heading(outcomes));
    for outcome in outcomes {
        let lines = lines(outcome);
        let mut lines = lines.iter().filter(|line| !line.is_empty());
        let first = lines.next().map_or("", String::as_str);
        text += &format!(
            "\n{} **{}**: {first}",
            sign(outcome),
            plain(&one_line(&outcome.name))
        );
        for line in lines {
            // Two blanks: a new line of the same paragraph.
            text += &format!("  \n{line}");
        }
        text.push('\n');
    }
    text
}

fn heading(outcomes: &[Outcome]) -> String {
    let of = |conclusion| {
        let of = outcomes
            .iter()
            .filter(|o| o.conclusion() == Some(conclusion));
        of.count()
    };
    let (worse, better) = (of(Conclusion::Worse), of(Conclusion::Better));
    let others = outcomes.iter().filter(|outcome| !outcome.is_ok());
    let others = others.filter(|outcome| outcome.conclusion() != Some(Conclusion::Worse));
    let told = [
        (worse, "got worse"),
        (better, "got better"),
        (
            others.count(),
            if worse > 0 {
                "did not pass for another reason"
            } else {
                "did not pass"
            },
        ),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let benches = match outcomes.len() {
        1 => "1 bench".to_owned(),
        count => format!("{count} benches"),
    };
    if told.is_empty() {
        format!("no change shown, {benches}")
    } else {
        format!("{}, of {benches}", told.join(", "))
    }
}

/// The lines of a bench; empty ones are left out.
fn lines(outcome: &Outcome) -> [String; 3] {
    let verdict = match outcome.reason() {
        "" => outcome.word(),
        // The reason begins with it.
        why if why.starts_with("verdict ") => why.to_owned(),
        why => format!("{}: {why}", outcome.word()),
    };
    let verdict = || text(&verdict);
    let Some(measured) = &outcome.measured else {
        return [verdict(), String::new(), String::new()];
    };
    // The numbers of an invalid run mean nothing.
    let comparison = measured.comparison.as_ref();
    let Some(comparison) = comparison.filter(|_| !measured.measures.is_empty()) else {
        return [verdict(), String::new(), String::new()];
    };
    let conclusion = format!(
        "{}, compared with {}",
        summary(comparison),
        comparison.against
    );
    let why = match comparison.attribution.first() {
        Some(place) => format!("where: {place}"),
        None if outcome.is_ok() || comparison.conclusion() == Conclusion::Worse => String::new(),
        // The comparison is not what failed.
        None => outcome.reason().to_owned(),
    };
    [text(&conclusion), numbers(comparison), text(&why)]
}

/// The changes that matter most.
fn numbers(comparison: &Comparison) -> String {
    let rank = |change: &Change| match change.conclusion {
        Conclusion::Worse => 0,
        Conclusion::Better => 1,
        Conclusion::Same | Conclusion::Inconclusive => 2,
    };
    let gated = comparison.changes.iter().filter(|change| change.gated);
    let mut gated: Vec<&Change> = gated.collect();
    gated.sort_by(|one, other| {
        let size = |change: &Change| change.statistics.change.abs();
        rank(one)
            .cmp(&rank(other))
            .then(size(other).total_cmp(&size(one)))
    });
    let shown: Vec<String> = gated.into_iter().take(MOST).map(number).collect();
    shown.join(" · ")
}

fn number(change: &Change) -> String {
    let mut values: Vec<Option<f64>> = change.stored.iter().copied().map(Some).collect();
    let line = if values.is_empty() {
        String::new()
    } else {
        values.push(Some(change.b));
        format!("`{}` ", sparkline(&values, values.len()))
    };
    let [a, b] = [change.a, change.b].map(|value| change.unit.measured(value));
    let change_of = percent(change.statistics.change);
    let interval = match interval(&change.statistics.interval).as_str() {
        "-" => String::new(),
        ends => format!(" {}", plain(ends)),
    };
    format!(
        "{line}{} {a} → {b} ({change_of}{interval})",
        plain(&change.subject)
    )
}

/// A sentence in one line, as nothing but text.
fn text(sentence: &str) -> String {
    plain(&one_line(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::Pairing,
        report::{
            End,
            testing::{changed, compared, outcome, outcomes},
        },
    };

    fn of_baseline(conclusion: Conclusion, stored: &[f64]) -> Outcome {
        let mut outcome = outcome("pass");
        let mut change = changed(conclusion);
        change.stored = stored.to_vec();
        let mut comparison = compared(vec![changed(Conclusion::Same), change]);
        comparison.pairing = Pairing::Unpaired;
        comparison.against = "baseline `main` of 2026-11-25 (4 runs)".to_owned();
        if conclusion == Conclusion::Worse {
            comparison.attribution = vec!["decoding: 4.99 ms a token before, 6.97 now".to_owned()];
            outcome.end = End::Failed("verdict fail: p50(ttft) got worse".to_owned());
        }
        outcome.measured.as_mut().unwrap().comparison = Some(comparison);
        outcome
    }

    #[test]
    fn a_change_has_three_lines() {
        let outcomes = [
            of_baseline(Conclusion::Worse, &[50.0, 49.0, 51.0, 50.0]),
            of_baseline(Conclusion::Better, &[50.0]),
            of_baseline(Conclusion::Same, &[]),
        ];
        insta::assert_snapshot!(comment(&outcomes));
    }

    #[test]
    fn without_a_comparison_there_is_the_verdict() {
        insta::assert_snapshot!("verdicts", comment(&outcomes()));
    }

    #[test]
    fn what_servers_send_is_text_in_one_line() {
        let mut outcome = outcome("unreachable");
        outcome.name = "a|b\n<script>".to_owned();
        outcome.end = End::Broken(format!("it said:\n# Heading `x`\n{}", "y".repeat(999)), 4);
        let text = comment(&[outcome]);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("**a\\|b &lt;script>**"), "{text}");
        assert!(text.contains("\\`x\\`") && text.len() < 500, "{text}");
    }
}
