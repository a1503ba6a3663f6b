//! The command line of the bench.

use crate::{
    client::{self, Client, Peer},
    machine::Fallible,
    points::Point,
};
use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

/// Labels of more pairs cannot all be swapped.
const MOST_PAIRS: usize = 20;

pub(crate) const HELP: &str = "\
Usage: cargo bench --features cli --bench fidelity [-- OPTIONS]

Measures how far goodput's numbers are from what a server did, and what an event costs, compared with a
bare reader that only reads. Prints Markdown tables; docs/fidelity.md says how to read them.

Options:
      --points NAMES      Loads to measure, separated by commas; default all:
                          startup,10,100,500,1000,2000,burst,short,10000,long
      --rounds N          Measure each load N times, clients by turns, and print medians; default 1
      --workers N         Measure goodput with this number of threads too
      --peer NAME[=PATH]  Measure this client too: vllm, vllm-bench, guidellm, aiperf, oha;
                          `installed` for all that are on the search path
      --tokenizer FOLDER  The tokenizer for peers, most of which do not start without one
      --journal-pairs N   Measure N pairs of goodput with its journal and without instead, from 2 to 20
      --live-pairs N      The same with a watched live page and without
      --edge STREAMS      Raise the load from this number of streams instead, until p99 of the times to the
                          first token is off by more than 1 ms
  -h, --help              Print this
";

/// What `--points` calls the measurement of the time to the first request.
pub(crate) const STARTUP: &str = "startup";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    /// Run by `cargo test` or listed by a test runner: there is nothing to say.
    Nothing,
    Help,
    Measure(Options),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    points: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) clients: Vec<Client>,
    /// Pairs of runs with a journal and without, and nothing else.
    pub(crate) journal_pairs: Option<usize>,
    /// The same with a live page and without.
    pub(crate) live_pairs: Option<usize>,
    /// Loads that rise from this number of streams, and nothing else.
    pub(crate) edge: Option<usize>,
}

impl Options {
    /// Whether a point takes part.
    pub(crate) fn selects(&self, name: &str) -> bool {
        self.points.is_empty() || self.points.iter().any(|point| point == name)
    }
}

/// As users run it.
fn goodput(workers: usize) -> Client {
    Client::Goodput {
        workers,
        journal: true,
        live: false,
    }
}

pub(crate) fn parse(points: &[Point]) -> Fallible<Task> {
    let mut options = Options {
        points: Vec::new(),
        rounds: 1,
        clients: vec![Client::Bare, goodput(1)],
        journal_pairs: None,
        live_pairs: None,
        edge: None,
    };
    let (mut bench, mut list, mut help) = (false, false, false);
    let (mut peers, mut tokenizer) = (Vec::new(), None);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("bench") => bench = true,
            Arg::Long("list") => list = true,
            Arg::Long("help") | Arg::Short('h') => help = true,
            Arg::Long("points") => {
                let names = parser.value()?.string()?;
                options.points = names.split(',').map(str::to_owned).collect();
            }
            Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
            Arg::Long("workers") => {
                let workers = parser.value()?.parse()?;
                options.clients.push(goodput(workers));
            }
            Arg::Long("journal-pairs") => {
                options.journal_pairs = Some(parser.value()?.parse()?);
            }
            Arg::Long("live-pairs") => {
                options.live_pairs = Some(parser.value()?.parse()?);
            }
            Arg::Long("edge") => options.edge = Some(parser.value()?.parse()?),
            Arg::Long("peer") => {
                peers.extend(client::read_peer(&parser.value()?.string()?)?);
            }
            Arg::Long("tokenizer") => tokenizer = Some(PathBuf::from(parser.value()?)),
            // What test runners pass to every binary, and what they filter by.
            Arg::Long("test" | "nocapture" | "no-capture" | "exact" | "ignored" | "quiet")
            | Arg::Short('q')
            | Arg::Value(_) => {}
            Arg::Long("format" | "color" | "skip" | "test-threads") | Arg::Short('Z') => {
                parser.value()?;
            }
            other => return Err(format!("{}\n\n{HELP}", other.unexpected()).into()),
        }
    }
    let known = |name: &String| name == STARTUP || points.iter().any(|p| p.name == name);
    if let Some(unknown) = options.points.iter().find(|name| !known(name)) {
        return Err(format!("--points {unknown}: there is no such load\n\n{HELP}").into());
    }
    if options.rounds == 0 {
        return Err("--rounds 0: must be at least 1".into());
    }
    if options.edge == Some(0) {
        return Err("--edge 0: must be at least 1".into());
    }
    for (flag, pairs) in [
        ("journal-pairs", options.journal_pairs),
        ("live-pairs", options.live_pairs),
    ] {
        if let Some(pairs) = pairs.filter(|pairs| !(2..=MOST_PAIRS).contains(pairs)) {
            return Err(format!("--{flag} {pairs}: must be from 2 to {MOST_PAIRS}").into());
        }
    }
    let peers = peers.into_iter().map(|(kind, program)| {
        Client::Peer(Peer {
            kind,
            program,
            tokenizer: tokenizer.clone(),
        })
    });
    options.clients.extend(peers);
    Ok(match (help, list, bench) {
        (true, _, _) => Task::Help,
        (false, false, true) => Task::Measure(options),
        _ => Task::Nothing,
    })
}
