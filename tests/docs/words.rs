//! Phrases that readers who learned English as a second language cannot look up: in pages, help, doc comments and
//! messages. CONTRIBUTING.md has the rules.

use super::{name, pages, prose, sources};

/// A phrase, and what to write instead.
const PHRASES: &[(&str, &str)] = &[
    ("is no", "\"is not a\", or name what it is"),
    ("are no", "\"are not\", or name what they are"),
    ("is had", "\"has\", with its subject"),
    ("be had", "\"is available\", \"exists\""),
    ("of it", "the noun, or \"its\""),
    ("beside", "\"next to\", \"and\", \"also\""),
    ("beside each other", "\"at the same time\""),
    ("so many", "the number's name, or \"that many\""),
    ("so often", "\"every N\", \"that often\""),
    (
        "told",
        "\"known\", \"said\", \"recognised\", or the subject with an active verb",
    ),
    ("tells", "\"shows\", \"says\", \"reports\""),
    ("whom", "a sentence with its own subject"),
    ("held against", "\"compared with\", \"tested with\""),
    ("holds against", "\"compares with\""),
    ("hold against", "\"compare with\""),
    ("whoever", "\"users who\", \"if you\""),
    ("as far as", "\"if\", \"where\""),
    ("becomes of", "\"happens to\""),
    ("became of", "\"happened to\""),
    ("nobody", "the active sentence without a person"),
    ("somebody", "\"another user\", \"you\""),
    ("is not to be", "\"cannot\", \"does not\""),
    ("slip of the pen", "\"typo\""),
    ("stands beside", "\"is printed next to\""),
    ("all the same", "\"nevertheless\", or nothing"),
    ("in so far as", "\"only where\""),
    ("for want of", "\"because there is no\""),
    ("the like", "\"and others\""),
    ("remark", "\"note\""),
    ("mend", "\"fix\""),
    ("mends", "\"fixes\""),
    ("mended", "\"fixed\", \"adjusted\""),
    ("the matter of", "a verb with its subject"),
    (
        "hang together",
        "\"depend on each other\", \"are correlated\"",
    ),
    ("hangs together", "\"depends on\", \"is correlated\""),
    ("in case that", "\"in case\""),
    ("for so long", "\"for this time\", or the limit's name"),
    ("cries wolf", "\"gives a false alarm\""),
    ("cry wolf", "\"give a false alarm\""),
    ("wants to be", "\"needs\""),
];

/// Right English that has a listed phrase in it.
const RIGHT: &[&str] = &[
    "there is no",
    "there are no",
    "is no longer",
    "are no longer",
    "is no more than",
];

/// Words with which the summary of a doc comment does not stand alone: in an index they have nothing to refer to.
const OPENERS: &[&str] = &[
    "it", "its", "they", "them", "their", "theirs", "those", "who", "whose", "of", "as",
];

/// Everything that a reader sees outside of the code, by name: the pages and the help of each command.
fn texts() -> Vec<(String, String)> {
    let pages = pages().into_iter();
    let pages = pages.map(|page| (name(&page), prose(&page)));
    #[cfg(feature = "cli")]
    let pages = pages.chain(super::help::of_all());
    pages.collect()
}

/// The text in small letters, one blank between two words, without code, links and punctuation.
fn words(text: &str) -> String {
    let without_code: String = text
        .split('`')
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" code ");
    let lower = without_code.to_lowercase();
    let only_words = lower.replace(|char: char| !char.is_alphanumeric() && char != '\'', " ");
    let words = only_words.split_whitespace().collect::<Vec<_>>().join(" ");
    format!(" {words} ")
}

/// Each phrase of this text, with the words around it.
fn hits(text: &str) -> Vec<String> {
    let mut words = words(text);
    for right in RIGHT {
        words = words.replace(&format!(" {right} "), " … ");
    }
    let mut found = Vec::new();
    for (phrase, instead) in PHRASES {
        let needle = format!(" {phrase} ");
        for (at, _) in words.match_indices(&needle) {
            let before = words[..at].split(' ').rev().take(6).collect::<Vec<_>>();
            let before: Vec<&str> = before.into_iter().rev().collect();
            let after: Vec<&str> = words[at + needle.len()..].split(' ').take(5).collect();
            found.push(format!(
                "\"{phrase}\" ({} {phrase} {}): write {instead}",
                before.join(" "),
                after.join(" ")
            ));
        }
    }
    found
}

/// Between two headings or blank lines code is closed, so a lone backtick cannot hide a page.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n")
}

#[test]
fn the_documentation_is_in_plain_english() {
    let mut all = Vec::new();
    for (page, text) in texts() {
        let found = paragraphs(&text).flat_map(hits);
        all.extend(found.map(|hit| format!("{page}: {hit}")));
    }
    assert!(all.is_empty(), "{} phrases:\n{}", all.len(), all.join("\n"));
}

#[test]
fn doc_comments_and_messages_are_in_plain_english() {
    let texts = sources::texts();
    let docs = texts.iter().filter(|text| text.is_doc).count();
    assert!(docs > 3_000, "{docs} doc comments");
    assert!(texts.len() - docs > 3_000, "{} strings", texts.len() - docs);
    let mut all = Vec::new();
    for text in &texts {
        let found = paragraphs(&text.text).flat_map(hits);
        all.extend(found.map(|hit| format!("{}: {hit}", text.file)));
    }
    assert!(all.is_empty(), "{} phrases:\n{}", all.len(), all.join("\n"));
}

/// The word with which a summary begins, if it cannot.
fn opener(doc: &str) -> Option<&'static str> {
    let first = doc.split_whitespace().next()?;
    let first = first.trim_end_matches([',', '.', ':', ';']);
    OPENERS
        .iter()
        .copied()
        .find(|opener| first.eq_ignore_ascii_case(opener))
}

#[test]
fn summaries_stand_alone() {
    let mut all = Vec::new();
    for text in sources::texts().iter().filter(|text| text.is_doc) {
        if let Some(word) = opener(&text.text) {
            let start: String = text.text.trim_start().chars().take(60).collect();
            all.push(format!("{}: begins with \"{word}\": {start}", text.file));
        }
    }
    assert!(
        all.is_empty(),
        "{} summaries:\n{}",
        all.len(),
        all.join("\n")
    );
    assert_eq!(opener(" They as text."), Some("they"));
    assert_eq!(opener(" Formats the lines."), None);
}

#[test]
fn phrases_are_found_across_lines_and_not_in_code() {
    assert_eq!(
        hits("Its value is\nno number, but there is no p99.").len(),
        1
    );
    assert_eq!(
        hits("**Beside** the plan; besides, `is no` is code.").len(),
        1
    );
    assert_eq!(hits("This is no longer true. A bit of item 3.").len(), 0);
}
