//! vLLM's spelling of flags: `_` and `-` are the same.

use std::ffi::OsString;

/// Replaces `_` by `-` in flag names. Values stay as they are, and so do the keys behind a dot
/// (`--extra-body.top_k`).
pub(super) fn normalised(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut only_values = false;
    args.map(|arg| {
        only_values |= arg == "--";
        match arg.to_str() {
            Some(text) if text.starts_with("--") && !only_values => {
                let (flag, value) = match text.split_once('=') {
                    Some((flag, value)) => (flag, Some(value)),
                    None => (text, None),
                };
                let flag = match flag.split_once('.') {
                    Some((flag, keys)) => format!("{}.{keys}", flag.replace('_', "-")),
                    None => flag.replace('_', "-"),
                };
                match value {
                    Some(value) => format!("{flag}={value}").into(),
                    None => flag.into(),
                }
            }
            _ => arg,
        }
    })
    .collect()
}

/// Name of a long flag, without a value after `=`; `None` for anything else.
pub(super) fn flag_name(arg: &OsString) -> Option<&str> {
    let text = arg.to_str()?.strip_prefix("--")?;
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("--request_rate", "--request-rate")]
    #[case("--request_rate=1_0", "--request-rate=1_0")]
    #[case("--extra_body.top_k=1", "--extra-body.top_k=1")]
    #[case("my_file.json", "my_file.json")]
    #[case("-n_1", "-n_1")]
    fn only_flag_names_change(#[case] given: &str, #[case] expected: &str) {
        let args = normalised([OsString::from(given)].into_iter());
        assert_eq!(args, [OsString::from(expected)]);
    }

    #[test]
    fn nothing_changes_after_a_double_dash() {
        let args = ["--", "--a_b"].map(OsString::from);
        assert_eq!(normalised(args.clone().into_iter()), args);
    }
}
