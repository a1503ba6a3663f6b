//! `vllm bench serve`, the client whose numbers everyone quotes, and its successor in Rust, which has
//! the same flags and files.

use super::{ID_PREFIX, Order, Peer, PeerKind, Seen, launch, vllm_json};
use crate::{launch::Launch, machine::Fallible, points::SEED};

pub(super) fn run(peer: &Peer, order: &Order<'_>) -> Fallible<(Seen, Launch)> {
    let name = "vllm.json";
    let subcommand: &[&str] = match peer.kind {
        PeerKind::Vllm => &["bench", "serve"],
        _ => &[],
    };
    let flags = [
        "--backend",
        "vllm",
        "--base-url",
        &format!("http://127.0.0.1:{}", order.port),
        "--endpoint",
        "/v1/completions",
        "--model",
        "truth",
        "--tokenizer",
        &peer.tokenizer()?.display().to_string(),
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
    let program = [peer.program.display().to_string()].into_iter();
    let subcommand = subcommand.iter().map(|word| (*word).to_owned());
    let command: Vec<String> = program.chain(subcommand).chain(flags).collect();
    let launch = launch(order.folder, order.cores(), &[0], &command)?;
    let traces = vllm_json::traces(&order.folder.join(name))?;
    Ok((Seen::Tokens(traces), launch))
}
