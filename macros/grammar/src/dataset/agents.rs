//! `agents("trace.jsonl")`: recorded sessions of agents.

use super::{
    recorded::{length, positive},
    settings::{Write, settings},
};
use crate::{Mistake, call::Arg, duration};
use std::{fmt, time::Duration};

/// Calls a macro with the one list of formats of recorded agents, in the order in which they are tried when a file's
/// format is not named: `"name" => Format, reader;` each. `reader` is what reads it in `goodput`.
#[doc(hidden)]
#[macro_export]
#[rustfmt::skip]
macro_rules! with_agent_formats {
    ($with:ident) => {
        $with! {
            /// Sessions with their requests and subagents, by kv-cache-tester (WEKA) and SemiAnalysis.
            "weka" => Weka, weka::Weka;
            /// Chats of Alibaba's Bailian with the chat before each.
            "bailian" => Bailian, bailian::Bailian;
            /// OpenTelemetry spans of calls of models.
            "otel" => Otel, otel::Otel;
            /// Mooncake's requests with a session and a delay, as in aiperf.
            "mooncake" => Mooncake, mooncake::Mooncake;
        }
    };
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:literal => $Format:ident, $reader:path;)*) => {
        /// A format of recorded agents.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AgentFormat {
            $($(#[$doc])* $Format,)*
        }

        impl AgentFormat {
            /// All names.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The format of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(AgentFormat::$Format),)*
                    _ => None,
                }
            }

            /// Name of the format.
            pub fn name(self) -> &'static str {
                match self {
                    $(AgentFormat::$Format => $name,)*
                }
            }
        }
    };
}

with_agent_formats!(formats);

impl Write for AgentFormat {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {}", self.name())
    }
}

impl Write for Duration {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " = {}", duration::format(*self))
    }
}

fn format(arg: &Arg<'_>) -> Result<Option<AgentFormat>, Mistake> {
    let name = arg.text()?;
    let unknown = || Mistake::unknown("format of `agents`", name, AgentFormat::NAMES);
    AgentFormat::named(name).map(Some).ok_or_else(unknown)
}

fn span(arg: &Arg<'_>) -> Result<Option<Duration>, Mistake> {
    let text = arg.text()?;
    let said = |mistake: Mistake| Mistake::new(format!("`{} = {text}`: {}", arg.word, mistake.0));
    duration::parse(text).map(Some).map_err(said)
}

settings! {
    /// `agents("trace.jsonl", time_scale = 0.5)`: recorded sessions, whose requests wait for others and for tools.
    "agents" => Agents, path "trace.jsonl" "The recording: a JSON file, or a folder of such files." {
        /// Format of the file. Default: the one that its first entry has.
        format: Option<AgentFormat> = None, format;
        /// Tokens that a hash id stands for. Default: 512 for Mooncake, 16 for Bailian, `block_size` of the file or 64 for WEKA.
        block_size: Option<usize> = None, length;
        /// Output tokens asked for. Default: the recorded length of each answer.
        output: Option<usize> = None, length;
        /// Sessions that may go on at a time. Default: `max_concurrency` if neither the recording nor a rate says when they begin, else no limit.
        active: Option<usize> = None, length;
        /// Factor of all recorded times, arrivals and pauses: 0.5 is twice as fast. Default 1.
        time_scale: f64 = 1.0, positive;
        /// Longest pause between requests of a session. Default: no limit.
        max_pause: Option<Duration> = None, span;
        /// Let requests begin a session whose parents are not in the file (`bailian`), as in a window of a longer
        /// recording, instead of refusing them.
        orphans: bool = false, Arg::flag;
        /// Begin sessions at their recorded times. Switched off, the bench's rate says when. Default on.
        self_timed: bool = true, Arg::flag;
    }
}
