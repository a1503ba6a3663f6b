//! Whether a new reading is the old one.

use super::text::WITHIN;
use insta::{Comparator, internals::SnapshotContents};

/// Rounding alone can make numbers of three decimals differ by this.
const ROUNDING: f64 = 0.001;

/// Compares snapshots of goodput: lines above the heading `within N %` exactly, numbers below it with
/// that tolerance. A snapshot without such a heading is compared exactly.
#[derive(Clone)]
pub(super) struct WithinTolerance;

impl Comparator for WithinTolerance {
    fn matches(&self, reference: &insta::Snapshot, test: &insta::Snapshot) -> bool {
        match (reference.contents(), test.contents()) {
            (SnapshotContents::Text(reference), SnapshotContents::Text(test)) => {
                same(&reference.to_string(), &test.to_string())
            }
            _ => false,
        }
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(self.clone())
    }
}

/// Whether the new text says the same as the old one, as far as its tolerance demands.
fn same(old: &str, new: &str) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let mut tolerance = None;
    old.len() == new.len()
        && old.iter().zip(&new).all(|(old, new)| match tolerance {
            Some(share) => close(old, new, share),
            None => {
                tolerance = share_of(old);
                old == new
            }
        })
}

fn lines(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

/// The tolerance that a heading states, 0–1.
fn share_of(line: &str) -> Option<f64> {
    let (percent, _) = line.strip_prefix(WITHIN)?.split_once(" %")?;
    percent
        .trim()
        .parse::<f64>()
        .ok()
        .map(|percent| percent / 100.0)
}

/// Whether two lines have the same words, and numbers that differ by no more than this share of the
/// old one.
fn close(old: &str, new: &str, share: f64) -> bool {
    let (old, new): (Vec<&str>, Vec<&str>) = (
        old.split_whitespace().collect(),
        new.split_whitespace().collect(),
    );
    old.len() == new.len()
        && old.iter().zip(new).all(|(old, new)| {
            *old == new
                || match (old.parse::<f64>(), new.parse::<f64>()) {
                    (Ok(old), Ok(new)) => (old - new).abs() <= share * old.abs() + ROUNDING,
                    _ => false,
                }
        })
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
        assert_eq!(same(OLD, &OLD.replace(from, to)), accepted);
    }

    #[test]
    fn without_a_tolerance_every_digit_counts() {
        let old = OLD.replace("within 10 %", "exactly    ");
        assert!(same(&old, &old));
        assert!(!same(&old, &old.replace("50.000", "50.001")));
    }
}
