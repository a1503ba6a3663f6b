//! Tables, whose columns a reader may sort where scripts run.

use maud::{Markup, Render, html};

/// A table with a row of headings; the first cell of a row names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// What the table holds, for those who hear it.
    pub(crate) caption: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    /// A number as it was measured, and as it is written.
    Number(f64, String),
    /// There is nothing to show.
    Empty,
}

impl Cell {
    /// A cell with a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    /// A cell with a number, which `write` writes; empty if there is none.
    pub(crate) fn number(value: Option<f64>, write: impl FnOnce(f64) -> String) -> Self {
        match value.filter(|value| value.is_finite()) {
            Some(value) => Cell::Number(value, write(value)),
            None => Cell::Empty,
        }
    }
}

impl Render for Cell {
    fn render(&self) -> Markup {
        match self {
            Cell::Text(text) => html! { (text) },
            // A text that says the whole number needs no other.
            Cell::Number(value, text) if text.parse() == Ok(*value) => html! { (text) },
            Cell::Number(value, text) => html! { data value=(value) { (text) } },
            Cell::Empty => html! { "–" },
        }
    }
}

impl Render for Table {
    fn render(&self) -> Markup {
        html! {
            // Wide tables scroll by themselves, with the keyboard too.
            div.scroll tabindex="0" role="region" aria-label=(self.caption) {
                table class=[self.is_number(0).then_some("n")] {
                    caption { (self.caption) }
                    thead { tr {
                        @for (column, name) in self.head.iter().enumerate() {
                            th scope="col" class=[self.is_text(column).then_some("l")] { (name) }
                        }
                    } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @for (column, cell) in row.iter().enumerate() {
                                    // A heading of a row needs no word that says so.
                                    @if column == 0 { th { (cell) } }
                                    @else { td class=[matches!(cell, Cell::Text(_)).then_some("l")] { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Table {
    fn is_number(&self, column: usize) -> bool {
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        cells().any(|cell| matches!(cell, Cell::Number(..))) && !self.is_text(column)
    }

    /// Whether a column has texts. Numbers stand on the right.
    fn is_text(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.any(|cell| matches!(cell, Cell::Text(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_digits_and_texts_are_escaped() {
        let table = Table {
            caption: "a & b".to_owned(),
            head: vec!["<name>".to_owned(), "ms".to_owned()],
            rows: vec![vec![
                Cell::text("<b>"),
                Cell::number(Some(0.1 + 0.2), |value| format!("{value:.1}")),
            ]],
        };
        let text = table.render().into_string();
        assert!(
            text.contains(r#"<data value="0.30000000000000004">0.3</data>"#),
            "{text}"
        );
        assert!(
            text.contains("&lt;name&gt;") && text.contains("&lt;b&gt;"),
            "{text}"
        );
        assert_eq!(
            Cell::number(Some(f64::NAN), |value| value.to_string()),
            Cell::Empty
        );
    }
}
