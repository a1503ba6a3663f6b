//! Dates for stored files and messages.

use std::time::{SystemTime, UNIX_EPOCH};

/// Today's date in UTC, such as `2023-11-14`.
pub(crate) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut date = rfc3339(since.map_or(0, |since| since.as_secs()));
    date.truncate("2023-11-14".len());
    date
}

/// Formats Unix seconds as `2023-11-14T22:13:20Z`.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // In years that start on the first of March, leap days come last: in a year, in four, in a hundred and
    // in four hundred years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, late) = match month {
        0..10 => (month + 3, 0),
        _ => (month - 9, 1),
    };
    let year = era * 400 + year + late;
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Dates as `date -u -d @SECONDS` prints them.
    #[rstest]
    #[case(0, "1970-01-01T00:00:00Z")]
    #[case(951_782_399, "2000-02-28T23:59:59Z")]
    #[case(951_782_400, "2000-02-29T00:00:00Z")]
    #[case(1_700_000_000, "2023-11-14T22:13:20Z")]
    #[case(1_709_251_199, "2024-02-29T23:59:59Z")]
    #[case(4_107_542_400, "2100-03-01T00:00:00Z")]
    fn dates(#[case] seconds: u64, #[case] date: &str) {
        assert_eq!(rfc3339(seconds), date);
    }
}
