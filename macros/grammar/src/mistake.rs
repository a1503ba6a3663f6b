//! What a parser says when it cannot read its input.

use std::fmt;

/// One thing that is wrong with an input, with the fix.
///
/// Its debug form is its text, as that is what a test prints that returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mistake(pub String);

/// Everything that is wrong with an input, at once.
pub type Mistakes = Vec<Mistake>;

/// More names than these would bury the one that was meant.
const FEW: usize = 12;

impl Mistake {
    /// A mistake with this sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Mistake(sentence.into())
    }

    /// `unknown {what} `{word}`; did you mean `…`? Valid: …`; a long list is given only where no name is near.
    pub fn unknown(what: &str, word: &str, valid: &[&str]) -> Self {
        if valid.is_empty() {
            return Mistake(format!("unknown {what} `{word}`; it has none"));
        }
        let list = valid.join(", ");
        match closest(word, valid) {
            Some(near) if valid.len() > FEW => {
                Mistake(format!("unknown {what} `{word}`; did you mean `{near}`?"))
            }
            Some(near) => Mistake(format!(
                "unknown {what} `{word}`; did you mean `{near}`? Valid: {list}"
            )),
            None => Mistake(format!("unknown {what} `{word}`. Valid: {list}")),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

/// The candidate that a typing slip would most likely have meant.
pub fn closest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    candidates
        .iter()
        .map(|candidate| {
            let plain = candidate.to_lowercase().replace('-', "_");
            let letters = word.chars().count().max(plain.chars().count());
            let distance = strsim::damerau_levenshtein(&word, &plain);
            (distance, letters, *candidate)
        })
        // Words of which no letter is the same are not a slip.
        .filter(|(distance, letters, candidate)| {
            *distance <= 1 + candidate.len() / 4 && distance < letters
        })
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;
    use rstest::rstest;

    #[rstest]
    #[case("tft", Some("ttft"))]
    #[case("a", None)]
    #[case("xy", None)]
    fn a_slip_leaves_a_letter(#[case] word: &str, #[case] meant: Option<&str>) {
        assert_eq!(closest(word, &["ttft", "b", "c"]), meant);
    }
}
