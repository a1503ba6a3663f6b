//! Prepares the command line for clap: handles what vLLM's parser allows and clap does not.

mod config;
mod flags;
mod help;
mod names;
mod nested;
mod numbers;
mod refused;
mod settings;
mod spelling;
mod yaml;

pub(super) use config::{Origins, line_of};
pub(super) use flags::{Flags, given};
pub(super) use help::help;
pub(super) use numbers::float;
pub(super) use settings::settings;
pub(super) use yaml::mapping;

use crate::error::Error;
use names::Names;
use std::ffi::OsString;

/// The subcommands that have the flags of `vllm bench serve`.
const LIKE_VLLM: [&str; 6] = ["serve", "ab", "latency", "throughput", "search", "sweep"];

/// The subcommand whose `--config` file has lists of values, which it reads itself.
const SWEEP: &str = "sweep";

/// Rewrites the arguments as clap reads them (`_` in names as `-`, names in full, the flags of a `--config`
/// file, nested keys as one JSON object, numbers as Rust writes them); also returns which flags the file
/// set.
///
/// # Errors
/// A flag of vLLM that goodput does not have, an ambiguous name, or an unusable file.
pub(super) fn prepared(
    args: impl Iterator<Item = OsString>,
) -> Result<(Vec<OsString>, Origins), Error> {
    let args = spelling::normalised(args);
    let subcommand = args.get(1).and_then(|name| name.to_str());
    let known = LIKE_VLLM.into_iter().find(|name| subcommand == Some(name));
    let Some(subcommand) = known else {
        return Ok((args, Origins::default()));
    };
    let names = Names::of(subcommand);
    let args = names::resolved(args, &names)?;
    let (args, origins) = match subcommand {
        SWEEP => (args, Origins::default()),
        _ => config::expanded(args, &names)?,
    };
    refused::check(&args)?;
    let args = numbers::plain(nested::joined(args), subcommand);
    Ok((args, origins))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::{BTreeMap, BTreeSet};

    const DOCUMENTED: &str = include_str!("../../../docs/vllm.md");

    fn taken() -> BTreeSet<String> {
        let command = crate::cli::Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let names = serve.get_arguments().filter_map(clap::Arg::get_long);
        names.map(|name| format!("--{name}")).collect()
    }

    #[test]
    fn every_flag_of_vllm_is_taken_or_refused_and_documented() {
        let taken = taken();
        let refused: BTreeSet<String> = refused::names().map(|name| format!("--{name}")).collect();
        assert!(taken.is_disjoint(&refused));
        let documented: BTreeMap<&str, &str> = DOCUMENTED
            .lines()
            .filter_map(|line| line.strip_prefix("| `--"))
            .filter_map(|line| {
                let mut cells = line.split(" | ");
                // Other tables have sentences in their first cell.
                Some((cells.next()?.strip_suffix('`')?, cells.next()?))
            })
            .collect();
        let mut of_vllm = BTreeSet::new();
        for flag in names::OF_VLLM.lines() {
            let state = match (taken.contains(flag), refused.contains(flag)) {
                (true, _) => "taken",
                (_, true) => "refused",
                _ => panic!("{flag} is neither taken nor refused"),
            };
            let name = flag.trim_start_matches("--");
            assert_eq!(documented.get(name), Some(&state), "{flag} in docs/vllm.md");
            of_vllm.insert(name);
        }
        let documented: BTreeSet<&str> = documented.into_keys().collect();
        assert_eq!(documented, of_vllm);
        assert_eq!(of_vllm.len(), 102);
    }

    /// `multi_turn_flags.txt` has the parser of vLLM's multi-turn script (0.33), with the short names.
    #[test]
    fn every_flag_of_the_multi_turn_script_is_taken_or_refused_and_documented() {
        let page = include_str!("../../../docs/multi_turn.md");
        let command = crate::cli::Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let refused: BTreeSet<&str> = refused::names().collect();
        for names in include_str!("multi_turn_flags.txt").lines() {
            let (short, long) = names.rsplit_once("--").unwrap();
            let short = short.trim().chars().nth(1);
            let flag = serve.get_arguments().find(|flag| {
                let others = flag.get_all_aliases().unwrap_or_default();
                flag.get_long() == Some(long) || others.contains(&long)
            });
            let state = match flag {
                Some(flag) => {
                    assert_eq!(flag.get_short(), short, "{names}");
                    "taken"
                }
                None => {
                    assert!(refused.contains(long), "{names}");
                    "refused"
                }
            };
            let row = format!("| `{names}` | {state} |");
            assert!(page.contains(&row), "docs/multi_turn.md needs {row}");
        }
    }

    #[test]
    fn other_commands_keep_their_arguments() {
        let args = ["goodput", "sim", "--plot-timeline", "--config", "x"].map(OsString::from);
        let (prepared, _) = prepared(args.clone().into_iter()).unwrap();
        assert_eq!(prepared, args);
    }
}
