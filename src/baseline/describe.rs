//! Describes a stored baseline, for `goodput baseline`.

use super::{Number, format::File};
use crate::{
    grammar::slo,
    judge::{Unit, number},
};

/// Formats the bench, the number of runs, and the date.
pub(crate) fn headline(file: &File) -> String {
    let runs = match file.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    format!("{}: {runs}, saved {}", file.bench, file.saved)
}

/// Formats the provenance, and of each number the latest value and how much the runs differ.
pub(crate) fn describe(file: &File) -> String {
    let (load, circumstances) = (&file.provenance.load, &file.provenance.circumstances);
    let mut lines = vec![headline(file)];
    let mut line = |label: &str, text: String| lines.push(format!("  {label:<18} {text}"));
    line("load", format!("{}, {}", load.dataset, load.arrivals));
    line(
        "requests",
        format!("{}, seed {}, plan {}", load.requests, load.seed, load.plan),
    );
    line(
        "target",
        format!("{}, {}, {}", circumstances.target, load.backend, load.model),
    );
    for (name, value) in &circumstances.server {
        line(&format!("  {name}"), value.clone());
    }
    line("goodput", circumstances.goodput.clone());
    line("host", circumstances.host.to_string());
    let Some(latest) = file.runs.last() else {
        return lines.join("\n");
    };
    for (name, latest) in &latest.numbers {
        let value = match (latest.of, slo::parse_subject(name)) {
            (Some(_), _) => Unit::Ratio.measured(latest.value),
            (None, Ok((subject, _))) => Unit::of(&subject).measured(latest.value),
            (None, Err(_)) => number(latest.value),
        };
        let all: Vec<&Number> = file
            .runs
            .iter()
            .filter_map(|run| run.numbers.get(name))
            .collect();
        let noise = cv(&all).map(|cv| format!(", CV of the runs {} %", number(cv * 100.0)));
        line(name, format!("{value}{}", noise.unwrap_or_default()));
    }
    lines.join("\n")
}

/// Coefficient of variation; `None` for fewer than two runs.
fn cv(numbers: &[&Number]) -> Option<f64> {
    if numbers.len() < 2 {
        return None;
    }
    let logs: Vec<f64> = numbers.iter().map(|n| libm::log(n.value)).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
    Some((squares / (logs.len() as f64 - 1.0)).sqrt())
}
