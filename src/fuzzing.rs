//! Everything that reads bytes from outside, one function per kind: `fuzz/` calls them with random inputs,
//! and the tests below with mutations of recordings. None may panic, hang, or grow beyond its input; if
//! there is a reference, results must match it.
//!
//! Not part of the library: only tests and cargo-fuzz use it.

use crate::{
    address::Origin,
    backend::by_name,
    baseline::File,
    clock::Nanos,
    files::text,
    grammar::{self, dataset::Dataset, names::BACKENDS},
    plan::{self, Arrivals, PlanSpec, Shape},
    record::{Reply, RequestError},
    scrape::Reading,
    sim::dialect::Dialect,
    tokenizer::Tokenizer,
};
use std::{fs, path::PathBuf};

/// Splits off the last two bytes, which choose what to do with the others: recordings can be used as they
/// are.
fn chosen(data: &[u8]) -> (&[u8], usize, usize) {
    match data {
        [data @ .., which, how] => (data, usize::from(*which), usize::from(*how)),
        data => (data, 0, 0),
    }
}

/// Decodes an answer of a backend in one piece and in pieces.
fn decoded(
    backend: &str,
    stream: bool,
    body: &[u8],
    piece: usize,
) -> (Result<(), RequestError>, Reply) {
    let mut reply = Reply::default();
    let Some(backend) = by_name(backend) else {
        return (Ok(()), reply);
    };
    let mut decoder = backend.decoder(stream);
    for piece in body.chunks(piece.max(1)) {
        if let Err(error) = decoder.data(Nanos(1), piece, &mut reply) {
            return (Err(error), reply);
        }
    }
    let ended = decoder.end(Nanos(1), &mut reply);
    (ended, reply)
}

fn answer(data: &[u8], stream: bool) {
    let (body, which, how) = chosen(data);
    let backend = BACKENDS[which % BACKENDS.len()];
    let (at_once, whole) = decoded(backend, stream, body, body.len());
    let (in_pieces, parts) = decoded(backend, stream, body, how % 64 + 1);
    assert_eq!(at_once, in_pieces, "{backend}");
    assert_eq!(whole.text, parts.text, "{backend}");
    assert_eq!(whole.usage, parts.usage, "{backend}");
    assert!(
        whole.text.len() <= 3 * body.len(),
        "{backend}: more text than bytes"
    );
}

/// Reads a streamed answer of each backend.
pub fn stream(data: &[u8]) {
    answer(data, true);
}

/// Reads an answer in one piece of each backend.
pub fn whole(data: &[u8]) {
    answer(data, false);
}

/// Reads the head and the framing of an answer, in one piece and in pieces.
pub fn http(data: &[u8]) {
    let (bytes, _, how) = chosen(data);
    let at_once = crate::client::fuzzed_answer(bytes, bytes.len());
    let in_pieces = crate::client::fuzzed_answer(bytes, how % 64 + 1);
    assert_eq!(
        at_once.is_ok(),
        in_pieces.is_ok(),
        "{at_once:?} {in_pieces:?}"
    );
    if let (Ok(at_once), Ok(in_pieces)) = (at_once, in_pieces) {
        assert_eq!(at_once, in_pieces);
        assert!(at_once.1.len() <= bytes.len(), "more content than bytes");
    }
}

/// Reads the file of a dataset of each kind.
pub fn dataset(data: &[u8]) {
    const KINDS: [(&str, &str); 16] = [
        ("custom", "jsonl"),
        ("sharegpt", "json"),
        ("sonnet", "txt"),
        ("burstgpt", "csv"),
        ("custom_image", "jsonl"),
        ("custom_audio", "jsonl"),
        ("spec_bench", "jsonl"),
        ("timed_trace", "jsonl"),
        ("timed_trace", "csv"),
        ("custom", "txt"),
        ("conversations", "json"),
        ("agents", "jsonl"),
        ("agents(format = mooncake)", "jsonl"),
        ("agents(format = weka)", "jsonl"),
        ("agents(format = bailian)", "jsonl"),
        ("agents(format = otel)", "jsonl"),
    ];
    let (bytes, which, _) = chosen(data);
    let (kind, ending) = KINDS[which % KINDS.len()];
    let path = scratch(ending);
    if fs::write(&path, with_text(kind, bytes)).is_err() {
        return;
    }
    let (name, settings) = kind.split_once('(').unwrap_or((kind, ")"));
    let text = format!("{name}('{}', {settings}", path.display());
    let Ok(dataset) = grammar::dataset::parse(&text) else {
        return;
    };
    let takes: Vec<Shape> = Shape::ALL.into_iter().collect();
    let arrivals = Arrivals {
        rate: f64::INFINITY,
        burstiness: 1.0,
        ramp: None,
        max_concurrency: None,
    };
    let tokenizer = Tokenizer::none();
    let planned = plan::build(&PlanSpec {
        dataset: &small(dataset),
        arrivals: &arrivals,
        duration: None,
        requests: 3,
        seed: 0,
        tokenizer: &tokenizer,
        takes: &takes,
        request_id_prefix: "",
        unwanted: None,
    });
    if let Ok(plan) = planned {
        assert!(plan.requests.len() <= 3);
    }
}

/// Names the fixture that conversations are made from: the folder of the file does not have it.
fn with_text(kind: &str, bytes: &[u8]) -> Vec<u8> {
    const TEXT: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/plan/datasets/words.txt"
    );
    match std::str::from_utf8(bytes) {
        Ok(text) if kind == "conversations" => {
            text.replace("\"words.txt\"", &format!("{TEXT:?}")).into()
        }
        _ => bytes.to_vec(),
    }
}

/// Limits the settings that a file does not decide.
fn small(dataset: Dataset) -> Dataset {
    match dataset {
        Dataset::Sonnet(sonnet) => Dataset::Sonnet(grammar::dataset::Sonnet {
            input: 100,
            output: 1,
            prefix: 10,
            ..sonnet
        }),
        other => other,
    }
}

/// Writes a file for this process and thread.
fn scratch(ending: &str) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let number: String = thread.chars().filter(char::is_ascii_digit).collect();
    let name = format!("goodput-fuzz-{}-{number}.{ending}", std::process::id());
    std::env::temp_dir().join(name)
}

/// Reads result files and baselines.
pub fn results(data: &[u8]) {
    let Ok(text) = text::decode(data.to_vec()) else {
        return;
    };
    if let Ok(file) = File::read(&text) {
        let again = File::read(&file.write());
        assert!(again.is_ok(), "{again:?}");
    }
    #[cfg(feature = "cli")]
    if let Ok(readings) = crate::results::parse("fuzz", &text, &mut Vec::new()) {
        let _ = crate::results::text(&readings);
        let _ = crate::results::markdown(&readings);
    }
}

/// Reads pages of `/metrics`.
pub fn prometheus(data: &[u8]) {
    let page = String::from_utf8_lossy(data);
    if let Some(reading) = Reading::of(&page) {
        let _ = reading.since(&reading);
        let _ = reading.sample(Nanos(1), &reading);
    }
}

/// Parses texts of every small language: attribute, flags, suite files.
pub fn grammars(data: &[u8]) {
    let (bytes, which, _) = chosen(data);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match which % 15 {
        0 => drop(grammar::slo::parse(text)),
        1 => drop(grammar::goodput::parse(text)),
        2 => drop(grammar::dataset::parse(text)),
        3 => drop(grammar::sim::parse(text)),
        4 => drop(grammar::fault::parse(text)),
        5 => drop(grammar::ramp::parse(text)),
        6 => drop(grammar::target::parse(text)),
        7 => drop(grammar::duration::parse(text)),
        8 => drop(grammar::tolerance::parse(text)),
        9 => drop(grammar::dataset::Buckets::parse(text)),
        10 => drop(grammar::slo::parse_subject(text)),
        11 => drop(Origin::parse(text).map(|o| (o.api(), o.places(), o.path_of("/v1/x", false)))),
        12 => drop(grammar::names::known_key(text)),
        #[cfg(feature = "cli")]
        13 => crate::cli::fuzzed_sweep(text),
        _ => {
            #[cfg(feature = "cli")]
            let _ = crate::cli::fuzzed_line(text);
        }
    }
}

/// Reads bodies of requests to the simulation.
pub fn requests(data: &[u8]) {
    const PATHS: [&str; 16] = [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/generate",
        "/generate_stream",
        "/completion",
        "/api/chat",
        "/api/generate",
        "/v1/embeddings",
        "/rerank",
        "/score",
        "/pooling",
        "/classify",
        "/v1/audio/transcriptions",
        "/v2/models/ensemble/generate",
    ];
    let (body, which, _) = chosen(data);
    let Some(dialect) = Dialect::at(PATHS[which % PATHS.len()]) else {
        return;
    };
    if let Err(refusal) = dialect.read(body) {
        let said: Result<serde_json::Value, _> = serde_json::from_str(&refusal.body());
        assert!(said.is_ok_and(|said| said["error"]["code"] == 400));
    }
}

/// Merges files of shards, with an empty line between them; reads what shards say to each other.
pub fn shards(data: &[u8]) {
    let (bytes, ..) = chosen(data);
    crate::rendezvous::fuzzed(bytes);
    #[cfg(feature = "cli")]
    crate::merge::fuzzed(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
    use rstest::rstest;
    use std::path::Path;

    /// The bytes of the files in a folder of fixtures.
    fn corpus(folder: &str, of: fn(&str) -> bool) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(folder);
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file() && of(path.to_str().unwrap()))
            .collect();
        paths.sort();
        let short = |path: PathBuf| fs::read(path).unwrap().into_iter().take(20_000).collect();
        paths.into_iter().map(short).collect()
    }

    /// What may be done to bytes.
    #[derive(Debug, Clone)]
    enum Change {
        Set(Index, u8),
        Cut(Index, usize),
        Insert(Index, Vec<u8>),
        Repeat(Index, usize),
        End(Index),
    }

    fn change() -> impl Strategy<Value = Change> {
        let words: [&[u8]; 16] = [
            b"\n\n",
            b"\r\n",
            b"data: ",
            b"{",
            b"}",
            b"[",
            b"]",
            b"\"",
            b"null",
            b"-1",
            b"1e400",
            b"18446744073709551616",
            b"\\ud83d",
            b"\xff\xfe",
            b"\0",
            b": ping\n\n",
        ];
        let words = words.map(<[u8]>::to_vec).to_vec();
        prop_oneof![
            (any::<Index>(), any::<u8>()).prop_map(|(at, to)| Change::Set(at, to)),
            (any::<Index>(), 1..40_usize).prop_map(|(at, size)| Change::Cut(at, size)),
            (any::<Index>(), prop::sample::select(words)).prop_map(|(at, w)| Change::Insert(at, w)),
            (any::<Index>(), 1..80_usize).prop_map(|(at, size)| Change::Repeat(at, size)),
            any::<Index>().prop_map(Change::End),
        ]
    }

    fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
        for change in changes {
            if bytes.is_empty() {
                break;
            }
            let size = bytes.len();
            match change {
                Change::Set(at, to) => bytes[at.index(size)] = *to,
                Change::Cut(at, count) => {
                    let at = at.index(size);
                    bytes.drain(at..size.min(at + count));
                }
                Change::Insert(at, word) => {
                    let at = at.index(size);
                    bytes.splice(at..at, word.iter().copied());
                }
                Change::Repeat(at, count) => {
                    let at = at.index(size);
                    let again = bytes[at..size.min(at + count)].to_vec();
                    bytes.splice(at..at, again);
                }
                Change::End(at) => bytes.truncate(at.index(size)),
            }
        }
        bytes
    }

    fn all(_: &str) -> bool {
        true
    }

    /// Mutated recordings, always the same ones.
    #[rstest]
    #[case::stream(stream, corpus("captures", |name| name.contains("stream") && name.ends_with(".body")))]
    #[case::whole(whole, corpus("captures", |name| name.ends_with(".body")))]
    #[case::http(http, corpus("captures", |name| name.ends_with(".http")))]
    #[case::dataset(dataset, corpus("plan/datasets", all))]
    #[case::results(results, [corpus("vllm", all), corpus("peers", all)].concat())]
    #[case::prometheus(prometheus, corpus("captures", |name| name.contains("metrics")))]
    #[case::grammars(grammars, examples())]
    #[case::requests(requests, bodies())]
    #[case::shards(shards, shards_of_runs())]
    fn mutations_of_recordings_are_survived(#[case] read: fn(&[u8]), #[case] corpus: Vec<Vec<u8>>) {
        assert!(!corpus.is_empty());
        for bytes in &corpus {
            for which in 0..32 {
                read(&[bytes.as_slice(), &[which, 7]].concat());
            }
        }
        let mutants = (
            prop::sample::select(corpus),
            prop::collection::vec(change(), 0..6),
            any::<[u8; 2]>(),
        );
        let mut runner = TestRunner::deterministic();
        let run = runner.run(&mutants, |(bytes, changes, choice)| {
            let bytes = changed(bytes, &changes);
            read(&[bytes.as_slice(), &choice].concat());
            Ok(())
        });
        if let Err(failure) = run {
            panic!("{failure}");
        }
    }

    /// Values of the attribute's keys, as its documentation writes them.
    fn examples() -> Vec<Vec<u8>> {
        let keys = grammar::names::KEYS.iter();
        keys.map(|key| {
            key.example
                .trim_matches(['r', '#', '"'])
                .as_bytes()
                .to_vec()
        })
        .chain(SWEEPS.map(|text| text.as_bytes().to_vec()))
        .collect()
    }

    /// Files of sweeps.
    const SWEEPS: [&str; 2] = [
        "model: m\ninput_output:\n  - [256, 128]\nconcurrency_prompts: [[1, 10], [4, 40]]\nseed: [1, 2]\n",
        r#"[{"max_concurrency": 4, "a.b": [1.5, null]}, {"_benchmark_name": "x/..y", "z": true}]"#,
    ];

    /// The files of a run of two shards, and messages.
    fn shards_of_runs() -> Vec<Vec<u8>> {
        const MESSAGES: [&str; 3] = [
            r#"{"say":"hello","protocol":1,"version":"0.1.0","token":null,"shard":{"index":1,"count":2},"identity":{"plan":"a","settings":"b","host":"c","restarted":null}}"#,
            r#"{"say":"start","at":-1,"wall":18446744073709551615}"#,
            r#"{"say":"stop","why":"\u001b[2J"}"#,
        ];
        let files = corpus("shards", all).join(&b'\n');
        let messages = MESSAGES.map(|message| format!("{message}\n").into_bytes());
        [vec![files], messages.to_vec()].concat()
    }

    /// What clients send.
    fn bodies() -> Vec<Vec<u8>> {
        let recorded = include_str!("../fixtures/vllm/refusals.jsonl").lines();
        let body = |line: &str| {
            let recorded: serde_json::Value = serde_json::from_str(line).unwrap();
            recorded["request"].as_str().unwrap().as_bytes().to_vec()
        };
        recorded.map(body).filter(|body| !body.is_empty()).collect()
    }
}
