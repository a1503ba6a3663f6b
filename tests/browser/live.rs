//! The page of a run in progress, in a browser that watches it to its end.

use super::{
    browser::ask,
    fine,
    numbers::column,
    support::program::{Program, goodput, read, until},
};
use serde_json::{Value, json};
use std::fs;

/// What follows a word on a line that a program writes, once it has.
fn told(printed: &std::path::Path, before: &str) -> String {
    until(before, || read(printed).contains(before));
    let said = read(printed);
    let rest = said.split(before).nth(1).unwrap();
    rest.split([' ', '\n']).next().unwrap().to_owned()
}

/// The value in a row of a table of two columns.
fn value(view: &Value, caption: &str, row: &str) -> Option<f64> {
    let tables = view["tables"].as_array().unwrap();
    let table = tables.iter().find(|table| table["caption"] == caption)?;
    let mut rows = table["rows"].as_array().unwrap().iter();
    rows.find(|cells| cells[0]["text"] == row)?[1]["value"].as_f64()
}

#[test]
#[ignore = "needs Chromium"]
fn a_run_is_watched_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let [server, client] = ["server", "client"].map(|name| folder.path().join(name));
    fs::create_dir(&server).unwrap();
    fs::create_dir(&client).unwrap();
    let mut simulated = goodput(&server);
    simulated.args(["sim", "--port", "0", "--ttft", "lognormal(80ms, 60ms)"]);
    simulated.args(["--itl", "gamma(10ms, 8ms)", "--fault", "status(503)@5%"]);
    let _server = Program::start(&mut simulated);
    let url = told(&server.join("stdout"), "serves on ");
    let mut command = goodput(&client);
    command
        .args(["serve", "--live", "--base-url", &url, "--label", "watched"])
        .args(["--num-prompts", "400", "--request-rate", "20"])
        .args(["--random-input-len", "16", "--random-output-len", "16"])
        .args(["--slo", "p99(ttft) < 2s, errors < 50%", "--disable-tqdm"])
        .args(["--save-result", "--result-filename", "run.json"]);
    let mut program = Program::start(&mut command);
    let page = told(&client.join("stderr"), "live: ");
    let views = ask("watch.mjs", folder.path(), json!({"url": page}));
    assert_eq!(
        program.ended().code(),
        Some(0),
        "{}",
        read(&client.join("stderr"))
    );
    let stored: Value = serde_json::from_str(&read(&client.join("run.json"))).unwrap();

    let own = ["style.css", "live.js", "events"].map(|name| format!("{page}{name}"));
    for (how, views) in views.as_object().unwrap() {
        assert_eq!(views["said"], json!([]), "{how}");
        let asked = views["requests"].as_array().unwrap();
        let asked: Vec<_> = asked.iter().map(|one| one.as_str().unwrap()).collect();
        // Without scripts nothing asks for events, and nothing runs.
        let expected = if how == "still" { &own[..1] } else { &own[..] };
        assert_eq!(asked, expected, "{how}");
        let during = &views["during"];
        fine::view(&format!("{how}, during the run"), during);
        assert_eq!(during["charts"].as_array().unwrap().len(), 4, "{how}");
        let sent = value(during, "Requests so far", "requests sent");
        assert!(sent > Some(0.0) && sent < Some(400.0), "{how}: {sent:?}");
        if how != "still" {
            ended(how, &views["ended"], &stored);
            assert_eq!(views["axe"], json!([]), "{how}");
        }
    }
    let [light, dark] = ["light", "dark"].map(|how| &views[how]["ended"]);
    assert_ne!(light["background"], dark["background"]);
    assert_ne!(fine::colours(light), fine::colours(dark));
}

/// The last numbers of a page are those of the result.
fn ended(how: &str, view: &Value, stored: &Value) {
    fine::view(&format!("{how}, at the end"), view);
    for (row, key) in [("succeeded", "completed"), ("failed", "failed")] {
        assert_eq!(
            value(view, "Requests so far", row),
            stored[key].as_f64(),
            "{how}, {row}"
        );
    }
    assert_eq!(
        value(view, "Requests so far", "requests sent"),
        Some(400.0),
        "{how}"
    );
    assert_eq!(
        value(view, "Requests so far", "in flight"),
        Some(0.0),
        "{how}"
    );
    assert_eq!(
        column(view, "Failed requests by kind", "requests"),
        [stored["failed"].as_f64()],
        "{how}"
    );
    // Those of the page are values that were measured; those of the result lie between two of them, and few are near p99.
    for (percentile, off) in [("p50", 0.05), ("p90", 0.05), ("p99", 0.3)] {
        let shown = column(view, "Latencies so far", percentile);
        for (shown, latency) in shown.into_iter().zip(["ttft_ms", "itl_ms", "e2el_ms"]) {
            let exact = &stored["goodput"]["latency"][latency][percentile];
            let (shown, exact) = (shown.unwrap(), exact.as_f64().unwrap());
            assert!(
                (shown / exact - 1.0).abs() < off,
                "{how}, {percentile} of {latency}: {shown}, not {exact}"
            );
        }
    }
    let text = view["text"].as_str().unwrap();
    for slo in stored["goodput"]["slos"].as_array().unwrap() {
        assert!(
            text.contains(slo["sentence"].as_str().unwrap()),
            "{how}: {slo}"
        );
    }
}
