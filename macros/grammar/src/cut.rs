//! What is cut off at the start or the end of a run: `30s`, `100 requests`, `auto`.

use crate::{Mistake, call, duration};
use std::{fmt, time::Duration};

/// What is cut off at one end of a run, so that it counts in no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// `30s`: the requests that are due in this time.
    Time(Duration),
    /// `100 requests`: this number of them.
    Requests(u64),
    /// `auto`: the requests before the server has settled.
    Auto,
}

/// Reads what is cut off at the start: `30s`, `100 requests` or `auto`.
///
/// # Errors
/// Anything else, and nothing to cut.
pub fn parse(text: &str) -> Result<Cut, Mistake> {
    let text = text.trim();
    if text == "auto" {
        return Ok(Cut::Auto);
    }
    let wrong = || {
        Mistake::new(format!(
            "`{text}`: expected a time, `30s`, a number of requests, `100 requests`, or `auto`"
        ))
    };
    let counted = text
        .strip_suffix("requests")
        .or_else(|| text.strip_suffix("request"));
    let cut = match counted {
        Some(number) => {
            let number = call::number(number.trim()).filter(|number| number.fract() == 0.0);
            Cut::Requests(number.ok_or_else(wrong)? as u64)
        }
        None => Cut::Time(duration::parse(text).map_err(|_| wrong())?),
    };
    match cut {
        Cut::Time(Duration::ZERO) | Cut::Requests(0) => Err(Mistake::new(format!(
            "`{text}` cuts nothing off; leave it out"
        ))),
        cut => Ok(cut),
    }
}

/// Reads what is cut off at the end: `10s` or `50 requests`.
///
/// # Errors
/// As [`parse`], and `auto`: a server settles at the start.
pub fn parse_end(text: &str) -> Result<Cut, Mistake> {
    match parse(text)? {
        Cut::Auto => Err(Mistake::new(
            "`auto` finds where a run has settled, which is at its start; write a time, `10s`, or a number of requests, \
             `50 requests`",
        )),
        cut => Ok(cut),
    }
}

/// Why nothing of a run is left once both ends are cut off, if that is known before it: `lasts` is the time in which
/// requests are due, `requests` their number.
pub fn leaves_nothing(
    start: Option<Cut>,
    end: Option<Cut>,
    lasts: Option<Duration>,
    requests: Option<u64>,
) -> Option<String> {
    let ends = || [start, end].into_iter().flatten();
    let time: Duration = ends().filter_map(Cut::time).sum();
    let count: u64 = ends()
        .filter_map(Cut::requests)
        .fold(0, u64::saturating_add);
    if let Some(lasts) = lasts.filter(|lasts| !time.is_zero() && time >= *lasts) {
        return Some(format!(
            "cuts {} off a run of {}, which leaves nothing. Cut less, or let the run last longer",
            duration::format(time),
            duration::format(lasts)
        ));
    }
    let requests = requests.filter(|requests| count > 0 && count >= *requests)?;
    Some(format!(
        "cuts {count} requests off a run of {requests}, which leaves nothing. Cut fewer, or send more"
    ))
}

impl Cut {
    fn time(self) -> Option<Duration> {
        match self {
            Cut::Time(time) => Some(time),
            Cut::Requests(_) | Cut::Auto => None,
        }
    }

    fn requests(self) -> Option<u64> {
        match self {
            Cut::Requests(requests) => Some(requests),
            Cut::Time(_) | Cut::Auto => None,
        }
    }
}

/// Written so that [`parse`] reads the same one back.
impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Time(time) => f.write_str(&duration::format(*time)),
            Cut::Requests(1) => f.write_str("1 request"),
            Cut::Requests(requests) => write!(f, "{requests} requests"),
            Cut::Auto => f.write_str("auto"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("30s")]
    #[case("1 request")]
    #[case("100 requests")]
    #[case("auto")]
    fn what_is_written_is_read_back(#[case] text: &str) {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[rstest]
    #[case("30", "expected a time, `30s`")]
    #[case("1.5 requests", "expected a time, `30s`")]
    #[case("0s", "cuts nothing off; leave it out")]
    #[case("0 requests", "cuts nothing off; leave it out")]
    fn what_is_no_cut(#[case] text: &str, #[case] said: &str) {
        let found = parse(text).unwrap_err().to_string();
        assert!(found.contains(said), "{found}");
    }

    #[test]
    fn a_run_does_not_settle_at_its_end() {
        assert!(parse_end("auto").is_err());
        assert_eq!(parse_end("10s"), Ok(Cut::Time(Duration::from_secs(10))));
    }

    #[rstest]
    #[case("30s", "10s", Some(40), None, true)]
    #[case("30s", "10s", Some(41), None, false)]
    #[case("30s", "10s", None, Some(1), false)]
    #[case("60 requests", "40 requests", Some(1), Some(100), true)]
    #[case("60 requests", "39 requests", None, Some(100), false)]
    #[case("auto", "39 requests", Some(1), Some(100), false)]
    fn what_leaves_nothing(
        #[case] start: &str,
        #[case] end: &str,
        #[case] lasts: Option<u64>,
        #[case] requests: Option<u64>,
        #[case] nothing: bool,
    ) {
        let cut = |text| Some(parse(text).unwrap());
        let lasts = lasts.map(Duration::from_secs);
        let found = leaves_nothing(cut(start), cut(end), lasts, requests);
        assert_eq!(found.is_some(), nothing, "{found:?}");
    }
}
