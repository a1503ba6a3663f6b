//! How several benches ended, in a line.

/// `1 pass, 1 fail (chat), 1 ignored`, from the name of each and the word for how it ended.
pub(crate) fn tally(ended: &[(String, String)]) -> String {
    const WORDS: [&str; 7] = [
        "pass",
        "no verdict",
        "fail",
        "inconclusive",
        "invalid",
        "error",
        "ignored",
    ];
    let parts = WORDS.iter().filter_map(|word| {
        let of = ended.iter().filter(|(_, ended)| ended == word);
        let names: Vec<&str> = of.map(|(name, _)| name.as_str()).collect();
        match (names.len(), *word) {
            (0, _) => None,
            (count, "pass" | "no verdict" | "ignored") => Some(format!("{count} {word}")),
            (count, _) => Some(format!("{count} {word} ({})", names.join(", "))),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}
