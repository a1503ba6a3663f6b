//! The scripted model of the simulation, from outside: recordings, the prompt's share, load.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use goodput::{
    Bench, Error, Report, Simulation,
    report::{JsonOptions, vllm_json},
};
use std::{collections::BTreeSet, fs, time::Duration};
use tempfile::NamedTempFile;

fn bench(target: impl Into<goodput::targets::AnyTarget>) -> Bench {
    Bench::new("script")
        .target(target)
        .backend("openai")
        .dataset("random(input = 40, output = 12)")
        .tokenizer("none")
        .requests(200)
        .rate(20)
}

fn run(bench: Bench) -> Report {
    let report = bench.run_blocking().unwrap();
    assert_eq!(report.failed(), 0, "{report}");
    report
}

/// Times to the first token, and the gaps of each request.
fn times(report: &Report) -> (Vec<Duration>, Vec<Vec<Duration>>) {
    let records = report.run().records.iter();
    let times = records.map(|record| {
        let at: Vec<_> = record.events.iter().map(|event| event.at).collect();
        let gaps = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        (at[0] - record.sent, gaps)
    });
    times.unzip()
}

/// A result file that is gone when the test is over.
struct Recording(NamedTempFile);

impl Recording {
    fn of(report: &Report) -> Self {
        let options = JsonOptions {
            detailed: true,
            ..JsonOptions::default()
        };
        let json = vllm_json(report.run(), report.metrics(), report.judgement(), &options);
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        fs::write(file.path(), serde_json::to_string(&json).unwrap()).unwrap();
        Recording(file)
    }

    fn empirical(&self) -> String {
        format!("empirical('{}')", self.0.path().display())
    }
}

/// The largest distance between two empirical distribution functions.
fn distance(a: &mut [Duration], b: &mut [Duration]) -> f64 {
    a.sort_unstable();
    b.sort_unstable();
    let share = |of: &[Duration], at: Duration| {
        of.partition_point(|value| *value <= at) as f64 / of.len() as f64
    };
    let values = a.iter().chain(b.iter());
    let distances = values.map(|value| (share(a, *value) - share(b, *value)).abs());
    distances.fold(0.0, f64::max)
}

#[test]
fn what_was_recorded_is_simulated_again() {
    let first = run(bench(
        "sim(ttft = lognormal(80ms, 60ms), itl = gamma(10ms, 8ms), seed = 3)",
    ));
    let recording = Recording::of(&first);
    let empirical = recording.empirical();
    let again = |seed| {
        let target = format!("sim(ttft = {empirical}, itl = {empirical}, seed = {seed})");
        run(bench(target))
    };
    let (mut ttfts, gaps) = times(&first);
    let second = again(1);
    let (mut ttfts_again, gaps_again) = times(&second);
    // Every request is one that was recorded: its first token and its gaps in their order.
    for (ttft, gaps_again) in ttfts_again.iter().zip(&gaps_again) {
        let index = ttfts.iter().position(|recorded| recorded == ttft).unwrap();
        assert_eq!(gaps_again, &gaps[index]);
    }
    // They are not the same ones, but of the same distribution. Two samples of 200 are further apart
    // than 0.163 in 1 of 100 cases (Kolmogorov and Smirnov).
    let chosen: BTreeSet<&Duration> = ttfts_again.iter().collect();
    assert!((100..150).contains(&chosen.len()), "{}", chosen.len());
    assert!(distance(&mut ttfts, &mut ttfts_again) < 0.163);
    let (mut gaps, mut gaps_again) = (gaps.concat(), gaps_again.concat());
    assert!(distance(&mut gaps, &mut gaps_again) < 0.163);
    assert_eq!(second.run(), again(1).run());
    assert_ne!(second.run().records, again(2).run().records);
}

#[test]
fn a_recording_that_cannot_be_used_is_named() {
    let error = bench("sim(ttft = empirical('no/such.json'), itl = 5ms)")
        .run_blocking()
        .unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let said = error.to_string();
    assert!(
        said.starts_with("ttft = empirical(\"no/such.json\"): there is no such file in "),
        "{said}"
    );

    let one_token = run(bench("sim").dataset("random(input = 4, output = 1)"));
    let recording = Recording::of(&one_token);
    let error = bench(Simulation::new().itl(recording.empirical()))
        .run_blocking()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the file has no gap between tokens"),
        "{error}"
    );

    let server = Simulation::new().itl("norml(5ms)").slowdown("much");
    let error = bench(server).run_blocking().unwrap_err().to_string();
    assert!(error.contains("did you mean `normal`?"), "{error}");
    assert!(error.contains("`slowdown = much`"), "{error}");
}

#[test]
fn each_token_of_the_prompt_delays_the_first_token() {
    let report = run(bench(Simulation::new().prefill("50us")));
    let (ttfts, gaps) = times(&report);
    for (ttft, record) in ttfts.iter().zip(&report.run().records) {
        let prefill = Duration::from_micros(50) * u32::try_from(record.input.tokens).unwrap();
        assert!(record.input.tokens > 20);
        assert_eq!(*ttft, Duration::from_millis(50) + prefill);
    }
    assert!(
        gaps.concat()
            .iter()
            .all(|gap| *gap == Duration::from_millis(10))
    );
}

/// The two measurements that a slowdown is fitted from come out of it again, to the nanosecond.
#[test]
fn a_slowdown_gives_back_what_it_was_fitted_from() {
    let at = |concurrency: usize| {
        let report = run(bench("sim(ttft = 50ms, itl = 10ms, slowdown = 1.5x@64)")
            .rate(f64::INFINITY)
            .max_concurrency(concurrency)
            .requests(concurrency * 2));
        let (ttfts, gaps) = times(&report);
        let all: BTreeSet<Duration> = gaps.concat().into_iter().collect();
        (ttfts.into_iter().collect::<BTreeSet<_>>(), all)
    };
    let only = |nanos| BTreeSet::from([Duration::from_nanos(nanos)]);
    assert_eq!(at(1), (only(50_000_000), only(10_000_000)));
    assert_eq!(at(64), (only(75_000_000), only(15_000_000)));
    // The line goes on beyond the second: 1 + 126 / 126.
    assert_eq!(at(127), (only(100_000_000), only(20_000_000)));
}

/// A second request comes 25 ms after the first; while both are there, all takes twice as long.
#[test]
fn load_acts_while_a_token_is_made() {
    let server = Simulation::new().ttft("40ms").itl("10ms").slowdown("100%");
    let report = run(bench(server)
        .dataset("random(input = 4, output = 2)")
        .rate(40)
        .burstiness(f64::INFINITY)
        .requests(2));
    let at = |request: usize| -> Vec<u128> {
        let record = &report.run().records[request];
        let events = record.events.iter();
        events
            .map(|event| (event.at - report.run().records[0].sent).as_micros())
            .collect()
    };
    // The first has 15 ms of 40 left at 25 ms, and 10 ms of its second token at 55 ms, both at half
    // the speed; at 75 ms it is gone. By then the second has done 25 ms of its work, alone it needs 15
    // more, and 10.
    assert_eq!(at(0), [55_000, 75_000]);
    assert_eq!(at(1), [90_000, 100_000]);
}

#[test]
fn without_slope_nothing_changes() {
    let sim = "ttft = lognormal(80ms, 60ms), itl = gamma(10ms, 8ms), prefill = 7us, seed = 3";
    let off = run(bench(format!("sim({sim})")));
    let flat = run(bench(format!("sim({sim}, slowdown = 0%)")));
    assert_eq!(off.run().records, flat.run().records);
}

/// The detailed result file of one bench, with load, faults and random times in it.
fn result_file() -> String {
    let target = "sim(ttft = lognormal(80ms, 60ms), itl = gamma(10ms, 8ms), prefill = 50us, \
                  slowdown = 1.5x@8, seed = 3, faults = 'reset(after = 2)@req:3, stall(70ms)@20%')";
    let report = Bench::new("deterministic")
        .target(target)
        .backend("openai-chat")
        .dataset("random(input = 16, output = 5)")
        .rate(30)
        .requests(8)
        .seed(5)
        .goodput("ttft:200 tpot:20")
        .run_blocking()
        .unwrap();
    let options = JsonOptions {
        detailed: true,
        ..JsonOptions::default()
    };
    let json = vllm_json(report.run(), report.metrics(), report.judgement(), &options);
    serde_json::to_string_pretty(&json).unwrap()
}

/// In every run, at the same time as others, and, as far as the snapshot is concerned, on every
/// machine and in every build.
#[test]
fn a_result_file_is_the_same_to_the_last_byte() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(result_file)).collect();
    let first = result_file();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), first);
    }
    insta::assert_snapshot!(first);
}
