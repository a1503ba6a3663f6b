//! No credential of a run is in anything that the run leaves, whatever a server repeats.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(all(feature = "cli", feature = "csv", feature = "junit"))]

#[path = "support/folder.rs"]
mod folder;
mod support;
#[path = "support/tables.rs"]
mod tables;

use folder::Folder;
use goodput::{
    Bench,
    targets::{Opened, Target, TargetError},
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    net::TcpStream,
    path::Path,
    process::{Command, Output},
};
use support::{RawServer, STREAM_HEAD, chunk, http};
use url::form_urlencoded::{byte_serialize, parse};

/// So much of a credential is too much.
const TELLING: usize = 8;

/// How the server repeats what it was sent.
#[derive(Debug, Clone, Copy)]
enum Echo {
    Error,
    PlainError,
    Event,
    Answer,
}

/// A server that repeats all that it is sent, as it is and decoded, wherever a server says anything.
fn repeating(echo: Echo) -> RawServer {
    RawServer::telling(move |stream, request| {
        let query = request.lines().next().unwrap_or_default();
        let query = query.split(['?', ' ']).nth(2).unwrap_or_default();
        let decoded: Vec<_> = parse(query.as_bytes())
            .map(|(_, value)| value.into_owned())
            .collect();
        let said = format!("{request} {decoded:?} {}", decoded.join(" "));
        answer(stream, request, &said, echo)
    })
}

fn answer(stream: &mut TcpStream, request: &str, said: &str, echo: Echo) -> bool {
    let json = |status: &str, body: &Value| http(status, "application/json", &body.to_string());
    let one_line = said.replace(['\r', '\n', '"', '\\'], " ");
    let text = if request.starts_with("GET /metrics") {
        let label = serde_json::to_string(said).unwrap();
        let metrics = format!("# {one_line}\nvllm:num_requests_running{{model_name={label}}} 1\n");
        http("200 OK", "text/plain", &metrics)
    } else if request.starts_with("GET /v1/models") {
        json(
            "200 OK",
            &json!({"data": [{"id": said, "owned_by": said, "root": said}]}),
        )
    } else if request.starts_with("GET") || request.starts_with("POST /tokenize") {
        json(
            "200 OK",
            &json!({"version": said, "model_path": said, "served_model_name": said}),
        )
    } else {
        match echo {
            Echo::Error => json("400 Bad Request", &json!({"error": {"message": said}})),
            Echo::PlainError => http("500 Oh", "text/plain", said),
            Echo::Event => {
                let event = json!({"error": {"message": said, "type": said}});
                format!(
                    "{STREAM_HEAD}{}0\r\n\r\n",
                    chunk(&format!("data: {event}\n\n"))
                )
            }
            Echo::Answer => {
                let event = |text: &str, finish: Option<&str>| {
                    let choice = json!({"index": 0, "text": text, "finish_reason": finish});
                    let event = json!({"id": said, "model": said, "choices": [choice]});
                    chunk(&format!("data: {event}\n\n"))
                };
                let end = chunk("data: [DONE]\n\n");
                let (first, last) = (event(said, None), event(" b", Some(said)));
                format!("{STREAM_HEAD}{first}{last}{end}0\r\n\r\n")
            }
        }
    };
    let text = text.replacen("\r\n", &format!("\r\nserver: {one_line}\r\n"), 1);
    stream.write_all(text.as_bytes()).is_ok()
}

/// One for each way that a run takes them in.
#[derive(Debug, Clone)]
struct Secrets([String; 6]);

fn secrets() -> impl Strategy<Value = Secrets> {
    // What a header may hold. Stars are what masks are made of.
    let one = || {
        "[!-)+-~]{12,24}".prop_filter("neither a path nor a flag", |one| {
            !one.starts_with(['/', '-'])
        })
    };
    [one(), one(), one(), one(), one(), one()].prop_map(Secrets)
}

impl Secrets {
    fn endpoint(&self) -> String {
        let encoded: String = byte_serialize(self.0[3].as_bytes()).collect();
        format!("/v1/completions?api_key={encoded}&v=1")
    }

    fn extra_body(&self) -> Value {
        json!({"a": [{"api_key": self.0[4]}]})
    }

    /// Nothing of them is in the text, in any of the forms that texts take in files.
    fn check(&self, place: &str, text: &str) {
        for secret in &self.0 {
            for form in forms(&secret[..TELLING]) {
                assert!(
                    !text.contains(&form),
                    "`{form}` of `{secret}` is in {place}:\n{text}"
                );
            }
        }
    }
}

fn forms(text: &str) -> Vec<String> {
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let twice = json(&json(text));
    let xml = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let encoded: String = byte_serialize(text.as_bytes()).collect();
    vec![
        text.to_owned(),
        json(text),
        twice,
        xml.replace('"', "&quot;"),
        xml,
        text.replace('"', "\"\""),
        text.replace('|', "\\|"),
        encoded.replace('+', "%20"),
        encoded,
    ]
}

fn goodput(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodput"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOODPUT_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("TMPDIR", folder)
        .env("SAVE_TO_PYTORCH_BENCHMARK_FORMAT", "1")
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    command
}

/// Files of all formats.
fn outputs(command: &mut Command) {
    let formats = tables::formats();
    for format in &formats {
        command.args(["--output", &format!("{format}=out/{format}")]);
    }
    command.args(["--results", "results"]);
}

/// The screen, and all files in the folder.
fn left(folder: &Path, output: &Output) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut left = vec![
        ("stdout".to_owned(), text(&output.stdout)),
        ("stderr".to_owned(), text(&output.stderr)),
    ];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                // The user wrote it.
                false if path.ends_with("goodput.toml") => {}
                false => left.push((path.display().to_string(), text(&fs::read(&path).unwrap()))),
            }
        }
    }
    left
}

/// `goodput serve` with everything that it can write.
fn serve(secrets: &Secrets, url: &str, events: &str) -> Vec<(String, String)> {
    let folder = Folder::new("serve");
    let [key, own, google, _, _, metadata] = &secrets.0;
    let mut command = goodput(&folder);
    // By the environment and by the flag.
    if events == "json" {
        command.args(["serve", "--api-key", key]);
    } else {
        command.env("OPENAI_API_KEY", key).arg("serve");
    }
    command
        .args(["--base-url", url, "--model", "m", "--disable-tqdm"])
        .args([
            "--num-prompts",
            "3",
            "--random-input-len",
            "4",
            "--prompt-token-ids",
        ])
        .args(["--endpoint", &secrets.endpoint()])
        .args(["--extra-body", &secrets.extra_body().to_string()])
        .args([
            "--header",
            &format!("x-api-key={own}"),
            &format!("x-goog-api-key={google}"),
        ])
        .args([
            "--metadata",
            &format!("api_key={metadata}"),
            &format!("note={metadata}"),
        ])
        .args([
            "--save-result",
            "--save-detailed",
            "--result-filename",
            "result.json",
        ])
        .args([
            "--export-requests",
            "requests.csv",
            "--message-format",
            events,
        ]);
    outputs(&mut command);
    let output = command.output().unwrap();
    let left = left(&folder, &output);
    for name in [
        "result.json",
        "result.pytorch.json",
        "requests.csv",
        "out/junit",
    ] {
        assert!(
            left.iter().any(|(path, _)| path.ends_with(name)),
            "{name} is missing: {left:?}"
        );
    }
    left
}

/// `goodput run`, with a baseline.
fn run(secrets: &Secrets, url: &str) -> Vec<(String, String)> {
    let folder = Folder::new("run");
    let [key, own, google, ..] = &secrets.0;
    let headers = json!([
        format!("x-api-key: {own}"),
        format!("x-goog-api-key: {google}")
    ]);
    let suite = format!(
        "[bench.chat]\ntarget = {}\nmodel = \"m\"\ndataset = \"random(input = 4, output = 2)\"\nrequests = 10\n\
         backend = \"openai\"\napi_key = {}\nheaders = {headers}\nendpoint = {}\nextra_body = {}\n\
         slo = \"p50(ttft) < 10s\"\n",
        json!(url),
        json!(key),
        json!(secrets.endpoint()),
        json!(secrets.extra_body().to_string()),
    );
    fs::write(folder.join("goodput.toml"), suite).unwrap();
    let mut command = goodput(&folder);
    command.args(["run", "--save-baseline", "main", "--baseline", "main"]);
    outputs(&mut command);
    let output = command.output().unwrap();
    let left = left(&folder, &output);
    assert!(
        left.iter()
            .any(|(path, _)| path.contains("results/results")),
        "{left:?}"
    );
    left
}

fn bench(secrets: &Secrets, url: &str) -> Bench {
    let [key, own, google, ..] = &secrets.0;
    Bench::new("echo")
        .target(Own {
            url: url.to_owned(),
            key: key.clone(),
            headers: vec![("x-api-key", own.clone())],
        })
        .model("m")
        .dataset("random(input = 4, output = 2)")
        .backend("openai")
        .endpoint(secrets.endpoint())
        .api_key(key.as_str())
        .headers([
            format!("x-api-key: {own}"),
            format!("x-goog-api-key: {google}"),
        ])
        .extra_body(secrets.extra_body().to_string())
        .requests(3)
        .exclusive(false)
}

/// A target of a user's, who tells what nobody should read.
#[derive(Debug)]
struct Own {
    url: String,
    key: String,
    #[allow(dead_code, reason = "its debug text tells it")]
    headers: Vec<(&'static str, String)>,
}

impl Target for Own {
    fn describe(&self) -> String {
        format!("the cluster that takes {}", self.key)
    }

    fn open(&self) -> Result<Opened, TargetError> {
        Opened::at(&self.url)
    }
}

/// The rows of a Parquet file, whose pages are compressed, and what it says of itself.
#[cfg(feature = "parquet")]
fn exported(report: &goodput::Report) -> String {
    let folder = Folder::new("parquet");
    let path = folder.join("requests.parquet");
    let export = goodput::export::Export::to("requests", &path).unwrap();
    export.write(report).unwrap();
    rows(&path)
}

#[cfg(feature = "parquet")]
fn rows(path: &Path) -> String {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let about = format!("{:?}", reader.metadata().file_metadata());
    let rows = reader.into_iter().map(|row| row.unwrap().to_string());
    let rows: Vec<String> = rows.collect();
    assert_eq!(rows.len(), 3);
    format!("{about}\n{}", rows.join("\n"))
}

fn check(secrets: &Secrets, echo: Echo, events: &str) {
    let server = repeating(echo);
    let bench = bench(secrets, &server.url);
    secrets.check("the bench", &format!("{bench:?} {bench:#?}"));
    let report = bench.run_blocking().unwrap();
    #[cfg(feature = "parquet")]
    secrets.check("the requests", &exported(&report));
    let shown = format!(
        "{report} {report:?} {:?} {}",
        report.run(),
        report.reasons()
    );
    secrets.check("the report", &shown);
    let serve = serve(secrets, &server.url, events);
    for (place, text) in serve.into_iter().chain(run(secrets, &server.url)) {
        secrets.check(&place, &text);
    }
}

/// A key that stands in the wrong place, or under a misspelt name, and what only the run finds out.
#[rstest]
#[case::unknown_key("api_kee = \"SECRET\"")]
#[case::unknown_table("server = { api_kee = \"SECRET\" }")]
#[case::another_type("target = { api_kee = \"SECRET\" }")]
#[case::no_object("extra_body = [\"SECRET\"]")]
#[case::no_header("headers = [\"x-api-key SECRET\"]")]
#[case::open_quote("api_key = \"SECRET\nname = 3")]
#[case::spaces("target = \"sim(api_key = SECRET)\"")]
#[case::user("target = \"http://me:SECRET@127.0.0.1:1\"")]
#[case::query("target = \"http://127.0.0.1:1/?api_key=SECRET\"")]
#[case::plan("target = \"sim\"\ntokenizer = \"https://me:SECRET@127.0.0.1/x\"")]
#[case::dataset("target = \"sim\"\ndataset = \"custom('https://me:SECRET@127.0.0.1/x')\"")]
#[case::start("target = \"sim\"\nbaseline = \"main?api_key=SECRET\"")]
fn mistakes_tell_no_credential(#[case] line: &str) {
    const SECRET: &str = "Wq8zRt5Lk2Xv9";
    let folder = Folder::new(&format!("mistake-{}", line.len()));
    let suite = format!("[bench.chat]\nrequests = 3\n{line}\n[bench.other]\ntarget = \"sim\"\n");
    fs::write(folder.join("goodput.toml"), suite.replace("SECRET", SECRET)).unwrap();
    let mut command = goodput(&folder);
    command.args(["run", "--message-format", "json"]);
    outputs(&mut command);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    for (place, text) in left(&folder, &output) {
        assert!(!text.contains(SECRET), "it is in {place}:\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_credential_is_in_anything_that_a_run_leaves(
        secrets in [secrets(), secrets(), secrets(), secrets()],
    ) {
        let echoes = [
            (Echo::Error, "json"),
            (Echo::PlainError, "human"),
            (Echo::Event, "human"),
            (Echo::Answer, "json"),
        ];
        for (secrets, (echo, events)) in secrets.iter().zip(echoes) {
            check(secrets, echo, events);
        }
    }
}
