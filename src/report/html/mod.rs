//! Results as a page with charts: one HTML file.
//!
//! A page is made of what a result file has under the key `goodput`, so a run that has just ended and the file that it left
//! give the same figures, and every number of a page is a number of the file. What a result does not have is left out.

mod client;
mod columns;
mod compared;
mod course;
mod curve;
mod distribution;
mod exhibit;
mod gaps;
mod head;
mod load;
mod numbers;
mod parts;
mod server;
mod slowest;
mod steps;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use exhibit::Exhibit;

use super::Outcome;
use crate::page::{Document, Figure, Markup, html, section};
use exhibit::Shown;

/// A section of figures: the end of its id, its heading, and what makes its figures; it is left out if there are none.
type Section = (&'static str, &'static str, fn(&Shown<'_>) -> Vec<Figure>);

/// All sections in their order. A new one is a file here and a row.
static SECTIONS: &[Section] = &[
    (
        "distribution",
        "Latency distribution",
        distribution::figures,
    ),
    ("course", "Over the run", course::figures),
    ("slowest", "The slowest requests", slowest::figures),
    ("gaps", "Gaps and stalls", gaps::figures),
    ("curve", "Load and latency", curve::figures),
    ("compared", "Compared", compared::figures),
    ("parts", "Parts of the run", parts::figures),
    ("server", "The server's own metrics", server::figures),
    ("client", "The client", client::figures),
];

/// A page with a part for each bench.
pub fn html(outcomes: &[Outcome]) -> String {
    let exhibits: Vec<_> = outcomes.iter().map(Exhibit::of).collect();
    page(&exhibits, false)
}

/// A page of results. Those that belong `together` share their figures; else each has its own.
pub(crate) fn page(exhibits: &[Exhibit], together: bool) -> String {
    let title = match exhibits {
        [one] => format!("{}: {}", one.name, one.word),
        several => format!("{} results", several.len()),
    };
    let body = html! {
        @if let [one] = exhibits {
            (head::head(one, "r0", true))
            (numbers::of_other_tools(one))
            (figures(&Shown::one(one, "r0")))
            (text(one))
        } @else {
            h1 { (title) }
            (numbers::overview(exhibits))
            @if together { (figures(&Shown::all(exhibits))) }
            @for (place, exhibit) in exhibits.iter().enumerate() {
                @let id = format!("r{place}");
                article id=(id) {
                    (head::head(exhibit, &id, false))
                    (numbers::of_other_tools(exhibit))
                    @if !together { (figures(&Shown::one(exhibit, &id))) }
                    (text(exhibit))
                }
            }
        }
    };
    Document { title, body }.text()
}

fn figures(shown: &Shown<'_>) -> Markup {
    html! {
        (numbers::section(shown))
        @for (name, heading, figures) in SECTIONS {
            @let figures = figures(shown);
            @if !figures.is_empty() {
                (section(&format!("{}-{name}", shown.id), heading, &html! {
                    div class=(if figures.len() == 1 { "figures single" } else { "figures" }) { @for figure in &figures { (figure) } }
                }))
            }
        }
    }
}

/// The report as the command prints it.
fn text(exhibit: &Exhibit) -> Markup {
    html! {
        @if !exhibit.text.is_empty() {
            details.text { summary { "The report as text" } pre tabindex="0" { (exhibit.text) } }
        }
    }
}
