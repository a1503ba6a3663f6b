//! Names of files.

/// Most file systems allow 255 bytes for a name; the rest is for suffixes.
const LONGEST: usize = 200;

/// Checks a path that a user chose.
///
/// # Errors
/// The path has characters that a terminal does not show as they are.
pub(super) fn check_name(path: &str) -> Result<(), String> {
    match path.chars().find(|c| is_unseen(*c)) {
        Some(c) => Err(format!(
            "its name has the control character {}",
            c.escape_unicode()
        )),
        None => Ok(()),
    }
}

/// Makes a text part of a file name: characters that no name may contain become hyphens.
fn part(text: &str) -> String {
    let safe = |c: char| {
        if is_unseen(c) || is_separator(c) {
            '-'
        } else {
            c
        }
    };
    text.chars().map(safe).collect()
}

/// A name that file systems accept. A name that is too long is cut, and a hash of the whole keeps different
/// names apart; the end stays, because it has the date and the file's type.
pub(crate) fn fitting(name: &str) -> String {
    const END: usize = 60;
    let name = part(name);
    // Neither hidden nor like a flag.
    let name = match name.trim_start_matches(['.', '-']) {
        "" => "_",
        name => name,
    };
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
    let boundary = |at: &usize| name.is_char_boundary(*at);
    let start = (0..LONGEST - END - 18).rev().find(boundary).unwrap_or(0);
    let end = (name.len() - END..name.len()).find(boundary);
    let end = end.unwrap_or(name.len());
    format!("{}-{hash:016x}-{}", &name[..start], &name[end..])
}

/// Whether a character is a control character, or changes the direction or layout of the following text.
fn is_unseen(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn is_separator(c: char) -> bool {
    c == '/' || (cfg!(windows) && "\\:*?\"<>|".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("feature/x", "feature-x")]
    #[case("/abs/x", "-abs-x")]
    #[case("a\0b\nc\u{9b}d\u{202e}e", "a-b-c-d-e")]
    #[case("Qwen2.5-7B é 日本", "Qwen2.5-7B é 日本")]
    fn parts_hold_nothing_that_leads_elsewhere(#[case] text: &str, #[case] name: &str) {
        assert_eq!(part(text), name);
        assert!(check_name(name).is_ok());
    }

    #[rstest]
    #[case("a\0b", "\\u{0}")]
    #[case("a\nb", "\\u{a}")]
    #[case("a\u{9b}b", "\\u{9b}")]
    #[case("a\u{202e}b", "\\u{202e}")]
    fn what_cannot_be_shown_is_refused(#[case] path: &str, #[case] told: &str) {
        let error = check_name(path).unwrap_err();
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn names_fit_and_stay_apart() {
        let long = |c: &str| fitting(&format!("{}-20260901-120000.json", c.repeat(300)));
        for name in [long("x"), long("日"), long("y")] {
            assert!(name.len() <= 200, "{name}");
            assert!(name.ends_with("-20260901-120000.json"), "{name}");
        }
        assert_ne!(
            long("x"),
            fitting(&format!("{}-20260901-120000.json", "x".repeat(301)))
        );
        assert_eq!(fitting(".hidden"), "hidden");
        assert_eq!(fitting("/abs/x"), "abs-x");
        assert_eq!(fitting("openai-infqps-m-1.json"), "openai-infqps-m-1.json");
    }
}
