//! The content of an answer, taken out of its framing.

use crate::record::RequestError;
use std::{cell::RefCell, fmt};
use ureq_proto::{
    BodyMode,
    client::{
        Call, RecvBodyResult, RecvResponseResult,
        state::{RecvBody, RecvResponse},
    },
};

/// Bytes of content that are taken out at a time.
const SPACE: usize = 64 << 10;

thread_local! {
    /// What they are taken out into: one for all connections of a thread, as they are used at once.
    static CONTENT: RefCell<Vec<u8>> = RefCell::new(vec![0; SPACE]);
}

/// What is still to come of an answer.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a request, and most of its life it is the large one"
)]
pub(super) enum Content {
    Coming {
        call: Call<RecvBody>,
        /// It ends where the connection ends.
        until_close: bool,
    },
    Ended {
        /// The connection may carry another request.
        reusable: bool,
    },
}

impl Content {
    /// What follows the head that `call` has read; `None` if it has not.
    pub(super) fn after(call: Call<RecvResponse>) -> Option<Self> {
        Some(match call.proceed()? {
            RecvResponseResult::RecvBody(call) => {
                let until_close = call.body_mode() == BodyMode::CloseDelimited;
                Content::Coming { call, until_close }
            }
            RecvResponseResult::Cleanup(call) => Content::Ended {
                reusable: !call.must_close_connection(),
            },
            RecvResponseResult::Redirect(call) => Content::Ended {
                reusable: !call.must_close_connection(),
            },
        })
    }

    /// Whether all of it came.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Content::Ended { .. })
    }

    /// Whether the connection may carry another request.
    pub(super) fn leaves_reusable(&self) -> bool {
        matches!(self, Content::Ended { reusable: true })
    }

    /// Shows what these bytes hold of the content, and says how many of them it needs no more.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut show: impl FnMut(&[u8]) -> Result<(), RequestError>,
    ) -> (usize, Result<(), RequestError>) {
        let Content::Coming { call, until_close } = self else {
            return (0, Ok(()));
        };
        let mut used = 0;
        let shown = CONTENT.with_borrow_mut(|content| {
            loop {
                let (taken, length) = call
                    .read(&bytes[used..], content)
                    .map_err(|e| not_http(&e))?;
                used += taken;
                if length > 0 {
                    show(&content[..length])?;
                }
                if taken == 0 && length == 0 {
                    return Ok(());
                }
            }
        });
        if !*until_close && call.can_proceed() {
            self.end();
        }
        (used, shown)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// There should have been more.
    pub(super) fn close(&mut self) -> Result<(), RequestError> {
        match self {
            Content::Coming {
                until_close: false, ..
            } => Err(RequestError::Truncated {
                message: "the connection was closed before the answer was complete".into(),
            }),
            _ => {
                self.end();
                Ok(())
            }
        }
    }

    fn end(&mut self) {
        let ended = Content::Ended { reusable: false };
        let Content::Coming { call, .. } = std::mem::replace(self, ended) else {
            return;
        };
        let reusable = match call.proceed() {
            Some(RecvBodyResult::Cleanup(call)) => !call.must_close_connection(),
            Some(RecvBodyResult::Redirect(call)) => !call.must_close_connection(),
            None => false,
        };
        *self = Content::Ended { reusable };
    }
}

/// What came is no answer of HTTP.
pub(super) fn not_http(why: &dyn fmt::Display) -> RequestError {
    RequestError::Malformed {
        message: format!("not HTTP: {why}"),
    }
}
