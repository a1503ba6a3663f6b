//! Axes: a name, how values are spread, and how ticks are written.

use super::scale::{Scale, Spread};

/// An axis of a drawing.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// What it shows, with the unit: `TTFT, ms`.
    pub(crate) name: String,
    pub(crate) spread: Spread,
    /// Values that must be on it, whatever is drawn: 0 where lengths are compared.
    pub(crate) shows: Vec<f64>,
    /// How ticks are written.
    words: Words,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Number,
    /// 0.05 as `5 %`.
    Percent,
    /// 0.05 as `+5 %`.
    Change,
}

impl Axis {
    /// An axis whose ticks are numbers.
    pub(crate) fn new(name: impl Into<String>, spread: Spread) -> Self {
        Axis {
            name: name.into(),
            spread,
            shows: Vec::new(),
            words: Words::Number,
        }
    }

    /// The same axis, which shows 0 or another value in any case.
    pub(crate) fn showing(mut self, value: f64) -> Self {
        self.shows.push(value);
        self
    }

    /// The same axis for shares 0–1, written as per cent.
    pub(crate) fn percent(self) -> Self {
        Axis {
            words: Words::Percent,
            ..self
        }
    }

    /// The same axis for relative changes, written as per cent with their sign.
    pub(crate) fn change(self) -> Self {
        Axis {
            words: Words::Change,
            ..self
        }
    }

    pub(super) fn scale(&self, values: impl IntoIterator<Item = f64>) -> Scale {
        Scale::over(
            self.spread,
            values.into_iter().chain(self.shows.iter().copied()),
        )
    }

    /// The same without room beyond the values.
    pub(super) fn tight_scale(&self, values: &[f64]) -> Scale {
        let all = || values.iter().chain(&self.shows).copied();
        Scale::over(self.spread, all()).tight(all())
    }

    pub(super) fn word(&self, value: f64) -> String {
        match self.words {
            Words::Number => short(value),
            Words::Percent => format!("{} %", short(value * 100.0)),
            Words::Change if value > 0.0 => format!("+{} %", short(value * 100.0)),
            Words::Change => format!("{} %", short(value * 100.0)),
        }
    }
}

/// A round number in few letters: `0.05`, `250`, `10k`, `2M`.
fn short(value: f64) -> String {
    let size = value.abs();
    let (value, unit) = match size {
        1e12.. => return format!("{value:.0e}"),
        1e9.. => (value / 1e9, "G"),
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ if size > 0.0 && size < 1e-4 => return format!("{value:.0e}"),
        _ => (value, ""),
    };
    let text = format!("{value:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    format!("{}{unit}", text.replace('-', "−"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, "0")]
    #[case(0.05, "0.05")]
    #[case(-2.5, "−2.5")]
    #[case(5000.0, "5000")]
    #[case(20_000.0, "20k")]
    #[case(2e6, "2M")]
    #[case(1e-6, "1e-6")]
    fn numbers_are_short(#[case] value: f64, #[case] word: &str) {
        assert_eq!(Axis::new("", Spread::Linear).word(value), word);
    }

    #[test]
    fn shares_and_changes_are_per_cent() {
        let axis = Axis::new("", Spread::Linear);
        assert_eq!(axis.clone().percent().word(0.999), "99.9 %");
        assert_eq!(axis.clone().change().word(0.05), "+5 %");
        assert_eq!(axis.change().word(-0.05), "−5 %");
    }
}
