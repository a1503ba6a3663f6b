//! `--config FILE`: flags from a YAML file, as vLLM reads them. What stands on the command line wins.

use super::flag_name;
use crate::error::{Error, Problem};
use serde_json::{Map, Value};
use std::{collections::HashSet, ffi::OsString, fs};

/// The arguments with those of the file behind the subcommand.
///
/// # Errors
/// There is no such file, or it is no mapping from flags to values.
pub(super) fn expanded(args: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let end = args
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(args.len());
    let Some(place) = args[..end]
        .iter()
        .position(|arg| flag_name(arg) == Some("config"))
    else {
        return Ok(args);
    };
    let mut args = args;
    let flag = args.remove(place);
    let path = match flag.to_str().and_then(|flag| flag.split_once('=')) {
        Some((_, path)) => OsString::from(path),
        None if place < args.len() => args.remove(place),
        None => OsString::new(),
    };
    let shown = path.to_string_lossy().into_owned();
    let problem = |fix: String| Error::Invalid(vec![Problem::new("--config", &shown, fix)]);
    let text = fs::read_to_string(&path)
        .map_err(|e| problem(format!("cannot be read: {e}. Name a YAML file")))?;
    // Without the lines around a mistake, which may hold a key.
    let options = serde_saphyr::options! { with_snippet: false };
    let settings = serde_saphyr::from_str_with_options(&text, options);
    let settings: Map<String, Value> = settings.map_err(|e| {
        problem(format!(
            "is no YAML mapping of flags to values, such as `request-rate: 10`: {e}"
        ))
    })?;
    let given: HashSet<String> = args
        .iter()
        .filter_map(flag_name)
        .map(str::to_owned)
        .collect();
    let mut words = Vec::new();
    for (name, value) in settings {
        let name = name.replace('_', "-");
        if !given.contains(&name) {
            words.extend(flag_of(&name, value).map_err(&problem)?);
        }
    }
    let after_command = args.len().min(2);
    args.splice(after_command..after_command, words);
    Ok(args)
}

/// A setting as words of a command line; `false` and nothing are none.
fn flag_of(name: &str, value: Value) -> Result<Vec<OsString>, String> {
    let flag = format!("--{name}");
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok(match value {
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::Bool(true) => vec![flag.into()],
        Value::Array(values) if values.iter().any(|v| v.is_array() || v.is_object()) => {
            return Err(format!(
                "`{name}` holds a list of lists or objects; give plain values"
            ));
        }
        Value::Array(values) => {
            let values = values.iter().map(|value| word(value).into());
            [flag.into()].into_iter().chain(values).collect()
        }
        value => vec![format!("{flag}={}", word(&value)).into()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::scratch;

    fn expand(yaml: &str, args: &[&str]) -> Result<Vec<String>, Error> {
        let folder = scratch();
        let file = folder.file("config.yaml", yaml);
        let words = [
            &["goodput", "serve", "--config"],
            &[file.to_str().unwrap()][..],
            args,
        ]
        .concat();
        let expanded = expanded(words.iter().map(OsString::from).collect())?;
        Ok(expanded
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect())
    }

    #[test]
    fn the_command_line_wins() {
        let yaml = "request_rate: 10\nmodel: m\nsave-result: true\ninsecure: false\n\
                    goodput:\n  - ttft:200\n  - tpot:50\nextra-body:\n  top_k: 1\n";
        let words = expand(yaml, &["--model", "other"]).unwrap();
        assert_eq!(
            words,
            [
                "goodput",
                "serve",
                "--request-rate=10",
                "--save-result",
                "--goodput",
                "ttft:200",
                "tpot:50",
                "--extra-body={\"top_k\":1}",
                "--model",
                "other"
            ]
        );
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let error = expand("- 1\n- 2\n", &[]).unwrap_err().to_string();
        assert!(
            error.contains("--config") && error.contains("mapping"),
            "{error}"
        );
        let missing = ["goodput", "serve", "--config=/nowhere.yaml"].map(OsString::from);
        let error = expanded(missing.to_vec()).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
