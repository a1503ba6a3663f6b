//! Flags of `vllm bench serve` and of vLLM's multi-turn script that goodput does not have, and what to use instead. goodput ignores none.

use super::spelling::flag_name;
use crate::{error::Error, problem::Problem};
use std::ffi::OsString;

/// Names of flags, with what to use instead.
const REFUSED: &[(&str, &str)] = &[
    (
        "chat-template-kwargs",
        "goodput applies no chat template; send them to the server: --extra-body \
         '{\"chat_template_kwargs\": {…}}'",
    ),
    (
        "custom-ensure-client-side-data",
        "goodput downloads no pictures; download them and name the files in the dataset",
    ),
    (
        "max-retries",
        "goodput sends each request once, because a repeated one hides a failure; --slo \"errors <= 100%\" accepts failures",
    ),
    (
        "plot-dataset-stats",
        "goodput draws nothing; --dry-run prints the lengths of a plan",
    ),
    (
        "plot-timeline",
        "goodput draws nothing; --save-result --save-detailed keeps the times to draw",
    ),
    (
        "print-content",
        "goodput prints no answers; --output-file FILE writes the conversations with them",
    ),
    (
        "send-conversation-id",
        "goodput sends no id of the conversation; each request has its own x-request-id",
    ),
    (
        "timeline-itl-thresholds",
        "goodput draws nothing; limit gaps with --slo \"p99(itl) < 50ms\"",
    ),
    (
        "use-beam-search",
        "vLLM ignores it; ask the server: --extra-body '{\"use_beam_search\": \
         true}'",
    ),
    (
        "verify-output",
        "goodput compares no answers; --output-file FILE writes them, to compare with the input",
    ),
    (
        "warmup-step",
        "goodput has no such step; send a run with --max-turns 2 first, or leave the first requests out of the summary: \
         --warmup-percentages 10%",
    ),
];

/// # Errors
/// All of these flags on the command line.
pub(super) fn check(args: &[OsString]) -> Result<(), Error> {
    let flags = args.iter().take_while(|arg| *arg != "--");
    let problems: Vec<Problem> = flags
        .filter_map(flag_name)
        .filter_map(|name| REFUSED.iter().find(|(refused, _)| *refused == name))
        .map(|(name, sentence)| Problem::new(format!("--{name}"), "(given)", *sentence))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    REFUSED.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_named_at_once_and_nothing_after_a_double_dash() {
        let args = ["goodput", "serve", "--plot-timeline", "--use-beam-search=1"];
        let error = check(&args.map(OsString::from)).unwrap_err().to_string();
        assert!(error.contains("--plot-timeline"), "{error}");
        assert!(error.contains("--use-beam-search"), "{error}");
        let args = ["goodput", "serve", "--", "--plot-timeline"];
        assert!(check(&args.map(OsString::from)).is_ok());
    }
}
