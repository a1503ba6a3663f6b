//! Settings of a command line as vLLM's parser stores them.

use super::numbers::Number;
use crate::{cli::Cli, redact};
use clap::{Arg, ArgAction, ArgMatches, CommandFactory};
use serde_json::{Map, Value, json};
use std::ffi::OsString;

/// All flags of the subcommand, given ones and defaults, by vLLM's names for them. Header values are
/// hidden, as in vLLM, and so is every other credential. Empty for a line that does not parse.
pub(in crate::cli) fn settings(line: &[OsString]) -> Map<String, Value> {
    let command = Cli::command();
    let Ok(matches) = command.clone().try_get_matches_from(line) else {
        return Map::new();
    };
    let Some((name, matches)) = matches.subcommand() else {
        return Map::new();
    };
    let flags = command
        .find_subcommand(name)
        .map(clap::Command::get_arguments);
    let setting = |arg: &Arg| {
        let name = arg.get_long()?.replace('-', "_");
        (name != "help").then(|| (name.clone(), hidden(&name, value(arg, matches))))
    };
    flags.into_iter().flatten().filter_map(setting).collect()
}

fn hidden(name: &str, mut value: Value) -> Value {
    match name {
        "header" | "api_key" if !value.is_null() => json!("***"),
        _ => {
            redact::json(&mut value);
            value
        }
    }
}

fn value(arg: &Arg, matches: &ArgMatches) -> Value {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse) {
        return json!(matches.get_flag(id));
    }
    let Some(given) = matches.get_raw(id) else {
        return Value::Null;
    };
    let mut given = given.map(|text| typed(arg, &text.to_string_lossy()));
    let most = arg.get_num_args().map_or(1, |range| range.max_values());
    // vLLM's flag takes one URL.
    let one = id == "base_url" && given.len() == 1;
    if !one && (most > 1 || matches!(arg.get_action(), ArgAction::Append)) {
        given.collect()
    } else {
        given.next().unwrap_or_default()
    }
}

/// Numbers as numbers, other values as they were written.
fn typed(arg: &Arg, text: &str) -> Value {
    let number = match Number::of(arg) {
        Some(Number::Whole) => text.parse::<i64>().ok().map(Value::from),
        Some(Number::Float) => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::from)
        }
        None => None,
    };
    number.unwrap_or_else(|| json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_vllms_names_and_types() {
        let line = "goodput serve --request-rate 10 --num-prompts 7 --label 2026 --goodput ttft:200 \
                    --save-result --header Authorization=secret --base-url http://me:secret@h:1 --api-key secret";
        let line: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let settings = settings(&line);
        for (name, expected) in [
            ("request_rate", json!(10.0)),
            ("num_prompts", json!(7)),
            ("label", json!("2026")),
            ("goodput", json!(["ttft:200"])),
            ("save_result", json!(true)),
            ("save_detailed", json!(false)),
            ("max_concurrency", Value::Null),
            ("burstiness", json!(1.0)),
            ("header", json!("***")),
            ("api_key", json!("***")),
            ("base_url", json!("http://***@h:1")),
            ("port", json!(8000)),
        ] {
            assert_eq!(settings.get(name), Some(&expected), "{name}");
        }
        assert!(!Value::Object(settings).to_string().contains("secret"));
    }

    #[test]
    fn an_infinite_rate_is_the_text_that_vllm_writes() {
        let line = ["goodput", "serve"].map(OsString::from);
        assert_eq!(settings(&line)["request_rate"], "inf");
    }
}
