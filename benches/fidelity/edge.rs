//! How far a client goes: loads rise until p99 of its times to the first token is off by too much.

use crate::{
    client::Client,
    compare::Outcome,
    machine::Fallible,
    measured::measured,
    points::{self, Point},
    table::time,
};
use std::{collections::BTreeMap, fs, path::Path};

/// p99 may be off by this, in microseconds.
const LIMIT: f64 = 1000.0;
/// From one load to the next.
const STEP: f64 = 1.25;
/// Loads are skipped until one is too much, then the last that were skipped are tried.
const STRIDE: i32 = 3;
/// A client that sends a smaller part of the requests in time does not measure this load.
const SENT: f64 = 0.95;
/// How long requests arrive.
const SECONDS: usize = 10;
/// Other work on the machine makes single runs bad. A load is too much only if all of these are.
const TRIES: usize = 4;

const LEGEND: &str = "\
Times are p50 / p99, but *sent late* and *ITL off by* are p99. *events/s* and *CPU* (of one core) are those between the first \
complete answer and the last request.";

/// What a load showed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Load {
    Kept,
    /// The client was off.
    TooMuch,
    /// The client was not off, but the server did not keep its own times.
    BeyondServer,
}

/// All runs of one client, by load.
type Climb = BTreeMap<usize, Vec<Outcome>>;

/// Measures and prints the curve of each client, and where it ends.
pub(crate) fn measure(clients: &[Client], from: usize, folder: &Path) -> Fallible<()> {
    println!(
        "| client | streams | events/s | CPU | sent late | TTFT off by | ITL off by | server off by |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let mut ends = Vec::new();
    for client in clients {
        let climb = climb(from, |streams| run(client, streams, folder))?;
        for (streams, runs) in &climb {
            for outcome in runs {
                println!("{}", row(client, *streams, outcome));
            }
        }
        ends.push(end(client, &climb));
    }
    println!("\n{LEGEND}\n\n{}", ends.join("\n"));
    Ok(())
}

fn climb(from: usize, mut run: impl FnMut(usize) -> Fallible<Outcome>) -> Fallible<Climb> {
    let mut climb = Climb::new();
    let mut is_kept = |step: i32| {
        let streams = (from as f64 * STEP.powi(step)).round() as usize;
        let runs = climb.entry(streams).or_default();
        while runs.len() < TRIES && load(runs) != Load::Kept {
            runs.push(run(streams)?);
        }
        Ok::<_, Box<dyn std::error::Error>>(load(runs) == Load::Kept)
    };
    let mut step = 0;
    while is_kept(step)? {
        step += STRIDE;
    }
    for skipped in (step - STRIDE + 1).max(0)..step {
        if !is_kept(skipped)? {
            break;
        }
    }
    Ok(climb)
}

fn run(client: &Client, streams: usize, folder: &Path) -> Fallible<Outcome> {
    let point: Point = points::chat("edge", "rising streams", streams, SECONDS);
    let dataset = point.write_dataset(folder)?;
    let outcome = measured(client, &point, &dataset, folder);
    fs::remove_file(dataset)?;
    outcome.map_err(|error| format!("{streams} streams, {}: {error}", client.name()).into())
}

/// What the best run of a load showed.
fn load(runs: &[Outcome]) -> Load {
    let is_right =
        |run: &&Outcome| run.ttft.p99 <= LIMIT && run.rate >= SENT && run.completed >= 1.0;
    let mut right = runs.iter().filter(is_right).peekable();
    if right.peek().is_none() {
        Load::TooMuch
    } else if right.any(|run| run.server.p99 <= LIMIT) {
        Load::Kept
    } else {
        Load::BeyondServer
    }
}

fn row(client: &Client, streams: usize, outcome: &Outcome) -> String {
    format!(
        "| {} | {streams} | {:.0} | {:.0}% | {} | {} / {} | {} | {} / {} |",
        client.name(),
        outcome.events_per_second,
        outcome.cpu_share * 100.0,
        time(outcome.lateness.p99),
        time(outcome.ttft.p50),
        time(outcome.ttft.p99),
        time(outcome.itl.p99),
        time(outcome.server.p50),
        time(outcome.server.p99),
    )
}

/// The sentence about the end of a curve.
fn end(client: &Client, climb: &Climb) -> String {
    let mut kept = climb.iter().filter(|(_, runs)| load(runs) == Load::Kept);
    let kept = match kept.next_back() {
        None => "keeps none of these loads".to_owned(),
        Some((streams, runs)) => {
            let most = runs.iter().map(|run| run.events_per_second);
            let most = most.fold(0.0, f64::max);
            format!("keeps {streams} streams ({most:.0} events/s)")
        }
    };
    let first_lost = climb.iter().find(|(_, runs)| load(runs) != Load::Kept);
    let lost = match first_lost {
        Some((streams, runs)) if load(runs) == Load::BeyondServer => {
            format!("at {streams} the server is late itself")
        }
        Some((streams, _)) => format!("{streams} are too many"),
        None => "no load was too much".to_owned(),
    };
    format!("* {}: {kept}; {lost}.", client.name())
}
