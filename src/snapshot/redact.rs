//! Redacts machine names.

/// Keeps descriptions of simulated targets and services, drops all others.
pub(super) fn target(target: &str, simulated: bool) -> &str {
    let ours = simulated || target.starts_with("a service of this process");
    match target {
        target if ours => target,
        target if target.starts_with("http") => "[url]",
        target if target.starts_with("unix:") => "[socket]",
        _ => "[target]",
    }
}

/// Keeps the name of a model or tokenizer; a path of this machine becomes `[path]`.
pub(super) fn name(name: &str) -> &str {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let rooted = name.starts_with(['/', '.', '~']) || name.contains('\\') || drive;
    // `org/model` is a name, `models/org/model` and `dir/tokenizer.json` are paths.
    let deep = name.matches('/').count() > 1 || name.ends_with(".json") || name.ends_with(".gguf");
    if rooted || deep || name.contains("://") {
        "[path]"
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "the built-in simulation on virtual time",
        true,
        "the built-in simulation on virtual time"
    )]
    #[case(
        "a service of this process on real time",
        false,
        "a service of this process on real time"
    )]
    #[case("http://gpu7.corp.example:8000", false, "[url]")]
    #[case("unix:/run/secret.sock", false, "[socket]")]
    #[case("vllm serve /models/x --api-key hunter2", false, "[target]")]
    fn targets_are_hidden(#[case] given: &str, #[case] simulated: bool, #[case] kept: &str) {
        assert_eq!(target(given, simulated), kept);
    }

    #[rstest]
    #[case("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B")]
    #[case("gpt-4o", "gpt-4o")]
    #[case("/home/me/models/x", "[path]")]
    #[case("./x", "[path]")]
    #[case("~/x", "[path]")]
    #[case("C:\\models\\x", "[path]")]
    #[case("mnt/models/x", "[path]")]
    #[case("x/tokenizer.json", "[path]")]
    #[case("s3://bucket/x", "[path]")]
    fn paths_are_hidden(#[case] given: &str, #[case] kept: &str) {
        assert_eq!(name(given), kept);
    }
}
