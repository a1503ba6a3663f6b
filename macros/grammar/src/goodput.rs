//! Limits on one request: `ttft:200 tpot:50 e2el:5000`; on one of a class: `batch/e2el:60s`.

use crate::{Mistake, Mistakes, class::ClassName, duration, slo::class_name};
use std::fmt;
use std::time::Duration;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:literal => $Metric:ident;)*) => {
        /// What a limit on one request may be set on. `itl` is not among them: it has no value per request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RequestMetric {
            $($(#[$doc])* $Metric,)*
        }

        impl RequestMetric {
            const ALL: &[RequestMetric] = &[$(RequestMetric::$Metric),*];

            /// The metric's name in the grammar and in results.
            pub fn name(self) -> &'static str {
                match self {
                    $(RequestMetric::$Metric => $name,)*
                }
            }
        }

        const KEYS: &[&str] = &[$($name),*];
    };
}

metrics! {
    /// Time to first token.
    "ttft" => Ttft;
    /// Time per output token, the first one excluded.
    "tpot" => Tpot;
    /// End-to-end latency.
    "e2el" => E2el;
}

/// One limit: the request is good only if its value is at most this (inclusive, as in vLLM).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// The limited quantity.
    pub metric: RequestMetric,
    /// The largest good value.
    pub at_most: Duration,
    /// The class of requests that it limits. `None` limits those of classes without limits of their own.
    pub class: Option<ClassName>,
}

impl fmt::Display for RequestMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(class) = self.class {
            write!(f, "{class}/")?;
        }
        write!(f, "{}:{}", self.metric, duration::format(self.at_most))
    }
}

/// Reads `ttft:200 tpot:50ms e2el:5s`: pairs separated by spaces or commas, bare numbers in
/// milliseconds. `batch/e2el:60s` limits requests of the class `batch`.
///
/// # Errors
/// Every pair that cannot be read, every metric limited twice (of which vLLM silently takes the
/// last), and an empty text.
pub fn parse(text: &str) -> Result<Vec<RequestLimit>, Mistakes> {
    let mut limits: Vec<RequestLimit> = Vec::new();
    let mut mistakes = Mistakes::new();
    let mut words = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_none() {
        mistakes.push(Mistake::new(
            "no limits are given; write pairs such as `ttft:200 tpot:50`",
        ));
    }
    while let Some(word) = words.next() {
        let Some((key, value)) = word.split_once(':') else {
            mistakes.push(without_colon(word));
            continue;
        };
        if value.is_empty()
            && let Some(next) = words.next_if(|next| next.starts_with(|c: char| c.is_ascii_digit()))
        {
            mistakes.push(Mistake::new(format!(
                "`{word} {next}` has a space in it; write `{word}{next}`"
            )));
            continue;
        }
        match pair(key, value) {
            Ok(limit)
                if limits
                    .iter()
                    .any(|other| (other.metric, other.class) == (limit.metric, limit.class)) =>
            {
                mistakes.push(Mistake::new(format!(
                    "`{key}` is limited twice; keep one (vLLM silently takes the last)"
                )));
            }
            Ok(limit) => limits.push(limit),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() {
        Ok(limits)
    } else {
        Err(mistakes)
    }
}

fn pair(key: &str, value: &str) -> Result<RequestLimit, Mistakes> {
    let mut mistakes = Mistakes::new();
    let (class, key) = match key.split_once('/') {
        Some((class, key)) => (Some(class_name(class)), key),
        None => (None, key),
    };
    let class = class.transpose().unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        None
    });
    let mut known = RequestMetric::ALL.iter().copied();
    let metric = known.find(|metric| metric.name() == key);
    if metric.is_none() {
        mistakes.push(match key {
            "itl" => Mistake::new(
                "`itl` has no value per request (a request has many gaps), so it cannot limit one; \
                 use `tpot` here, or limit the run with slo = \"p99(itl) < …\"",
            ),
            _ => Mistake::unknown("limit", key, KEYS),
        });
    }
    let at_most = if value.is_empty() {
        mistakes.push(Mistake::new(format!(
            "`{key}:` has no value; write `{key}:200` (milliseconds) or `{key}:200ms`"
        )));
        None
    } else {
        duration::parse_or_ms(value)
            .map_err(|mistake| mistakes.push(Mistake::new(format!("`{key}`: {mistake}"))))
            .ok()
    };
    match (metric, at_most) {
        (Some(metric), Some(at_most)) if mistakes.is_empty() => Ok(RequestLimit {
            metric,
            at_most,
            class,
        }),
        _ => Err(mistakes),
    }
}

fn without_colon(word: &str) -> Mistake {
    if let Some((key, value)) = word.split_once(['=', '<']) {
        let value = value.trim_start_matches('=');
        Mistake::new(format!("`{word}` lacks a colon; write `{key}:{value}`"))
    } else if KEYS.contains(&word) {
        Mistake::new(format!(
            "`{word}` has no value; write `{word}:200` (milliseconds) or `{word}:200ms`"
        ))
    } else if duration::parse(&format!("1{word}")).is_ok() {
        Mistake::new(format!(
            "`{word}` has no number; write the unit right after its number, as in `ttft:200{word}`"
        ))
    } else {
        Mistake::new(format!(
            "`{word}` is not a limit; write `key:milliseconds` with one of {}",
            KEYS.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn said(text: &str) -> Vec<String> {
        parse(text)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[rstest]
    #[case("ttft:200 tpot:50ms e2el:5s")]
    #[case("ttft:200,tpot:50,e2el:5000")]
    #[case(" ttft:0.2s ,\ttpot:50000us,, e2el:5000ms ")]
    fn reads(#[case] text: &str) {
        let limits = parse(text).unwrap();
        let shown: Vec<_> = limits.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["ttft:200ms", "tpot:50ms", "e2el:5s"]);
    }

    #[test]
    fn limits_of_classes() {
        let limits = parse("ttft:200 batch/ttft:2s batch/e2el:60s").unwrap();
        let shown: Vec<_> = limits.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["ttft:200ms", "batch/ttft:2s", "batch/e2el:60s"]);
    }

    #[rstest]
    #[case(
        "goodput/ttft:200",
        "a class cannot be named `goodput`, because it has a meaning in SLOs; take another name, such as `goodput-users`"
    )]
    #[case(
        "chat/ttft:200 chat/ttft:300",
        "`chat/ttft` is limited twice; keep one (vLLM silently takes the last)"
    )]
    #[case("", "no limits are given; write pairs such as `ttft:200 tpot:50`")]
    #[case(
        "ttfb:200",
        "unknown limit `ttfb`; did you mean `ttft`? Valid: ttft, tpot, e2el"
    )]
    #[case(
        "itl:20",
        "`itl` has no value per request (a request has many gaps), so it cannot limit one; use \
         `tpot` here, or limit the run with slo = \"p99(itl) < …\""
    )]
    #[case(
        "ttft:200 ttft:300",
        "`ttft` is limited twice; keep one (vLLM silently takes the last)"
    )]
    #[case(
        "ttft:",
        "`ttft:` has no value; write `ttft:200` (milliseconds) or `ttft:200ms`"
    )]
    #[case(
        "ttft",
        "`ttft` has no value; write `ttft:200` (milliseconds) or `ttft:200ms`"
    )]
    #[case("ttft: 200", "`ttft: 200` has a space in it; write `ttft:200`")]
    #[case("ttft<=200", "`ttft<=200` lacks a colon; write `ttft:200`")]
    #[case(
        "ttft:200 ms",
        "`ms` has no number; write the unit right after its number, as in `ttft:200ms`"
    )]
    #[case(
        "ttft:-1",
        "`ttft`: `-1` is negative; write a span of time of at least 0"
    )]
    #[case(
        "ttft:nan",
        "`ttft`: `nan` is not a span of time; write it like `200` or `200ms` or `1.5s`"
    )]
    #[case(
        "fast",
        "`fast` is not a limit; write `key:milliseconds` with one of ttft, tpot, e2el"
    )]
    fn refuses(#[case] text: &str, #[case] sentence: &str) {
        assert_eq!(said(text), [sentence]);
    }

    #[test]
    fn says_all_mistakes_at_once() {
        assert_eq!(said("ttfb:x itl:5 tpot:50 tpot:60").len(), 4);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ttft in 0..31_536_000_000_000_000_u64, e2el in 0..31_536_000_000_000_000_u64) {
            let limits = vec![
                RequestLimit { metric: RequestMetric::E2el, at_most: Duration::from_nanos(e2el), class: None },
                RequestLimit { metric: RequestMetric::Ttft, at_most: Duration::from_nanos(ttft), class: None },
            ];
            prop_assert_eq!(parse(&format!("{} {}", limits[0], limits[1])), Ok(limits));
        }

        #[test]
        fn nothing_panics(text in "[a-z0-9:=,. µ]{0,30}") {
            let _ = parse(&text);
        }
    }
}
