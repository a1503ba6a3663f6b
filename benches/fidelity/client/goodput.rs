//! `goodput serve`.

use super::{ID_PREFIX, Order, SERVER_CORE, Seen, launch, vllm_json, watcher::Watcher};
use crate::{launch::Launch, machine::Fallible, points::SEED};
use std::path::Path;

/// Verdicts do not matter here: passed, missed, invalid.
const FINISHED: [i32; 3] = [0, 1, 4];

pub(super) fn run(
    workers: usize,
    journal: bool,
    live: bool,
    order: &Order<'_>,
) -> Fallible<(Seen, Launch)> {
    let name = "goodput.json";
    let rate = order.point.rate.to_string();
    let command = command(order.port, order.dataset, order.point.requests, &rate);
    let files = [
        "--save-result",
        "--save-detailed",
        "--result-filename",
        name,
        "--result-dir",
        &order.folder.display().to_string(),
        "--workers",
        &workers.to_string(),
    ]
    .map(str::to_owned);
    let mut command = [command, files.to_vec()].concat();
    if !journal {
        command.push("--no-journal".to_owned());
    }
    let watcher = if live {
        let watcher = Watcher::start()?;
        command.push("--live".to_owned());
        command.push("--live-address".to_owned());
        command.push(watcher.address.to_string());
        Some(watcher)
    } else {
        None
    };
    let all: Vec<usize> = (0..std::thread::available_parallelism()?.get())
        .filter(|core| *core != SERVER_CORE)
        .collect();
    let cores = match workers {
        1 => order.cores(),
        _ => &all,
    };
    let launch = launch(order.folder, cores, &FINISHED, &command)?;
    if let Some(watcher) = watcher {
        watcher.finish()?;
    }
    let traces = vllm_json::traces(&order.folder.join(name))?;
    Ok((Seen::Tokens(traces), launch))
}

/// The command line of a measurement without files.
pub(crate) fn command(port: u16, dataset: &Path, requests: usize, rate: &str) -> Vec<String> {
    [
        env!("CARGO_BIN_EXE_goodput"),
        "serve",
        "--backend",
        "vllm",
        "--base-url",
        &format!("http://127.0.0.1:{port}"),
        "--model",
        "truth",
        "--skip-tokenizer-init",
        "--dataset-name",
        "custom",
        "--dataset-path",
        &dataset.display().to_string(),
        "--disable-shuffle",
        "--no-oversample",
        "--custom-output-len",
        "-1",
        "--num-prompts",
        &requests.to_string(),
        "--request-rate",
        rate,
        "--seed",
        &SEED.to_string(),
        "--request-id-prefix",
        ID_PREFIX,
        "--disable-tqdm",
    ]
    .map(str::to_owned)
    .to_vec()
}
