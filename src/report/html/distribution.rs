//! How latencies are distributed: the share that is not slower, and the slow end by nines.

use super::{
    exhibit::Shown,
    words::{LATENCIES, cell, ms, since, whole},
};
use crate::{
    chart::{About, Axis, Form, Ink, Mark, Plot, Spread},
    grammar::slo::{self, Part, Stat, Subject},
    page::{Cell, Figure, Table, html},
    report::facts::Facts,
};

pub(super) fn figures(shown: &Shown<'_>) -> Vec<Figure> {
    let figure = |(key, short, meaning): (&str, &str, &str)| figure(shown, key, short, meaning);
    LATENCIES.into_iter().filter_map(figure).collect()
}

fn figure(shown: &Shown<'_>, key: &str, short: &str, meaning: &str) -> Option<Figure> {
    let of: Vec<_> = shown
        .facts()
        .map(|(place, name, facts)| (place, name, facts, facts.histogram(key)))
        .filter(|(.., histogram)| !histogram.is_empty())
        .collect();
    let (_, _, first, _) = of.first()?;
    let what = if key == "itl" { "gaps" } else { "requests" };
    let line = |form: fn(Vec<(f64, f64)>) -> Form| -> Vec<Mark> {
        let marks = of.iter().map(|(place, name, _, histogram)| {
            Mark::new(*name, Ink::Series(*place), form(shares(histogram)))
        });
        marks.collect()
    };
    let mut body = line(Form::Steps);
    // The legend is that of the first chart.
    let mut tail: Vec<Mark> = line(Form::Steps).into_iter().map(Mark::unlisted).collect();
    if let Some(limit) = first.limit(key) {
        let name = format!("limit of a good request: {}", ms(limit));
        body.push(Mark::new(name.clone(), Ink::Limit, Form::Upright(limit)));
        tail.push(Mark::new(name, Ink::Limit, Form::Upright(limit)));
    }
    let slos = limits(first, key);
    if !slos.is_empty() {
        let name = "SLO: the line must pass above the point";
        tail.push(Mark::new(name, Ink::Bad, Form::Points(slos)));
    }
    let counts = match key {
        "ttft" | "e2el" => format!(", {}", since(first.open_loop)),
        _ => String::new(),
    };
    let plot = |id: &str, title: String, y: Axis, marks| Plot {
        about: About {
            id: format!("{}-{key}-{id}", shown.id),
            description: describe(&title, &of),
            title,
        },
        x: Axis::new(format!("{short}, ms"), Spread::Log),
        y,
        marks,
    };
    let body = plot(
        "ecdf",
        format!("{short}: share of {what} that are not slower"),
        Axis::new(format!("share of {what}"), Spread::Linear)
            .percent()
            .showing(0.0)
            .showing(1.0),
        body,
    );
    let tail = plot(
        "tail",
        format!("{short}: the slow end"),
        Axis::new(format!("share of {what}, by nines"), Spread::Nines).percent(),
        tail,
    );
    Some(Figure {
        title: format!("{short}: {meaning}{counts}"),
        definition: format!(
            "The share of {} whose {short} is at most the value below. The second chart gives each further nine equal room; \
             the slowest of n is at 1 − 1/(2n).",
            if key == "itl" {
                "gaps"
            } else {
                "successful requests"
            }
        ),
        drawing: html! { (body.draw()) (tail.draw()) },
        numbers: Some(numbers(short, key, &of, shown.is_single())),
    })
}

/// Values with the share up to the middle of those that have each.
fn shares(histogram: &[(f64, u64)]) -> Vec<(f64, f64)> {
    let all: u64 = histogram.iter().map(|(_, count)| count).sum();
    let mut before = 0;
    // Nothing is faster than the first.
    let start = histogram.first().map(|(value, _)| (*value, 0.0));
    let mut shares = Vec::from_iter(start);
    for (value, count) in histogram {
        before += count;
        shares.push((*value, (before as f64 - 0.5) / all as f64));
    }
    shares
}

/// SLOs on percentiles, as points that a line must not pass below.
fn limits(facts: &Facts, key: &str) -> Vec<(f64, f64, String)> {
    let slos = facts.slos.iter().filter_map(|result| {
        let slo = slo::parse(&result.slo).ok()?.pop()?;
        match slo.subject {
            Subject::Latency(Stat::Percentile(q), latency)
                if latency.name() == key && slo.part == Part::ALL && q < 100.0 =>
            {
                Some((result.limit, q / 100.0, result.slo.clone()))
            }
            _ => None,
        }
    });
    slos.collect()
}

type Of<'a> = (usize, &'a str, &'a Facts, Vec<(f64, u64)>);

fn describe(title: &str, of: &[Of<'_>]) -> String {
    let each = of.iter().map(|(_, name, _, histogram)| {
        let at = |share: f64| {
            let found = shares(histogram)
                .into_iter()
                .find(|(_, up_to)| *up_to >= share);
            found
                .or(shares(histogram).pop())
                .map_or(f64::NAN, |(value, _)| value)
        };
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{name}: ")
        };
        format!(
            "{name}half within {}, 99 % within {}",
            ms(at(0.5)),
            ms(at(0.99))
        )
    });
    format!("{title}. {}.", each.collect::<Vec<_>>().join("; "))
}

fn numbers(short: &str, key: &str, of: &[Of<'_>], single: bool) -> Table {
    // A single result has the first three next to those of its other latencies.
    let left_out = if single { 3 } else { 0 };
    let names = [
        "mean", "std", "min", "p50", "p90", "p95", "p99", "p99.9", "max",
    ];
    let names = names.into_iter().skip(left_out);
    let names = names.map(|name| format!("{name}, ms"));
    let ends = |end: &str| [end.to_owned()].into_iter();
    let rows = of.iter().filter_map(|(_, name, facts, _)| {
        let stats = facts.stats(key)?;
        let name = if name.is_empty() { short } else { name };
        let values = [
            stats.mean, stats.std, stats.min, stats.p50, stats.p90, stats.p95, stats.p99,
            stats.p999, stats.max,
        ];
        let values = values.into_iter().skip(left_out).map(cell);
        let row = [Cell::text(name)].into_iter().chain(values);
        Some(row.chain([whole(stats.count)]).collect())
    });
    Table {
        caption: format!("Percentiles of {short}"),
        head: ends("latency").chain(names).chain(ends("values")).collect(),
        rows: rows.collect(),
    }
}
