//! Limits in the unit of what they limit, and limits that no run can keep.

use super::{Op, Subject};
use crate::{Mistake, call, duration, growth, search::Over};

/// Reads the limit in its subject's unit.
pub(super) fn amount(subject: Subject, item: &str, value: &str) -> Result<f64, Mistake> {
    let say = |sentence: String| Err(Mistake::new(format!("`{item}`: {sentence}")));
    match subject {
        Subject::Latency(..) if value.ends_with('%') => say(format!(
            "a percentage limits `goodput` or `errors`; `{subject}` takes a time, such as `300ms`"
        )),
        Subject::Latency(..)
            if call::number(value).is_some_and(|bare| bare > 0.0 && bare < 1.0) =>
        {
            say(format!(
                "a number alone is in milliseconds, so `{value}` is less than one; write `{value}s` or \
                 `{value}ms`"
            ))
        }
        Subject::Latency(..) => match duration::parse_or_ms(value) {
            // Nanoseconds, so that `0.1ms` is the `f64` 0.1 exactly as if it were parsed as one.
            Ok(span) => Ok(span.as_nanos() as f64 / 1e6),
            Err(mistake) => say(mistake.0),
        },
        Subject::Max(over) => match call::number(value) {
            Some(number) if over == Over::Rate || number.fract() == 0.0 => Ok(number),
            _ => say(format!(
                "`{value}` is not a {}; write a plain number, such as `{}`",
                over.name(),
                subject.example()
            )),
        },
        Subject::Throughput(_) => match call::number(value) {
            Some(number) => Ok(number),
            None => say(format!(
                "`{value}` is not a number; throughput is per second already, so write a plain \
                 number, such as `1000`"
            )),
        },
        Subject::Jain => match call::number(value) {
            Some(number) if number <= 1.0 => Ok(number),
            _ => say(format!(
                "`{value}` is not an index of fairness; write a number from 0 to 1, such as `0.9`"
            )),
        },
        Subject::Drift(_) => growth::parse(value).or_else(|mistake| say(mistake.0)),
        Subject::Goodput
        | Subject::Errors
        | Subject::Cached
        | Subject::Valid
        | Subject::QueueGrowth
        | Subject::Warm(_) => {
            let (digits, percent) = match value.strip_suffix('%') {
                Some(digits) => (digits.trim(), true),
                None => (value, false),
            };
            // A later round may take longer than the first.
            let unbounded = matches!(subject, Subject::Warm(_));
            match (call::number(digits), percent) {
                (Some(number), true) if number <= 100.0 || unbounded => Ok(number / 100.0),
                (Some(_), false) if digits == "1" => {
                    say("`1` could be 1 % or all; write `1%` or `100%`".to_owned())
                }
                (Some(number), false) if number <= 1.0 || unbounded => Ok(number),
                (Some(number), false) if number <= 100.0 => say(format!(
                    "`{value}` is above 1, the whole; did you mean `{value}%`?"
                )),
                (Some(_), _) => say(format!("`{value}` is more than all, `100%`")),
                (None, _) => say(format!(
                    "`{value}` is not a share; write a percentage, such as `{}`, or a ratio from 0 to 1",
                    subject.example()
                )),
            }
        }
    }
}

/// Refuses limits that no run can keep.
pub(super) fn check_reach(subject: Subject, op: Op, limit: f64, item: &str) -> Result<(), Mistake> {
    let instead = match (subject, op) {
        (Subject::Goodput, Op::Gt) if limit >= 1.0 => "goodput >= 100%",
        (Subject::Errors, Op::Lt) if limit <= 0.0 => "errors <= 0%",
        (Subject::Cached, Op::Gt) if limit >= 1.0 => "cached >= 100%",
        (Subject::Jain, Op::Gt) if limit >= 1.0 => "jain(tokens) >= 1",
        (Subject::Drift(_), Op::Lt) if limit <= 0.0 => {
            return Err(Mistake::new(format!(
                "`{item}` asks for something that shrinks; write a share above 0, such as `5%/h`"
            )));
        }
        (Subject::Valid, Op::Gt) if limit >= 1.0 => "valid >= 100%",
        (Subject::QueueGrowth, _) if limit <= 0.0 => "queue_growth < 2%",
        (Subject::Max(_), _) if limit <= 0.0 => {
            return Err(Mistake::new(format!(
                "`{item}` always holds; write a number above 0"
            )));
        }
        (Subject::Latency(..), _) if limit <= 0.0 => {
            return Err(Mistake::new(format!(
                "`{item}` can never hold; write a time above 0"
            )));
        }
        (Subject::Warm(_), _) if limit <= 0.0 => {
            return Err(Mistake::new(format!(
                "`{item}` can never hold; write a share above 0, such as `50%`"
            )));
        }
        _ => return Ok(()),
    };
    Err(Mistake::new(format!(
        "`{item}` can never hold; write `{instead}`"
    )))
}
