//! What is asked: `random(input = 256, output = 64)`, `custom("prompts.jsonl")`, `sharegpt("file.json")`.

use crate::call::{self, Arg, Call, set};
use crate::{Mistake, Mistakes};
use std::fmt;
use std::path::PathBuf;

/// A dataset and its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum Dataset {
    /// Synthetic prompts of an exact token length.
    Random(Random),
    /// One JSON object with a `prompt` a line.
    Custom(Custom),
    /// Conversations in ShareGPT's format: turn 0 is the prompt, turn 1 sets the output length.
    ShareGpt(ShareGpt),
}

/// `random(input = 1024, output = 128, range_ratio = 0.0, prefix = 0, token_ids = false)`
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Prompt tokens, shared prefix not included. Default 1024.
    pub input: usize,
    /// Output tokens asked for. Default 128.
    pub output: usize,
    /// Input lengths vary by ± this ratio, in [0, 1). Default 0.
    pub input_range_ratio: f64,
    /// Output lengths vary by ± this ratio, in [0, 1). Default 0.
    pub output_range_ratio: f64,
    /// Tokens of a prefix that all prompts share, on top of `input`. Default 0.
    pub prefix: usize,
    /// Send token ids rather than text (completions only): lengths are exact by construction.
    pub token_ids: bool,
}

/// `custom("prompts.jsonl", output = 256)`
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    /// The `.jsonl` file.
    pub path: PathBuf,
    /// Output tokens asked for; `None` (`output = row`, vLLM's -1) takes each row's
    /// `output_tokens`. Default 256.
    pub output: Option<usize>,
    /// Keep file order instead of a seeded shuffle.
    pub keep_order: bool,
    /// Send fewer requests rather than repeat rows when the file has too few.
    pub no_oversample: bool,
}

/// `sharegpt("file.json")`
#[derive(Debug, Clone, PartialEq)]
pub struct ShareGpt {
    /// The JSON file.
    pub path: PathBuf,
    /// Overrides the length of the recorded answer.
    pub output: Option<usize>,
    /// Keep file order instead of a seeded shuffle.
    pub keep_order: bool,
    /// Send fewer requests rather than repeat rows when the file has too few.
    pub no_oversample: bool,
}

impl Default for Random {
    fn default() -> Self {
        Random {
            input: 1024,
            output: 128,
            input_range_ratio: 0.0,
            output_range_ratio: 0.0,
            prefix: 0,
            token_ids: false,
        }
    }
}

const RANDOM_KEYS: &[&str] = &[
    "input",
    "output",
    "range_ratio",
    "input_range_ratio",
    "output_range_ratio",
    "prefix",
    "token_ids",
];
const FILE_KEYS: &[&str] = &["output", "keep_order", "no_oversample"];

/// Reads a dataset expression. Paths may stand in double or single quotes, or bare.
///
/// # Errors
/// Every setting that is unknown, repeated or out of range, and a missing path.
pub fn parse(text: &str) -> Result<Dataset, Mistakes> {
    let call = Call::parse(text).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Mistakes::new();
    let dataset = match call.name {
        "random" => Dataset::Random(random(call.args(), &mut mistakes)),
        "custom" => {
            // Without a word on it, a row gets vLLM's default of 256 tokens.
            let file = file("custom", &call, Some(256), &mut mistakes);
            Dataset::Custom(Custom {
                path: file.path,
                output: file.output,
                keep_order: file.keep_order,
                no_oversample: file.no_oversample,
            })
        }
        "sharegpt" => Dataset::ShareGpt(file("sharegpt", &call, None, &mut mistakes)),
        other => {
            let names = ["random", "custom", "sharegpt"];
            return Err(vec![Mistake::unknown("dataset", other, &names)]);
        }
    };
    if mistakes.is_empty() {
        Ok(dataset)
    } else {
        Err(mistakes)
    }
}

fn random(args: &[Arg<'_>], mistakes: &mut Mistakes) -> Random {
    let mut random = Random::default();
    call::check_keys(args, "setting of `random`", RANDOM_KEYS, mistakes);
    for arg in args {
        match arg.word {
            "input" => set(&mut random.input, arg.whole(1), mistakes),
            "output" => set(&mut random.output, arg.whole(1), mistakes),
            "prefix" => set(&mut random.prefix, arg.whole(0), mistakes),
            "token_ids" => set(&mut random.token_ids, arg.flag(), mistakes),
            "input_range_ratio" => set(&mut random.input_range_ratio, arg.ratio(), mistakes),
            "output_range_ratio" => set(&mut random.output_range_ratio, arg.ratio(), mistakes),
            "range_ratio" => match arg.ratio() {
                Ok(ratio) => {
                    random.input_range_ratio = ratio;
                    random.output_range_ratio = ratio;
                }
                Err(mistake) => mistakes.push(mistake),
            },
            _ => {}
        }
    }
    let given = |key| args.iter().any(|arg| arg.word == key);
    for one in ["input_range_ratio", "output_range_ratio"] {
        if given("range_ratio") && given(one) {
            mistakes.push(Mistake::new(format!(
                "`range_ratio` already sets `{one}`; keep one of them"
            )));
        }
    }
    random
}

/// Reads the settings that the datasets in files share.
fn file(
    name: &str,
    call: &Call<'_>,
    default_output: Option<usize>,
    mistakes: &mut Mistakes,
) -> ShareGpt {
    let mut file = ShareGpt {
        path: PathBuf::new(),
        output: default_output,
        keep_order: false,
        no_oversample: false,
    };
    let settings = match call.args() {
        [path, settings @ ..] if path.value.is_none() && !FILE_KEYS.contains(&path.word) => {
            file.path = PathBuf::from(call::unquote(path.word));
            settings
        }
        settings => settings,
    };
    if file.path.as_os_str().is_empty() {
        let example = if name == "custom" {
            "prompts.jsonl"
        } else {
            "conversations.json"
        };
        mistakes.push(Mistake::new(format!(
            "`{name}` needs the path of its file first, as in `{name}(\"{example}\")`"
        )));
    }
    call::check_keys(
        settings,
        &format!("setting of `{name}`"),
        FILE_KEYS,
        mistakes,
    );
    for arg in settings {
        match (arg.word, arg.value) {
            ("output", Some("row")) if name == "custom" => file.output = None,
            ("output", Some("-1")) if name == "custom" => mistakes.push(Mistake::new(
                "`output = -1`: to take each row's `output_tokens`, write `output = row`",
            )),
            ("output", _) => set(&mut file.output, arg.whole(1).map(Some), mistakes),
            ("keep_order", _) => set(&mut file.keep_order, arg.flag(), mistakes),
            ("no_oversample", _) => set(&mut file.no_oversample, arg.flag(), mistakes),
            _ => {}
        }
    }
    file
}

/// Written so that [`parse`] reads the same dataset back.
impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dataset::Random(random) => random.fmt(f),
            Dataset::Custom(custom) => custom.fmt(f),
            Dataset::ShareGpt(sharegpt) => sharegpt.fmt(f),
        }
    }
}

impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "random(input = {}, output = {}", self.input, self.output)?;
        let (input, output) = (self.input_range_ratio, self.output_range_ratio);
        if input == output && input > 0.0 {
            write!(f, ", range_ratio = {input}")?;
        } else {
            for (key, ratio) in [("input_range_ratio", input), ("output_range_ratio", output)] {
                if ratio > 0.0 {
                    write!(f, ", {key} = {ratio}")?;
                }
            }
        }
        if self.prefix > 0 {
            write!(f, ", prefix = {}", self.prefix)?;
        }
        if self.token_ids {
            f.write_str(", token_ids")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom({}", call::quote(&self.path.to_string_lossy()))?;
        match self.output {
            Some(256) => {}
            Some(output) => write!(f, ", output = {output}")?,
            None => f.write_str(", output = row")?,
        }
        flags(self.keep_order, self.no_oversample, f)
    }
}

impl fmt::Display for ShareGpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sharegpt({}", call::quote(&self.path.to_string_lossy()))?;
        if let Some(output) = self.output {
            write!(f, ", output = {output}")?;
        }
        flags(self.keep_order, self.no_oversample, f)
    }
}

fn flags(keep_order: bool, no_oversample: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(if keep_order { ", keep_order" } else { "" })?;
    f.write_str(if no_oversample { ", no_oversample" } else { "" })?;
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("random", "random(input = 1024, output = 128)")]
    #[case("random()", "random(input = 1024, output = 128)")]
    #[case("random(input = 256, output=64)", "random(input = 256, output = 64)")]
    #[case(
        "random(input = 1_000, range_ratio = 0.25, prefix = 32, token_ids,)",
        "random(input = 1000, output = 128, range_ratio = 0.25, prefix = 32, token_ids)"
    )]
    #[case(
        "random(input_range_ratio = 0, output_range_ratio = .5, token_ids = false)",
        "random(input = 1024, output = 128, output_range_ratio = 0.5)"
    )]
    #[case(r#"custom("p.jsonl")"#, r#"custom("p.jsonl")"#)]
    #[case(
        "custom('a b/p, q.jsonl', output = row)",
        r#"custom("a b/p, q.jsonl", output = row)"#
    )]
    #[case(
        "custom(p.jsonl, output = 64, keep_order, no_oversample = true)",
        r#"custom("p.jsonl", output = 64, keep_order, no_oversample)"#
    )]
    #[case(r#"sharegpt("x.json")"#, r#"sharegpt("x.json")"#)]
    #[case(
        r#"sharegpt("x.json", no_oversample, output = 5)"#,
        r#"sharegpt("x.json", output = 5, no_oversample)"#
    )]
    fn reads(#[case] text: &str, #[case] plain: &str) {
        assert_eq!(parse(text).unwrap().to_string(), plain);
    }

    #[test]
    fn defaults_are_those_of_vllm() {
        let custom = Custom {
            path: "p.jsonl".into(),
            output: Some(256),
            keep_order: false,
            no_oversample: false,
        };
        assert_eq!(parse("custom(p.jsonl)"), Ok(Dataset::Custom(custom)));
        assert_eq!(parse("random"), Ok(Dataset::Random(Random::default())));
    }

    #[rstest]
    #[case(
        "randm(input = 1)",
        "unknown dataset `randm`; did you mean `random`? Valid: random, custom, sharegpt"
    )]
    #[case(
        "random(inputs = 1)",
        "unknown setting of `random` `inputs`; did you mean `input`? Valid: input, output, \
         range_ratio, input_range_ratio, output_range_ratio, prefix, token_ids"
    )]
    #[case(
        "random(input = 0)",
        "`input = 0`: expected a whole number of at least 1"
    )]
    #[case(
        "random(input = 1.5)",
        "`input = 1.5`: expected a whole number of at least 1"
    )]
    #[case("random(input)", "`input` has no value; write `input = …`")]
    #[case("random(input = 1, input = 2)", "`input` is given twice; keep one")]
    #[case(
        "random(range_ratio = 1)",
        "`range_ratio = 1`: expected a ratio of at least 0 and below 1, such as `0.2`"
    )]
    #[case(
        "random(range_ratio = 0.1, output_range_ratio = 0.2)",
        "`range_ratio` already sets `output_range_ratio`; keep one of them"
    )]
    #[case(
        "random(token_ids = yes)",
        "`token_ids = yes`: expected `true`, `false` or `token_ids` alone"
    )]
    #[case(
        "custom",
        "`custom` needs the path of its file first, as in `custom(\"prompts.jsonl\")`"
    )]
    #[case(
        "sharegpt(keep_order)",
        "`sharegpt` needs the path of its file first, as in `sharegpt(\"conversations.json\")`"
    )]
    #[case(
        "custom(p.jsonl, output = -1)",
        "`output = -1`: to take each row's `output_tokens`, write `output = row`"
    )]
    #[case(
        "sharegpt(x.json, output = row)",
        "`output = row`: expected a whole number of at least 1"
    )]
    #[case("random(input = 1", "`random(input = 1` lacks its closing `)`")]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        let mistakes = parse(text).unwrap_err();
        assert_eq!(mistakes, [Mistake::new(said)]);
    }

    #[test]
    fn says_all_mistakes_at_once() {
        let mistakes = parse("random(inputs = 1, output = x, token_ids = 2)").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }

    prop_compose! {
        fn any_random()(
            input in 1..usize::MAX,
            output in 1..usize::MAX,
            input_range_ratio in 0.0..1.0_f64,
            output_range_ratio in 0.0..1.0_f64,
            prefix: usize,
            token_ids: bool,
        ) -> Random {
            Random { input, output, input_range_ratio, output_range_ratio, prefix, token_ids }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            random in any_random(),
            path in ".+",
            output in proptest::option::of(1..usize::MAX),
            keep_order: bool,
            no_oversample: bool,
        ) {
            let path = PathBuf::from(path);
            for dataset in [
                Dataset::Random(random),
                Dataset::Custom(Custom { path: path.clone(), output, keep_order, no_oversample }),
                Dataset::ShareGpt(ShareGpt { path, output, keep_order, no_oversample }),
            ] {
                prop_assert_eq!(parse(&dataset.to_string()), Ok(dataset));
            }
        }
    }
}
