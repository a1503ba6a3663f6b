//! What shards say to each other: one JSON object a line, of bounded length.

use crate::shard::Shard;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Version of the messages.
pub(super) const PROTOCOL: u32 = 1;

/// The longest message, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a shard is about to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Hash of the plan.
    pub(crate) plan: String,
    /// Hash of all settings of the run.
    pub(crate) settings: String,
    /// Name of the shard's machine.
    pub(crate) host: String,
    /// What in the environment says that the process was started again, such as `SLURM_RESTART_COUNT = 1`.
    pub(crate) restarted: Option<String>,
}

/// A shard's first words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    /// Version of goodput.
    pub(super) version: String,
    pub(super) token: Option<String>,
    pub(super) shard: Shard,
    pub(super) identity: Identity,
}

/// What shard 0 hears.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum ToLead {
    Hello(Box<Hello>),
    Ping,
    Ready,
    Set,
}

/// What shard 0 says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum ToShard {
    Welcome {
        /// Name of the run.
        run: String,
    },
    Pong {
        /// The clock of shard 0, ns.
        at: i64,
    },
    Start {
        /// When, by the clock of shard 0, ns.
        at: i64,
        /// When, by its system's clock, in nanoseconds since 1970.
        wall: u64,
    },
    Go,
    Stop {
        why: String,
    },
}

/// Reads a message of either side: for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzzed(bytes: &[u8]) {
    let _: Result<ToLead, _> = serde_json::from_slice(bytes);
    let _: Result<ToShard, _> = serde_json::from_slice(bytes);
}

/// A connection of two shards.
pub(super) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Wire(BufReader::new(stream)))
    }

    pub(super) async fn say(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.write_all(&line).await?;
        self.0.flush().await
    }

    /// The next message.
    pub(super) async fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = Vec::new();
        loop {
            let bytes = self.0.fill_buf().await?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.map_or(bytes.len(), |end| end + 1);
            if line.len() + taken > LONGEST {
                return Err(io::Error::other("a message is too long"));
            }
            line.extend_from_slice(&bytes[..taken]);
            self.0.consume(taken);
            if end.is_some() {
                return Ok(serde_json::from_slice(&line)?);
            }
        }
    }
}
