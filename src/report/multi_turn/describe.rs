//! Statistics of columns, with the names, definitions and number formats of pandas' `describe`.

/// Statistics of several columns: a row for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Names of the statistics.
    pub statistics: Vec<String>,
    /// Names of the columns with their statistics; NaN where there is none.
    pub rows: Vec<(String, Vec<f64>)>,
}

/// Percentiles, each with the number of rows from which on it is shown.
const PERCENTILES: [(f64, &str, usize); 7] = [
    (0.25, "25%", 0),
    (0.5, "50%", 0),
    (0.75, "75%", 0),
    (0.9, "90%", 0),
    (0.99, "99%", 100),
    (0.999, "99.9%", 1_000),
    (0.9999, "99.99%", 10_000),
];

/// Places behind the point.
const DIGITS: usize = 2;

impl Description {
    /// Describes columns of a table with `rows` rows, which decides how many percentiles there are. NaN is left out.
    pub fn of(columns: Vec<(&str, Vec<f64>)>, rows: usize) -> Self {
        let percentiles = PERCENTILES.iter().filter(|(.., from)| rows >= *from);
        let percentiles: Vec<&(f64, &str, usize)> = percentiles.collect();
        let names = percentiles.iter().map(|(_, name, _)| *name);
        let statistics = ["count", "mean", "std", "min"].into_iter().chain(names);
        let described = columns.into_iter().map(|(name, values)| {
            let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
            values.sort_by(f64::total_cmp);
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (count - 1.0)).sqrt();
            let deviation = if count < 2.0 { f64::NAN } else { deviation };
            let ends = [values.first(), values.last()];
            let [least, most] = ends.map(|end| end.copied().unwrap_or(f64::NAN));
            let between = percentiles
                .iter()
                .map(|(share, ..)| quantile(&values, *share));
            let row = [count, mean, deviation, least].into_iter().chain(between);
            (name.to_owned(), row.chain([most]).collect())
        });
        Description {
            rows: described.collect(),
            statistics: statistics.chain(["max"]).map(str::to_owned).collect(),
        }
    }

    /// The table as pandas prints it, without a limit on its width.
    pub fn text(&self) -> String {
        let names: Vec<&str> = self.rows.iter().map(|(name, _)| name.as_str()).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut lines = vec![" ".repeat(width)];
        lines.extend(names.iter().map(|name| format!("{name:<width$}")));
        for (place, statistic) in self.statistics.iter().enumerate() {
            let values: Vec<f64> = self.rows.iter().map(|(_, row)| row[place]).collect();
            let mut cells = vec![statistic.clone()];
            cells.extend(column(&values));
            let width = cells.iter().map(String::len).max().unwrap_or(0);
            for (line, cell) in lines.iter_mut().zip(cells) {
                line.push_str(&format!("  {cell:>width$}"));
            }
        }
        lines.join("\n")
    }
}

/// The quantile of sorted values between the two that are next to it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[place.ceil() as usize]);
    low + (high - low) * (place - below)
}

/// Numbers of one column of the table: with few digits behind the point, or all with exponents.
fn column(values: &[f64]) -> Vec<String> {
    let small = 0.1_f64.powi(DIGITS as i32);
    let is_large = |value: &f64| value.abs() > 1e6;
    let is_small = |value: &f64| *value != 0.0 && value.abs() < small;
    if values
        .iter()
        .any(|value| is_large(value) || is_small(value))
    {
        return values.iter().map(|value| scientific(*value)).collect();
    }
    let cell = |value: &f64| {
        if value.is_nan() {
            "NaN".to_owned()
        } else {
            format!("{value:.DIGITS$}")
        }
    };
    let mut cells: Vec<String> = values.iter().map(cell).collect();
    let trims = |cells: &[String]| {
        let mut numbers = cells.iter().filter(|cell| cell.contains('.')).peekable();
        numbers.peek().is_some() && numbers.all(|cell| cell.ends_with('0'))
    };
    while trims(&cells) {
        for cell in cells.iter_mut().filter(|cell| cell.contains('.')) {
            cell.pop();
        }
    }
    for cell in cells.iter_mut().filter(|cell| cell.ends_with('.')) {
        cell.push('0');
    }
    cells
}

/// A number as Python's format `.2e` writes it.
fn scientific(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let text = format!("{value:.DIGITS$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// `fixtures/vllm/multi_turn.json`, made with pandas.
    #[test]
    fn tables_agree_with_pandas() {
        let file = include_str!("../../../fixtures/vllm/multi_turn.json");
        let golden: Value = serde_json::from_str(file).unwrap();
        let cases = golden["cases"].as_array().unwrap();
        assert!(cases.len() > 5);
        for case in cases {
            let columns = case["columns"].as_object().unwrap();
            let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
            let columns: Vec<(&str, Vec<f64>)> = columns
                .iter()
                .map(|(name, values)| {
                    let values = values.as_array().unwrap().iter().map(number);
                    (name.as_str(), values.collect())
                })
                .collect();
            let rows = columns[0].1.len();
            let text = Description::of(columns, rows).text();
            assert_eq!(text, case["text"].as_str().unwrap());
        }
    }
}
