//! Servers that misbehave on purpose: what the client says of each fault, on virtual time. That
//! nothing that goes wrong breaks the promises of a run is tested beside what conducts it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(feature = "cli")]
mod command;
mod front_ends;
mod matrix;
mod records;
#[path = "../support/simulated.rs"]
mod simulated;
mod stalls;
mod targeting;
mod wire;

use goodput::{Bench, Report, record::Record};
use std::time::Duration;

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One chat of four tokens, at 50, 60, 70 and 80 ms.
pub(crate) fn bench(faults: &str) -> Bench {
    Bench::new("faults")
        .target("sim(ttft = 50ms, itl = 10ms)")
        .backend("openai-chat")
        .dataset("random(input = 4, output = 4)")
        .tokenizer("none")
        .requests(1)
        .first_token_timeout(ms(1_000))
        .between_tokens_timeout(ms(500))
        .faults(faults)
}

pub(crate) fn only(report: &Report) -> &Record {
    let [record] = &report.run().records[..] else {
        panic!("{report}");
    };
    record
}
