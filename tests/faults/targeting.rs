//! Faults hit what they are meant for, on pipes and on a port, and nothing else.

use super::bench;
use goodput::{Simulation, record::RequestError};
use rstest::rstest;

#[test]
fn only_the_requests_that_are_meant_are_hit() {
    let faults = "reset@req:3..5, status(503)@t:1s..1500ms, no_tokens@10%";
    let report = bench(faults)
        .requests(60)
        .rate(20)
        .burstiness(f64::INFINITY)
        .run_blocking()
        .unwrap();
    let hit = |is: fn(&RequestError) -> bool| -> Vec<usize> {
        let records = report.run().records.iter();
        records
            .filter(|record| record.error.as_ref().is_some_and(is))
            .map(|record| record.index)
            .collect()
    };
    // One request each 50 ms, the first after 50 ms.
    assert_eq!(hit(|e| matches!(e, RequestError::Truncated { .. })), [3, 4]);
    assert_eq!(
        hit(|e| matches!(e, RequestError::Status { .. })),
        (19..29).collect::<Vec<_>>()
    );
    let empty = hit(|e| matches!(e, RequestError::NoTokens));
    assert!((1..15).contains(&empty.len()), "{empty:?}");
}

#[test]
fn a_refused_connection_does_not_spoil_the_next() {
    let report = bench("refuse@req:0..2")
        .requests(4)
        .max_concurrency(1)
        .run_blocking()
        .unwrap();
    let errors: Vec<_> = (report.run().records.iter())
        .map(|record| record.error.clone().map(|error| error.to_string()))
        .collect();
    assert!(errors[0].is_some() && errors[1].is_some(), "{errors:?}");
    assert_eq!(errors[2..], [None, None]);
}

/// Over TCP a reset is one, and a cut is not.
#[rstest]
#[case::reset("reset(after = 2)@req:1", "reset", 2)]
#[case::cut("cut(after = 2)@req:1", "closed before the answer was complete", 2)]
fn on_a_port(#[case] faults: &str, #[case] told: &str, #[case] events: usize) {
    let server = Simulation::new().on_real_clock().faults(faults);
    let report = bench("crlf@req:0")
        .target(server)
        .requests(3)
        .max_concurrency(1)
        .run_blocking()
        .unwrap();
    assert_eq!(report.completed(), 2, "{report}");
    let record = &report.run().records[1];
    let Some(RequestError::Truncated { message }) = &record.error else {
        panic!("{record:?}");
    };
    assert!(message.contains(told), "{message}");
    assert_eq!(record.events.len(), events);
}
