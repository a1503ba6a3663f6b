//! The table that either prints.

/// A line of the table: a label with its value, or a title with none.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub label: String,
    pub value: String,
}

/// The lines between the first title and the closing rule.
pub fn lines(stdout: &str) -> Vec<Line> {
    let table = stdout
        .lines()
        .skip_while(|line| !line.contains(" Serving Benchmark Result "));
    let rule = |line: &str| !line.is_empty() && line.chars().all(|c| c == '=');
    let lines = table.take_while(|line| !rule(line));
    let line = |line: &str| {
        let (label, value) = match line.split_once(':') {
            Some((label, value)) => (label, value.trim()),
            None => (line, ""),
        };
        Line {
            label: label.to_owned(),
            value: value.to_owned(),
        }
    };
    lines.map(line).collect()
}
