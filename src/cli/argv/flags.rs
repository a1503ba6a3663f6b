//! Flags of `goodput serve` with values as files have them.

use super::{
    config::{Setting, fitting, flag_of},
    names::Names,
    nested,
    spelling::flag_name,
};
use crate::cli::Cli;
use clap::{Arg, ArgAction, CommandFactory};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
};

/// The flags that `goodput serve` has.
pub(in crate::cli) struct Flags {
    names: Names,
    /// Flags that take several values at once.
    lists: BTreeSet<String>,
}

impl Flags {
    pub(in crate::cli) fn of_serve() -> Self {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").into_iter();
        let several = |arg: &&Arg| {
            let most = arg.get_num_args().map_or(1, |range| range.max_values());
            most > 1 || matches!(arg.get_action(), ArgAction::Append)
        };
        let lists = serve.flat_map(clap::Command::get_arguments).filter(several);
        Flags {
            names: Names::of("serve"),
            lists: lists.filter_map(Arg::get_long).map(str::to_owned).collect(),
        }
    }

    /// The full name of a flag, as a file may shorten it and write `_` for `-`. Keys behind a dot stay.
    ///
    /// # Errors
    /// There is no such flag; with what to write instead.
    pub(in crate::cli) fn name(&self, key: &str) -> Result<String, String> {
        let (flag, inner) = match key.split_once('.') {
            Some((flag, inner)) => (flag, Some(inner)),
            None => (key, None),
        };
        let flag = flag.replace('_', "-");
        let name = self.names.resolved("", &flag).map_err(|p| p.message)?;
        if !self.names.knows(&name) {
            return Err(match self.names.like(&name) {
                Some(near) => format!("is not a flag of `goodput serve`; did you mean `{near}`?"),
                None => "is not a flag of `goodput serve`; see goodput serve --help".to_owned(),
            });
        }
        Ok(match inner {
            Some(inner) => format!("{name}.{inner}"),
            None => name,
        })
    }

    /// Whether a flag takes several values at once, so that one value is a list.
    pub(in crate::cli) fn takes_several(&self, name: &str) -> bool {
        self.lists.contains(name)
    }

    /// The command-line words of a flag, by its full name, with this value.
    ///
    /// # Errors
    /// The flag does not take the value.
    pub(in crate::cli) fn words(&self, name: &str, value: &Value) -> Result<Vec<OsString>, String> {
        let setting =
            serde_json::from_value::<Setting>(value.clone()).map_err(|e| e.to_string())?;
        let words = flag_of(name, setting)?;
        let flag = name.split('.').next().unwrap_or(name);
        let line = ["goodput", "serve"].map(OsString::from);
        fitting(&line, nested::joined(words.clone()), flag, &self.names)?;
        Ok(words)
    }
}

/// Whether a line of words has this flag, by its full name.
pub(in crate::cli) fn given(words: &[OsString], name: &str) -> bool {
    let flags = words
        .iter()
        .take_while(|word| word.as_os_str() != OsStr::new("--"));
    let flag = name.split('.').next().unwrap_or(name);
    flags
        .filter_map(flag_name)
        .any(|given| given.split('.').next() == Some(flag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("max_concurrency", json!(4), &["--max-concurrency=4"])]
    #[case("rate", json!("inf"), &["--request-rate=inf"])]
    #[case("goodput", json!(["ttft:200", "tpot:50"]), &["--goodput", "ttft:200", "tpot:50"])]
    #[case("ignore-eos", json!(false), &[])]
    #[case("extra_body.top_k", json!(2), &["--extra-body.top_k=2"])]
    fn a_value_of_a_file_is_words(#[case] key: &str, #[case] value: Value, #[case] words: &[&str]) {
        let flags = Flags::of_serve();
        let name = flags.name(key).unwrap();
        assert_eq!(flags.words(&name, &value).unwrap(), words);
    }

    #[rstest]
    #[case("max_concurency", json!(4), "did you mean `max-concurrency`?")]
    #[case("save", json!(true), "could be --save-detailed, --save-result")]
    #[case("max-concurrency", json!("many"), "invalid value 'many'")]
    #[case("seed", json!(null), "has no value")]
    fn what_does_not_fit_is_said(#[case] key: &str, #[case] value: Value, #[case] said: &str) {
        let flags = Flags::of_serve();
        let read = flags.name(key).and_then(|name| flags.words(&name, &value));
        let message = read.unwrap_err();
        assert!(message.contains(said), "{message}");
    }
}
