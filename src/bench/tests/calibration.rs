//! How often comparisons give a false alarm, and how often they find a real change: by the simulator, with everything
//! that a comparison of two servers involves.
//!
//! A simulated server's `noise` makes each run slower or faster as a whole; requests differ by their own draws (as
//! much as a run of a hundred requests of CV 10 % would) and slow each other down. The servers of both sides differ
//! in seed, and in speed by the drop that the comparison should find.

use crate::{
    bench::{
        Bench,
        arm::{Arm, Which},
        checked::Checked,
        control::Control,
    },
    judge::{Verdict, changes},
    metrics::Metrics,
    stats::{
        Looks,
        compare::{Conclusion, Rule},
    },
};
use std::{fmt::Write, fs, thread};

/// A server whose speed has dropped by a share, with luck of its own in each run.
fn server(drop: f64, cv: f64, seed: u64) -> String {
    let us = |ms: f64| (ms * 1e3 / (1.0 - drop)).round();
    format!(
        "sim(ttft = lognormal({}us, {}us), itl = {}us, slowdown = 1%, noise = {}%, seed = {seed})",
        us(50.0),
        us(2.5),
        us(10.0),
        cv * 100.0,
    )
}

fn experiment(drop: f64, cv: f64, pairs: usize, seed: u64) -> Bench {
    Bench::new("calibration")
        .target(server(drop, cv, 2 * seed + 1))
        .versus(server(0.0, cv, 2 * seed))
        .dataset("random(input = 2, output = 3)")
        .tokenizer("none")
        .goodput("ttft:70")
        .rate(60)
        .requests(24)
        .pairs(pairs)
        .seed(1_000 * seed)
}

fn is_worse(bench: &Checked, pairs: &[(Metrics, Metrics)], rule: &Rule) -> bool {
    let changes = changes(&bench.compared(), pairs, rule);
    let mut gated = changes.iter().filter(|change| change.gated);
    gated.any(|change| change.conclusion == Conclusion::Worse)
}

/// A smaller version of the table, whose draws are always the same: one alarm in a dozen is unlikely at 1 %, two are
/// a sign; and so are three drops of ten that are not seen at 90 %.
#[test]
fn comparisons_do_not_cry_wolf_and_see_a_drop_of_15_percent() {
    let failed = |drop, experiments| {
        let run = |seed| experiment(drop, 0.04, 5, seed).run_blocking().unwrap();
        let verdicts = (0..experiments).map(|seed| run(seed).verdict());
        verdicts.filter(|verdict| *verdict == Verdict::Fail).count()
    };
    let (alarms, seen) = (failed(0.0, 12), failed(0.15, 10));
    assert!(alarms <= 1, "{alarms} false alarms of 12");
    assert!(seen >= 8, "{seen} of 10 seen");
}

const DROPS: [f64; 6] = [0.0, 0.02, 0.05, 0.10, 0.15, 0.20];
const PAIRS: [usize; 4] = [1, 3, 5, 10];
/// The number of experiments for each cell: more where nothing has changed, because few alarms are expected there.
fn experiments(drop: f64) -> u64 {
    if drop == 0.0 { 2_000 } else { 1_000 }
}

/// Whether it is called worse, for each number of pairs, and for the default with its looks.
fn called_worse(drop: f64, cv: f64, seed: u64) -> [bool; PAIRS.len() + 1] {
    let bench = experiment(drop, cv, 10, seed).checked().unwrap();
    let mut a = Arm::new(Which::A, &bench, bench.demands.versus.clone().unwrap());
    let mut b = Arm::new(Which::B, &bench, bench.target.clone());
    let control = Control::default();
    let all = bench
        .experiment(&mut a, &mut b, &control, false)
        .unwrap()
        .pairs;
    let worse = |pairs: usize, error: f64| {
        let rule = Rule {
            error,
            ..Rule::default()
        };
        is_worse(&bench, &all[..pairs], &rule)
    };
    let looks = Looks::at_pairs(bench.demands.pairs, bench.demands.error());
    let mut ends = looks.segments().iter().enumerate();
    let [one, three, five, ten] = PAIRS.map(|pairs| worse(pairs, Rule::default().error));
    let looked = ends.any(|(look, pairs)| worse(*pairs, looks.error(look)));
    [one, three, five, ten, looked]
}

/// Rewrites the table in `docs/verdicts.md`.
///
/// `cargo test --release --all-features --lib -- --ignored --nocapture calibration_table`
#[test]
#[ignore = "makes the table of docs/verdicts.md; twenty minutes in a release build"]
fn calibration_table() {
    let header = DROPS.map(|drop| format!("{:.0} %", drop * 100.0));
    let mut table = format!("| run-to-run CV | pairs | {} |\n", header.join(" | "));
    let _ = writeln!(table, "|---|---|{}", "---|".repeat(DROPS.len()));
    for cv in [0.02, 0.04, 0.08] {
        let columns = DROPS.map(|drop| percent_called_worse(drop, cv));
        for (row, pairs) in ["1", "3", "5", "10", "5, then 10"].iter().enumerate() {
            let cells = columns.map(|column| format!("{:.1}", column[row]));
            let _ = writeln!(
                table,
                "| {:.0} % | {pairs} | {} |",
                cv * 100.0,
                cells.join(" | ")
            );
        }
    }
    println!("{table}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verdicts.md");
    let text = fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- calibration_table -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
    let text = format!("{before}<!-- calibration_table -->\n\n{table}\n<!-- end -->\n{after}");
    fs::write(path, text).unwrap();
}

fn percent_called_worse(drop: f64, cv: f64) -> [f64; PAIRS.len() + 1] {
    let workers = thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut hits = [0_u64; PAIRS.len() + 1];
    thread::scope(|scope| {
        let work = |worker| {
            move || {
                let mut hits = [0_u64; PAIRS.len() + 1];
                for seed in (worker..experiments(drop)).step_by(workers as usize) {
                    let called = called_worse(drop, cv, seed);
                    hits.iter_mut()
                        .zip(called)
                        .for_each(|(hits, called)| *hits += u64::from(called));
                }
                hits
            }
        };
        let running: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(work(worker)))
            .collect();
        for worker in running {
            let of_worker = worker.join().unwrap();
            hits.iter_mut()
                .zip(of_worker)
                .for_each(|(all, hits)| *all += hits);
        }
    });
    hits.map(|hits| hits as f64 * 100.0 / experiments(drop) as f64)
}
