//! The loads at which clients are measured.

use crate::{machine::Fallible, server::Pace};
use goodput::{
    clock::Nanos,
    grammar::dataset::{Custom, Dataset},
    plan::{Arrivals, schedule},
};
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// Seed of all arrivals.
pub(crate) const SEED: u64 = 0;

const MS: u64 = 1_000_000;

/// One load.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// What `--points` calls it.
    pub(crate) name: &'static str,
    /// The title of the load in the table.
    pub(crate) title: &'static str,
    pub(crate) pace: Pace,
    pub(crate) requests: usize,
    /// Tokens of each answer.
    pub(crate) tokens: usize,
    /// Requests per second; infinite sends all at once.
    pub(crate) rate: f64,
    /// Some requests have long prompts. Their own times are left out of the comparison: it asks
    /// whether others suffer.
    pub(crate) long_prompts: bool,
}

/// Bytes of the usual prompt, of the long ones and of the few huge ones.
const PROMPT: usize = 512;
const LONG: usize = 400 * 1024;
const HUGE: usize = 10 * 1024 * 1024;

/// Concurrent streams with the latencies of a chat, for some seconds.
pub(crate) fn chat(
    name: &'static str,
    title: &'static str,
    streams: usize,
    seconds: usize,
) -> Point {
    let rate = streams as f64 / (0.1 + 99.0 * 0.02);
    Point {
        name,
        title,
        pace: Pace {
            ttft: 100 * MS,
            itl: 20 * MS,
        },
        requests: (rate * seconds as f64) as usize,
        tokens: 100,
        rate,
        long_prompts: false,
    }
}

pub(crate) fn all() -> Vec<Point> {
    vec![
        chat("10", "10 streams", 10, 8),
        chat("100", "100 streams", 100, 8),
        chat("500", "500 streams", 500, 8),
        chat("1000", "1,000 streams", 1000, 10),
        chat("2000", "2,000 streams", 2000, 10),
        Point {
            name: "burst",
            title: "1,000 requests at once",
            requests: 1000,
            rate: f64::INFINITY,
            tokens: 50,
            ..chat("", "", 1000, 1)
        },
        Point {
            name: "short",
            title: "5,000 requests/s of 2 tokens",
            pace: Pace { ttft: MS, itl: MS },
            requests: 20_000,
            tokens: 2,
            rate: 5000.0,
            long_prompts: false,
        },
        Point {
            name: "10000",
            title: "10,000 streams at 1 token/s",
            pace: Pace {
                ttft: 100 * MS,
                itl: 1000 * MS,
            },
            requests: 10_000,
            tokens: 8,
            rate: 2500.0,
            long_prompts: false,
        },
        Point {
            long_prompts: true,
            ..chat("long", "200 streams, bodies up to 10 MB", 200, 8)
        },
    ]
}

impl Point {
    /// Intended send times, which every client that follows vLLM's schedule shares.
    pub(crate) fn schedule(&self) -> Vec<Nanos> {
        schedule(&self.arrivals(), self.requests, SEED)
    }

    pub(crate) fn arrivals(&self) -> Arrivals {
        Arrivals {
            rate: self.rate,
            burstiness: 1.0,
            ramp: None,
            max_concurrency: None,
        }
    }

    /// Whether request `index` is one whose times are compared.
    pub(crate) fn compares(&self, index: usize) -> bool {
        self.prompt_length(index) == PROMPT
    }

    /// Words of a usual prompt, for clients that make up their own.
    pub(crate) fn prompt_words(&self) -> usize {
        PROMPT / "word ".len()
    }

    /// Requests in flight at most, for clients that want to know; twice what is to be expected.
    pub(crate) fn streams(&self) -> usize {
        let seconds = (self.pace.ttft + self.pace.itl * (self.tokens as u64 - 1)) as f64 / 1e9;
        let expected = self.rate * seconds;
        if expected.is_finite() {
            (2.0 * expected).ceil() as usize
        } else {
            self.requests
        }
    }

    fn prompt_length(&self, index: usize) -> usize {
        match (self.long_prompts, index % 20) {
            (true, 7) if index % 400 == 207 => HUGE,
            (true, 7) => LONG,
            _ => PROMPT,
        }
    }

    /// Writes the prompts to a file in the form of the dataset `custom`.
    pub(crate) fn write_dataset(&self, folder: &Path) -> Fallible<PathBuf> {
        let path = folder.join(format!("{}.jsonl", self.name));
        let mut file = BufWriter::new(std::fs::File::create(&path)?);
        for index in 0..self.requests {
            let prompt = "word ".repeat(self.prompt_length(index) / 5 + 1);
            let prompt = &prompt[..self.prompt_length(index)];
            writeln!(
                file,
                "{}",
                json!({"prompt": prompt, "output_tokens": self.tokens})
            )?;
        }
        file.flush()?;
        Ok(path)
    }
}

/// The dataset of a file in its own order.
pub(crate) fn dataset(path: &Path) -> Dataset {
    Dataset::Custom(Custom {
        path: path.to_owned(),
        output: None,
        keep_order: true,
        no_oversample: true,
    })
}
