//! The measured client: sends a plan exactly on time and records what comes back.
//!
//! One thread, one runtime, no locks; several threads share nothing. The client parses no more than it
//! must: a token's time is when the kernel received its bytes, or on systems without kernel times when the
//! client read them, before it looks at them.

mod addresses;
mod agenda;
mod answer;
mod arrivals;
mod audit;
mod body;
mod bounds;
mod chunks;
mod closing;
mod compose;
mod conditions;
mod connection;
mod content;
mod crew;
mod delivery;
mod descriptors;
mod dial;
mod driver;
mod exchange;
mod frontend;
#[cfg(any(test, fuzzing))]
mod fuzzed;
mod head;
mod io;
#[cfg(target_os = "linux")]
mod kernel_time;
mod local;
mod message;
mod not_http;
mod ports;
mod probe;
mod redirect;
mod request;
mod sessions;
mod share;
mod start;
mod system;
mod timeouts;
mod tls;
mod watch;
mod watchdog;

pub use arrivals::ReadLog;
pub use body::Body;
pub use closing::Ends;
pub use compose::{Bodies, Compose};
pub use conditions::Conditions;
pub use delivery::Delivery;
pub(crate) use descriptors::{make_room, raise_descriptor_limit};
pub use dial::{DialError, Dialer};
pub(crate) use dial::{IS_IT_RUNNING, what_mends};
pub use driver::Driver;
pub use frontend::{Balance, Frontend, Frontends};
#[cfg(any(test, fuzzing))]
pub(crate) use fuzzed::fuzzed_answer;
pub use local::LocalAddresses;
pub use message::{Envelope, Message};
pub(crate) use ports::{PortRange, open_descriptors};
pub use probe::Probe;
pub use start::Start;
pub use system::{CpuTicks, Quota, SystemCounters};
pub use timeouts::Timeouts;
pub use tls::TlsSettings;
pub use watch::WatchLog;
