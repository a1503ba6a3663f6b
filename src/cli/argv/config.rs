//! `--config FILE`: flags from a YAML file, as vLLM reads them. The command line takes precedence.

use super::{names::Names, spelling::flag_name, yaml::mapping};
use crate::{cli::Cli, error::Error, files::text, problem::Problem};
use clap::{CommandFactory, error::ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsString,
    path::Path,
};

/// Where a file set a flag: `run.yaml:3`, by the flag's name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Origins(BTreeMap<String, String>);

impl Origins {
    /// Place and key of a flag such as `--num-prompts`, if a file set it.
    pub(in crate::cli) fn of(&self, flag: &str) -> Option<String> {
        let name = flag.strip_prefix("--")?;
        let place = self.0.get(name)?;
        Some(format!("{place}: {name}"))
    }
}

/// A value in the file. Unlike JSON's, its floats may be infinite.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Setting {
    Flag(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Map<String, Value>),
    Nothing(()),
}

/// Inserts the file's flags behind the subcommand; also returns where each comes from.
///
/// # Errors
/// There is no such file, or it is not a mapping from flags to valid values. The error lists all
/// mistakes.
pub(super) fn expanded(
    mut args: Vec<OsString>,
    names: &Names,
) -> Result<(Vec<OsString>, Origins), Error> {
    let Some(path) = taken(&mut args)? else {
        return Ok((args, Origins::default()));
    };
    let file = path.display().to_string();
    let problem = |fix: String| Error::Invalid(vec![Problem::new("--config", &file, fix)]);
    let text =
        text::read(&path).map_err(|e| problem(format!("cannot be read: {e}. Name a YAML file")))?;
    let settings = parsed(&text).map_err(&problem)?;
    let given: HashSet<String> = flags(&args).map(str::to_owned).collect();
    let mut problems = Vec::new();
    let mut origins = Origins::default();
    let mut words = Vec::new();
    for (key, setting) in settings {
        let place = match line_of(&text, &key) {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        };
        let name = names.resolved(&place, &key.replace('_', "-"));
        let read = name.and_then(|name| {
            let words =
                flag_of(&name, setting).and_then(|words| fitting(&args, words, &name, names));
            match words {
                Ok(words) => Ok((name, words)),
                Err(message) => Err(Problem::new(format!("{place}: {key}"), "", message)),
            }
        });
        match read {
            // The command line takes precedence, but an invalid value in the file is still an error.
            Ok((name, _)) if given.contains(&name) => {}
            Ok((name, more)) => {
                words.extend(more);
                origins.0.insert(name, place);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let after_command = args.len().min(2);
    args.splice(after_command..after_command, words);
    Ok((args, origins))
}

/// Names of the flags before a double dash.
fn flags(args: &[OsString]) -> impl Iterator<Item = &str> {
    let flags = args.iter().take_while(|arg| *arg != "--");
    flags.filter_map(flag_name)
}

/// Removes `--config` and its file from the arguments.
fn taken(args: &mut Vec<OsString>) -> Result<Option<std::path::PathBuf>, Error> {
    let is_config = |arg: &OsString| flag_name(arg) == Some("config");
    if flags(args).filter(|name| *name == "config").count() > 1 {
        let fix = "is given more than once. Put all flags into one file";
        return Err(Error::Invalid(vec![Problem::new("--config", "", fix)]));
    }
    let end = args.iter().position(|arg| arg == "--");
    let before = &args[..end.unwrap_or(args.len())];
    let Some(place) = before.iter().position(is_config) else {
        return Ok(None);
    };
    let flag = args.remove(place);
    let path = match flag.to_str().and_then(|flag| flag.split_once('=')) {
        Some((_, path)) => OsString::from(path),
        None if place < args.len() => args.remove(place),
        None => OsString::new(),
    };
    Ok(Some(Path::new(&path).to_owned()))
}

/// Parses the settings of a file.
fn parsed(text: &str) -> Result<BTreeMap<String, Setting>, String> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    mapping(text, "request-rate: 10")
}

/// Line of a key at the top level of the file, from 1.
pub(in crate::cli) fn line_of(text: &str, key: &str) -> Option<usize> {
    let is_key = |line: &str| {
        let line = line.trim_start_matches(['"', '\'']);
        let rest = line.strip_prefix(key).unwrap_or_default();
        let rest = rest.trim_start_matches(['"', '\'']).trim_start();
        rest.starts_with(':')
    };
    text.lines().position(is_key).map(|index| index + 1)
}

/// Command-line words of a setting, if the subcommand accepts it.
pub(super) fn fitting(
    args: &[OsString],
    words: Vec<OsString>,
    name: &str,
    names: &Names,
) -> Result<Vec<OsString>, String> {
    if !names.knows(name) {
        return Err(match names.like(name) {
            Some(near) => format!("is not a flag; did you mean `{near}`?"),
            None => "is not a flag of this command; see --help".to_owned(),
        });
    }
    let line = args.iter().take(2).chain(&words);
    match Cli::command().try_get_matches_from(line) {
        // The command line may have the other arguments.
        Err(e) if e.kind() != ErrorKind::MissingRequiredArgument => {
            let text = e.to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(first.trim_start_matches("error: ").to_owned())
        }
        _ => Ok(words),
    }
}

/// A setting as command-line words; `false` and an empty list give none.
pub(super) fn flag_of(name: &str, setting: Setting) -> Result<Vec<OsString>, String> {
    let flag = format!("--{name}");
    let one = |word: String| Ok(vec![format!("{flag}={word}").into()]);
    match setting {
        Setting::Flag(false) => Ok(Vec::new()),
        Setting::Flag(true) => Ok(vec![flag.into()]),
        Setting::Whole(number) => one(number.to_string()),
        Setting::Large(number) => one(number.to_string()),
        Setting::Number(number) => one(number.to_string()),
        Setting::Text(text) => one(text),
        Setting::Object(object) => one(Value::Object(object).to_string()),
        Setting::Nothing(()) => Err("has no value. Give one, or leave the line out".to_owned()),
        Setting::List(values) if values.iter().any(|v| v.is_array() || v.is_object()) => {
            Err("holds a list of lists or objects. Give plain values".to_owned())
        }
        Setting::List(values) if values.is_empty() => Ok(Vec::new()),
        Setting::List(values) => {
            let word = |value: Value| match value {
                Value::String(text) => text.into(),
                other => other.to_string().into(),
            };
            Ok([flag.into()]
                .into_iter()
                .chain(values.into_iter().map(word))
                .collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;
    use rstest::rstest;

    fn expand(yaml: &str, args: &[&str]) -> Result<(Vec<String>, Origins), Error> {
        let folder = scratch();
        let file = folder.file("config.yaml", yaml);
        let words = [
            &["goodput", "serve", "--config"],
            &[file.to_str().unwrap()][..],
            args,
        ]
        .concat();
        let (words, origins) = expanded(
            words.iter().map(OsString::from).collect(),
            &Names::of("serve"),
        )?;
        let words = words.into_iter().map(|word| word.into_string().unwrap());
        Ok((words.collect(), origins))
    }

    #[test]
    fn the_command_line_wins() {
        let yaml = "request_rate: 10\nmodel: m\nsave-result: true\ninsecure: false\nburstiness: .inf\n\
                    goodput:\n  - ttft:200\n  - tpot:50\nextra-body:\n  top_k: 1\nnum-prompt: 7\n";
        let (mut words, origins) = expand(yaml, &["--model", "other"]).unwrap();
        assert_eq!(words.drain(..2).collect::<Vec<_>>(), ["goodput", "serve"]);
        assert_eq!(
            words,
            [
                "--burstiness=inf",
                "--extra-body={\"top_k\":1}",
                "--goodput",
                "ttft:200",
                "tpot:50",
                "--num-prompts=7",
                "--request-rate=10",
                "--save-result",
                "--model",
                "other"
            ]
        );
        let place = origins.of("--num-prompts").unwrap();
        assert!(place.ends_with("config.yaml:11: num-prompts"), "{place}");
        assert_eq!(origins.of("--model"), None);
    }

    #[rstest]
    #[case::unknown("model: m\nbogus: 1\n", "config.yaml:2: bogus: is not a flag")]
    #[case::near("num-promts: 1\n", "did you mean `num-prompts`?")]
    #[case::value(
        "\nnum_prompts: many\n",
        "config.yaml:2: num_prompts: invalid value 'many' for '--num-prompts"
    )]
    #[case::choice(
        "dataset-name: rnd\n",
        "config.yaml:1: dataset-name: invalid value 'rnd'"
    )]
    #[case::several(
        "save: true\n",
        "config.yaml:1: could be --save-detailed, --save-result"
    )]
    #[case::nothing("seed:\n", "config.yaml:1: seed: has no value")]
    #[case::lists("goodput: [[1]]\n", "config.yaml:1: goodput: holds a list of lists")]
    #[case::too_many("seed: [1, 2]\n", "config.yaml:1: seed: unexpected argument '2'")]
    #[case::of_no_value("save-result: 1\n", "config.yaml:1: save-result: unexpected value '1'")]
    fn what_cannot_be_used_is_said_with_its_line(#[case] yaml: &str, #[case] said: &str) {
        let error = expand(yaml, &[]).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let error = expand("bogus: 1\nseed: x\nother-bogus: 2\n", &[]).unwrap_err();
        let Error::Invalid(problems) = error else {
            panic!("{error}");
        };
        assert_eq!(problems.len(), 3);
    }

    #[test]
    fn what_is_not_a_mapping_is_refused_without_a_word_of_it() {
        for yaml in ["- 1\n- 2\n", "extra-body: {api_key: SECRET}\nmodel: [m\n"] {
            let error = expand(yaml, &[]).unwrap_err().to_string();
            assert!(
                error.contains("--config") && error.contains("mapping"),
                "{error}"
            );
            assert!(!error.contains("SECRET"), "{error}");
        }
        let missing = ["goodput", "serve", "--config=/nowhere.yaml"].map(OsString::from);
        let error = expanded(missing.to_vec(), &Names::of("serve")).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        let twice = ["goodput", "serve", "--config=a", "--config", "b"].map(OsString::from);
        let error = expanded(twice.to_vec(), &Names::of("serve")).unwrap_err();
        assert!(error.to_string().contains("more than once"), "{error}");
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        let (words, _) = expand("seed: 3\nseed: 4\n", &[]).unwrap();
        assert_eq!(words[2..], ["--seed=4"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_key() {
        let (words, _) = expand("\u{feff}seed: 3\n", &[]).unwrap();
        assert_eq!(words[2..], ["--seed=3"]);
    }
}
