//! A hub on the loopback interface: what is downloaded, and from where.

use super::{files::Files, rows};
use crate::plan::testing::{fixture, scratch};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use hf_hub::api::sync::ApiBuilder;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    thread,
};
use tokio::{net::TcpListener, runtime, sync::oneshot, task::JoinSet};

type Asked = Arc<Mutex<Vec<String>>>;

/// Answers as the hub does: a list of files, then a file with its revision, tag and range.
async fn hub(State(asked): State<Asked>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    asked.lock().unwrap().push(path.clone());
    if path.starts_with("/api/datasets/org/set/revision/main") {
        let list = r#"{"sha": "abc", "siblings": [{"rfilename": "README.md"},
            {"rfilename": "data/train-00000-of-00001.parquet"}]}"#;
        return ([(header::CONTENT_TYPE, "application/json")], list).into_response();
    }
    if path == "/datasets/org/set/resolve/main/data/train-00000-of-00001.parquet" {
        let file = fixture("datasets/hf/InstructCoder/data/train-00000-of-00001.parquet");
        let bytes = std::fs::read(file).unwrap();
        let probe = request
            .headers()
            .get(header::RANGE)
            .is_some_and(|range| range == "bytes=0-0");
        let (from, to) = if probe { (0, 1) } else { (0, bytes.len()) };
        let range = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        return Response::builder()
            .status(StatusCode::PARTIAL_CONTENT)
            .header("x-repo-commit", "abc")
            .header(header::ETAG, "\"tag\"")
            .header(header::CONTENT_RANGE, range)
            .header(header::CONTENT_LENGTH, to - from)
            .body(Body::from(bytes[from..to].to_vec()))
            .unwrap();
    }
    StatusCode::NOT_FOUND.into_response()
}

#[test]
fn a_set_that_is_not_here_is_downloaded_once() {
    let asked = Asked::default();
    let (address, at) = std::sync::mpsc::channel();
    let (stop, mut stopped) = oneshot::channel::<()>();
    let router = Router::new().fallback(hub).with_state(asked.clone());
    let server = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap(),
                    _ = &mut stopped => break,
                };
                let service = TowerToHyperService::new(router.clone());
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(serving);
            }
        });
    });
    let endpoint = format!("http://{}", at.recv().unwrap());
    let cache = scratch();
    let api = ApiBuilder::new()
        .with_endpoint(endpoint)
        .with_cache_dir(cache.to_owned())
        .with_progress(false)
        .with_token(None)
        .build()
        .unwrap();

    let files = Files::of_hub(Path::new("org/set"), &api, "org/set").unwrap();
    let chosen = files.choose(None, false, Some("train")).unwrap();
    assert_eq!(chosen, ["data/train-00000-of-00001.parquet"]);
    for _ in 0..2 {
        let rows: Vec<_> = rows::open(&files, chosen[0].clone()).collect();
        assert_eq!(rows.len(), 5);
        assert_eq!(
            rows[1].as_ref().unwrap().fields["instruction"],
            "Add 1 twice."
        );
    }
    let Err(error) = Files::of_hub(Path::new("org/none"), &api, "org/none") else {
        panic!("there is no such set");
    };
    assert!(
        error.to_string().contains("the hub cannot be asked"),
        "{error}"
    );
    drop((files, api));
    stop.send(()).unwrap();
    server.join().unwrap();
    let asked = asked.lock().unwrap();
    let files = asked
        .iter()
        .filter(|path| path.contains("/resolve/main/data/"));
    // Its size, and its content.
    assert!((1..=2).contains(&files.count()), "{asked:?}");
}
