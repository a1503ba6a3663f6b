//! The simulated server: it implements the dialects of several real servers and keeps exactly the times that a
//! [`Script`](goodput_grammar::sim::Script) says, or those of a simulated [`engine`].
//!
//! One [`SimServer`] serves in three ways:
//!
//! * [`InProcess`]: over in-memory pipes, on the clock of the caller; with a [virtual
//!   clock](crate::clock::on_virtual_time) a run is exact to the nanosecond and the same every time;
//! * [`SimServer::listen`]: on a port, in a thread of its own, until the handle is dropped;
//! * [`serve_forever`]: on a port, in the caller's task.
//!
//! Token `i` of a scripted request is sent at `arrival + ttft + prefill · prompt tokens + Σ itl`, where arrival is
//! when the head of the request was read. The deadlines are absolute, so a late token does not delay the next. The
//! times of a request depend on the script's seed and on how many generations the server accepted before it, and on
//! nothing else, unless the script has a `slowdown`: then they are amounts of work, which take longer while other
//! requests are in flight.
//!
//! [Faults](goodput_grammar::fault) are part of the script. Which requests they hit follows from the script's seed
//! and the number of the request too, so that a disturbed run repeats exactly.

mod accept;
pub(crate) mod dialect;
mod disturb;
pub mod engine;
mod fault;
mod hang_up;
mod http_faults;
mod in_process;
pub(crate) mod pace;
mod prefix;
mod refusal;
mod script;
mod server;
mod serving;
mod stall;
mod streamed;
mod structured;
mod surface;
mod tcp;
mod telemetry;
mod thread;
mod tokens;
mod wear;

#[cfg(feature = "wiremock")]
pub(crate) use accept::accept_each;
pub use in_process::InProcess;
pub(crate) use in_process::Serve;
pub use server::SimServer;
pub use serving::serve_connection;
pub(crate) use surface::metrics_page;
pub use tcp::{Listening, serve_forever};
#[cfg(feature = "wiremock")]
pub(crate) use {server::estimate_tokens, thread::ServerThread};
