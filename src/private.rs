//! Support for the code that `#[llm_bench]` writes. Not for users; may change at any time.

pub use crate::harness::{Case, Check, Entry, Outcome, run_test};
pub use goodput_macros::rstest_case;
#[cfg(feature = "insta")]
pub use insta;
pub use inventory;

/// Runs the body of an `async fn` bench, which is called after the run.
///
/// # Panics The system refuses a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    #[expect(clippy::expect_used, reason = "a test without a runtime cannot go on")]
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the bench's async function")
        .block_on(future)
}
