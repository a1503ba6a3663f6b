//! Every fault against every backend; `cargo bench --bench faults` is the same with 10,000 requests each.

#[path = "../support/matrix.rs"]
mod support;

use goodput::grammar::{fault::KINDS, names::BACKENDS};
use rstest::rstest;
use support::{FAULTS, account};

fn requests(backend: &str) -> usize {
    match backend {
        "openai" | "openai-chat" => 1_000,
        _ => 100,
    }
}

/// In parts, which run side by side.
#[rstest]
fn every_request_is_accounted_for_once(#[values(0, 1, 2, 3, 4, 5)] part: usize) {
    for (fault, hit) in FAULTS.into_iter().skip(part).step_by(6) {
        for backend in BACKENDS {
            account(backend, fault, hit, requests(backend));
        }
    }
}

#[test]
fn every_kind_of_fault_is_tried() {
    for kind in KINDS {
        let tried = FAULTS.iter().any(|(fault, _)| word(fault) == *kind);
        assert!(tried, "tests/support/matrix.rs has no `{kind}`");
    }
}

fn word(fault: &str) -> &str {
    fault.split('(').next().unwrap()
}
