//! The Markdown table.

use crate::{client::Client, compare::Outcome, points::Point, spread::Spread};

const COLUMNS: [&str; 10] = [
    "load",
    "client",
    "done",
    "rate",
    "sent late",
    "TTFT off by",
    "ITL off by",
    "CPU an event",
    "peak RSS",
    "server off by",
];

/// Widths that keep the columns straight in plain text.
const WIDTHS: [usize; 10] = [31, 16, 4, 7, 35, 35, 35, 17, 8, 33];

pub(crate) const LEGEND: &str = "\
Times are p50 / p99 / p99.9 / max. *sent late*: arrival at the server after the intended time. *off by*: \
|reported − true|; of the server: writes after they were due. *CPU an event*: processor time while \
tokens came, by token (and by the bare reader's). *rate*: achieved / asked, requests/s of a burst.";

pub(crate) fn head() {
    line(&COLUMNS.map(str::to_owned));
    let rule: Vec<String> = WIDTHS.iter().map(|width| "-".repeat(*width)).collect();
    println!("|-{}-|", rule.join("-|-"));
}

/// A row for each client: the medians of the rounds.
pub(crate) fn rows(point: &Point, clients: &[Client], rounds: &[Vec<Outcome>]) {
    let bare = clients.iter().position(|client| *client == Client::Bare);
    for (place, client) in clients.iter().enumerate() {
        let number = |of: fn(&Outcome) -> f64| median(rounds.iter().map(|round| of(&round[place])));
        let spread = |of: fn(&Outcome) -> Spread| {
            let part = |part: fn(Spread) -> f64| {
                time(median(rounds.iter().map(|round| part(of(&round[place])))))
            };
            format!(
                "{} / {} / {} / {}",
                part(|s| s.p50),
                part(|s| s.p99),
                part(|s| s.p99_9),
                part(|s| s.max)
            )
        };
        let by_bare = bare.map(|bare| {
            // Neighbours in time share what else the machine did.
            let ratio =
                |round: &Vec<Outcome>| round[place].cpu_per_event / round[bare].cpu_per_event;
            format!(" ({:.1}×)", median(rounds.iter().map(ratio)))
        });
        line(&[
            point.title.to_owned(),
            client.name(),
            format!("{:.0}%", number(|o| o.completed) * 100.0),
            if point.rate.is_finite() {
                format!("{:.2}", number(|o| o.rate))
            } else {
                format!("{:.0}/s", number(|o| o.rate))
            },
            spread(|o| o.lateness),
            spread(|o| o.ttft),
            spread(|o| o.itl),
            format!(
                "{:.1} µs{}",
                number(|o| o.cpu_per_event),
                by_bare.unwrap_or_default()
            ),
            format!("{:.0} MiB", number(|o| o.peak_rss_mib)),
            spread(|o| o.server),
        ]);
    }
}

fn line(cells: &[String; 10]) {
    let padded = cells
        .iter()
        .zip(WIDTHS)
        .map(|(cell, width)| format!("{cell:<width$}"));
    println!("| {} |", padded.collect::<Vec<_>>().join(" | "));
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Three digits are enough, and the unit shows the size.
pub(crate) fn time(micros: f64) -> String {
    match micros {
        _ if micros.is_nan() => "–".to_owned(),
        _ if micros < 999.5 => format!("{micros:.0} µs"),
        _ if micros < 9_995.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}
