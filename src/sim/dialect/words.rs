//! The words of answers.

/// What tokens look like: frequent words, which most vocabularies have as one token each.
pub(crate) const WORDS: [&str; 16] = [
    " the", " of", " and", " to", " in", " for", " is", " on", " that", " by", " this", " with",
    " you", " it", " not", " are",
];

/// The text of a token.
pub(super) fn word(index: u64) -> &'static str {
    WORDS[place(index)]
}

/// The index of a token's word.
pub(super) fn place(index: u64) -> usize {
    // The remainder is below the length of the list.
    (index % WORDS.len() as u64) as usize
}
