//! guidellm: draws its own arrivals, and keeps the first and the last time of each answer only.

use super::{Order, Peer, Seen, launch};
use crate::{launch::Launch, machine::Fallible, points::SEED, trace::Trace};
use serde::Deserialize;
use std::{fs::File, io::BufReader};

#[derive(Deserialize)]
struct Results {
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
struct Benchmark {
    requests: Requests,
}

#[derive(Deserialize)]
struct Requests {
    successful: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    /// `id` of the server's chunks.
    response_id: String,
    time_to_first_token_ms: f64,
    output_tokens: usize,
}

pub(super) fn run(peer: &Peer, order: &Order<'_>) -> Fallible<(Seen, Launch)> {
    let path = order.folder.join("guidellm.json");
    let profile = if order.point.rate.is_finite() {
        format!("kind=poisson,rate={}", order.point.rate)
    } else {
        "kind=throughput".to_owned()
    };
    let words = order.point.prompt_words();
    let command = [
        &peer.program.display().to_string(),
        "run",
        "--backend",
        &format!(
            "kind=openai_http,target=http://127.0.0.1:{},model=truth,request_format=/v1/completions",
            order.port
        ),
        "--profile",
        &profile,
        "--constraint",
        &format!("kind=max_requests,count={}", order.point.requests),
        "--tokenizer",
        &format!("kind=hf_auto,model={}", peer.tokenizer()?.display()),
        "--data",
        &format!(
            "kind=synthetic_text,prompt_tokens={words},output_tokens={}",
            order.point.tokens
        ),
        "--seed",
        &format!("kind=static,value={SEED}"),
        "--output",
        &format!("kind=json,path={}", path.display()),
        "--disable-console",
    ]
    .map(str::to_owned);
    let launch = launch(order.folder, order.cores(), &[0], &command)?;
    let results: Results = serde_json::from_reader(BufReader::new(File::open(path)?))?;
    let mut seen = Vec::new();
    for request in results
        .benchmarks
        .into_iter()
        .flat_map(|b| b.requests.successful)
    {
        if request.output_tokens != order.point.tokens {
            return Err(format!(
                "{}: guidellm saw {} tokens, {} were sent",
                request.response_id, request.output_tokens, order.point.tokens
            )
            .into());
        }
        let id = request.response_id;
        seen.push(Trace {
            id: id.strip_prefix("cmpl-").unwrap_or(&id).to_owned(),
            start: 0,
            tokens: vec![(request.time_to_first_token_ms * 1e6) as u64],
        });
    }
    Ok((Seen::FirstTokens(seen), launch))
}
