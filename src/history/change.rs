//! How a run's numbers changed since the bench's previous run: two single runs, so goodput draws no
//! conclusion.

use super::kept::{Kept, Numbers};
use crate::judge::number;

/// Numbers that a line has room for, in order of preference: name, slug, unit, factor.
const SHOWN: [(&str, &str, &str, f64); 5] = [
    ("p50(ttft)", "ttft-p50", " ms", 1.0),
    ("p50(tpot)", "tpot-p50", " ms", 1.0),
    ("p50(e2el)", "e2el-p50", " ms", 1.0),
    ("goodput", "goodput", " %", 100.0),
    ("errors", "errors", " %", 100.0),
];

/// Maximum number of numbers.
const MOST: usize = 4;

/// Formats the change since `before`, which ended this many milliseconds ago, as the line after `previous`.
pub(super) fn change(before: &Kept, old: &Numbers, new: &Numbers, ago_ms: u64) -> String {
    let ago = ago(ago_ms);
    let others = differences(old, new);
    if !others.is_empty() {
        return format!(
            "the run {ago} had {}: its numbers are not comparable",
            others.join(", ")
        );
    }
    let moved = if old.target == new.target {
        String::new()
    } else {
        format!(" at another target ({})", old.target)
    };
    if is_same(old, new) {
        return format!("the same numbers as {ago}{moved}");
    }
    let changes: Vec<String> = SHOWN
        .iter()
        .filter_map(|shown| one(shown, old, new))
        .take(MOST)
        .collect();
    let changes = if changes.is_empty() {
        "medians, goodput and errors are the same".to_owned()
    } else {
        changes.join(", ")
    };
    let ended = match before.outcome.as_str() {
        "pass" => String::new(),
        word => format!(" ({word})"),
    };
    format!(
        "{ago}{ended}{moved}: {}; two single runs, not judged",
        changes
    )
}

/// Formats the numbers of a single run.
#[cfg(feature = "cli")]
pub(super) fn numbers(run: &Numbers) -> String {
    let told = SHOWN.iter().filter_map(|(name, slug, unit, factor)| {
        let value = run.measures.get(*slug)?;
        Some(format!("{name} {}{unit}", number(value * factor)))
    });
    told.take(MOST).collect::<Vec<_>>().join(", ")
}

fn one(
    (name, slug, unit, factor): &(&str, &str, &str, f64),
    old: &Numbers,
    new: &Numbers,
) -> Option<String> {
    let (a, b) = (old.measures.get(*slug)?, new.measures.get(*slug)?);
    if a == b {
        return None;
    }
    let relative = if *unit == " ms" && *a > 0.0 {
        format!(" ({:+.1} %)", (b / a - 1.0) * 100.0)
    } else {
        String::new()
    };
    let (a, b) = (number(a * factor), number(b * factor));
    Some(format!("{name} {a} → {b}{unit}{relative}"))
}

/// Whether all numbers are equal to the last written digit.
fn is_same(old: &Numbers, new: &Numbers) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= a.abs() * 1e-12;
    old.measures.len() == new.measures.len()
        && old
            .measures
            .iter()
            .all(|(slug, a)| new.measures.get(slug).is_some_and(|b| close(*a, *b)))
}

/// Differences between the two loads, in words.
fn differences(old: &Numbers, new: &Numbers) -> Vec<String> {
    let mut told = Vec::new();
    let mut differs = |what: &str, old: String, new: String| {
        if old != new {
            told.push(format!("{what} {old} instead of {new}"));
        }
    };
    let kind = |numbers: &Numbers| {
        if numbers.simulated {
            "a simulation".to_owned()
        } else {
            "a real server".to_owned()
        }
    };
    let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    differs("target", kind(old), kind(new));
    differs("backend", old.backend.clone(), new.backend.clone());
    differs("model", text(old.model.clone()), text(new.model.clone()));
    differs(
        "requests",
        old.requests.to_string(),
        new.requests.to_string(),
    );
    let rate = |numbers: &Numbers| text(numbers.rate.map(number));
    differs("rate", rate(old), rate(new));
    let at_once = |numbers: &Numbers| text(numbers.max_concurrency.map(|n| n.to_string()));
    differs("max_concurrency", at_once(old), at_once(new));
    differs("seed", old.seed.to_string(), new.seed.to_string());
    if told.is_empty() && old.plan_hash != new.plan_hash {
        told.push("other prompts or send times".to_owned());
    }
    told
}

/// Formats an age in its largest unit.
pub(super) fn ago(ms: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = ms / 1_000;
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    match unit.map(|(length, name)| (seconds / length, name)) {
        Some((1, name)) => format!("1 {name} ago"),
        Some((count, name)) => format!("{count} {name}s ago"),
        None => "less than a minute ago".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{invocation::Invocation, kept::Kept, testing::measured},
        *,
    };
    use rstest::rstest;

    fn kept(ttft: f64) -> Kept {
        let invocation = Invocation {
            id: String::new(),
            by: String::new(),
        };
        let mut kept = Kept::of(&measured("pass", ttft), invocation, 0);
        kept.outcome = "pass".to_owned();
        kept
    }

    fn told(alter: fn(&mut Kept)) -> String {
        let (mut old, new) = (kept(50.0), kept(51.0));
        alter(&mut old);
        change(
            &old,
            old.numbers.as_ref().unwrap(),
            new.numbers.as_ref().unwrap(),
            7_300_000,
        )
    }

    #[test]
    fn numbers_of_the_same_load_stand_next_to_each_other() {
        insta::assert_snapshot!(
            told(|_| {}),
            @"2 hours ago: p50(ttft) 50.00 → 51.00 ms (+2.0 %), p50(e2el) 60.00 → 61.00 ms (+1.7 %); two single runs, not judged"
        );
        let failed = told(|old| old.outcome = "fail".to_owned());
        assert!(
            failed.starts_with("2 hours ago (fail): p50(ttft)"),
            "{failed}"
        );
        let moved = told(|old| old.numbers.as_mut().unwrap().target = "http://old".to_owned());
        assert!(
            moved.starts_with("2 hours ago at another target (http://old): p50(ttft)"),
            "{moved}"
        );
        assert_eq!(
            told(|old| *old = kept(51.0)),
            "the same numbers as 2 hours ago"
        );
        let far = told(|old| {
            *old = kept(51.0);
            old.numbers
                .as_mut()
                .unwrap()
                .measures
                .insert("ttft-p99".to_owned(), 70.0);
        });
        assert_eq!(
            far,
            "2 hours ago: medians, goodput and errors are the same; two single runs, not judged"
        );
    }

    #[rstest]
    #[case::plan(|n: &mut Numbers| n.plan_hash = "1".to_owned(), "other prompts or send times")]
    #[case::load(
        |n: &mut Numbers| { n.rate = Some(7.0); n.requests = 8; },
        "requests 8 instead of 10, rate 7.00 instead of 10.00"
    )]
    #[case::simulation(|n: &mut Numbers| n.simulated = true, "target a simulation instead of a real server")]
    #[case::model(|n: &mut Numbers| n.model = Some("a".to_owned()), "model a instead of")]
    #[case::seed(|n: &mut Numbers| { n.seed = 9; n.plan_hash = "1".to_owned(); }, "seed 9 instead of 7")]
    fn another_load_is_said_and_not_compared(#[case] alter: fn(&mut Numbers), #[case] words: &str) {
        let (old, new) = (kept(50.0), kept(51.0));
        let mut numbers = old.numbers.clone().unwrap();
        alter(&mut numbers);
        let told = change(&old, &numbers, new.numbers.as_ref().unwrap(), 0);
        assert!(told.contains(words) && !told.contains('→'), "{told}");
    }

    #[rstest]
    #[case(59_999, "less than a minute ago")]
    #[case(60_000, "1 minute ago")]
    #[case(7_199_000, "1 hour ago")]
    #[case(86_400_000 * 3, "3 days ago")]
    fn ages(#[case] ms: u64, #[case] words: &str) {
        assert_eq!(ago(ms), words);
    }
}
