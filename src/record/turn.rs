//! Turns of sessions.

use serde::{Deserialize, Serialize};

/// Place of a request in a session of several requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnId {
    /// Number of the session in the plan, from 0.
    pub session: usize,
    /// Name of the session in its file, such as the id of a conversation.
    pub name: String,
    /// Number of the turn in its session, from 0.
    pub number: usize,
}
