//! The trend of benches over their kept runs: a series for each number, and since when it is larger or smaller.
//!
//! Runs come from the folder that benches keep their results in, or from result files. Each bench and load is a history of
//! its own, because numbers of different loads are not comparable. `docs/trend.md` has the method.

mod bench;
mod html;
mod kept;
mod line;
mod markdown;
mod read;
mod results;
mod text;

pub(crate) use html::html;
pub(crate) use markdown::markdown;
pub(crate) use read::{of_file, of_folder};
pub(crate) use text::text;

use bench::Bench;
use line::Line;
use serde_json::{Value, json};

/// The share of the series without a shift in which one is found.
pub(crate) const ERROR: f64 = 0.01;

/// The trend of some benches.
#[derive(Debug)]
pub(crate) struct Trend {
    benches: Vec<Traced>,
}

/// A bench with its lines.
#[derive(Debug)]
struct Traced {
    bench: Bench,
    lines: Vec<Line>,
}

impl Trend {
    fn of(benches: Vec<Bench>) -> Self {
        let mut search = crate::stats::shift::Search::new(ERROR);
        let traced = benches.into_iter().map(|bench| Traced {
            lines: line::lines(&bench, &mut search),
            bench,
        });
        Trend {
            benches: traced.collect(),
        }
    }
}

/// Formats a line of JSON for each bench: its runs, and the values and shifts of each number.
pub(crate) fn json(trend: &Trend) -> String {
    let line = |traced: &Traced| {
        let runs = traced.bench.runs.iter();
        let runs =
            runs.map(|run| json!({"at": run.at, "commit": run.commit, "outcome": run.outcome}));
        json!({
            "bench": traced.bench.name,
            "load": traced.bench.load,
            "runs": runs.collect::<Value>(),
            "numbers": traced.lines,
        })
        .to_string()
    };
    trend
        .benches
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
