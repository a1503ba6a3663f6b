//! Shell scripts: words in quotes, and documents in documents.

/// Words for a shell, each in quotes where it needs them.
pub(super) fn words<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = words
        .into_iter()
        .map(|word| word_of(word.as_ref()))
        .collect();
    words.join(" ")
}

/// One word. A flag's name needs no quotes, even if its value does.
fn word_of(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") && flag.chars().all(plain) => {
            format!("{flag}={}", shell_words::quote(value))
        }
        _ => shell_words::quote(word).into_owned(),
    }
}

/// A command whose input is a text, which the shell leaves as it is.
pub(super) fn with_input(command: &str, text: &str) -> String {
    let mut end = "END".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    let text = text.trim_end_matches('\n');
    format!("{command} <<'{end}'\n{text}\n{end}\n")
}

/// Lines that make a token which only the processes of the job know.
pub(super) const TOKEN: &str = "\
GOODPUT_RENDEZVOUS_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')
export GOODPUT_RENDEZVOUS_TOKEN
";

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    fn run(script: &str) -> String {
        let mut shell = Command::new("sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        input.write_all(script.as_bytes()).unwrap();
        drop(input);
        String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// The shell itself reads back what was written, also through two layers.
        #[test]
        fn a_shell_reads_the_same_words(given in prop::collection::vec("(--[a-z]{1,4}=)?[ -~\n\u{e4}]{0,12}", 1..4)) {
            let inner = format!("printf '%s|' {}\n", words(&given));
            let outer = with_input("sh", &inner);
            prop_assert_eq!(run(&outer), given.iter().map(|word| format!("{word}|")).collect::<String>());
        }
    }

    #[test]
    fn a_text_cannot_end_its_document() {
        let script = with_input("cat", "a\nEND\n$b");
        assert_eq!(run(&script), "a\nEND\n$b\n");
    }

    #[test]
    fn tokens_differ() {
        let token = || run(&format!("{TOKEN}printf %s \"$GOODPUT_RENDEZVOUS_TOKEN\""));
        let (one, other) = (token(), token());
        assert!(
            one.len() == 32 && one.chars().all(|c| c.is_ascii_hexdigit()),
            "{one}"
        );
        assert_ne!(one, other);
    }
}
