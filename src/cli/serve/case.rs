//! One case of a sweep: a run of `goodput serve` whose result the sweep keeps.

use super::{flags::Serve, output::Output};
use crate::{
    bench::Bench,
    cli::{Cli, Command, argv, words::Words},
    error::Error,
    plan::Plan,
    problem::Problem,
    report::Report,
};
use clap::Parser;
use serde_json::{Map, Value};
use std::ffi::OsString;

/// A line of flags that is not measured on its own.
pub(in crate::cli) struct Case {
    serve: Serve,
    pub(in crate::cli) bench: Bench,
}

/// The latencies of a sweep's results: those of `vllm bench sweep serve`.
const LATENCIES: [&str; 4] = ["ttft", "tpot", "itl", "e2el"];

impl Case {
    /// Reads the flags, and checks everything that can be checked before a run.
    ///
    /// # Errors
    /// All that is wrong, by the names of flags.
    pub(in crate::cli) fn of(words: Vec<OsString>) -> Result<Self, Error> {
        let line = ["goodput", "serve"].map(OsString::from);
        let (line, origins) = argv::prepared(line.into_iter().chain(words))?;
        let serve = match Cli::try_parse_from(line) {
            Ok(cli) => match cli.command {
                Command::Serve(serve) => serve,
                _ => return Err(unreadable("these flags are not those of `goodput serve`")),
            },
            Err(e) => return Err(unreadable(&e.to_string())),
        };
        let mut serve = *serve;
        let latencies = || LATENCIES.map(str::to_owned).to_vec();
        serve.args.percentile_metrics.get_or_insert_with(latencies);
        let words = serve.words(&origins);
        let bench = serve.bench().map_err(|e| words.error(e))?;
        if bench.client.sharding.is_some() {
            let fix = "is for one run of `goodput serve`, and a sweep has several. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("--shard", "(set)", fix)]));
        }
        Output::new(&serve.args, bench.load.planned(), false)?;
        Ok(Case { serve, bench })
    }

    /// The plan of its run.
    ///
    /// # Errors
    /// It cannot be made; in the words of flags.
    pub(in crate::cli) fn plan(&self) -> Result<Plan, Error> {
        let origins = argv::Origins::default();
        let words: Words<'_> = self.serve.words(&origins);
        self.bench.plan().map_err(|e| words.error(e))
    }

    /// An error of its run, in the words of flags.
    pub(in crate::cli) fn error(&self, error: Error) -> Error {
        self.serve.words(&argv::Origins::default()).error(error)
    }

    /// The keys of its result file.
    ///
    /// # Errors
    /// The flags that select them are wrong, which [`of`](Self::of) has checked.
    pub(in crate::cli) fn result(&self, report: &Report) -> Result<Map<String, Value>, Error> {
        let output = Output::new(&self.serve.args, self.bench.load.planned(), false)?;
        Ok(output.keys(report))
    }
}

fn unreadable(why: &str) -> Error {
    let first = why.lines().next().unwrap_or_default();
    let message = first.trim_start_matches("error: ");
    Error::Invalid(vec![Problem::new("flags", "", message)])
}
