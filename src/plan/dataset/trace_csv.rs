//! Traces of Azure and BurstGPT: when requests came and how long they were, but not what they asked. The header shows
//! which one a file is. Times count from the first row.

use super::{
    complaints::{self, Complaints},
    table,
    trace_event::Event,
};
use crate::plan::PlanError;
use std::path::Path;

const AZURE: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];
const BURSTGPT: [&str; 3] = ["Timestamp", "Request tokens", "Response tokens"];

pub(super) fn load(path: &Path) -> Result<Vec<Event>, PlanError> {
    let text = complaints::read(path)?;
    let header = table::header(&text);
    let (columns, time): (_, fn(&str) -> Option<f64>) = if header.contains(&AZURE[0]) {
        (AZURE, |cell| date(cell).map(|nanos| nanos as f64 / 1e9))
    } else {
        (BURSTGPT, |cell| {
            cell.parse().ok().filter(|at: &f64| at.is_finite())
        })
    };
    if !header.contains(&columns[0]) {
        return Err(complaints::whole_file(
            path,
            format!(
                "has the columns {}, which no known trace has. Azure's has {}, BurstGPT's {}; \
                 write others as JSON lines, as Mooncake does",
                header.join(", "),
                AZURE.join(", "),
                BURSTGPT.join(", ")
            ),
        ));
    }
    let mut complaints = Complaints::about(path);
    let mut events: Vec<Event> = Vec::new();
    for line in table::read(path, &text, &columns)? {
        let [at, input, output] = line.cells;
        let at = time(at).ok_or_else(|| {
            let column = columns[0];
            format!("column `{column}` is `{at}`, not a time like `2023-11-16 18:15:46.68` (Azure) or `118` (BurstGPT)")
        });
        let input = table::whole(columns[1], input);
        let output = table::whole(columns[2], output);
        match (at, input, output) {
            (Ok(at), Ok(input), Ok(output)) => events.push(Event {
                at,
                input,
                output,
                chunks: None,
            }),
            (at, input, output) => {
                for mistake in [at.err(), input.err(), output.err()].into_iter().flatten() {
                    complaints.add(&line.place, &mistake);
                }
            }
        }
    }
    complaints.check()?;
    let first = events.iter().map(|event| event.at).min_by(f64::total_cmp);
    match first {
        Some(first) => events.iter_mut().for_each(|event| event.at -= first),
        None => return Err(complaints::whole_file(path, "has no row below its header")),
    }
    Ok(events)
}

/// Nanoseconds since 2000 of `2023-11-16 18:15:46.6805900`, with or without an offset to UTC.
pub(super) fn date(text: &str) -> Option<i64> {
    let (day, clock) = text.split_once([' ', 'T'])?;
    // No part of a date is beyond these, so no sum of them overflows.
    let part = |text: &str| {
        text.parse::<i64>()
            .ok()
            .filter(|part| (0..=9_999).contains(part))
    };
    let mut day = day.split('-').map(part);
    let (year, month, day) = (day.next()??, day.next()??, day.next()??);
    let (clock, offset) = match clock.find(['+', '-', 'Z']) {
        Some(at) => clock.split_at(at),
        None => (clock, ""),
    };
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        Some(part(hours)? * 60 + part(minutes)?)
    };
    let offset = match offset {
        "" | "Z" => 0,
        _ => minutes(&offset[1..])? * if offset.starts_with('-') { -1 } else { 1 },
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let (clock, seconds) = clock.rsplit_once(':')?;
    let digits = format!("{fraction:0<9}");
    let nanos: i64 = digits.get(..9)?.parse().ok()?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    let seconds = (days(year, month, day) * 1440 + minutes(clock)? - offset) * 60 + part(seconds)?;
    valid.then(|| seconds.checked_mul(1_000_000_000)?.checked_add(nanos))?
}

/// Days since 2000-03-01 in the Gregorian calendar: months are counted from March, so that leap
/// days end a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = match month {
        1 | 2 => (year - 2001, month + 9),
        _ => (year - 2000, month - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{fixture, scratch};
    use rstest::rstest;

    #[rstest]
    #[case("azure_2023.csv", &[(0.0, 374, 44), (4.314579, 39, 10), (13.31941, 7, 1)])]
    #[case("azure_2024.csv", &[(0.0, 21, 5), (0.5, 16, 5)])]
    #[case(
        "burstgpt.csv",
        &[(0.0, 472, 18), (40.0, 108, 23), (113.0, 41, 27), (125.0, 30, 0), (140.0, 7, 12)]
    )]
    fn published_traces_are_read(#[case] name: &str, #[case] first: &[(f64, u64, u64)]) {
        let events = load(&fixture("datasets").join(name)).unwrap();
        for (event, (at, input, output)) in events.iter().zip(first) {
            assert!((event.at - at).abs() < 1e-6, "{event:?} {at}");
            assert_eq!((event.input, event.output), (*input, *output));
        }
        assert!(events.len() >= first.len());
    }

    #[rstest]
    #[case::of_no_calendar("9223372036854775807-01-01 00:00:00")]
    #[case::without_an_offset("2024-05-10 00:00:00+-9223372036854775808:00")]
    #[case::of_another_clock("2024-05-10 9223372036854775807:00:00")]
    fn no_number_is_too_large_for_a_date(#[case] text: &str) {
        assert_eq!(date(text), None);
    }

    #[rstest]
    #[case("2024-02-29 23:59:59", "2024-03-01 00:00:00", 1)]
    #[case("2023-02-28 23:59:59", "2023-03-01 00:00:00", 1)]
    #[case("2023-12-31 23:59:59", "2024-01-01 00:00:00", 1)]
    #[case("2023-01-01 00:00:00", "2024-01-01 00:00:00", 365 * 86_400)]
    #[case("2024-01-01 00:00:00", "2025-01-01 00:00:00", 366 * 86_400)]
    #[case("2024-05-10 02:00:00+02:00", "2024-05-10 00:00:01Z", 1)]
    #[case("2024-05-09 22:00:00-02:00", "2024-05-10 00:00:01+00:00", 1)]
    fn dates_go_on_over_days(#[case] one: &str, #[case] later: &str, #[case] seconds: i64) {
        let apart = date(later).unwrap() - date(one).unwrap();
        assert_eq!(apart, seconds * 1_000_000_000);
    }

    #[rstest]
    #[case("a,b\n1,2\n", "has the columns a, b, which no known trace has")]
    #[case("TIMESTAMP,ContextTokens\n", "has no column `GeneratedTokens`")]
    #[case(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n",
        "has no row below its header"
    )]
    #[case(
        "TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,x\n",
        "line 2: column `TIMESTAMP` is `noon`, not a time"
    )]
    #[case(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,x\n",
        "line 2: column `GeneratedTokens` is `x`"
    )]
    fn bad_files_are_told_by_line_and_column(#[case] content: &str, #[case] said: &str) {
        let folder = scratch();
        let error = load(&folder.file("t.csv", content)).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
