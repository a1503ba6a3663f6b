//! All loads, by all clients, by turns.

use crate::{
    args::{self, HELP, Options, STARTUP, Task},
    bare,
    client::Client,
    compare::Outcome,
    edge, launch,
    machine::Fallible,
    measured::measured,
    pairs,
    points::{self, Point},
    server::{self, Pace},
    startup, table,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["truth-server", ttft, itl, core] => serve(ttft, itl, core),
        ["bare", port, dataset, requests, rate, to] => read(port, dataset, requests, rate, to),
        ["launch", cores, output, ..] => start(cores, output, &arguments[3..]),
        _ => bench(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(ttft: &str, itl: &str, core: &str) -> Fallible<()> {
    let pace = Pace {
        ttft: ttft.parse()?,
        itl: itl.parse()?,
    };
    server::serve(pace, core.parse()?)
}

fn read(port: &str, dataset: &str, requests: &str, rate: &str, to: &str) -> Fallible<()> {
    bare::run(
        port.parse()?,
        Path::new(dataset),
        requests.parse()?,
        rate.parse()?,
        Path::new(to),
    )
}

fn start(cores: &str, output: &str, command: &[String]) -> Fallible<()> {
    let cores = cores.split(',').map(str::parse);
    let cores: Vec<usize> = cores.collect::<Result<_, _>>()?;
    launch::run(&cores, Path::new(output), command)
}

fn bench() -> Fallible<()> {
    let points = points::all();
    match args::parse(&points)? {
        Task::Nothing => Ok(()),
        Task::Help => {
            print!("{HELP}");
            Ok(())
        }
        Task::Measure(options) => measure(&points, &options),
    }
}

fn measure(points: &[Point], options: &Options) -> Fallible<()> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fidelity");
    fs::create_dir_all(&folder)?;
    let points: Vec<_> = points.iter().filter(|p| options.selects(p.name)).collect();
    let goodput = |journal, live| Client::Goodput {
        workers: 1,
        journal,
        live,
    };
    if let Some(count) = options.journal_pairs {
        return pairs::measure(&points, count, &folder, |with| goodput(with, false));
    }
    if let Some(count) = options.live_pairs {
        return pairs::measure(&points, count, &folder, |with| goodput(true, with));
    }
    if let Some(from) = options.edge {
        return edge::measure(&options.clients, from, &folder);
    }
    if options.selects(STARTUP) {
        startup::measure(&folder, options.rounds)?;
    }
    if points.is_empty() {
        return Ok(());
    }
    table::head();
    for point in points {
        let dataset = point.write_dataset(&folder)?;
        let mut rounds: Vec<Vec<Outcome>> = Vec::new();
        for _ in 0..options.rounds {
            let outcomes = options.clients.iter().map(|client| {
                measured(client, point, &dataset, &folder)
                    .map_err(|error| format!("{}, {}: {error}", point.title, client.name()).into())
            });
            rounds.push(outcomes.collect::<Fallible<_>>()?);
        }
        table::rows(point, &options.clients, &rounds);
        fs::remove_file(dataset)?;
    }
    println!("\n{}", table::LEGEND);
    Ok(())
}
