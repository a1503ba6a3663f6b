//! oha: any HTTP load. It knows no tokens, and reports how long the first byte took.

use super::{Order, Peer, Seen, launch};
use crate::{launch::Launch, machine::Fallible, spread::Spread};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    fs::{self, File},
    io::BufReader,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    /// In seconds.
    first_byte_percentiles: Percentiles,
    status_code_distribution: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p99_9: f64,
}

pub(super) fn run(peer: &Peer, order: &Order<'_>) -> Fallible<(Seen, Launch)> {
    let path = order.folder.join("oha.json");
    let body = order.folder.join("oha-body.json");
    let prompt = "word ".repeat(order.point.prompt_words());
    let asked = json!({
        "model": "truth", "prompt": prompt, "max_tokens": order.point.tokens, "stream": true,
    });
    fs::write(&body, asked.to_string())?;
    let mut command = [
        &peer.program.display().to_string(),
        "--no-tui",
        "--output-format",
        "json",
        "--output",
        &path.display().to_string(),
        "-n",
        &order.point.requests.to_string(),
        "-c",
        &order.point.streams().to_string(),
        "-m",
        "POST",
        "-T",
        "application/json",
        "-D",
        &body.display().to_string(),
    ]
    .map(str::to_owned)
    .to_vec();
    if order.point.rate.is_finite() {
        command.extend(["-q".to_owned(), order.point.rate.ceil().to_string()]);
    }
    command.push(format!("http://127.0.0.1:{}/v1/completions", order.port));
    let launch = launch(order.folder, order.cores(), &[0], &command)?;
    let results: Results = serde_json::from_reader(BufReader::new(File::open(path)?))?;
    let percentiles = results.first_byte_percentiles;
    let seen = Seen::Summary {
        completed: results
            .status_code_distribution
            .get("200")
            .copied()
            .unwrap_or(0),
        ttft: Spread {
            p50: percentiles.p50 * 1e6,
            p99: percentiles.p99 * 1e6,
            p99_9: percentiles.p99_9 * 1e6,
            // Not reported.
            max: f64::NAN,
        },
    };
    Ok((seen, launch))
}
