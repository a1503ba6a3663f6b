//! Exit codes of goodput's programs, in one place. `docs/ci.md` says what CI should do with each.
//!
//! The command exits with the first five. A test binary and a benchmark target exit as libtest does, because cargo and nextest
//! know its codes.
//!
//! ```
//! use goodput::{Bench, exit_code};
//!
//! let slow = Bench::new("slow").target("sim(ttft = 400ms)").slo("max(ttft) < 300ms");
//! assert_eq!(slow.run_blocking()?.verdict().exit_code(), exit_code::FAIL);
//! # Ok::<(), goodput::Error>(())
//! ```

/// The bench passed, has no verdict because nothing was demanded, or does not apply here.
pub const PASS: u8 = 0;
/// An SLO was missed, a comparison shows a regression, or the bench's own function returned an error.
pub const FAIL: u8 = 1;
/// Flags, settings or files are unusable, and nothing was sent.
pub const UNUSABLE: u8 = 2;
/// The run has too little evidence to decide.
pub const INCONCLUSIVE: u8 = 3;
/// The run says nothing about the server: the client, the machine or the network did not deliver the plan, the server did not
/// answer, a signal ended the run, or a result could not be written.
pub const INVALID: u8 = 4;
/// A benchmark target in which a bench did not pass: libtest's code for failed tests.
pub const TESTS_FAILED: u8 = 101;
/// A second signal ended the process at once. The signal's number is added, as shells do.
pub const BY_SIGNAL: u8 = 128;

/// The codes of a verdict from the best to the worst: the code of several benches is their worst one. Unusable input comes before
/// a failure, and a failure before a run that says nothing, which must not hide it.
pub(crate) const BEST_FIRST: [u8; 5] = [PASS, INCONCLUSIVE, INVALID, FAIL, UNUSABLE];

/// The worst of several exit codes.
pub(crate) fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let place = |code: &u8| BEST_FIRST.iter().position(|other| other == code);
    codes.max_by_key(place).unwrap_or(PASS)
}
