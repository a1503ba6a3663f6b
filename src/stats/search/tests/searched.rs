//! Searches on those queues.

use super::super::{Early, Next, Reading, Search, Settings, Side, Why};
use super::queue::Queue;

/// What is left out at the start of each trial.
const START: f64 = 0.2;

/// What a search found, and what it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Searched {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) requests: usize,
    pub(super) precise: bool,
}

/// Searches with trials of this number of requests, up to a budget.
pub(super) fn searched(queue: &Queue, requests: usize, budget: usize, seed: u64) -> Searched {
    let settings = Settings {
        start: 0.25,
        range: (1e-3, 1e3),
        whole: false,
        within: 0.05,
        error: 0.05,
    };
    searched_from(Search::new(settings, 1), queue, requests, budget, seed)
}

/// The same, from what short trials are supposed to have shown.
pub(super) fn searched_from(
    mut search: Search,
    queue: &Queue,
    requests: usize,
    budget: usize,
    seed: u64,
) -> Searched {
    let mut spent = 0;
    let mut precise = false;
    for trial in 0.. {
        let next = match search.next() {
            Next::Trial(next) if spent < budget => next,
            Next::Trial(_) => break,
            Next::Done(why) => {
                precise = why == Why::Precise;
                break;
            }
        };
        let waits = queue.waits(next.load, requests, seed * 10_000 + trial);
        if next.short {
            let mut early = Early::new(requests, Some(queue.share));
            let ended = waits.iter().position(|wait| {
                let beyond = f64::from(u8::from(*wait > queue.limit));
                early.sees(beyond, 1.0, wait / queue.limit);
                early.side().is_some()
            });
            let side = early.side().unwrap_or_else(|| {
                let reading = read(queue, next.load, &waits);
                if reading.holds() {
                    Side::Below
                } else {
                    Side::Above
                }
            });
            spent += ended.map_or(requests, |last| last + 1);
            search.decided(next.load, side);
        } else {
            spent += requests;
            search.measured(next.load, vec![Some(read(queue, next.load, &waits))]);
        }
    }
    let interval = search.interval();
    Searched {
        estimate: search.estimate().unwrap_or(f64::NAN),
        low: interval.low.unwrap_or(0.0),
        high: interval.high.unwrap_or(f64::INFINITY),
        requests: spent,
        precise,
    }
}

fn read(queue: &Queue, load: f64, waits: &[f64]) -> Reading {
    let from = (waits.len() as f64 * START) as usize;
    let beyond = |wait: &f64| (f64::from(u8::from(*wait > queue.limit)), 1.0);
    let requests: Vec<(f64, f64)> = waits[from..].iter().map(beyond).collect();
    Reading::beyond(load, &requests, queue.share).expect("there are requests")
}

/// Plain bisection: doubles the rate until a trial fails, then halves the bracket until half of it is `within` the middle. Each
/// trial decides by its share alone. The bracket is its only interval.
pub(super) fn bisected(queue: &Queue, requests: usize, within: f64, seed: u64) -> Searched {
    let mut spent = 0;
    let mut holds = |rate: f64, trial: u64| {
        spent += requests;
        read(
            queue,
            rate,
            &queue.waits(rate, requests, seed * 10_000 + trial),
        )
        .holds()
    };
    let (mut low, mut high) = (0.25, 0.25);
    let mut trial = 0;
    while holds(high, trial) {
        (low, high) = (high, 2.0 * high);
        trial += 1;
    }
    while 0.5 * (high / low - 1.0) > within {
        trial += 1;
        let middle = (low * high).sqrt();
        if holds(middle, trial) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Searched {
        estimate: (low * high).sqrt(),
        low,
        high,
        requests: spent,
        precise: true,
    }
}
