//! Compares a new snapshot with the old one.

use super::text::WITHIN;
use crate::screen;
use insta::{Comparator, internals::SnapshotContents};

/// Maximum difference from rounding to three decimals.
const ROUNDING: f64 = 0.001;

/// Compares snapshots of goodput: lines above the heading `within N %` exactly, numbers below it with
/// that tolerance. A snapshot without such a heading is compared exactly.
#[derive(Clone)]
pub(super) struct WithinTolerance;

impl Comparator for WithinTolerance {
    fn matches(&self, reference: &insta::Snapshot, test: &insta::Snapshot) -> bool {
        let (SnapshotContents::Text(reference), SnapshotContents::Text(test)) =
            (reference.contents(), test.contents())
        else {
            return false;
        };
        let change = Change::between(&reference.to_string(), &test.to_string());
        if let Change::Beyond { tolerance, numbers } = &change {
            // insta shows every line whose digits changed; only some of them are the reason.
            screen::err(format_args!(
                "goodput: beyond {tolerance} %: {}",
                numbers.join(", ")
            ));
        }
        change == Change::None
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(self.clone())
    }
}

/// Difference between two snapshots.
#[derive(Debug, PartialEq)]
enum Change {
    /// None within the old snapshot's tolerance.
    None,
    /// Only numbers, by more than the tolerance.
    Beyond {
        /// Tolerance in percent, as the snapshot states it.
        tolerance: String,
        /// Changed numbers with their old and new values.
        numbers: Vec<String>,
    },
    /// Anything else, which no tolerance covers.
    Other,
}

impl Change {
    fn between(old: &str, new: &str) -> Change {
        let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
        let heading = old.iter().position(|line| percent(line).is_some());
        let exact = heading.map_or(old.len(), |at| at + 1);
        if old.len() != new.len() || old[..exact] != new[..exact] {
            return Change::Other;
        }
        let Some((percent, columns)) = heading.and_then(|at| percent(old[at])) else {
            return Change::None;
        };
        let Ok(share) = percent.parse::<f64>().map(|percent| percent / 100.0) else {
            return Change::Other;
        };
        let columns: Vec<&str> = columns.split_whitespace().collect();
        let mut beyond = Vec::new();
        for (old, new) in old[exact..].iter().zip(&new[exact..]) {
            match moved(old, new, &columns, share) {
                Some(numbers) => beyond.extend(numbers),
                None => return Change::Other,
            }
        }
        if beyond.is_empty() {
            Change::None
        } else {
            Change::Beyond {
                tolerance: percent.to_owned(),
                numbers: beyond,
            }
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

/// Tolerance in percent of a heading, and the names of the columns below it.
fn percent(line: &str) -> Option<(&str, &str)> {
    let (percent, columns) = line.strip_prefix(WITHIN)?.split_once(" %")?;
    Some((percent.trim(), columns))
}

/// Numbers of a line that changed by more than this share of the old one; `None` if the words differ.
fn moved(old: &str, new: &str, columns: &[&str], share: f64) -> Option<Vec<String>> {
    let (label, old) = split(old);
    let (new_label, new) = split(new);
    if label != new_label || old.len() != new.len() {
        return None;
    }
    let values = old.len();
    let mut beyond = Vec::new();
    for (at, (old, new)) in old.iter().zip(&new).enumerate() {
        if old == new {
            continue;
        }
        let (from, to): (f64, f64) = (old.parse().ok()?, new.parse().ok()?);
        if (from - to).abs() > share * from.abs() + ROUNDING {
            // A line with one number has no columns.
            let column = columns.get(at).filter(|_| values > 1);
            let name = column.map_or(label.clone(), |column| format!("{label} {column}"));
            beyond.push(format!("{name} {old} → {new}"));
        }
    }
    Some(beyond)
}

/// Splits a line into its name and values. A dash stands for a missing number.
fn split(line: &str) -> (String, Vec<&str>) {
    let mut label: Vec<&str> = line.split_whitespace().collect();
    let is_value = |word: &&str| *word == "-" || word.parse::<f64>().is_ok();
    let start = label.iter().position(is_value).unwrap_or(label.len());
    let values = label.split_off(start);
    (label.join(" "), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const OLD: &str = "\
target          [url], openai
completed       100
within 10 %           mean        p50
ttft ms             50.000     48.000
requests/s          10.000";

    #[rstest]
    #[case::the_same("", "", true)]
    #[case::less_than_the_tolerance("50.000", "54.900", true)]
    #[case::at_the_tolerance("50.000", "55.000", true)]
    #[case::more_than_the_tolerance("50.000", "55.100", false)]
    #[case::faster_than_the_tolerance("50.000", "44.000", false)]
    #[case::each_number_counts("48.000", "60.000", false)]
    #[case::throughput("10.000", "8.500", false)]
    #[case::a_count_off_by_one("100", "101", false)]
    #[case::another_target("openai", "openai-chat", false)]
    #[case::another_tolerance("within 10 %", "within 50 %", false)]
    #[case::no_number_any_more("50.000", "     -", false)]
    #[case::a_word_among_the_numbers("requests/s", "requests/m", false)]
    #[case::a_line_less("requests/s          10.000", "", false)]
    #[case::white_space("50.000 ", "50.000  ", true)]
    fn numbers_may_differ_and_all_else_may_not(
        #[case] from: &str,
        #[case] to: &str,
        #[case] accepted: bool,
    ) {
        let change = Change::between(OLD, &OLD.replace(from, to));
        assert_eq!(change == Change::None, accepted, "{change:?}");
    }

    #[rstest]
    #[case::of_a_column("48.000", "60.000", "ttft ms p50 48.000 → 60.000")]
    #[case::alone("10.000", "8.500", "requests/s 10.000 → 8.500")]
    fn what_is_beyond_the_tolerance_is_named(
        #[case] from: &str,
        #[case] to: &str,
        #[case] told: &str,
    ) {
        // Another number changed, too, but within it.
        let new = OLD.replace("50.000", "51.000").replace(from, to);
        let expected = Change::Beyond {
            tolerance: "10".to_owned(),
            numbers: vec![told.to_owned()],
        };
        assert_eq!(Change::between(OLD, &new), expected);
    }

    #[test]
    fn without_a_tolerance_every_digit_counts() {
        let old = OLD.replace("within 10 %", "exactly    ");
        assert_eq!(Change::between(&old, &old), Change::None);
        let new = old.replace("50.000", "50.001");
        assert_eq!(Change::between(&old, &new), Change::Other);
    }
}
