//! Made-up provenance and files for tests.

use crate::{
    clock::Nanos,
    metrics::testing::{record, run_of},
    record::{Channel, CountSource, Record, TokenCount, TokenEvent},
    run::Run,
};

use super::{
    digest::Digest,
    format::File,
    host::Host,
    provenance::{Circumstances, ComparedLoad, Provenance},
};

pub(super) fn provenance() -> Provenance {
    Provenance {
        load: ComparedLoad {
            plan: "00ff".to_owned(),
            dataset: "random(input = 32, output = 8)".to_owned(),
            arrivals: "10 a second, burstiness 1".to_owned(),
            rounds: 1,
            warmup_rounds: 0,
            duration: None,
            cut_start: None,
            cut_end: None,
            salted: false,
            requests: 40,
            seed: 7,
            max_concurrency: None,
            backend: "openai".to_owned(),
            endpoint: None,
            model: "m".to_owned(),
            stream: true,
            ignore_eos: true,
            logprobs: None,
            extra_body: None,
            clock: "real".to_owned(),
            target: "server".to_owned(),
        },
        circumstances: Circumstances {
            target: "http://a:1".to_owned(),
            server: [("version".to_owned(), "0.32".to_owned())].into(),
            tokenizer: Some("embedded".to_owned()),
            limits: "ttft:200ms".to_owned(),
            goodput: "0.1.0".to_owned(),
            host: Host {
                name: "ci".to_owned(),
                system: "linux x86_64".to_owned(),
                cpus: 2,
                cpu: Some("EPYC".to_owned()),
            },
        },
    }
}

pub(super) fn file(digest: &Digest) -> File {
    let saved = "2026-11-25".to_owned();
    File::new("chat".to_owned(), saved, provenance(), digest)
}

/// Requests of all lengths whose times are spread over five magnitudes, in no order.
pub(super) fn long_run(requests: usize) -> Run {
    let records = (0..requests).map(|index| {
        let noise = |salt: u64| (index as u64 * 2_654_435_761 + salt * 40_503) % 9_973;
        let micros = |salt: u64| libm::exp2(noise(salt) as f64 / 9_973.0 * 17.0) * 100.0;
        let at = Nanos(index as u64 * 10_000_000);
        let first = at.0 + (micros(1) * 1e3) as u64;
        let tokens = 1 + noise(2) % 512;
        let gap = (micros(3) * 20.0) as u64;
        let count = |tokens| TokenCount {
            tokens,
            source: CountSource::Usage,
        };
        let mut record = Record {
            index,
            input: count(1 + noise(4) * 3),
            output: count(tokens),
            ..record(0, &[], 0)
        };
        (record.intended, record.dispatched, record.sent) = (at, at, at);
        record.events = (0..tokens.min(12))
            .map(|token| TokenEvent {
                at: Nanos(first + token * gap),
                tokens: 1,
                channel: Channel::Answer,
            })
            .collect();
        record.end = Nanos(first + 12 * gap);
        record
    });
    run_of(records.collect())
}
