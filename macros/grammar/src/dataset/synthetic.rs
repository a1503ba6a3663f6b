//! Datasets that are made up: they need no file.
//!
//! Random prompts are short here, as most tests run on the simulation. vLLM's lengths, 1024 and 128, are
//! those of the command's flags.

use super::{
    buckets::Buckets,
    settings::{Write, settings},
};
use crate::{
    Mistake,
    call::{self, Arg, unquote},
};
use std::fmt;

settings! {
    /// `random(input = 256, output = 64, range_ratio = 0.0, prefix = 0, token_ids = false)`
    "random" => Random, both range_ratio: input_range_ratio, output_range_ratio, Arg::ratio {
        /// Prompt tokens, shared prefix not included. Default 256.
        input: usize = 256, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Output tokens asked for. Default 64.
        output: usize = 64, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Input lengths vary by ± this ratio, in [0, 1). Default 0.
        input_range_ratio: f64 = 0.0, Arg::ratio;
        /// Output lengths vary by ± this ratio, in [0, 1). Default 0.
        output_range_ratio: f64 = 0.0, Arg::ratio;
        /// Tokens of a prefix that all prompts share, on top of `input`. Default 0.
        prefix: usize = 0, |arg: &Arg<'_>| arg.whole(0);
        /// Send token ids rather than text (completions only): lengths are exact by construction.
        token_ids: bool = false, Arg::flag;
        /// Prompts of one request (embeddings and pooling); the number of requests is that of
        /// prompts divided by it, rounded up. Default 1.
        batch: usize = 1, |arg: &Arg<'_>| arg.whole(1);
        /// An image that every request has in addition to its text (chat backends): its URL, or the path of a file,
        /// which is sent inside of the request.
        image_url: Option<String> = None, |arg: &Arg<'_>| arg.text().map(unquote).map(Some);
    }
}

settings! {
    /// `random-mm(input = 256, output = 64, items = 1, buckets = "256x256 = 0.5, …")`: random
    /// text with pictures and videos of noise.
    "random-mm" => RandomMm, both range_ratio: input_range_ratio, output_range_ratio, Arg::ratio {
        /// Prompt tokens, shared prefix and media not included. Default 256.
        input: usize = 256, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Output tokens asked for. Default 64.
        output: usize = 64, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Input lengths vary by ± this ratio, in [0, 1). Default 0.
        input_range_ratio: f64 = 0.0, Arg::ratio;
        /// Output lengths vary by ± this ratio, in [0, 1). Default 0.
        output_range_ratio: f64 = 0.0, Arg::ratio;
        /// Tokens of a prefix that all prompts share, on top of `input`. Default 0.
        prefix: usize = 0, |arg: &Arg<'_>| arg.whole(0);
        /// Pictures and videos of a request. Default 1.
        items: usize = 1, |arg: &Arg<'_>| arg.whole(0);
        /// The number of items varies by ± this ratio, in [0, 1]. Default 0.
        items_range_ratio: f64 = 0.0, Arg::share;
        /// Pictures of a request at most. Default 255.
        max_images: usize = 255, |arg: &Arg<'_>| arg.whole(0);
        /// Videos of a request at most. Default 1.
        max_videos: usize = 1, |arg: &Arg<'_>| arg.whole(0);
        /// Sizes and how likely each is. Default `256x256 = 0.5, 720x1280 = 0.5,
        /// 720x1280x16 = 0`: height, width, and frames of a video.
        buckets: Buckets = Buckets::default(), Buckets::argument;
    }
}

settings! {
    /// `random-rerank(input = 256, batch = 1)`: one query and random documents to score.
    "random-rerank" => RandomRerank {
        /// Tokens of query and document together, with a separator; of each of them if
        /// `no_reranker`. Default 256.
        input: usize = 256, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Lengths vary by ± this ratio, in [0, 1). Default 0.
        range_ratio: f64 = 0.0, Arg::ratio;
        /// Documents of a request. Default 1.
        batch: usize = 1, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Make requests for models that embed query and documents apart: they have a length of their own, and the
        /// query counts as one of the batch.
        no_reranker: bool = false, Arg::flag;
    }
}

settings! {
    /// `prefix_repetition(prefix = 256, suffix = 256, prefixes = 10, output = 128)`: some
    /// prefixes, each with many suffixes, for a server's prefix cache.
    "prefix_repetition" => PrefixRepetition {
        /// Tokens of a prefix. Default 256.
        prefix: usize = 256, |arg: &Arg<'_>| arg.whole(0), shown;
        /// Tokens of a suffix. Default 256.
        suffix: usize = 256, |arg: &Arg<'_>| arg.whole(0), shown;
        /// Different prefixes. Default 10.
        prefixes: usize = 10, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Output tokens asked for. Default 128.
        output: usize = 128, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Popularity of prefixes: the one of rank k has a weight of 1 / kᶻ. Default 0: each has the same number of
        /// requests, as in vLLM.
        zipf: f64 = 0.0, exponent;
        /// Keep requests of a prefix together instead of a seeded shuffle.
        keep_order: bool = false, Arg::flag;
    }
}

/// The largest exponent: with it, nearly all requests have the first prefix.
const STEEPEST: f64 = 10.0;

fn exponent(arg: &Arg<'_>) -> Result<f64, Mistake> {
    match call::number(arg.text()?) {
        Some(number) if number <= STEEPEST => Ok(number),
        _ => Err(Mistake::new(format!(
            "`{} = {}`: expected a number from 0 to {STEEPEST}, such as `1.1`",
            arg.word,
            arg.value.unwrap_or_default()
        ))),
    }
}

/// The order in which documents are repeated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeat {
    /// A seeded shuffle of all requests.
    #[default]
    Random,
    /// All documents, and then all of them again.
    Tile,
    /// Each document as often as it is repeated, then the next.
    Interleave,
}

impl Repeat {
    const NAMES: &[(&str, Repeat)] = &[
        ("random", Repeat::Random),
        ("tile", Repeat::Tile),
        ("interleave", Repeat::Interleave),
    ];

    /// The mode's name, as in vLLM.
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, mode)| *mode == self);
        found.map_or("", |(name, _)| name)
    }

    /// Reads a mode's name.
    ///
    /// # Errors
    /// It is the name of no mode.
    pub fn parse(name: &str) -> Result<Self, Mistake> {
        let found = Self::NAMES.iter().find(|(other, _)| *other == name);
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            Mistake::unknown("repeat mode", name, &names)
        })
    }
}

impl Write for Repeat {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {}", self.name())
    }
}

settings! {
    /// `long_document_qa(documents = 8, length = 20000, repeat = 2, output = 10)`: long documents, each asked about several
    /// times, for a server's prefix cache.
    "long_document_qa" => LongDocumentQa {
        /// Documents. Default 8.
        documents: usize = 8, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Words of a document; about as many tokens. Default 20000.
        length: usize = 20_000, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Requests for each document. Default 2.
        repeat: usize = 2, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Output tokens asked for. Default 10.
        output: usize = 10, |arg: &Arg<'_>| arg.whole(1), shown;
        /// Order of the requests: `random`, `tile` or `interleave`. Default `random`.
        mode: Repeat = Repeat::Random, |arg: &Arg<'_>| Repeat::parse(arg.text()?);
        /// Send one request about another document for each of them first, all at once, which counts in no number.
        /// Default true.
        warmup: bool = true, Arg::flag;
    }
}

impl LongDocumentQa {
    /// Requests of all documents together.
    pub fn requests(&self) -> u64 {
        (self.documents as u64).saturating_mul(self.repeat as u64)
    }
}
