//! Mocks as the target of a bench.

use super::Front;
use crate::targets::{Guard, Opened, Target, TargetError};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{Arc, Once},
    thread,
};
use wiremock::{Mock, MockServer};

/// Maximum number of kinds of requests that a message names.
const KINDS: usize = 5;

/// Target with mocks: each run gets a new `MockServer` with streaming in front. The bench verifies
/// expectations (`expect`) after the run, and an unmet expectation fails it. Met expectations alone do not
/// make it pass: there is *no verdict* without an SLO or a function that checks the report.
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
    /// Creates a target with these mocks, mounted in order.
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
        let received = received(&server);
        // wiremock verifies when the server is dropped, and panics with the unmet expectations.
        quietly(|| drop(server)).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            complaint(text.unwrap_or_default(), &received)
        })
    }
}

/// Formats wiremock's message about expectations in one line. wiremock would print the requests with their
/// bodies; this counts them by kind.
fn complaint(text: &str, received: &str) -> String {
    let start = text.strip_prefix("Verifications failed:").unwrap_or(text);
    let ends = [
        "\nReceived requests:",
        "\nThe server did not",
        "\nEnable request recording",
    ];
    let end = ends.iter().filter_map(|end| start.find(end)).min();
    let mocks = start[..end.unwrap_or(start.len())].split("\n- ");
    let one = |mock: &str| {
        let lines = mock.lines().map(|line| line.trim().trim_end_matches('.'));
        lines
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mocks: Vec<String> = mocks.map(one).filter(|mock| !mock.is_empty()).collect();
    format!(
        "expectations of the wiremock server were not met: {}. {received}",
        mocks.join("; ")
    )
}

/// Formats `It received 19 × POST /v1/chat/completions`.
fn received(server: &MockServer) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let requests = runtime
        .ok()
        .and_then(|runtime| runtime.block_on(server.received_requests()));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests.into_iter().flatten() {
        *kinds
            .entry(format!("{} {}", request.method, request.url.path()))
            .or_default() += 1;
    }
    let more = kinds.len().saturating_sub(KINDS);
    let mut told: Vec<String> = kinds
        .iter()
        .take(KINDS)
        .map(|(kind, n)| format!("{n} × {kind}"))
        .collect();
    match (told.is_empty(), more) {
        (true, _) => return "It received nothing".to_owned(),
        (_, 0) => {}
        (_, more) => told.push(format!("requests to {more} other paths")),
    }
    format!("It received {}", told.join(", "))
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Catches a panic without printing it: the text is part of the error.
fn quietly(act: impl FnOnce()) -> thread::Result<()> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                hook(info);
            }
        }));
    });
    QUIET.set(true);
    let acted = catch_unwind(AssertUnwindSafe(act));
    QUIET.set(false);
    acted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_a_line_without_bodies() {
        let text = "Verifications failed:\n- Mock #0.\n\tExpected range of matching incoming requests: == 25\n\t\
                    Number of matched incoming requests: 19\n- switch.\n\tExpected range of matching incoming \
                    requests: == 1\n\tNumber of matched incoming requests: 0\n\nReceived requests:\n- Request #1\n\t\
                    POST http://127.0.0.1:1/v1/completions\nsecret: body";
        insta::assert_snapshot!(
            complaint(text, "It received 19 × POST /v1/completions"),
            @"expectations of the wiremock server were not met: Mock #0, Expected range of matching incoming requests: == 25, Number of matched incoming requests: 19; switch, Expected range of matching incoming requests: == 1, Number of matched incoming requests: 0. It received 19 × POST /v1/completions"
        );
    }
}
