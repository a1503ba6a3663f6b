//! Recorded datasets: files, folders and sets of the Hugging Face hub.

use super::settings::{Write, settings};
use crate::{
    Mistake,
    call::{self, Arg, unquote},
    sim::{self, Distribution, Recording},
};
use std::{fmt, path::PathBuf, time::Duration};

/// Lengths of outputs.
pub(super) fn length(arg: &Arg<'_>) -> Result<Option<usize>, Mistake> {
    arg.whole(1).map(Some)
}

/// A length, or the word `row` for each row's own.
fn length_or_row(arg: &Arg<'_>) -> Result<Option<usize>, Mistake> {
    match arg.value {
        Some("row") => Ok(None),
        Some("-1") => Err(Mistake::new(
            "`output = -1`: to take each row's `output_tokens`, write `output = row`",
        )),
        _ => length(arg),
    }
}

fn words(arg: &Arg<'_>) -> Result<String, Mistake> {
    arg.text().map(unquote)
}

fn some_words(arg: &Arg<'_>) -> Result<Option<String>, Mistake> {
    words(arg).map(Some)
}

fn folder(arg: &Arg<'_>) -> Result<Option<PathBuf>, Mistake> {
    words(arg).map(|path| Some(PathBuf::from(path)))
}

/// A plain number above 0.
pub(super) fn positive(arg: &Arg<'_>) -> Result<f64, Mistake> {
    match call::number(arg.text()?) {
        Some(number) if number > 0.0 => Ok(number),
        _ => Err(Mistake::new(format!(
            "`{} = {}`: expected a number above 0, such as `0.001`",
            arg.word,
            arg.value.unwrap_or_default()
        ))),
    }
}

/// A plain number of seconds.
fn seconds(arg: &Arg<'_>) -> Result<f64, Mistake> {
    let text = arg.text()?;
    call::number(text).ok_or_else(|| {
        Mistake::new(format!(
            "`{} = {text}`: expected a number of seconds, such as `30`",
            arg.word
        ))
    })
}

fn subset(arg: &Arg<'_>) -> Result<String, Mistake> {
    let subset = words(arg)?;
    if SpeedBench::SUBSETS.contains(&subset.as_str()) {
        Ok(subset)
    } else {
        Err(Mistake::unknown(
            "subset of `speed_bench`",
            &subset,
            SpeedBench::SUBSETS,
        ))
    }
}

settings! {
    /// `custom("prompts.jsonl", output = 256)`
    "custom" => Custom, path "prompts.jsonl" "The `.jsonl` file." {
        /// Output tokens asked for; `None` (`output = row`, vLLM's -1) takes each row's
        /// `output_tokens`. Default 256.
        output: Option<usize> = Some(256), length_or_row;
        /// Keep file order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

settings! {
    /// `custom_image("questions.jsonl", output = 256)`
    "custom_image" => CustomImage, path "questions.jsonl" "The `.jsonl` file." {
        /// Output tokens asked for; `None` (`output = row`) takes each row's `output_tokens`.
        /// Default 256.
        output: Option<usize> = Some(256), length_or_row;
        /// Keep file order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

settings! {
    /// `custom_audio("clips.jsonl", output = 256)`
    "custom_audio" => CustomAudio, path "clips.jsonl" "The `.jsonl` file." {
        /// Output tokens asked for; `None` (`output = row`) takes each row's `output_tokens`.
        /// Default 256.
        output: Option<usize> = Some(256), length_or_row;
        /// Keep file order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

settings! {
    /// `sharegpt("file.json")`
    "sharegpt" => ShareGpt, path "conversations.json" "The JSON file." {
        /// Overrides the length of the recorded answer.
        output: Option<usize> = None, length;
        /// Folder in which the pictures and videos of rows lie. Default: that of the file.
        media: Option<PathBuf> = None, folder;
        /// Keep file order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

/// What a conversation's later turns send as the answers before them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum History {
    /// What the server answered in this run.
    #[default]
    Server,
    /// What is in the file.
    File,
}

impl Write for History {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            History::Server => " = server",
            History::File => " = file",
        })
    }
}

fn history(arg: &Arg<'_>) -> Result<History, Mistake> {
    match arg.text()? {
        "server" => Ok(History::Server),
        "file" => Ok(History::File),
        other => Err(Mistake::new(format!(
            "`history = {other}`: expected `server` (its answers of this run) or `file` (the answers in the file)"
        ))),
    }
}

impl Write for Distribution {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {self}")
    }
}

/// A time or a distribution of times.
fn pause(arg: &Arg<'_>) -> Result<Distribution, Mistake> {
    match sim::parse_distribution(arg.text()?)? {
        Distribution::Empirical(Recording::File(_)) => Err(Mistake::new(format!(
            "`{}` takes no file of recorded requests; write a time, a distribution such as `lognormal(2s, 1s)`, or \
             `empirical(1s, 3s, 2s)`",
            arg.word
        ))),
        times => Ok(times),
    }
}

settings! {
    /// `conversations("conversations.json", think = 2s)`: each conversation is a session, each of its turns a request.
    "conversations" => Conversations, path "conversations.json" "The JSON file: conversations with `messages`, or ShareGPT's `conversations`." {
        /// Answers that later turns send back: the server's own (`server`, the default), or the file's (`file`).
        history: History = History::Server, history;
        /// Think time: from the end of an answer until the next turn is due. Default 0.
        think: Distribution = Distribution::Constant(Duration::ZERO), pause;
        /// Conversations that may go on at a time. Default: `max_concurrency` without a rate, else no limit.
        active: Option<usize> = None, length;
        /// Requests of a conversation at most. Default: all.
        turns: Option<usize> = None, length;
        /// Output tokens asked for. Default: the length of the answer in the file, 256 where there is none.
        output: Option<usize> = None, length;
        /// Keep file order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
    }
}

settings! {
    /// `sonnet("sonnet.txt", input = 550, output = 150, prefix = 200)`: lines of a text.
    "sonnet" => Sonnet, path "sonnet.txt" "The text file, a line of a poem a line." {
        /// Prompt tokens at most. Default 550.
        input: usize = 550, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Output tokens asked for. Default 150.
        output: usize = 150, |arg: &Arg<'_>| arg.whole(1), shown;
        /// About how many tokens all prompts share at their start. Default 200.
        prefix: usize = 200, |arg: &Arg<'_>| arg.whole(0), shown;
    }
}

settings! {
    /// `burstgpt("BurstGPT_1.csv")`: lengths of a recorded trace, without its times.
    "burstgpt" => BurstGpt, path "BurstGPT_1.csv" "The CSV file." {
    }
}

settings! {
    /// `spec_bench("question.jsonl", output = 256)`
    "spec_bench" => SpecBench, path "question.jsonl" "The `.jsonl` file." {
        /// Output tokens asked for. Default 256.
        output: usize = 256, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Only rows of this category.
        category: Option<String> = None, some_words;
        /// Keep file order instead of a shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

settings! {
    /// `speed_bench("folder", subset = "qualitative", output = 4096)`
    "speed_bench" => SpeedBench, path "speed-bench" "The folder with a `.jsonl` file for each subset." {
        /// The file. Default `qualitative`.
        subset: String = "qualitative".into(), subset;
        /// Output tokens asked for. Default 4096.
        output: usize = 4096, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Only rows of this category.
        category: Option<String> = None, some_words;
        /// Keep file order instead of a shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the file has too few.
        no_oversample: bool = false, Arg::flag;
    }
}

impl SpeedBench {
    /// Names of its files.
    pub const SUBSETS: &[&str] = &[
        "qualitative",
        "throughput_1k",
        "throughput_2k",
        "throughput_8k",
        "throughput_16k",
        "throughput_32k",
    ];
}

settings! {
    /// `timed_trace("trace.jsonl", sec_multiplier = 0.001)`: requests at the times at which they
    /// were recorded.
    "timed_trace" => TimedTrace, path "trace.jsonl" "Mooncake's `.jsonl`, or the `.csv` of Azure or BurstGPT." {
        /// Tokens that a hash id stands for: 512 in Mooncake's traces, 16 in Qwen's. Default 16.
        chunk_hash_size: usize = 16, |arg: &Arg<'_>| arg.whole(1);
        /// A timestamp times this is seconds: 0.001 for milliseconds. Default 1.
        sec_multiplier: f64 = 1.0, positive;
        /// Field of the time. Default `timestamp`.
        label_timestamp: String = "timestamp".into(), words;
        /// Field of the prompt's length. Default `input_length`.
        label_input_length: String = "input_length".into(), words;
        /// Field of the answer's length. Default `output_length`.
        label_output_length: String = "output_length".into(), words;
        /// Field of the hash ids. Default `hash_ids`.
        label_hash_ids: String = "hash_ids".into(), words;
        /// Send at the trace's times. Switched off, the bench's rate says when. Default on.
        self_timed: bool = true, Arg::flag;
    }
}

settings! {
    /// `hf("AI-MO/aimo-validation-aime", output = 256)`: a set of the Hugging Face hub.
    "hf" => Hf, path "AI-MO/aimo-validation-aime" "Its id, or a folder with its files." {
        /// The set's id when `path` is a folder.
        name: Option<String> = None, some_words;
        /// Subset (a configuration of the set).
        subset: Option<String> = None, some_words;
        /// Split, such as `train`. Default: that of the set's family.
        split: Option<String> = None, some_words;
        /// Output tokens asked for. Default: that of the set's family.
        output: Option<usize> = None, length;
        /// Shuffle all rows at once, as vLLM does with `--no-stream`, rather than 1000 at a time.
        no_stream: bool = false, Arg::flag;
        /// Keep the set's order instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
        /// Send fewer requests rather than repeat rows when the set has too few.
        no_oversample: bool = false, Arg::flag;
        /// Blazedit: the smallest normalized edit distance. Default 0.
        min_distance: f64 = 0.0, Arg::share;
        /// Blazedit: the largest normalized edit distance. Default 1.
        max_distance: f64 = 1.0, Arg::share;
        /// Speech: the shortest clip in seconds. Default 0.
        min_audio: f64 = 0.0, seconds;
        /// Speech: the longest clip in seconds. Default: no limit.
        max_audio: Option<f64> = None, |arg: &Arg<'_>| seconds(arg).map(Some);
        /// BFCL: categories, comma-separated. Default `simple,live_simple,multiple`.
        categories: String = "simple,live_simple,multiple".into(), words;
    }
}
