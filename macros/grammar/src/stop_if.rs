//! When a run is not worth going on with: `errors > 20%, in_flight > 500, saturated`.

use crate::{Mistake, Mistakes, call};
use std::fmt;

/// A state of a run in which nothing more is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StopIf {
    /// `errors > 20%`: more than this share of the last requests failed, 0–1.
    Errors(f64),
    /// `in_flight > 500`: more requests than this have begun and not ended.
    InFlight(u64),
    /// `saturated`: the requests in flight grow and grow.
    Saturated,
}

const NAMES: &[&str] = &["errors > 20%", "in_flight > 500", "saturated"];

/// Reads a comma-separated list of states.
///
/// # Errors
/// Every state that is unknown or unreadable, that always or never holds, or that is given twice.
pub fn parse(text: &str) -> Result<Vec<StopIf>, Mistakes> {
    let items = call::split(text, ',').map_err(|mistake| vec![mistake])?;
    let mut states: Vec<StopIf> = Vec::new();
    let mut mistakes = Mistakes::new();
    if items.is_empty() {
        mistakes.push(Mistake::new(
            "no state is given; write such as `errors > 20%, saturated`",
        ));
    }
    for item in items {
        match state(item) {
            Ok(state) if states.iter().any(|other| other.name() == state.name()) => {
                mistakes.push(Mistake::new(format!(
                    "`{}` is given twice; keep one",
                    state.name()
                )));
            }
            Ok(state) => states.push(state),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() {
        Ok(states)
    } else {
        Err(mistakes)
    }
}

fn state(item: &str) -> Result<StopIf, Mistake> {
    let (name, limit) = match item.split_once('>') {
        Some((name, limit)) => (name.trim(), Some(limit.trim())),
        None => (item, None),
    };
    let wrong = |example: &str| Mistake::new(format!("`{item}`: write such as `{example}`"));
    match (name, limit) {
        ("saturated", None) => Ok(StopIf::Saturated),
        ("saturated", Some(_)) => Err(wrong("saturated")),
        ("errors", limit) => {
            let percent = limit.and_then(|limit| call::number(limit.strip_suffix('%')?.trim()));
            match percent {
                Some(percent) if percent < 100.0 => Ok(StopIf::Errors(percent / 100.0)),
                Some(_) => Err(Mistake::new(format!(
                    "`{item}` never holds; write such as `errors > 20%`"
                ))),
                None => Err(wrong("errors > 20%")),
            }
        }
        ("in_flight", limit) => {
            let most = limit
                .and_then(call::number)
                .filter(|most| most.fract() == 0.0);
            match most {
                Some(most) if most >= 1.0 => Ok(StopIf::InFlight(most as u64)),
                _ => Err(wrong("in_flight > 500")),
            }
        }
        _ => Err(Mistake::unknown("state of a run", item, NAMES)),
    }
}

impl StopIf {
    fn name(self) -> &'static str {
        match self {
            StopIf::Errors(_) => "errors",
            StopIf::InFlight(_) => "in_flight",
            StopIf::Saturated => "saturated",
        }
    }
}

/// Written so that [`parse`] reads the same one back.
impl fmt::Display for StopIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Rounded, because a share of 0.07 is not 7 per cent to the last digit.
            StopIf::Errors(share) => write!(f, "errors > {}%", (share * 1e10).round() / 1e8),
            StopIf::InFlight(most) => write!(f, "in_flight > {most}"),
            StopIf::Saturated => f.write_str("saturated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "errors > 7%, in_flight > 500, saturated";
        let states = parse(text).unwrap();
        let shown: Vec<String> = states.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(", "), text);
    }

    #[rstest]
    #[case("", "no state is given")]
    #[case("errors", "`errors`: write such as `errors > 20%`")]
    #[case("errors > 0.2", "write such as `errors > 20%`")]
    #[case("errors > 100%", "never holds")]
    #[case("in_flight > 0", "write such as `in_flight > 500`")]
    #[case("saturated > 2", "write such as `saturated`")]
    #[case(
        "satured",
        "unknown state of a run `satured`; did you mean `saturated`?"
    )]
    #[case("saturated, saturated", "`saturated` is given twice; keep one")]
    fn what_is_no_state(#[case] text: &str, #[case] said: &str) {
        let mistakes = parse(text).unwrap_err();
        assert!(mistakes[0].0.contains(said), "{mistakes:?}");
    }
}
