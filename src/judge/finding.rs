//! What is wrong with a run itself, or worth knowing about it.

use serde::{Deserialize, Serialize};

/// One thing that is wrong with a run, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of finding.
    pub kind: FindingKind,
    /// The message: one sentence with numbers and a fix.
    pub message: String,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The run was stopped, or not all of its plan was sent.
    Partial,
    /// The client sent or took up requests late.
    Late,
    /// Answers were complete without a single token.
    NoTokens,
    /// No request succeeded.
    NothingCompleted,
    /// The client's process was stopped for long, or got no processor.
    Stopped,
    /// The client's event loop was behind, where that falsifies numbers.
    SlowLoop,
    /// This machine had no descriptor, port or memory for a connection.
    ClientLimit,
    /// The gaps between sends were not the planned ones.
    Arrivals,
    /// The records contradict each other.
    Accounting,
    /// Gaps between tokens are gated, but too many tokens were read together.
    UnknownGaps,
    /// A run of a pair is invalid, so the comparison is.
    Pair,
    /// A shard of the run is missing, there twice, torn, or of another run.
    Shard,
    /// The limit on requests in flight was divided among shards. A note.
    Divided,
    /// A trial is invalid, so the search is.
    Trial,
    /// The trials of a search contradict each other. A note.
    Scatter,
    /// The ends that were to be cut off leave nothing to measure.
    NothingLeft,
    /// The run had to find out where it has settled, and has not.
    NotSettled,
    /// A state of the run ended it. The run is inconclusive, unless something shows that it fails.
    StopCondition,
    /// Requests were given up when the grace period was over. A note.
    GivenUp,
    /// The plan was over before the time of the run. A note.
    ShortPlan,
    /// The target complained after the run. The run fails.
    Complaint,
    /// More requests failed than may, and no SLO limits `errors`. The run fails.
    FailedRequests,
    /// The evidence decides neither way, and the settings ask only for a warning. A note.
    Undecided,
    /// This number of requests could only miss an SLO, not meet it. A note.
    Unprovable,
    /// The baseline to compare with has a name, but nothing is stored under it. A note.
    NewBaseline,
    /// The baseline was saved, or was kept as it was. A note.
    Baseline,
    /// No target was named, so the built-in simulation was measured. A note.
    NoTarget,
    /// Output tokens were estimated, so TPOT and token throughput are estimates. A note.
    EstimatedTokens,
    /// The client's process did not run for a short part of the run. A note.
    Paused,
    /// The client's event loop was behind, which falsifies nothing here. A note.
    LoopDelay,
    /// Tokens were read together because the client was behind; no gap is gated. A note.
    MergedReads,
    /// The system's clock was set during the run. A note.
    ClockSet,
    /// The machine had too little processor time for the client. A note.
    Starved,
    /// The client's thread was busy nearly all the time. A note.
    Saturated,
    /// The server fell behind the load more and more. A note.
    Overload,
    /// The host's name was resolved slowly. A note.
    SlowDns,
    /// This machine's resolver hardly works. Invalid.
    BrokenDns,
    /// The server counts a much shorter time to first token. A note.
    ServerTtft,
}

impl FindingKind {
    /// Returns whether a run with this finding says nothing about the server.
    pub fn invalidates(self) -> bool {
        match self {
            FindingKind::Partial
            | FindingKind::Late
            | FindingKind::NoTokens
            | FindingKind::NothingCompleted
            | FindingKind::Stopped
            | FindingKind::SlowLoop
            | FindingKind::ClientLimit
            | FindingKind::Arrivals
            | FindingKind::Accounting
            | FindingKind::UnknownGaps
            | FindingKind::BrokenDns
            | FindingKind::NothingLeft
            | FindingKind::NotSettled
            | FindingKind::Trial
            | FindingKind::Shard
            | FindingKind::Pair => true,
            FindingKind::Complaint
            | FindingKind::Scatter
            | FindingKind::Divided
            | FindingKind::FailedRequests
            | FindingKind::StopCondition
            | FindingKind::GivenUp
            | FindingKind::ShortPlan
            | FindingKind::Undecided
            | FindingKind::Unprovable
            | FindingKind::NewBaseline
            | FindingKind::Baseline
            | FindingKind::NoTarget
            | FindingKind::EstimatedTokens
            | FindingKind::Paused
            | FindingKind::LoopDelay
            | FindingKind::MergedReads
            | FindingKind::ClockSet
            | FindingKind::Starved
            | FindingKind::Saturated
            | FindingKind::Overload
            | FindingKind::SlowDns
            | FindingKind::ServerTtft => false,
        }
    }

    /// Returns whether a run with this finding never passes, because it was ended before its time.
    pub fn leaves_open(self) -> bool {
        self == FindingKind::StopCondition
    }

    /// Returns whether a run with this finding fails, whatever its SLOs say.
    pub fn fails(self) -> bool {
        matches!(self, FindingKind::Complaint | FindingKind::FailedRequests)
    }
}
