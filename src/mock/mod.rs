//! Streaming for [wiremock]'s `MockServer`, which by itself answers only with whole bodies.
//!
//! Mount [`StreamTemplate`]s like any responder; matchers, `expect`, recording and verification work as
//! before. Then start a [`Front`] and send the requests to its URL: it forwards them to the `MockServer`
//! and replays streams event by event, at `arrival + ttft + i · itl` of the real clock. Without the front
//! the same mock sends the whole stream at once.
//!
//! ```no_run
//! use goodput::mock::{Front, StreamTemplate};
//! use std::time::Duration;
//! use wiremock::{Mock, MockServer, matchers::{method, path}};
//!
//! # async fn example() -> std::io::Result<()> {
//! let mocks = MockServer::start().await;
//! Mock::given(method("POST"))
//!     .and(path("/v1/chat/completions"))
//!     .respond_with(StreamTemplate::chat().tokens(20).ttft(Duration::from_millis(80)))
//!     .expect(5)
//!     .mount(&mocks)
//!     .await;
//! let front = Front::start(&mocks)?;
//! // Send five requests to `front.url()`; `mocks` verifies the number when it is dropped.
//! # Ok(())
//! # }
//! ```

mod front;
mod schedule;
mod target;
mod template;

pub use front::Front;
pub use target::MockTarget;
pub use template::StreamTemplate;
