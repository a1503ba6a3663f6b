//! From the start of `goodput serve` to the arrival of its first request.

use crate::{
    client::{SERVER_CORE, goodput_command, launch},
    machine::Fallible,
    server::{Pace, Server},
};
use std::{fs, path::Path};

/// Starts in each round.
const STARTS: usize = 5;

/// Measures and prints the time.
pub(crate) fn measure(folder: &Path, rounds: usize) -> Fallible<()> {
    let dataset = folder.join("startup.jsonl");
    fs::write(&dataset, "{\"prompt\": \"Hello\", \"output_tokens\": 1}\n")?;
    let mut times = Vec::new();
    for _ in 0..STARTS * rounds {
        let pace = Pace {
            ttft: 1_000_000,
            itl: 0,
        };
        let server = Server::start(pace, SERVER_CORE)?;
        let command = goodput_command(server.port, &dataset, 1, "inf");
        let launch = launch(folder, &[0], &[0], &command)?;
        let log = server.stop()?;
        let first = log.first().ok_or("no request arrived")?;
        times.push((first.start - launch.spawned) as f64 / 1e6);
    }
    times.sort_unstable_by(f64::total_cmp);
    println!(
        "Start of `goodput serve` to the arrival of its first request: median {:.1} ms, at worst \
         {:.1} ms of {} starts.\n",
        times[times.len() / 2],
        times[times.len() - 1],
        times.len()
    );
    Ok(())
}
