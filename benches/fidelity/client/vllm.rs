//! `vllm bench serve`, the client whose numbers everyone quotes.

use super::{ID_PREFIX, Order, launch, vllm_json};
use crate::{launch::Launch, machine::Fallible, points::SEED, trace::Trace};
use std::path::Path;

pub(super) fn run(
    program: &Path,
    tokenizer: &Path,
    order: &Order<'_>,
) -> Fallible<(Vec<Trace>, Launch)> {
    let name = "vllm.json";
    let command = [
        &program.display().to_string(),
        "bench",
        "serve",
        "--backend",
        "vllm",
        "--base-url",
        &format!("http://127.0.0.1:{}", order.port),
        "--endpoint",
        "/v1/completions",
        "--model",
        "truth",
        "--tokenizer",
        &tokenizer.display().to_string(),
        "--dataset-name",
        "custom",
        "--dataset-path",
        &order.dataset.display().to_string(),
        "--skip-chat-template",
        "--disable-shuffle",
        "--no-oversample",
        "--custom-output-len",
        "-1",
        "--num-prompts",
        &order.point.requests.to_string(),
        "--request-rate",
        &order.point.rate.to_string(),
        "--seed",
        &SEED.to_string(),
        "--request-id-prefix",
        ID_PREFIX,
        "--disable-tqdm",
        "--save-result",
        "--save-detailed",
        "--result-filename",
        name,
        "--result-dir",
        &order.folder.display().to_string(),
    ]
    .map(str::to_owned);
    let launch = launch(order.folder, &[0], &command)?;
    Ok((vllm_json::traces(&order.folder.join(name))?, launch))
}
