//! Tables of the documentation, which tests hold against the lists in the code.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

/// The rows of the table with this head, cell by cell.
pub fn rows(page: &str, head: &str) -> Vec<Vec<String>> {
    let (_, table) = page
        .split_once(head)
        .unwrap_or_else(|| panic!("no table with {head}"));
    let rows = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| "));
    let cell = |cell: &str| cell.trim().to_owned();
    rows.map(|row| row.trim_end_matches('|').split('|').map(cell).collect())
        .collect()
}

/// What stands in backticks.
pub fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The formats of outputs.
pub fn formats() -> Vec<String> {
    let rows = rows(include_str!("../../docs/ci.md"), "| format | for | holds |");
    rows.iter().flat_map(|row| names(&row[0])).collect()
}
