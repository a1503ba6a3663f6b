//! Clocks that are wrong, and a network that is slower in one direction: the bound of the offset holds.

use super::{
    folder::Folder,
    netns::{FIRST, Networks},
    relay::relay,
    world::{Owned, Sim, clean, ended, free_port, load, text, until},
};
use rstest::rstest;
use serde_json::Value;
use std::{fs, process::Stdio, thread, time::Duration};

/// How far the clock of shard 1 is ahead.
const AHEAD_MS: f64 = 2_500.0;

/// What else can move the measured offset: `faketime` reads the clock before it adds its part.
const SLACK_MS: f64 = 3.0;

/// Runs two shards in two networks, the second behind a relay and with a wrong clock. Returns its offset and the bound, ms.
fn measured(there: u64, back: u64) -> (f64, f64) {
    let (networks, folder) = (Networks::joined(), Folder::new("clocks"));
    let program = env!("CARGO_BIN_EXE_goodput");
    let sim = Sim::started(networks.command(0, &[program]), FIRST);
    let port = free_port();
    let far = format!("{FIRST}:{port}").parse().unwrap();
    let delay = Duration::from_millis;
    let near = thread::scope(|scope| {
        let entered = scope.spawn(|| {
            networks.enter(1);
            relay(far, delay(there), delay(back))
        });
        entered.join().unwrap()
    });
    let shard = |index: usize, start: &[&str], rendezvous: String| {
        let mut command = networks.command(index, start);
        clean(&mut command);
        let shard = format!("{index}/2");
        command
            .args([
                "serve",
                "--shard",
                &shard,
                "--rendezvous",
                &rendezvous,
                "--rendezvous-timeout",
                "60s",
            ])
            .args(load(&sim.url))
            .current_dir(&*folder);
        command
    };
    let mut first = shard(0, &[program], far.to_string());
    first
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("first.log")).unwrap());
    let mut first = Owned(first.spawn().unwrap());
    let wrong = format!("+{}s", AHEAD_MS / 1e3);
    let second = ended(&mut shard(
        1,
        &["faketime", "-f", &wrong, program],
        near.to_string(),
    ));
    let log = || fs::read_to_string(folder.join("first.log")).unwrap();
    assert!(second.status.success(), "{}{}", text(&second.stderr), log());
    until("shard 0 ends", || first.0.try_wait().unwrap().is_some());
    let file = fs::read(folder.join("shard-1-of-2.json")).unwrap();
    let line = file.split(|byte| *byte == b'\n').next().unwrap();
    let result: Value = serde_json::from_slice(line)
        .or_else(|_| serde_json::from_slice(&file))
        .unwrap();
    let number = |name: &str| found(&result, name).unwrap_or_else(|| panic!("{name}: {result}"));
    (number("clock_ms"), number("bound_ms"))
}

/// A number by its name, wherever it is.
fn found(value: &Value, name: &str) -> Option<f64> {
    match value {
        Value::Object(map) => {
            let here = map.get(name).and_then(Value::as_f64);
            here.or_else(|| map.values().find_map(|inner| found(inner, name)))
        }
        Value::Array(values) => values.iter().find_map(|inner| found(inner, name)),
        _ => None,
    }
}

#[rstest]
#[case::alike(10, 10)]
#[case::slow_there(40, 2)]
#[case::slow_back(2, 40)]
#[ignore = "needs faketime"]
fn the_bound_of_the_offset_holds(#[case] there: u64, #[case] back: u64) {
    let (clock, bound) = measured(there, back);
    let off = (clock - AHEAD_MS).abs();
    assert!(off <= bound + SLACK_MS, "off by {off} ms, bound {bound} ms");
    // Half of the round trip, which is as long as the relay makes it.
    let half = (there + back) as f64 / 2.0;
    assert!((half..half + 50.0).contains(&bound), "{bound} ms");
    // The relay does what it should: half of the difference cannot be seen from one end.
    let hidden = there.abs_diff(back) as f64 / 2.0;
    assert!(off + SLACK_MS >= hidden, "off by {off} ms only");
}
