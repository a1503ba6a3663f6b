//! Mounted mocks as the target of a bench.

use super::Front;
use crate::target::{Guard, Opened, Target, TargetError};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use wiremock::{Mock, MockServer};

/// A `MockServer` of its own for each run, with streaming in front. Expectations (`expect`) are
/// verified after the run; one that is not met fails the bench.
///
/// ```
/// use goodput::{Bench, mock::{MockTarget, StreamTemplate}};
/// use std::time::Duration;
/// use wiremock::{Mock, matchers::path};
///
/// let target = MockTarget::new(|| {
///     let answer = StreamTemplate::chat().tokens(4).ttft(Duration::from_millis(5));
///     vec![Mock::given(path("/v1/chat/completions")).respond_with(answer).expect(3)]
/// });
/// let report = Bench::new("mocked")
///     .target(target)
///     .backend("openai-chat")
///     .model("any")
///     .requests(3)
///     .run_blocking()?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), goodput::Error>(())
/// ```
#[derive(Clone)]
pub struct MockTarget {
    mocks: Arc<dyn Fn() -> Vec<Mock> + Send + Sync>,
}

impl MockTarget {
    /// A server with these mocks, mounted in order.
    pub fn new(mocks: impl Fn() -> Vec<Mock> + Send + Sync + 'static) -> Self {
        MockTarget {
            mocks: Arc::new(mocks),
        }
    }
}

impl fmt::Debug for MockTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockTarget").finish_non_exhaustive()
    }
}

impl Target for MockTarget {
    fn describe(&self) -> String {
        "a wiremock server".to_owned()
    }

    fn has_metrics(&self) -> bool {
        false
    }

    fn open(&self) -> Result<Opened, TargetError> {
        let failed = |e: std::io::Error| {
            TargetError::Failed(format!("cannot start the wiremock server: {e}"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            for mock in (self.mocks)() {
                mock.mount(&server).await;
            }
            server
        });
        let front = Front::start(&server).map_err(failed)?;
        Ok(Opened::at(&front.url())?.with_guard(Mounted { front, server }))
    }
}

struct Mounted {
    front: Front,
    server: MockServer,
}

impl Guard for Mounted {
    fn close(self: Box<Self>) -> Result<(), String> {
        let Mounted { front, server } = *self;
        drop(front);
        // wiremock verifies when the server is dropped, and says what is not met by a panic.
        catch_unwind(AssertUnwindSafe(|| drop(server))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| "an expectation of the wiremock server was not met".to_owned())
        })
    }
}
