//! Baselines: stored runs, and comparisons with them.
//!
//! ```text
//! Report ──digest──▶ Digest ──store──▶ goodput-baselines/NAME/BENCH.json
//!                      │ provenance: what must agree, what may differ
//!                      ▼
//!            compare with a new run ──▶ judge::Comparison
//! ```
//!
//! `docs/baselines.md` has the workflow and the format; `docs/verdicts.md` has the statistics of a
//! comparison.

mod compare;
mod curves;
#[cfg(feature = "cli")]
mod describe;
mod digest;
mod format;
mod gate;
mod gated;
mod host;
mod lineup;
mod noise;
mod noise_floor;
mod provenance;
mod settings;
mod store;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use format::{FORMAT, File, StoredRun};
pub(crate) use settings::Chosen;
pub use settings::{Against, Reader, Settings};
pub use store::{FOLDER, Store};

pub use crate::judge::Number;
pub use digest::Digest;
pub use host::Host;
pub use noise_floor::{MetricNoise, NOISE_FORMAT, NoiseFloor};
pub use provenance::{Circumstances, ComparedLoad, Provenance};

#[cfg(feature = "cli")]
pub(crate) use curves::compare_curves;
#[cfg(feature = "cli")]
pub(crate) use describe::{describe, headline};
pub(crate) use gate::{Gate, GateSettings};
pub(crate) use host::host_name;
#[cfg(feature = "cli")]
pub(crate) use settings::folder;
