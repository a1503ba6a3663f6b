//! Names of flags as vLLM's parser reads them: an unambiguous prefix is enough, and other names of a flag work too.

use super::{refused, spelling::flag_name};
use crate::{cli::Cli, error::Error, grammar::mistake::closest, problem::Problem};
use clap::CommandFactory;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

/// Long flags of vLLM 0.33's parser.
pub(super) const OF_VLLM: &str = include_str!("vllm_flags.txt");

/// Flags of a subcommand.
pub(super) struct Names {
    own: BTreeSet<String>,
    /// Other names: of older vLLM versions, and of the attribute's keys.
    aliases: BTreeMap<String, String>,
}

impl Names {
    /// Names of this subcommand's flags.
    pub(super) fn of(subcommand: &str) -> Self {
        let command = Cli::command();
        let command = command.find_subcommand(subcommand);
        let flags = || command.into_iter().flat_map(clap::Command::get_arguments);
        let own = flags().filter_map(clap::Arg::get_long).map(str::to_owned);
        let always = ["help", "version"].map(str::to_owned);
        let aliases = flags().flat_map(|flag| {
            let name = flag.get_long().unwrap_or_default();
            let others = flag.get_all_aliases().unwrap_or_default().into_iter();
            others.map(|other| (other.to_owned(), name.to_owned()))
        });
        Names {
            own: own.chain(always).collect(),
            aliases: aliases.collect(),
        }
    }

    /// Whether the subcommand has the flag, or names its replacement.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.own.contains(name) || is_of_vllm(name) || refused::names().any(|flag| flag == name)
    }

    /// The closest known name, for a suggestion.
    pub(super) fn like(&self, name: &str) -> Option<&str> {
        let own: Vec<&str> = self.own.iter().map(String::as_str).collect();
        closest(name, &own)
    }

    /// Full name of a flag. An unknown name stays as it is, so that clap reports it. Flags that only
    /// goodput has cannot be shortened, so that they never make a prefix of vLLM's ambiguous.
    ///
    /// # Errors
    /// The candidates, if several flags of vLLM match.
    fn full(&self, name: &str) -> Result<String, Vec<&'static str>> {
        if self.knows(name) {
            return Ok(name.to_owned());
        }
        if let Some(flag) = self.aliases.get(name) {
            return Ok(flag.clone());
        }
        let begin = |flag: &&str| flag.starts_with(name);
        let candidates: Vec<&str> = of_vllm().chain(["help"]).filter(begin).collect();
        match candidates.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Ok(name.to_owned()),
            _ => Err(candidates),
        }
    }

    /// Resolves the name of one flag at a place, such as a file and a line.
    pub(super) fn resolved(&self, place: &str, name: &str) -> Result<String, Problem> {
        self.full(name).map_err(|candidates| {
            let candidates: Vec<String> = candidates.iter().map(|c| format!("--{c}")).collect();
            let message = format!("could be {}. Write one of them", candidates.join(", "));
            Problem::new(place, "", message)
        })
    }
}

/// Whether vLLM has a flag of this name.
pub(super) fn is_of_vllm(name: &str) -> bool {
    of_vllm().any(|flag| flag == name)
}

fn of_vllm() -> impl Iterator<Item = &'static str> {
    OF_VLLM.lines().filter_map(|line| line.strip_prefix("--"))
}

/// Replaces all flag names by their full names.
///
/// # Errors
/// All ambiguous names.
pub(super) fn resolved(args: Vec<OsString>, names: &Names) -> Result<Vec<OsString>, Error> {
    let mut only_values = false;
    let mut problems = Vec::new();
    let mut full = |arg: OsString| {
        only_values |= arg == "--";
        let Some(name) = flag_name(&arg).filter(|_| !only_values) else {
            return arg;
        };
        // A dot separates the keys of an object.
        let name = name.split('.').next().unwrap_or(name);
        match names.resolved(&format!("--{name}"), name) {
            Ok(full) => {
                let rest = arg.to_str().and_then(|arg| arg.get(2 + name.len()..));
                format!("--{full}{}", rest.unwrap_or_default()).into()
            }
            Err(problem) => {
                problems.push(problem);
                arg
            }
        }
    };
    let args: Vec<OsString> = args.into_iter().map(&mut full).collect();
    if problems.is_empty() {
        Ok(args)
    } else {
        Err(Error::Invalid(problems))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(args: &[&str]) -> Result<Vec<OsString>, Error> {
        let args = ["goodput", "serve"].iter().chain(args).map(OsString::from);
        resolved(args.collect(), &Names::of("serve"))
    }

    #[rstest]
    #[case("--num-prompt", "--num-prompts")]
    #[case("--num-prompt=4", "--num-prompts=4")]
    #[case("--save-res", "--save-result")]
    #[case("--base", "--base-url")]
    #[case("--metric", "--metric-percentiles")]
    #[case("--plot-t", "--plot-timeline")]
    #[case("--extra.top_k=1", "--extra-body.top_k=1")]
    #[case("--self", "--self-timed")]
    #[case("--hel", "--help")]
    #[case("--endpoint-type=openai-chat", "--backend=openai-chat")]
    #[case::key("--rate=5", "--request-rate=5")]
    #[case::key("--requests=7", "--num-prompts=7")]
    #[case::abbreviation("--request-r", "--request-rate")]
    #[case("--custom-skip-chat-template", "--skip-chat-template")]
    // Whole names are never taken for others.
    #[case("--output", "--output")]
    #[case("--endpoint", "--endpoint")]
    #[case("--slo", "--slo")]
    // goodput's own are not shortened.
    #[case("--sl", "--sl")]
    #[case("--first-token", "--first-token")]
    #[case("--nonsense", "--nonsense")]
    fn a_beginning_is_enough_for_flags_of_vllm(#[case] given: &str, #[case] full: &str) {
        assert_eq!(of(&[given]).unwrap()[2], full);
    }

    #[test]
    fn a_beginning_of_several_names_them_all() {
        let error = of(&["--save", "--h", "--seed", "1"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--save: could be --save-detailed, --save-result."),
            "{error}"
        );
        assert!(error.contains("--h: could be --header, "), "{error}");
    }

    #[test]
    fn values_behind_a_double_dash_are_left_alone() {
        assert_eq!(of(&["--", "--num-prompt"]).unwrap()[3], "--num-prompt");
    }

    #[test]
    fn every_flag_of_vllm_may_be_cut_to_its_shortest_beginning() {
        let names = Names::of("serve");
        for flag in of_vllm() {
            for end in 1..flag.len() {
                let begin = &flag[..end];
                match names.full(begin) {
                    Ok(full) => assert!(
                        full == flag || names.knows(begin) || begin == full,
                        "{begin}: {full}"
                    ),
                    Err(candidates) => assert!(candidates.contains(&flag), "{begin}"),
                }
            }
        }
    }
}
