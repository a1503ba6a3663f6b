//! Searches on queues whose capacity is known.

mod queue;
mod searched;

use super::{Early, Next, Reading, Search, Settings, Side, Why};
use queue::{Queue, Service};
use rstest::rstest;
use searched::{Searched, bisected, searched, searched_from};

/// Requests of a trial, and of a search at most.
const TRIAL: usize = 2_000;
const BUDGET: usize = 60_000;

const fn queue(
    name: &'static str,
    servers: usize,
    service: Service,
    limit: f64,
    share: f64,
) -> Queue {
    Queue {
        name,
        servers,
        service,
        limit,
        share,
    }
}

/// Those of which a hundredth may wait need longer trials.
const RARE: Queue = queue("M/M/4, 99 % within 2", 4, Service::Exponential, 2.0, 0.01);

const QUEUES: &[Queue] = &[
    queue("M/M/1, 90 % within 10", 1, Service::Exponential, 10.0, 0.1),
    queue("M/M/1, 90 % within 5", 1, Service::Exponential, 5.0, 0.1),
    queue("M/M/4, 90 % within 1", 4, Service::Exponential, 1.0, 0.1),
    queue(
        "M/M/16, 90 % within 0.25",
        16,
        Service::Exponential,
        0.25,
        0.1,
    ),
    queue("M/D/1, 90 % within 4", 1, Service::Constant, 4.0, 0.1),
    queue(
        "M/G/1 (CV 2), 90 % within 10",
        1,
        Service::Lognormal(2.0),
        10.0,
        0.1,
    ),
    queue(
        "M/G/1 (CV 0.5), 95 % within 5",
        1,
        Service::Lognormal(0.5),
        5.0,
        0.05,
    ),
];

/// What a number of searches found.
struct Found {
    covered: usize,
    /// Distances of the estimates from the truth, as shares of it, the smallest first.
    off: Vec<f64>,
    requests: usize,
    precise: usize,
}

fn found(truth: f64, searches: u64, search: impl Fn(u64) -> Searched) -> Found {
    let mut found = Found {
        covered: 0,
        off: Vec::new(),
        requests: 0,
        precise: 0,
    };
    for seed in 1..=searches {
        let one = search(seed);
        found.covered += usize::from(one.low <= truth && truth <= one.high);
        found.off.push((one.estimate / truth - 1.0).abs());
        found.requests += one.requests;
        found.precise += usize::from(one.precise);
    }
    found.off.sort_by(f64::total_cmp);
    found
}

/// The small version of the table.
#[rstest]
#[case::one_server(&QUEUES[1])]
#[case::four_servers(&QUEUES[2])]
#[case::sixteen_servers(&QUEUES[3])]
fn the_truth_is_in_the_interval(#[case] queue: &Queue) {
    let truth = queue.capacity();
    let found = found(truth, 40, |seed| searched(queue, TRIAL, BUDGET, seed));
    // 33 of 40 happen with probability 0.997 if 95 % is true.
    assert!(found.covered >= 33, "{}", found.covered);
    assert!(found.off[20] < 0.03, "{:?}", found.off);
    assert!(found.precise >= 32, "{}", found.precise);
}

#[test]
fn erlangs_formula_agrees_with_the_queue() {
    for queue in &QUEUES[1..4] {
        let waits = queue.waits(queue.capacity(), 400_000, 3);
        let beyond = waits.iter().filter(|wait| **wait > queue.limit).count() as f64 / 4e5;
        assert!(
            (beyond - queue.share).abs() < 0.012,
            "{}: {beyond}",
            queue.name
        );
    }
}

/// `cargo test --release --all-features --lib -- --ignored --nocapture search_table`
#[test]
#[ignore = "prints a table of docs/capacity.md"]
fn search_table() {
    const SEARCHES: u64 = 200;
    println!(
        "| queue | capacity | truth in the interval | off by, p50 | p95 | requests | bisection: in its bracket | off by, p95 | requests |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut covered = 0;
    for queue in QUEUES.iter().chain([&RARE]) {
        let truth = queue.capacity();
        let times = if queue.share < 0.05 { 3 } else { 1 };
        let (trial, budget) = (times * TRIAL, times * BUDGET);
        let ours = found(truth, SEARCHES, |seed| searched(queue, trial, budget, seed));
        let plain = found(truth, SEARCHES, |seed| {
            bisected(queue, 5 * trial, 0.05, seed)
        });
        covered += ours.covered;
        let percent = |count: usize| count as f64 * 100.0 / SEARCHES as f64;
        let at = |off: &[f64], share: f64| off[(off.len() as f64 * share) as usize] * 100.0;
        println!(
            "| {} | {truth:.3} | {:.1} % | {:.1} % | {:.1} % | {} | {:.1} % | {:.1} % | {} |",
            queue.name,
            percent(ours.covered),
            at(&ours.off, 0.5),
            at(&ours.off, 0.95),
            ours.requests / SEARCHES as usize,
            percent(plain.covered),
            at(&plain.off, 0.95),
            plain.requests / SEARCHES as usize,
        );
    }
    let all = covered as f64 * 100.0 / (SEARCHES as f64 * (QUEUES.len() + 1) as f64);
    println!("\nAll together: {all:.1} %.");
}

/// A search on a server that becomes slower by this share with each trial.
fn drifting(slower: f64, seed: u64) -> Option<f64> {
    let queue = &QUEUES[1];
    let trial = |rate: f64, index: usize| {
        let slow = 1.0 + slower * index as f64;
        let waits = queue.waits(rate * slow, TRIAL, seed * 1_000 + index as u64);
        let beyond = |wait: &f64| (f64::from(u8::from(wait * slow > queue.limit)), 1.0);
        let requests: Vec<(f64, f64)> = waits[TRIAL / 5..].iter().map(beyond).collect();
        Reading::beyond(rate, &requests, queue.share)
    };
    let mut search = Search::new(
        Settings {
            start: 0.6,
            range: (0.1, 2.0),
            whole: false,
            within: 1e-6,
            error: 0.05,
        },
        1,
    );
    search.decided(0.6, Side::Below);
    search.decided(0.7, Side::Above);
    for index in 0..16 {
        let Next::Trial(next) = search.next() else {
            break;
        };
        search.measured(next.load, vec![trial(next.load, index)]);
    }
    search.trend()
}

#[test]
fn a_drift_from_trial_to_trial_is_noticed_and_a_steady_server_is_not_accused() {
    let told = |slower: f64| {
        let trends = (0..20).filter_map(|seed| drifting(slower, seed));
        trends.filter(|trend| trend.abs() < 0.001).count()
    };
    assert!(told(0.0) <= 1, "{}", told(0.0));
    assert!(told(0.02) >= 8, "{}", told(0.02));
}

/// The first request to end need not be the first of the plan, and until that has ended nothing is known.
#[test]
fn nothing_is_clear_before_the_first_request() {
    let mut early = Early::new(100, Some(0.1));
    assert_eq!(early.side(), None);
    early.sees(1.0, 1.0, 2.0);
    assert_eq!(early.side(), None);
}

/// Short trials may be wrong: long ones lead to the truth nevertheless.
#[rstest]
#[case::far_below(0.30, 0.36)]
#[case::below(0.45, 0.52)]
#[case::above(0.8, 0.95)]
#[case::far_above(1.6, 2.0)]
fn a_wrong_bracket_is_left(#[case] below: f64, #[case] above: f64) {
    let queue = &QUEUES[1];
    let settings = Settings {
        start: below,
        range: (1e-3, 1e3),
        whole: false,
        within: 0.05,
        error: 0.05,
    };
    let found = found(queue.capacity(), 20, |seed| {
        let mut search = Search::new(settings, 1);
        search.decided(below, Side::Below);
        search.decided(above, Side::Above);
        searched_from(search, queue, TRIAL, 2 * BUDGET, seed)
    });
    // 16 of 20 happen with probability 0.997 if 95 % is true.
    assert!(found.covered >= 16, "{}", found.covered);
    assert!(found.precise >= 18, "{}", found.precise);
}

/// A server that answers all in time up to a load and none beyond: no trial shows how much it varies.
#[rstest]
#[case::steady(0, false, true)]
#[case::whole(0, true, true)]
#[case::one_short_trial_was_wrong(1, false, true)]
#[case::a_wide_zone_of_chance(6, false, false)]
fn a_cliff_is_found_by_halving(
    #[case] bad_luck: usize,
    #[case] whole: bool,
    #[case] precise: bool,
) {
    const EDGE: f64 = 55.0;
    let settings = Settings {
        start: 4.0,
        range: (1.0, 200.0),
        whole,
        within: 0.05,
        error: 0.05,
    };
    let mut search = Search::new(settings, 1);
    let mut done = None;
    let mut wrong = bad_luck;
    for trial in 0..60 {
        let Next::Trial(next) = search.next() else {
            done = Some(trial);
            break;
        };
        // In a bad state the server answers nothing in time, also below the edge.
        let bad = wrong > 0 && (30.0..EDGE).contains(&next.load) && trial % 2 == 0;
        wrong -= usize::from(bad);
        let holds = next.load < EDGE && !bad;
        if next.short {
            search.decided(next.load, if holds { Side::Below } else { Side::Above });
        } else {
            let requests = vec![(f64::from(u8::from(!holds)), 1.0); 400];
            search.measured(next.load, vec![Reading::beyond(next.load, &requests, 0.1)]);
        }
    }
    let interval = search.interval();
    let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
    assert!(low < EDGE && EDGE <= high + 1.0, "{low} {high}");
    assert!(!precise || high / low < 1.11, "{low} {high}");
    assert_eq!(done.is_some(), precise, "{low} {high}");
}

/// All long trials on one side, up to the end of the range: the end is the answer.
#[rstest]
#[case(0.1, 0.5, Why::HighestHolds)]
#[case(0.9, 4.0, Why::LowestFails)]
fn a_wrong_bracket_ends_at_the_range(#[case] from: f64, #[case] to: f64, #[case] end: Why) {
    let queue = &QUEUES[1];
    let settings = Settings {
        start: from,
        range: (from, to),
        whole: false,
        within: 0.05,
        error: 0.05,
    };
    let mut search = Search::new(settings, 1);
    search.decided(0.8 * from + 0.2 * to, Side::Below);
    search.decided(0.6 * from + 0.4 * to, Side::Above);
    for trial in 0..40 {
        match search.next() {
            Next::Done(why) => return assert_eq!(why, end),
            Next::Trial(next) => {
                let waits = queue.waits(next.load, TRIAL, trial);
                let beyond = |wait: &f64| (f64::from(u8::from(*wait > queue.limit)), 1.0);
                let requests: Vec<(f64, f64)> = waits.iter().map(beyond).collect();
                let reading = Reading::beyond(next.load, &requests, queue.share);
                search.measured(next.load, vec![reading]);
            }
        }
    }
    panic!("the search goes on");
}

/// The ends of a range are tried once.
#[rstest]
#[case(4.0, 64.0)]
#[case(0.3, 70.1)]
#[case(1.0, 10.0)]
fn a_range_ends_a_search(#[case] from: f64, #[case] to: f64) {
    for (side, start, end) in [
        (Side::Below, from, Why::HighestHolds),
        (Side::Above, to, Why::LowestFails),
    ] {
        let settings = Settings {
            start,
            range: (from, to),
            whole: false,
            within: 0.05,
            error: 0.05,
        };
        let mut search = Search::new(settings, 1);
        let mut trials = 0;
        let why = loop {
            match search.next() {
                Next::Trial(next) => search.decided(next.load, side),
                Next::Done(why) => break why,
            }
            trials += 1;
            assert!(trials < 12, "{from}..{to}");
        };
        assert_eq!(why, end);
    }
}
