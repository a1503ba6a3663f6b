//! Words for prompts that are made without a tokenizer.

use super::lengths;
use crate::plan::numpy::Integers;

/// This number of words, drawn one by one.
pub(super) fn draw(count: usize, integers: &mut impl Integers) -> Vec<&'static str> {
    (0..count)
        .map(|_| WORDS[integers.below(WORDS.len())])
        .collect()
}

/// This number of words in a row, from this one on.
pub(super) fn run(start: usize, count: usize) -> String {
    let words: Vec<&str> = lengths::run(&WORDS, start, count).collect();
    words.join(" ")
}

/// Short, common English words: one token each, with a space before it, in about every
/// vocabulary.
pub(super) const WORDS: [&str; 128] = [
    "able", "about", "above", "after", "again", "air", "all", "also", "and", "animal", "answer",
    "any", "area", "as", "ask", "away", "back", "base", "be", "bed", "best", "big", "black",
    "blue", "boat", "body", "book", "both", "box", "boy", "bring", "build", "but", "by", "call",
    "can", "car", "care", "case", "city", "class", "clear", "close", "cold", "come", "could",
    "cut", "dark", "day", "deep", "do", "door", "down", "draw", "dry", "each", "early", "earth",
    "east", "easy", "eat", "end", "even", "ever", "eye", "face", "fact", "fall", "family", "far",
    "farm", "fast", "father", "feet", "few", "field", "fine", "fire", "first", "fish", "five",
    "fly", "food", "foot", "for", "form", "four", "free", "friend", "from", "full", "game", "girl",
    "give", "go", "gold", "good", "great", "green", "ground", "grow", "half", "hand", "hard",
    "have", "head", "hear", "help", "here", "high", "hold", "home", "horse", "hot", "hour",
    "house", "idea", "in", "into", "just", "keep", "kind", "king", "know", "land", "large", "last",
    "late",
];
