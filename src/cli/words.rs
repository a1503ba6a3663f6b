//! Translates messages for their reader: the library names keys of the attribute, the command has flags,
//! and a `--config` file has lines.

use super::{
    argv::Origins,
    settings::{of_dataset, of_setting},
};
use crate::{error::Error, problem::Problem};

/// A key, and its flag; `None` if the command has none.
type Flag = (&'static str, Option<&'static str>);

/// All keys, and the methods of [`Bench`](crate::Bench) that are settings without a key. The flags of
/// targets depend on the subcommand.
const FLAGS: &[Flag] = &[
    ("backend", Some("--backend")),
    ("faults", Some("--faults")),
    ("endpoint", Some("--endpoint")),
    ("balance", Some("--balance")),
    ("bind", Some("--bind")),
    ("model", Some("--model")),
    ("tokenizer", Some("--tokenizer")),
    ("dataset", Some("--dataset-name")),
    ("rate", Some("--request-rate")),
    ("burstiness", Some("--burstiness")),
    ("max_concurrency", Some("--max-concurrency")),
    ("workers", Some("--workers")),
    ("requests", Some("--num-prompts")),
    ("duration", Some("--duration")),
    ("cut_start", Some("--cut-start")),
    ("cut_end", Some("--cut-end")),
    ("stop_if", Some("--stop-if")),
    ("grace", Some("--grace")),
    ("search", Some("--search")),
    ("search_budget", Some("--search-budget")),
    ("rounds", Some("--rounds")),
    ("warmup_rounds", Some("--warmup-rounds")),
    ("salt", Some("--salt")),
    ("seed", Some("--seed")),
    ("goodput", Some("--goodput")),
    ("slo", Some("--slo")),
    ("confidence", Some("--confidence")),
    ("max_extend", Some("--max-extend")),
    ("on_inconclusive", Some("--on-inconclusive")),
    ("expect", Some("--expect")),
    ("baseline", Some("--baseline")),
    ("require_baseline", Some("--baseline-strict")),
    ("save_baseline", Some("--save-baseline")),
    ("pairs", Some("--pairs")),
    ("noise_threshold", Some("--noise-threshold")),
    ("false_alarms", Some("--false-alarms")),
    ("stream", Some("--disable-stream")),
    ("ignore_eos", Some("--ignore-eos")),
    ("structured_output", Some("--structured-output")),
    ("structured_output_ratio", Some("--structured-output-ratio")),
    ("logprobs", Some("--logprobs")),
    ("extra_body", Some("--extra-body")),
    ("headers", Some("--header")),
    ("api_key", Some("--api-key")),
    ("request_id_prefix", Some("--request-id-prefix")),
    ("warmups", Some("--num-warmups")),
    ("prewarm", Some("--no-prewarm")),
    ("profile", Some("--profile")),
    ("lora_modules", Some("--lora-modules")),
    ("align_prompts", Some("--no-align-prompts")),
    ("probe_rate", Some("--probe-request-rate")),
    ("server_metrics_interval", Some("--server-metrics-interval")),
    ("ready_timeout", Some("--ready-check-timeout-sec")),
    ("connect_timeout", Some("--connect-timeout")),
    ("first_token_timeout", Some("--first-token-timeout")),
    ("between_tokens_timeout", Some("--between-tokens-timeout")),
    ("total_timeout", Some("--total-timeout")),
    ("insecure", Some("--insecure")),
    ("exclusive", Some("--exclusive")),
    ("max_lateness", Some("--max-lateness")),
    ("snapshot", None),
    ("crate", None),
    ("ignore", None),
];

/// Replaces some of the words in backticks, but no name of a class: users choose these.
fn requoted(sentence: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let mut said = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((quoted, behind)) = after.split_once('`') else {
            break;
        };
        said.push_str(before);
        let theirs = ["class ", "named "]
            .iter()
            .any(|word| before.ends_with(word));
        let word = if theirs { None } else { word(quoted) };
        said.push_str(&format!("`{}`", word.as_deref().unwrap_or(quoted)));
        rest = behind;
    }
    said.push_str(rest);
    said
}

/// Words that are also part of a grammar.
const AMBIGUOUS: [&str; 1] = ["goodput"];

/// Names of settings on a command line.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) origins: &'a Origins,
    /// Flag of the target.
    pub(super) target: &'static str,
    /// Flag of the reference.
    pub(super) versus: &'static str,
    /// Flag of the ramp.
    pub(super) ramp: &'static str,
}

impl Words<'_> {
    /// Flag of a key.
    fn flag(&self, key: &str) -> Option<&'static str> {
        match key {
            "target" => Some(self.target),
            "versus" => Some(self.versus),
            "ramp" => Some(self.ramp),
            _ => FLAGS.iter().find(|(known, _)| *known == key)?.1,
        }
    }

    /// Translates a sentence that may name keys in backticks, alone or with a value.
    pub(super) fn say(&self, sentence: &str) -> String {
        requoted(sentence, |quoted| {
            let flag = self.flag(quoted).filter(|_| !AMBIGUOUS.contains(&quoted));
            let with_value = || {
                let (key, value) = quoted.split_once(" = ")?;
                Some(format!("{} {value}", self.flag(key)?))
            };
            let flag = flag.map(str::to_owned).or_else(with_value);
            flag.or_else(|| of_dataset(quoted))
        })
    }

    /// Translates an error to the names of flags, with file and line if a file set them.
    pub(super) fn error(&self, error: Error) -> Error {
        match error {
            Error::Invalid(problems) => {
                Error::Invalid(problems.into_iter().map(|p| self.problem(p)).collect())
            }
            Error::Target(sentence) => Error::Target(self.say(&sentence)),
            // All other words in backticks are names in files.
            Error::Plan(error) => {
                Error::Plan(error.map(|sentence| requoted(&sentence, of_dataset)))
            }
            Error::Dial(error) => Error::Target(self.say(&error.to_string())),
            other => other,
        }
    }

    fn problem(&self, problem: Problem) -> Problem {
        let problem = match problem.field.as_str() {
            "dataset" => in_flags(problem),
            _ => problem,
        };
        let field = self
            .flag(&problem.field)
            .map_or(problem.field, str::to_owned);
        Problem {
            field: self.origins.of(&field).unwrap_or(field),
            message: self.say(&problem.message),
            ..problem
        }
    }
}

/// Translates a problem of a dataset, whose value is all or one of its settings.
fn in_flags(problem: Problem) -> Problem {
    let Some((dataset, inside)) = problem.value.split_once('(') else {
        return problem;
    };
    if dataset == "mix" {
        return Problem {
            field: "--mix".to_owned(),
            value: inside.strip_suffix(')').unwrap_or(inside).to_owned(),
            ..problem
        };
    }
    let message = requoted(&problem.message, |quoted| {
        let (key, value) = quoted.split_once(" = ")?;
        Some(format!("{} {value}", of_setting(dataset, key)?))
    });
    let flag = of_dataset(&problem.value);
    match flag
        .as_deref()
        .map(|flag| flag.split_once(' ').unwrap_or((flag, "")))
    {
        Some((field, value)) => Problem {
            field: field.to_owned(),
            value: value.to_owned(),
            message,
        },
        // The command has a flag for each setting, and one for the name.
        None => Problem {
            value: dataset.to_owned(),
            message,
            ..problem
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Cli, grammar::names::KEYS};
    use clap::CommandFactory;
    use rstest::rstest;

    const WORDS: fn(&Origins) -> Words<'_> = |origins| Words {
        origins,
        target: "--base-url",
        versus: "--a",
        ramp: "--ramp-up-strategy",
    };

    /// Keys that no flag sets, each with what `docs/vllm.md` says about it.
    const WITHOUT_A_FLAG: [(&str, &str); 3] = [
        ("snapshot", "a snapshot is next to a test"),
        ("crate", "a path in Rust"),
        ("ignore", "leave the command out"),
    ];

    #[test]
    fn every_key_has_a_flag_that_exists_or_a_documented_reason() {
        let command = Cli::command();
        let has = |name: &str, flag: &str| {
            let mut flags = command.find_subcommand(name).unwrap().get_arguments();
            flags.any(|arg| arg.get_long() == flag.strip_prefix("--"))
        };
        let page = include_str!("../../docs/vllm.md");
        for key in KEYS {
            let reason = WITHOUT_A_FLAG.iter().find(|(name, _)| *name == key.name);
            let flag = WORDS(&Origins::default()).flag(key.name);
            match (flag, reason) {
                (Some(flag), None) if ["versus", "pairs"].contains(&key.name) => {
                    assert!(has("ab", flag), "{}: ab {flag}", key.name);
                }
                (Some(flag), None) => assert!(has("serve", flag), "{}: {flag}", key.name),
                (None, Some((name, reason))) => {
                    let row = format!("`{name}` ({reason})");
                    assert!(page.contains(&row), "docs/vllm.md has no {row}");
                }
                (flag, reason) => panic!("{}: {flag:?}, {reason:?}", key.name),
            }
        }
        for flag in FLAGS.iter().filter_map(|(_, flag)| *flag) {
            assert!(has("serve", flag) || has("ab", flag), "{flag}");
        }
    }

    /// What is wrong with a dataset, when the command plans.
    #[rstest]
    #[case(
        "--backend openai --prompt-token-ids --random-batch-size 2",
        "cannot have `--prompt-token-ids` and `--random-batch-size` at once"
    )]
    #[case(
        "--backend openai --prompt-token-ids --skip-tokenizer-init",
        "`--prompt-token-ids` needs a tokenizer"
    )]
    #[case(
        "--dataset-name random-rerank --random-input-len 3",
        "`--random-input-len 3` leaves"
    )]
    #[case(
        "--dataset-name random-rerank --no-reranker --num-prompts 1",
        "`--no-reranker` counts"
    )]
    #[case(
        "--dataset-name prefix_repetition --num-prompts 5",
        "`--prefix-repetition-num-prefixes 10` is more than the 5 requests"
    )]
    #[case(
        "--dataset-name random-mm --random-mm-limit-mm-per-prompt {\"image\":0}",
        "raise `--random-mm-limit-mm-per-prompt.image`"
    )]
    #[case(
        "--dataset-name random-mm --random-mm-num-mm-items-range-ratio 2",
        "`--random-mm-num-mm-items-range-ratio 2` must be"
    )]
    #[case(
        "--dataset-name sonnet --dataset-path Cargo.toml --sonnet-input-len 2",
        "`--sonnet-input-len 2` has no room"
    )]
    fn plans_that_cannot_be_made_name_flags(#[case] flags: &str, #[case] said: &str) {
        let line = ["goodput", "serve", "--backend", "openai-chat"];
        let line = line.into_iter().chain(flags.split(' '));
        let error = crate::cli::serve::unplannable(line).to_string();
        assert!(error.contains(said), "{error}");
        assert!(
            !error.contains("`random") && !error.contains("`sonnet"),
            "{error}"
        );
    }

    /// A class may be named like a setting, and keeps its name.
    #[rstest]
    #[case(
        "a class cannot be named `requests`, because it has a meaning. Set `requests`",
        "a class cannot be named `requests`, because it has a meaning. Set `--num-prompts`"
    )]
    #[case("class `seed`: unknown `seed`", "class `seed`: unknown `--seed`")]
    fn a_class_keeps_its_name(#[case] sentence: &str, #[case] said: &str) {
        let origins = Origins::default();
        assert_eq!(WORDS(&origins).say(sentence), said);
    }

    /// Names of fields in files are not settings.
    #[test]
    fn a_field_of_a_row_keeps_its_name() {
        let folder = crate::plan::testing::scratch();
        let file = folder.file("rows.jsonl", "{\"model\": \"m\", \"seed\": 1}\n");
        let line = [
            "goodput",
            "serve",
            "--dataset-name",
            "custom",
            "--dataset-path",
        ];
        let line = line.into_iter().chain([file.to_str().unwrap()]);
        let line = line.chain(["--custom-output-len", "-1"]);
        let error = crate::cli::serve::unplannable(line).to_string();
        assert!(error.contains("field `prompt` is missing"), "{error}");
        assert!(error.contains("by `--custom-output-len`"), "{error}");
        assert!(!error.contains("--model"), "{error}");
    }

    #[rstest]
    #[case("Set `model`", "Set `--model`")]
    #[case("with `ramp`, or `versus`", "with `--ramp-up-strategy`, or `--a`")]
    #[case(
        "a percentage limits `goodput` or `errors`",
        "a percentage limits `goodput` or `errors`"
    )]
    #[case("`max_lateness` and `openai`", "`--max-lateness` and `openai`")]
    #[case("an open ` quote `model", "an open ` quote `model")]
    #[case(
        "Write `requests = 3000`, or limit `errors < 1%`",
        "Write `--num-prompts 3000`, or limit `errors < 1%`"
    )]
    #[case(
        "`timed_trace(sec_multiplier = 0.001)`, `hf(name)`, `sonnet(words)`, `sim(itl)`",
        "`--timed-trace-sec-multiplier 0.001`, `--hf-name`, `sonnet(words)`, `sim(itl)`"
    )]
    fn sentences_name_flags(#[case] sentence: &str, #[case] said: &str) {
        assert_eq!(WORDS(&Origins::default()).say(sentence), said);
    }

    /// Each setting that the command's bench may refuse, by the flag that set it.
    #[rstest]
    #[case("--num-prompts 0", "--num-prompts = 0")]
    #[case("--request-rate 0", "--request-rate = 0")]
    #[case("--burstiness 0", "--burstiness = 0")]
    #[case("--base-url localhost:8000", "--base-url = ")]
    #[case("--target ftp://x", "--target = ")]
    #[case("--max-concurrency 0", "--max-concurrency = 0")]
    #[case("--workers 0", "--workers = 0")]
    #[case("--backend nobody", "--backend = ")]
    #[case("--slo nonsense", "--slo = ")]
    #[case("--goodput nonsense", "--goodput = ")]
    #[case("--extra-body nonsense", "--extra-body: ")]
    #[case("--extra-body {\"stream\":false}", "--extra-body = ")]
    #[case("--endpoint nonsense", "--endpoint = ")]
    #[case("--header a{b=c", "--header = ")]
    #[case("--confidence 2", "--confidence = 2")]
    #[case("--max-extend 0", "--max-extend = 0")]
    #[case("--on-inconclusive maybe", "--on-inconclusive = ")]
    #[case("--expect maybe", "--expect = ")]
    #[case("--ramp up", "--ramp = ")]
    #[case("--structured-output jsn(a)", "--structured-output = ")]
    #[case(
        "--structured-output choice(a) --structured-output-ratio 2",
        "--structured-output-ratio = 2"
    )]
    #[case("--faults reset@5%", "only a simulation can have faults")]
    #[case("--noise-threshold -1", "--noise-threshold = -1")]
    #[case("--false-alarms 2", "--false-alarms = 2")]
    #[case("--probe-request-rate -1", "--probe-request-rate = -1")]
    #[case("--server-metrics-interval 1ns", "--server-metrics-interval = ")]
    #[case("--connect-timeout soon", "--connect-timeout = ")]
    #[case("--first-token-timeout soon", "--first-token-timeout = ")]
    #[case("--between-tokens-timeout soon", "--between-tokens-timeout = ")]
    #[case("--total-timeout soon", "--total-timeout = ")]
    #[case("--random-input-len 0", "--random-input-len = 0: asks for empty")]
    #[case("--random-output-len 0", "--random-output-len = 0: asks for no output")]
    #[case(
        "--backend openai-chat --prompt-token-ids",
        "--prompt-token-ids: the backend"
    )]
    #[case(
        "--random-prefix-len 99999999999",
        "--dataset-name = random: `--random-prefix-len 99999999999` is too large"
    )]
    #[case(
        "--dataset-name sonnet --dataset-path s --sonnet-output-len 99999999999",
        "--dataset-name = sonnet: `--sonnet-output-len 99999999999` is too large"
    )]
    #[case(
        "--dataset-name timed_trace --dataset-path t --ramp-up-strategy linear --ramp-up-start-rps 1 --ramp-up-end-rps 2",
        "set `--no-self-timed`"
    )]
    fn problems_name_the_flag_that_was_given(#[case] flags: &str, #[case] said: &str) {
        let line = ["goodput", "serve"].into_iter().chain(flags.split(' '));
        let error = crate::cli::serve::unusable(line).to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn a_problem_names_the_line_of_the_file_that_set_it() {
        let folder = crate::plan::testing::scratch();
        let file = folder.file("run.yaml", "model: m\nnum-prompts: 0\n");
        let line = ["goodput", "serve", "--config", file.to_str().unwrap()];
        let error = crate::cli::serve::unusable(line).to_string();
        assert!(error.contains("run.yaml:2: num-prompts = 0"), "{error}");
    }
}
