//! Requests that were measured: the detailed result file of `goodput serve` or of vLLM.
//!
//! What is drawn is a whole request, its gaps in their order: bursts, in which gaps of 0 follow a long
//! one, and requests that are slow all the way stay what they are. Values are never interpolated,
//! which would put gaps between 0 and a step of the engine that no engine ever makes.

use crate::{files::text, paths::looked_in};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{io, path::Path, time::Duration};

/// What was measured of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) ttft: Duration,
    /// The gaps between its tokens, in order.
    pub(super) gaps: Vec<Duration>,
}

/// The requests of a file that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The requests, at least one.
    pub(super) requests: Vec<Measured>,
    /// The indices of those that have gaps.
    pub(super) with_gaps: Vec<usize>,
}

/// The fields that are needed; each is read on its own, so that errors name it.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct Fields<'a> {
    #[serde(borrow)]
    ttfts: Option<&'a RawValue>,
    #[serde(borrow)]
    itls: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

impl Recorded {
    /// Reads a file. Several results in it, as `--append-result` writes them, count as one.
    ///
    /// # Errors
    /// The text says what is wrong in the file.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let text = text::read(Path::new(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("there is no such file{}", looked_in(Path::new(path)))
            }
            _ => format!("the file cannot be read: {error}"),
        })?;
        Recorded::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut requests = Vec::new();
        for fields in serde_json::Deserializer::from_str(text).into_iter::<Fields<'_>>() {
            let fields = fields.map_err(|error| {
                format!("the file is not a result file in JSON: {error}. Record one with --save-result --save-detailed")
            })?;
            measured(&fields, &mut requests)?;
        }
        if requests.is_empty() {
            return Err("the file has no request that succeeded; record a run that has".to_owned());
        }
        let with_gaps = requests.iter().enumerate();
        let with_gaps = with_gaps.filter(|(_, measured)| !measured.gaps.is_empty());
        Ok(Recorded {
            with_gaps: with_gaps.map(|(index, _)| index).collect(),
            requests,
        })
    }
}

/// Adds the requests of one result.
fn measured(fields: &Fields<'_>, requests: &mut Vec<Measured>) -> Result<(), String> {
    let ttfts: Vec<f64> = column("ttfts", fields.ttfts)?;
    let itls: Vec<Vec<f64>> = column("itls", fields.itls)?;
    let errors: Option<Vec<Option<String>>> = match fields.errors {
        None => None,
        given => Some(column("errors", given)?),
    };
    let lengths = [
        Some(ttfts.len()),
        Some(itls.len()),
        errors.as_ref().map(Vec::len),
    ];
    if lengths
        .iter()
        .flatten()
        .any(|length| *length != ttfts.len())
    {
        return Err(format!(
            "`ttfts`, `itls` and `errors` must have an entry for each request, and have {}; record \
             the run again",
            lengths
                .iter()
                .flatten()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    for (index, (ttft, gaps)) in ttfts.into_iter().zip(itls).enumerate() {
        let succeeded = match &errors {
            Some(errors) => errors[index].as_deref().unwrap_or_default().is_empty(),
            // What vLLM writes for a request that got no token.
            None => ttft > 0.0,
        };
        if succeeded {
            let gaps = gaps.into_iter().enumerate();
            requests.push(Measured {
                ttft: seconds(ttft, || format!("ttfts[{index}]"))?,
                gaps: gaps
                    .map(|(gap, value)| seconds(value, || format!("itls[{index}][{gap}]")))
                    .collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(())
}

fn column<'a, T: Deserialize<'a>>(name: &str, given: Option<&'a RawValue>) -> Result<T, String> {
    let given = given.ok_or_else(|| {
        format!("the file has no `{name}`; record the run with --save-detailed, which keeps them")
    })?;
    serde_json::from_str(given.get()).map_err(|error| {
        format!(
            "`{name}` cannot be read: {error} in the field. It must be as --save-detailed writes it"
        )
    })
}

fn seconds(value: f64, place: impl FnOnce() -> String) -> Result<Duration, String> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| format!("`{}` is {value}; times are seconds of at least 0", place()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn requests_that_failed_are_left_out() {
        let text = r#"{"date": "x", "ttfts": [0.05, 0.0, 0.07, 0.08], "itls": [[0.01, 0], [], [], [0.5]],
            "errors": ["", "HTTP status 500", null, "the stream ended early"]}"#;
        let recorded = Recorded::parse(text).unwrap();
        let measured = |ttft, gaps: &[Duration]| Measured {
            ttft,
            gaps: gaps.to_vec(),
        };
        let expected = [measured(ms(50), &[ms(10), ms(0)]), measured(ms(70), &[])];
        assert_eq!(recorded.requests, expected);
        assert_eq!(recorded.with_gaps, [0]);
    }

    #[test]
    fn without_errors_a_request_without_tokens_failed() {
        let text = r#"{"ttfts": [0.05, 0.0], "itls": [[], []]}"#;
        assert_eq!(Recorded::parse(text).unwrap().requests.len(), 1);
    }

    #[test]
    fn appended_results_are_one() {
        let line = r#"{"ttfts": [0.05], "itls": [[0.01]], "errors": [""]}"#;
        let recorded = Recorded::parse(&format!("{line}\n{line}")).unwrap();
        assert_eq!(
            (recorded.requests.len(), recorded.with_gaps),
            (2, vec![0, 1])
        );
    }

    /// A detailed result that vLLM's own code made; 3 of its 40 requests failed.
    #[test]
    fn the_results_of_vllm_are_read() {
        let golden = include_str!("../../../fixtures/metrics/open_loop_with_failures.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let recorded = Recorded::parse(&golden["result"].to_string()).unwrap();
        assert_eq!(recorded.requests.len(), 37);
        assert_eq!(recorded.requests[0].ttft, Duration::from_nanos(281_318_676));
        assert_eq!(
            recorded.requests[2].gaps[0],
            Duration::from_nanos(11_860_348)
        );
    }

    #[rstest]
    #[case::no_json(
        "{",
        "the file is not a result file in JSON: EOF while parsing an object at line 1 column 1. Record one with --save-result --save-detailed"
    )]
    #[case::no_object(
        "[1]",
        "the file is not a result file in JSON: invalid length 1, expected a JSON object at line 1 column 3. Record one with --save-result --save-detailed"
    )]
    #[case::not_detailed(
        r#"{"completed": 3}"#,
        "the file has no `ttfts`; record the run with --save-detailed, which keeps them"
    )]
    #[case::no_gaps(
        r#"{"ttfts": [1]}"#,
        "the file has no `itls`; record the run with --save-detailed, which keeps them"
    )]
    #[case::text(
        r#"{"ttfts": [1], "itls": [["x"]]}"#,
        "`itls` cannot be read: invalid type: string \"x\", expected f64 at line 1 column 5 in the field. It must be as --save-detailed writes it"
    )]
    #[case::lengths(
        r#"{"ttfts": [1, 2], "itls": [[]], "errors": ["", ""]}"#,
        "`ttfts`, `itls` and `errors` must have an entry for each request, and have 2, 1, 2; record the run again"
    )]
    #[case::negative(
        r#"{"ttfts": [1], "itls": [[0.5, -1]]}"#,
        "`itls[0][1]` is -1; times are seconds of at least 0"
    )]
    #[case::all_failed(
        r#"{"ttfts": [0], "itls": [[]]}"#,
        "the file has no request that succeeded; record a run that has"
    )]
    #[case::empty("", "the file has no request that succeeded; record a run that has")]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(Recorded::parse(text).unwrap_err(), said);
    }
}
