//! `--help=WORD`: the flags whose names contain a word, as in vLLM's parser.

use super::LIKE_VLLM;
use crate::cli::Cli;
use clap::{Arg, CommandFactory};
use std::ffi::OsString;

/// Help for the word of a command line, if it asks for one. `all` shows everything.
pub(in crate::cli) fn help(args: &[OsString]) -> Option<String> {
    let subcommand = args.get(1)?.to_str()?;
    if !LIKE_VLLM.contains(&subcommand) {
        return None;
    }
    let before = args.iter().take_while(|arg| *arg != "--");
    // The last one counts, as in vLLM.
    let word = before
        .filter_map(|arg| arg.to_str()?.strip_prefix("--help="))
        .last()?;
    let word = word.to_lowercase().replace('_', "-");
    let mut command = Cli::command();
    // Sets the name of the whole command in its usage line.
    command.build();
    let command = command.find_subcommand(subcommand)?.clone();
    if word == "all" {
        return Some(command.clone().render_long_help().to_string());
    }
    let names = |arg: &Arg| {
        arg.get_long()
            .is_some_and(|long| format!("--{long}").contains(&word))
    };
    if !command.get_arguments().any(names) {
        return Some(format!(
            "No flag of `goodput {subcommand}` has {word:?} in its name; --help shows all flags\n"
        ));
    }
    let mut found = command.mut_args(|arg| {
        let is_other = !names(&arg);
        // The short form of the help hides rare flags.
        arg.hide(is_other).hide_short_help(false)
    });
    Some(found.render_help().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(words: &str) -> Option<String> {
        let args: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        help(&args)
    }

    #[rstest]
    #[case("goodput serve --help=ramp", &["--ramp", "--ramp-up-strategy", "--ramp-up-start-rps", "--ramp-up-end-rps"])]
    #[case("goodput serve --help=RAMP_UP_E", &["--ramp-up-end-rps"])]
    #[case("goodput serve --nonsense --help=seed --help=burst", &["--burstiness"])]
    #[case("goodput ab --help=--pairs", &["--pairs"])]
    fn flags_with_a_word_in_their_names(#[case] words: &str, #[case] flags: &[&str]) {
        let text = of(words).unwrap();
        let shown = text.lines().filter_map(|line| {
            let line = line.trim_start();
            line.starts_with("--").then(|| line.split(' ').next())?
        });
        assert_eq!(shown.collect::<Vec<_>>(), flags, "{text}");
    }

    #[test]
    fn all_of_it() {
        let text = of("goodput serve --help=all").unwrap();
        assert!(
            text.contains("--num-prompts") && text.contains("--slo"),
            "{text}"
        );
    }

    #[test]
    fn no_flag_at_all() {
        let text = of("goodput serve --help=nonsense").unwrap();
        assert!(text.contains("\"nonsense\""), "{text}");
    }

    #[rstest]
    #[case("goodput serve --help")]
    #[case("goodput serve -- --help=seed")]
    #[case("goodput sim --help=seed")]
    #[case("goodput")]
    fn other_lines(#[case] words: &str) {
        assert_eq!(of(words), None);
    }
}
