//! A hub on the loopback interface: what is downloaded, from where, and what is left when that fails.

use super::super::{
    files::{Cached, Files, cached},
    hub::Hub,
    rows,
};
use crate::plan::testing::{Scratch, fixture, scratch};
use rstest::rstest;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const FILE: &str = "data/train-00000-of-00002.parquet";
const SECOND: &str = "data/train-00001-of-00002.parquet";

/// What is asked, with its headers.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server that `answer` writes the answers of; each has a connection of its own.
fn served(answer: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> (String, Asked) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, answer) = (Asked::default(), Arc::new(answer));
    let log = asked.clone();
    // Both end with the test's process.
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let (log, answer) = (log.clone(), answer.clone());
            thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> = lines
                    .map(Result::unwrap)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let Some(first) = head.first() else { return };
                let path = first.split(' ').nth(1).unwrap().to_owned();
                log.lock().unwrap().push(head.join("\n").to_lowercase());
                answer(&mut stream, &path);
            });
        }
    });
    (address, asked)
}

fn say(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
    // Who asked may have gone away.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

fn list(stream: &mut TcpStream, names: &[&str]) {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("{{\"rfilename\": \"{name}\"}}"))
        .collect();
    let body = format!("{{\"sha\": \"abc\", \"siblings\": [{}]}}", names.join(", "));
    say(
        stream,
        &format!("200 OK\r\ncontent-length: {}", body.len()),
        body.as_bytes(),
    );
}

fn content() -> Vec<u8> {
    fs::read(fixture(
        "datasets/hf/InstructCoder/data/train-00000-of-00001.parquet",
    ))
    .unwrap()
}

fn send(stream: &mut TcpStream) {
    let bytes = content();
    say(
        stream,
        &format!("200 OK\r\ncontent-length: {}", bytes.len()),
        &bytes,
    );
}

/// A hub that answers well.
fn good(stream: &mut TcpStream, path: &str) {
    match path {
        "/api/datasets/org/set/revision/main" => list(stream, &["README.md", FILE, SECOND]),
        path if path.starts_with("/datasets/org/set/resolve/abc/data/train-0000") => send(stream),
        _ => say(stream, "404 Not Found\r\ncontent-length: 0", b""),
    }
}

fn hub<'a>(address: &str, cache: &Scratch, unwanted: Option<&'a AtomicBool>) -> Hub<'a> {
    Hub::at(
        address,
        cache.to_path_buf(),
        Some("hf_Qx7token".to_owned()),
        unwanted,
    )
    .unwrap()
}

fn files<'a>(hub: Hub<'a>, id: &str) -> Result<Files<'a>, String> {
    Files::of_hub(Path::new(id), hub, id).map_err(|error| error.to_string())
}

/// All that is in a folder.
fn left(folder: &Path) -> Vec<String> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            left.extend(self::left(&path))
        } else {
            left.push(path.file_name().unwrap().to_string_lossy().into_owned())
        }
    }
    left.sort();
    left
}

#[test]
fn a_set_that_is_not_here_is_downloaded_once() {
    let (address, asked) = served(good);
    let cache = scratch();
    let set = files(hub(&address, &cache, None), "org/set").unwrap();
    let chosen = set.choose(None, false, Some("train")).unwrap();
    assert_eq!(chosen, [FILE, SECOND]);
    for _ in 0..2 {
        let rows: Vec<_> = rows::open(&set, FILE.to_owned()).collect();
        assert_eq!(rows.len(), 5);
        assert_eq!(
            rows[1].as_ref().unwrap().fields["instruction"],
            "Add 1 twice."
        );
    }
    let error = files(hub(&address, &cache, None), "org/none")
        .err()
        .unwrap();
    assert!(error.contains("the hub cannot be reached"), "{error}");
    let asked = asked.lock().unwrap();
    let of_file = asked
        .iter()
        .filter(|head| head.contains("/resolve/abc/data/"));
    assert_eq!(of_file.count(), 1, "{asked:?}");
    assert!(
        asked[0].contains("authorization: bearer hf_qx7token"),
        "{asked:?}"
    );
}

/// One of two files is here. The next download gets the other one, without asking for the list.
#[test]
fn a_set_that_is_here_in_part_is_no_smaller_one() {
    let (address, asked) = served(good);
    let cache = scratch();
    let set = files(hub(&address, &cache, None), "org/set").unwrap();
    set.fetch(FILE).unwrap();
    let Some(Cached::InPart(listing)) = cached(&cache, "org/set") else {
        panic!("it is here in part");
    };
    let set = Files::listed(
        Path::new("org/set"),
        hub(&address, &cache, None),
        "org/set",
        listing,
    );
    assert_eq!(
        set.choose(None, false, Some("train")).unwrap(),
        [FILE, SECOND]
    );
    for file in [FILE, SECOND] {
        assert_eq!(fs::read(set.fetch(file).unwrap()).unwrap(), content());
    }
    assert_eq!(asked.lock().unwrap().len(), 3);
}

/// How a download goes wrong.
#[derive(Clone, Copy)]
enum Fault {
    Silent,
    SilentWithin,
    Short,
    WithoutLength,
    Refused,
}

fn faulty(stream: &mut TcpStream, path: &str, fault: Fault) {
    if !path.contains("/resolve/") {
        return good(stream, path);
    }
    let bytes = content();
    let length = format!("200 OK\r\ncontent-length: {}", bytes.len());
    match fault {
        Fault::Silent => thread::sleep(Duration::from_secs(60)),
        Fault::SilentWithin => {
            say(stream, &length, &bytes[..100]);
            thread::sleep(Duration::from_secs(60));
        }
        Fault::Short => say(stream, &length, &bytes[..100]),
        Fault::WithoutLength => say(stream, "200 OK", &bytes[..100]),
        Fault::Refused => say(stream, "403 Forbidden\r\ncontent-length: 0", b""),
    }
}

#[rstest]
#[case::silent(Fault::Silent, "has sent nothing for 0.2 s")]
#[case::silent_within(Fault::SilentWithin, "has sent nothing for 0.2 s")]
#[case::short(Fault::Short, "train-00000-of-00002.parquet: ")]
#[case::without_length(Fault::WithoutLength, "does not state the length of the file")]
#[case::refused(Fault::Refused, "answers 403")]
fn what_fails_leaves_no_file(#[case] fault: Fault, #[case] said: &str) {
    let (address, _) = served(move |stream, path| faulty(stream, path, fault));
    let cache = scratch();
    let hub = hub(&address, &cache, None).with_silence(Duration::from_millis(200));
    let set = files(hub, "org/set").unwrap();
    let error = set.fetch(FILE).unwrap_err().to_string();
    assert!(
        error.contains(said) && error.contains("cannot be downloaded"),
        "{error}"
    );
    assert!(!error.contains("Qx7"), "{error}");
    assert_eq!(left(&cache), ["abc.json"], "the list");
}

#[rstest]
#[case(Fault::Silent)]
#[case(Fault::SilentWithin)]
fn a_plan_that_is_not_wanted_any_more_waits_for_no_download(#[case] fault: Fault) {
    let unwanted = Arc::new(AtomicBool::new(false));
    let flag = unwanted.clone();
    let (address, _) = served(move |stream, path| {
        if path.contains("/resolve/") {
            flag.store(true, Ordering::Relaxed);
        }
        faulty(stream, path, fault);
    });
    let cache = scratch();
    let set = files(hub(&address, &cache, Some(&unwanted)), "org/set").unwrap();
    let began = Instant::now();
    let error = set.fetch(FILE).unwrap_err().to_string();
    assert!(
        error.contains("the run ended before the plan was ready"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(left(&cache), ["abc.json"], "the list");
}

#[test]
fn a_redirect_is_followed_without_the_token() {
    let (store, seen) = served(|stream, _| send(stream));
    let (address, _) = served(move |stream, path| {
        if !path.contains("/resolve/") {
            return good(stream, path);
        }
        // Another host by its name.
        let store = store.replace("127.0.0.1", "localhost");
        let head = format!("302 Found\r\nlocation: {store}/signed?key=Qx7\r\ncontent-length: 0");
        say(stream, &head, b"");
    });
    let cache = scratch();
    let set = files(hub(&address, &cache, None), "org/set").unwrap();
    assert_eq!(fs::read(set.fetch(FILE).unwrap()).unwrap(), content());
    let seen = seen.lock().unwrap();
    assert!(
        seen.len() == 1 && !seen[0].contains("hf_qx7token"),
        "{seen:?}"
    );
}

#[rstest]
#[case("../../other/data.json")]
#[case("/tmp/data.json")]
#[case("data/./../../../x.json")]
fn a_hub_names_no_file_elsewhere(#[case] name: &'static str) {
    let (address, _) = served(move |stream, _| list(stream, &[name]));
    let cache = scratch();
    let error = files(hub(&address, &cache, None), "org/set").err().unwrap();
    assert!(error.contains("lead out of their folder"), "{error}");
    assert_eq!(left(&cache), [""; 0]);
}
