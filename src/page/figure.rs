//! A drawing with its definition and its numbers.

use super::table::Table;
use maud::{Markup, Render, html};

/// A drawing with its definition next to it, and the numbers that it draws in a table.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) title: String,
    /// What is drawn, as exactly as a reader needs to know it.
    pub(crate) definition: String,
    /// The drawing, or several that belong together.
    pub(crate) drawing: Markup,
    /// The numbers that are drawn.
    pub(crate) numbers: Option<Table>,
}

impl Render for Figure {
    fn render(&self) -> Markup {
        html! {
            figure {
                figcaption {
                    h3 { (self.title) }
                    p.definition { (self.definition) }
                }
                div.drawing { (self.drawing) }
                @if let Some(numbers) = &self.numbers {
                    details { summary { "Numbers" span.hidden { " of " (self.title) } } (numbers) }
                }
            }
        }
    }
}
