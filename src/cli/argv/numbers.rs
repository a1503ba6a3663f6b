//! Numbers as Python's `int()` and `float()` read them: vLLM's flags accept `1_000` and surrounding blanks.

use super::{names, spelling::flag_name};
use crate::cli::Cli;
use clap::{Arg, CommandFactory};
use std::{any::TypeId, borrow::Cow, collections::BTreeMap, ffi::OsString};

/// Kind of number that a flag accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Whole,
    Float,
}

impl Number {
    /// Kind of number of a flag, if its value is one.
    pub(super) fn of(arg: &Arg) -> Option<Self> {
        let of = arg.get_value_parser().type_id();
        let whole = [
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
            TypeId::of::<i64>(),
        ];
        if whole.iter().any(|id| of == *id) {
            Some(Number::Whole)
        } else {
            (of == TypeId::of::<f64>()).then_some(Number::Float)
        }
    }

    /// Number as Rust writes it. Text that Python does not read either stays as it is, and clap reports it.
    fn plain(self, text: &str) -> Cow<'_, str> {
        let Some(joined) = joined(text.trim()) else {
            return Cow::Borrowed(text);
        };
        let is_one = match self {
            Number::Whole => joined.parse::<i128>().is_ok(),
            Number::Float => joined.parse::<f64>().is_ok(),
        };
        if is_one && joined != text {
            Cow::Owned(joined)
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// Parses a number as `float()` does.
pub(in crate::cli) fn float(text: &str) -> Option<f64> {
    joined(text.trim())?.parse().ok()
}

/// Removes the underscores, each of which must be between two digits.
fn joined(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |place: Option<usize>| {
        place
            .and_then(|place| bytes.get(place))
            .is_some_and(u8::is_ascii_digit)
    };
    let lone = |(place, byte): (usize, &u8)| {
        *byte == b'_' && !(is_digit(place.checked_sub(1)) && is_digit(Some(place + 1)))
    };
    if bytes.iter().enumerate().any(lone) {
        None
    } else {
        Some(text.replace('_', ""))
    }
}

/// Rewrites all numbers of vLLM's flags as clap reads them.
pub(super) fn plain(args: Vec<OsString>, subcommand: &str) -> Vec<OsString> {
    let command = Cli::command();
    let flags = command
        .find_subcommand(subcommand)
        .map(clap::Command::get_arguments);
    let numbers: BTreeMap<String, (Number, bool)> = flags
        .into_iter()
        .flatten()
        .filter_map(|arg| {
            let name = arg.get_long()?.to_owned();
            let number = Number::of(arg).filter(|_| names::is_of_vllm(&name))?;
            Some((name, (number, arg.get_value_delimiter().is_some())))
        })
        .collect();
    let mut waiting = None;
    let mut only_values = false;
    let plain_one = |text: &str, (number, listed): (Number, bool)| {
        if listed {
            let parts = text.split(',').map(|part| number.plain(part));
            parts.collect::<Vec<_>>().join(",")
        } else {
            number.plain(text).into_owned()
        }
    };
    args.into_iter()
        .map(|arg| {
            only_values |= arg == "--";
            let Some(text) = arg.to_str().filter(|_| !only_values) else {
                return arg;
            };
            if let Some(name) = flag_name(&arg) {
                let number = numbers.get(name).copied();
                waiting = number.filter(|_| !text.contains('='));
                return match (number, text.split_once('=')) {
                    (Some(number), Some((flag, value))) => {
                        format!("{flag}={}", plain_one(value, number)).into()
                    }
                    _ => arg,
                };
            }
            match waiting.take() {
                Some(number) => plain_one(text, number).into(),
                None => arg,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Each as `python3 -c 'print(int(…), float(…))'` has it.
    #[rstest]
    #[case("1_000", "1000", "1000")]
    #[case(" 5 ", "5", "5")]
    #[case("+1_0", "+10", "+10")]
    #[case("-1_0", "-10", "-10")]
    #[case("1_000.5", "1_000.5", "1000.5")]
    #[case("1_0e1_0", "1_0e1_0", "10e10")]
    #[case("1_0.0", "1_0.0", "10.0")]
    #[case(" inf", " inf", "inf")]
    #[case("\tInfinity\n", "\tInfinity\n", "Infinity")]
    // Neither reads these.
    #[case("1__0", "1__0", "1__0")]
    #[case("_10", "_10", "_10")]
    #[case("10_", "10_", "10_")]
    #[case("1_.5", "1_.5", "1_.5")]
    #[case("1_e5", "1_e5", "1_e5")]
    #[case("1 0", "1 0", "1 0")]
    #[case("0x_1", "0x_1", "0x_1")]
    #[case("", "", "")]
    fn as_python_reads_them(#[case] given: &str, #[case] whole: &str, #[case] float: &str) {
        assert_eq!(Number::Whole.plain(given), whole);
        assert_eq!(Number::Float.plain(given), float);
    }

    #[rstest]
    #[case(&["--num-prompts", "1_000"], &["--num-prompts", "1000"])]
    #[case(&["--num-prompts=1_000"], &["--num-prompts=1000"])]
    #[case(&["--request-rate", " 1_0.5 "], &["--request-rate", "10.5"])]
    #[case(&["--top-k=-1_0"], &["--top-k=-10"])]
    #[case(&["--metric-percentiles", "5_0, 99"], &["--metric-percentiles", "50,99"])]
    // Texts are left alone, and so are goodput's own flags.
    #[case(&["--label", "1_000", "--model=1_0"], &["--label", "1_000", "--model=1_0"])]
    #[case(&["--max-extend", "1_0"], &["--max-extend", "1_0"])]
    #[case(&["--save-result", "1_0"], &["--save-result", "1_0"])]
    #[case(&["--", "--num-prompts=1_0"], &["--", "--num-prompts=1_0"])]
    fn only_numbers_of_vllms_flags_change(#[case] given: &[&str], #[case] expected: &[&str]) {
        let args = given.iter().map(OsString::from).collect();
        assert_eq!(plain(args, "serve"), expected);
    }
}
