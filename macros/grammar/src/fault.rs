//! What goes wrong at a simulated server, and when: `reset@5%, stall(2s)@req:10, status(503)@t:1s..2s,
//! status(429, retry_after = 3)@1%, tokens_per_chunk(4), crlf`.

mod read;
mod setting;
mod when;

pub use read::{parse, parse_one};
pub use setting::DRIP_BYTES;
pub use when::When;

use setting::{After, AnySpan, Code, Count, DripBytes, Given, Setting, Span, Whole, Words};
use std::{fmt, time::Duration};

/// One thing that goes wrong, and for which requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// The requests that it hits.
    pub when: When,
}

macro_rules! faults {
    ($(
        $(#[$doc:meta])* $name:literal => $Kind:ident $({
            $($(#[$about:meta])* $field:ident: $Value:ty = $setting:expr,)*
        })?;
    )*) => {
        /// What goes wrong.
        ///
        /// `after` is the number of tokens that are sent before. It never reaches beyond the last token but
        /// one, so that a fault shows in short answers too. Kinds that only change the form of a stream do
        /// nothing to an answer in one piece.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $Kind $({ $($(#[$about])* $field: $Value,)* })?,)*
        }

        /// The words for kinds, in the order of the documentation.
        pub const KINDS: &[&str] = &[$($name),*];

        impl Kind {
            /// The fault's word.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Kind::$Kind { .. } => $name,)*
                }
            }

            /// What stands in its parentheses; defaults are left out.
            fn settings(&self) -> Vec<String> {
                let settings: Vec<Option<String>> = match self {
                    $(Kind::$Kind $({ $($field),* })? => vec![$($($setting.write($field)),*)?],)*
                };
                settings.into_iter().flatten().collect()
            }

            /// The kind of this word, whose settings are read; `None` if there is none.
            fn read(name: &str, given: &mut Given<'_>) -> Option<Kind> {
                Some(match name {
                    $($name => {
                        given.only(&[$($($setting.key()),*)?]);
                        Kind::$Kind $({ $($field: $setting.read(given)),* })?
                    })*
                    _ => return None,
                })
            }
        }
    };
}

// A new fault is a row here and an arm in the simulation, where `sim/disturb.rs` asks for it.
faults! {
    /// `refuse`: a connection is closed before a byte goes over it. There is no request yet, so
    /// [`When::Requests`] counts connections.
    "refuse" => Refuse;
    /// `slow_headers(2s)`: the head of the answer comes this long after the request, and with it
    /// the tokens that were due until then.
    "slow_headers" => SlowHeaders {
        /// From the request to the head.
        time: Duration = Span { example: "slow_headers(2s)" },
    };
    /// `stall`, `stall(2s, after = 3)`: silence for a time, then the rest, that much later; without
    /// a time, silence until the client leaves.
    "stall" => Stall {
        /// `None` is for ever.
        time: Option<Duration> = AnySpan,
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `reset(after = 3)`: the connection is reset in the stream.
    "reset" => Reset {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `cut(after = 3)`: the connection is closed in the middle of an event.
    "cut" => Cut {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `end_early(after = 3)`: the answer ends as if it were complete, between two events, with
    /// neither a finish reason nor what marks its end. Streams only.
    "end_early" => EndEarly {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `truncated_utf8(after = 3)`: a token's text ends within a character.
    "truncated_utf8" => TruncatedUtf8 {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `error_event(after = 3, message = "out of memory")`: an answer that began with status 200
    /// ends with an error.
    "error_event" => ErrorEvent {
        /// Tokens before; default 1.
        after: u64 = After,
        /// What it says; `None` is what vLLM says when its engine dies.
        message: Option<String> = Words("message"),
    };
    /// `status(503, body = "busy", retry_after = 3)`: an answer of 4xx or 5xx.
    "status" => Status {
        /// 400 to 599.
        code: u16 = Code,
        /// `None` is JSON in vLLM's form.
        body: Option<String> = Words("body"),
        /// The header `retry-after`, in seconds.
        retry_after: Option<u64> = Whole("retry_after"),
    };
    /// `no_usage`: token counts are not reported, though they were asked for.
    "no_usage" => NoUsage;
    /// `wrong_usage(7)`: this is reported as the number of generated tokens.
    "wrong_usage" => WrongUsage {
        /// What is reported.
        tokens: u64 = Count { least: 0, example: "wrong_usage(7)" },
    };
    /// `no_done`: the stream ends without what marks its end: `[DONE]`, `message_stop`,
    /// `response.completed`, the text once more (TGI), `stop` (llama.cpp) or `done` (Ollama).
    "no_done" => NoDone;
    /// `duplicate(after = 3)`: an event is sent twice. Streams only.
    "duplicate" => Duplicate {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `role_only(after = 3)`: one more event with a role and no text. Chat streams only.
    "role_only" => RoleOnly {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `empty(after = 3)`: one more event with an empty text. Streams only.
    "empty" => Empty {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `usage_only(after = 3)`: one more event with usage and no text. Streams only; not with TGI,
    /// llama.cpp and Ollama, which have no such event.
    "usage_only" => UsageOnly {
        /// Tokens before; default 1.
        after: u64 = After,
    };
    /// `tokens_per_chunk(4)`: that many tokens to an event, sent when the last of them is ready.
    /// Streams only.
    "tokens_per_chunk" => TokensPerChunk {
        /// Tokens of an event.
        tokens: u64 = Count { least: 1, example: "tokens_per_chunk(4)" },
    };
    /// `crlf`: lines end with CR LF. Streams only.
    "crlf" => Crlf;
    /// `drip(1ms, bytes = 16)`: an event is written bit by bit. Streams only.
    "drip" => Drip {
        /// From one write to the next.
        every: Duration = Span { example: "drip(1ms)" },
        /// Bytes in a write; default [`DRIP_BYTES`].
        bytes: u64 = DripBytes,
    };
    /// `invalid_answer`: an answer without the structure that the request asks for: words instead.
    "invalid_answer" => InvalidAnswer;
    /// `no_tokens`: an answer that is complete and holds no token.
    "no_tokens" => NoTokens;
}

impl Kind {
    /// This for every request.
    pub fn always(self) -> Fault {
        self.when(When::Always)
    }

    /// This for some requests.
    pub fn when(self, when: When) -> Fault {
        Fault { kind: self, when }
    }
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
mod tests;
