//! Pairs of goodput's runs with one of its parts and without: does the journal or the live page change what is measured?

use crate::{
    client::Client,
    compare::Outcome,
    machine::Fallible,
    measured::measured,
    points::Point,
    table::{median, time},
};
use std::{fs, path::Path};

/// What might suffer, in microseconds.
type Number = (&'static str, fn(&Outcome) -> f64);

const NUMBERS: [Number; 7] = [
    ("sent late, p50", |o| o.lateness.p50),
    ("sent late, p99", |o| o.lateness.p99),
    ("TTFT off by, p50", |o| o.ttft.p50),
    ("TTFT off by, p99", |o| o.ttft.p99),
    ("ITL off by, p50", |o| o.itl.p50),
    ("ITL off by, p99", |o| o.itl.p99),
    ("CPU an event", |o| o.cpu_per_event),
];

const LEGEND: &str = "\
Medians of the runs. *with / without*: geometric mean over the pairs. *pairs differ by*: standard deviation of that ratio \
from pair to pair. *by chance*: how often a ratio as far from 1 comes about when the labels of pairs are swapped at random.";

/// Measures pairs; `client` is goodput with the part, or without.
pub(crate) fn measure(
    points: &[&Point],
    pairs: usize,
    folder: &Path,
    client: impl Fn(bool) -> Client,
) -> Fallible<()> {
    println!("| load | number | without | with | with / without | pairs differ by | by chance |");
    println!("|---|---|---:|---:|---:|---:|---:|");
    for point in points {
        let dataset = point.write_dataset(folder)?;
        let run = |with| measured(&client(with), point, &dataset, folder);
        let mut done: Vec<(Outcome, Outcome)> = Vec::new();
        for pair in 0..pairs {
            // By turns, so that what drifts favours neither.
            done.push(match pair % 2 {
                0 => (run(false)?, run(true)?),
                _ => {
                    let with = run(true)?;
                    (run(false)?, with)
                }
            });
        }
        fs::remove_file(dataset)?;
        for number in &NUMBERS {
            println!("{}", row(point, number, &done));
        }
    }
    println!("\n{LEGEND}");
    Ok(())
}

fn row(point: &Point, (name, of): &Number, pairs: &[(Outcome, Outcome)]) -> String {
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|(without, with)| (of(with) / of(without)).ln())
        .collect();
    let count = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / count;
    let squares: f64 = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    let [without, with] = [
        median(pairs.iter().map(|pair| of(&pair.0))),
        median(pairs.iter().map(|pair| of(&pair.1))),
    ];
    format!(
        "| {} | {name} | {} | {} | {:.3} | {:.1} % | {:.2} |",
        point.title,
        time(without),
        time(with),
        mean.exp(),
        deviation.exp_m1() * 100.0,
        by_chance(&ratios),
    )
}

/// The share of all ways to swap the two runs of pairs that give a mean as far from 0.
fn by_chance(ratios: &[f64]) -> f64 {
    let sum = |swapped: u32| {
        let signed = ratios
            .iter()
            .enumerate()
            .map(|(pair, ratio)| match swapped >> pair & 1 {
                0 => *ratio,
                _ => -ratio,
            });
        signed.sum::<f64>().abs()
    };
    // Sums of the same numbers in another order may differ in their last digits.
    let observed = sum(0) * (1.0 - 1e-12);
    let all = 1_u32 << ratios.len();
    let as_far = (0..all).filter(|swapped| sum(*swapped) >= observed);
    as_far.count() as f64 / f64::from(all)
}
