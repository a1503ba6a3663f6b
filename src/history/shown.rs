//! Formats the newest invocation.

use super::{
    change::{ago, numbers},
    kept::BenchId,
    newest::{Bench, Newest, State},
    store::now_ms,
};
use crate::{
    metrics::one_line,
    page::{self, Cell, Document, Table},
    report,
};
use serde_json::{Value, json};

/// Formats a heading, a line for each bench, and a last line with counts. With `strict`, anything but a
/// plain pass fails.
pub(crate) fn text(newest: &Newest, strict: bool) -> String {
    let ended = ago(now_ms().saturating_sub(newest.at_ms));
    let mut lines = vec![format!("{}, {ended}", newest.invocation.by)];
    let names = newest.names();
    let benches = newest.benches.iter().zip(names);
    lines.extend(benches.map(|(bench, name)| line(bench, &name, strict)));
    lines.push(last_line(newest, strict));
    lines.extend(newest.advice());
    lines.join("\n")
}

fn line(bench: &Bench, name: &str, strict: bool) -> String {
    format!("  {:<12} {name}: {}", bench.word(strict), bench.detail())
}

/// Formats the last line: `3 benches: 2 pass, 1 fail; of these 1 undecided; 4 other benches have older
/// results`.
fn last_line(newest: &Newest, strict: bool) -> String {
    let count = |count: usize| match count {
        1 => "1 bench".to_owned(),
        count => format!("{count} benches"),
    };
    let mut words: Vec<(String, usize)> = Vec::new();
    for bench in &newest.benches {
        let word = bench.word(strict);
        match words.iter_mut().find(|(other, _)| *other == word) {
            Some((_, count)) => *count += 1,
            None => words.push((word, 1)),
        }
    }
    let words: Vec<String> = words
        .into_iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let mut text = format!("{}: {}", count(newest.benches.len()), words.join(", "));
    let caveats = newest.benches.iter().flat_map(Bench::caveats);
    if let Some(counted) = report::counted(caveats) {
        text += &format!("; of these {counted}");
    }
    if newest.others > 0 {
        let have = if newest.others == 1 { "has" } else { "have" };
        text += &format!(
            "; {} did not run and {have} older results",
            count(newest.others)
        );
    }
    text
}

/// Formats a Markdown table with a row for each bench.
pub(crate) fn markdown(newest: &Newest, strict: bool) -> String {
    let mut text = format!(
        "### goodput: {}\n\n| bench | result | |\n|---|---|---|\n",
        last_line(newest, strict)
    );
    for (bench, name) in newest.benches.iter().zip(newest.names()) {
        let cells = [name, bench.word(strict), bench.detail()];
        let cells = cells.map(|cell| report::plain(&cell));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

/// Formats a page with a row for each bench.
pub(crate) fn html(newest: &Newest, strict: bool) -> String {
    let title = format!("goodput: {}", last_line(newest, strict));
    let rows = newest.benches.iter().zip(newest.names());
    let rows = rows.map(|(bench, name)| {
        [name, bench.word(strict), bench.detail()]
            .map(Cell::Text)
            .to_vec()
    });
    let table = Table {
        caption: title.clone(),
        head: ["bench", "result", "details"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    };
    let advice: Vec<String> = newest.advice().into_iter().collect();
    let body = page::html! {
        h1 { (title) }
        p.about { (newest.invocation.by) }
        (table)
        ul.lines { @for line in advice { li { (line) } } }
    };
    Document { title, body }.text()
}

/// Formats a line of JSON for each bench.
pub(crate) fn json(newest: &Newest, strict: bool) -> String {
    let line = |bench: &Bench| {
        let kept = match &bench.state {
            State::Ended(kept, _) => json!(kept),
            State::Open { process, runs } => json!({"process": process, "running": runs}),
        };
        let mut value = json!({"bench": bench.id, "exit_code": bench.exit_code(strict)});
        value["result"] = kept;
        Value::to_string(&value)
    };
    newest
        .benches
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

impl Newest {
    /// Names of the benches. If a test and a benchmark target have a bench of the same name, the names
    /// include the file.
    fn names(&self) -> Vec<String> {
        let names: Vec<String> = self.benches.iter().map(Bench::name).collect();
        let alike = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
        let full = |(bench, name): (&Bench, &String)| {
            if alike(name) {
                format!("{name} ({})", one_line(&bench.id.source))
            } else {
                name.clone()
            }
        };
        self.benches.iter().zip(&names).map(full).collect()
    }

    /// All advice, without repetitions.
    fn advice(&self) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for bench in &self.benches {
            if let State::Ended(kept, _) = &bench.state
                && let Some(advice) = &kept.advice
                && !told.contains(advice)
            {
                told.push(advice.clone());
            }
        }
        told
    }
}

impl BenchId {
    /// The full name, such as `app slo::long::chat`.
    pub(crate) fn full_name(&self) -> String {
        let name = if self.source.is_empty() {
            format!("{} {}", self.group, self.name)
        } else {
            format!("{} {}::{}", self.package, self.group, self.name)
        };
        one_line(name.trim())
    }
}

impl Bench {
    fn caveats(&self) -> impl Iterator<Item = &report::Caveat> {
        let kept = match &self.state {
            State::Ended(kept, _) => Some(kept),
            State::Open { .. } => None,
        };
        kept.into_iter().flat_map(|kept| &kept.caveats)
    }

    /// The outcome in one or two words.
    fn word(&self, strict: bool) -> String {
        match &self.state {
            State::Ended(kept, _) if self.exit_code(strict) != kept.exit_code => {
                "not proven".to_owned()
            }
            State::Ended(kept, _) => kept.outcome.clone(),
            State::Open { runs: true, .. } => "running".to_owned(),
            State::Open { .. } => "not ended".to_owned(),
        }
    }

    fn name(&self) -> String {
        self.id.full_name()
    }

    /// The most important fact in a line: why the bench did not pass, or what it did not prove, or its
    /// numbers.
    fn detail(&self) -> String {
        let (kept, earlier) = match &self.state {
            State::Ended(kept, earlier) => (kept, earlier),
            State::Open {
                process,
                runs: true,
            } => return format!("process {process} runs it now"),
            State::Open { process, .. } => {
                return format!("process {process} started it and ended before the bench did");
            }
        };
        let caveats: Vec<&str> = kept.caveats.iter().map(|c| c.message.as_str()).collect();
        let mut detail = match (kept.reason.as_str(), caveats.as_slice()) {
            ("", []) => kept.numbers.as_ref().map(numbers).unwrap_or_default(),
            ("", caveats) => caveats.join("; "),
            (reason, _) => reason.to_owned(),
        };
        if let Some(earlier) = earlier {
            detail =
                format!("(an earlier attempt of this invocation ended in: {earlier}) {detail}");
        }
        one_line(&detail)
    }
}
