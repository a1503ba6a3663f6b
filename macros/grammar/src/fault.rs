//! What goes wrong at a simulated server, and when: `reset@5%, stall(2s)@req:10, status(503)@t:1s..2s,
//! status(429, retry_after = 3)@1%, tokens_per_chunk(4), crlf`.

mod read;
mod when;

pub use read::{parse, parse_one};
pub use when::When;

use crate::{call, duration};
use std::{fmt, time::Duration};

/// Bytes of a write of a slow drip, unless it says otherwise.
pub const DRIP_BYTES: u64 = 16;

/// One thing that goes wrong, and for which requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// For which requests.
    pub when: When,
}

/// What goes wrong.
///
/// `after` is the number of tokens that are sent before. It never reaches beyond the last token but
/// one, so that a fault shows in short answers too. Kinds that only change the form of a stream do
/// nothing to an answer in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `refuse`: a connection is closed before a byte goes over it. There is no request yet, so
    /// [`When::Requests`] counts connections.
    Refuse,
    /// `slow_headers(2s)`: the head of the answer comes this long after the request, and with it
    /// the tokens that were due until then.
    SlowHeaders(Duration),
    /// `stall`, `stall(2s, after = 3)`: silence for a time, then the rest, that much later; without
    /// a time, silence until the client leaves.
    Stall {
        /// `None` is for ever.
        time: Option<Duration>,
        /// Tokens before; default 1.
        after: u64,
    },
    /// `reset(after = 3)`: the connection is reset in the stream.
    Reset {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `cut(after = 3)`: the connection is closed in the middle of an event.
    Cut {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `end_early(after = 3)`: the answer ends as if it were complete, between two events, with
    /// neither a finish reason nor what marks its end. Streams only.
    EndEarly {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `truncated_utf8(after = 3)`: a token's text ends within a character.
    TruncatedUtf8 {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `error_event(after = 3, message = "out of memory")`: an answer that began with status 200
    /// ends with an error.
    ErrorEvent {
        /// Tokens before; default 1.
        after: u64,
        /// What it says; `None` is what vLLM says when its engine dies.
        message: Option<String>,
    },
    /// `status(503, body = "busy", retry_after = 3)`: an answer of 4xx or 5xx.
    Status {
        /// 400 to 599.
        code: u16,
        /// `None` is JSON in vLLM's form.
        body: Option<String>,
        /// The header `retry-after`, in seconds.
        retry_after: Option<u64>,
    },
    /// `no_usage`: token counts are not reported, though they were asked for.
    NoUsage,
    /// `wrong_usage(7)`: this is reported as the number of generated tokens.
    WrongUsage(u64),
    /// `no_done`: the stream ends without what marks its end: `[DONE]`, `message_stop`,
    /// `response.completed`, the text once more (TGI), `stop` (llama.cpp) or `done` (Ollama).
    NoDone,
    /// `duplicate(after = 3)`: an event is sent twice. Streams only.
    Duplicate {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `role_only(after = 3)`: one more event with a role and no text. Chat streams only.
    RoleOnly {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `empty(after = 3)`: one more event with an empty text. Streams only.
    Empty {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `usage_only(after = 3)`: one more event with usage and no text. Streams only; not with TGI,
    /// llama.cpp and Ollama, which have no such event.
    UsageOnly {
        /// Tokens before; default 1.
        after: u64,
    },
    /// `tokens_per_chunk(4)`: that many tokens to an event, sent when the last of them is ready.
    /// Streams only.
    TokensPerChunk(u64),
    /// `crlf`: lines end with CR LF. Streams only.
    Crlf,
    /// `drip(1ms, bytes = 16)`: an event is written bit by bit. Streams only.
    Drip {
        /// From one write to the next.
        every: Duration,
        /// Bytes in a write; default [`DRIP_BYTES`].
        bytes: u64,
    },
    /// `no_tokens`: an answer that is complete and holds no token.
    NoTokens,
}

/// The words for kinds, in the order of the documentation.
pub const KINDS: &[&str] = &[
    "refuse",
    "slow_headers",
    "stall",
    "reset",
    "cut",
    "end_early",
    "truncated_utf8",
    "error_event",
    "status",
    "no_usage",
    "wrong_usage",
    "no_done",
    "duplicate",
    "role_only",
    "empty",
    "usage_only",
    "tokens_per_chunk",
    "crlf",
    "drip",
    "no_tokens",
];

impl Kind {
    /// This for every request.
    pub fn always(self) -> Fault {
        self.when(When::Always)
    }

    /// This for some requests.
    pub fn when(self, when: When) -> Fault {
        Fault { kind: self, when }
    }

    /// Its word.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Refuse => "refuse",
            Kind::SlowHeaders(_) => "slow_headers",
            Kind::Stall { .. } => "stall",
            Kind::Reset { .. } => "reset",
            Kind::Cut { .. } => "cut",
            Kind::EndEarly { .. } => "end_early",
            Kind::TruncatedUtf8 { .. } => "truncated_utf8",
            Kind::ErrorEvent { .. } => "error_event",
            Kind::Status { .. } => "status",
            Kind::NoUsage => "no_usage",
            Kind::WrongUsage(_) => "wrong_usage",
            Kind::NoDone => "no_done",
            Kind::Duplicate { .. } => "duplicate",
            Kind::RoleOnly { .. } => "role_only",
            Kind::Empty { .. } => "empty",
            Kind::UsageOnly { .. } => "usage_only",
            Kind::TokensPerChunk(_) => "tokens_per_chunk",
            Kind::Crlf => "crlf",
            Kind::Drip { .. } => "drip",
            Kind::NoTokens => "no_tokens",
        }
    }

    /// What stands in its parentheses; defaults are left out.
    fn settings(&self) -> Vec<String> {
        let after = |after: u64| (after != 1).then(|| format!("after = {after}"));
        match self {
            Kind::SlowHeaders(time) => vec![duration::format(*time)],
            Kind::Stall { time, after: at } => {
                let time = time.map(duration::format);
                time.into_iter().chain(after(*at)).collect()
            }
            Kind::Reset { after: at }
            | Kind::Cut { after: at }
            | Kind::EndEarly { after: at }
            | Kind::TruncatedUtf8 { after: at }
            | Kind::Duplicate { after: at }
            | Kind::RoleOnly { after: at }
            | Kind::Empty { after: at }
            | Kind::UsageOnly { after: at } => Vec::from_iter(after(*at)),
            Kind::ErrorEvent { after: at, message } => {
                let message = message.as_deref().map(|text| setting("message", text));
                after(*at).into_iter().chain(message).collect()
            }
            Kind::Status {
                code,
                body,
                retry_after,
            } => {
                let body = body.as_deref().map(|text| setting("body", text));
                let retry = retry_after.map(|seconds| format!("retry_after = {seconds}"));
                [Some(code.to_string()), body, retry]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Kind::WrongUsage(tokens) | Kind::TokensPerChunk(tokens) => vec![tokens.to_string()],
            Kind::Drip { every, bytes } => {
                let bytes = (*bytes != DRIP_BYTES).then(|| format!("bytes = {bytes}"));
                [Some(duration::format(*every)), bytes]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Kind::Refuse | Kind::NoUsage | Kind::NoDone | Kind::Crlf | Kind::NoTokens => Vec::new(),
        }
    }
}

fn setting(name: &str, text: &str) -> String {
    format!("{name} = {}", call::quote(text))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.settings();
        f.write_str(self.name())?;
        match settings.as_slice() {
            [] => Ok(()),
            settings => write!(f, "({})", settings.join(", ")),
        }
    }
}

/// Written so that [`parse_one`] reads the same fault back.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Always => write!(f, "{}", self.kind),
            when => write!(f, "{}@{when}", self.kind),
        }
    }
}

/// Writes faults so that [`parse`] reads the same ones back.
pub fn format(faults: &[Fault]) -> String {
    let each: Vec<String> = faults.iter().map(ToString::to_string).collect();
    each.join(", ")
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
