//! Which values of a result file are the same for both clients, and how near the measured ones must be.

/// What a key's values must be to each other.
pub enum Rule {
    /// Equal.
    Same,
    /// As many, and each empty where the other is: error texts are either's own words.
    SameWhereEmpty,
    /// Within this share of vLLM's value, or this much of it.
    Near(f64, f64),
    /// Arrays: the median distance between their items is at most so many seconds.
    ItemsNear(f64),
    /// Arrays of arrays: as many items in each, and the median distance is at most so many seconds.
    GapsNear(f64),
    /// Rates are equal; times are not looked at.
    Ramp,
    /// The time of the run itself.
    Any,
}

/// A Python client is late by some milliseconds, under load more so.
const SECONDS: f64 = 0.025;

pub fn rule(key: &str) -> Rule {
    match key {
        "date" => Rule::Any,
        "errors" => Rule::SameWhereEmpty,
        "rps_change_events" => Rule::Ramp,
        "ttfts" | "latencies" | "start_times" | "queue_times" => Rule::ItemsNear(SECONDS),
        "itls" => Rule::GapsNear(0.003),
        "max_concurrent_requests" => Rule::Near(0.2, 3.0),
        // Of the fullest second: where seconds begin decides as much as the server.
        "max_output_tokens_per_s" => Rule::Near(0.3, 5.0),
        // Which drafts are accepted is drawn, and hangs on when requests meet.
        "spec_decode_per_position_acceptance_rates" => Rule::ItemsNear(0.1),
        key if key.starts_with("spec_decode_") => Rule::Near(0.2, 0.0),
        "duration" => Rule::Near(0.05, 0.1),
        key if key.ends_with("throughput") || key == "request_goodput" => Rule::Near(0.1, 0.0),
        key if key.starts_with("std_") => Rule::Near(0.3, 30.0),
        key if key.ends_with("_itl_ms") || key.ends_with("_tpot_ms") => Rule::Near(0.1, 10.0),
        key if key.ends_with("_ms") => Rule::Near(0.1, SECONDS * 1e3),
        _ => Rule::Same,
    }
}
