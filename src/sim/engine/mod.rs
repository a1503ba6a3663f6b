//! A model of an inference engine: continuous batching in steps, as vLLM's V1 scheduler does it.
//!
//! [`Engine`] is the model itself: no clock, no tasks, the same answer every time. [`EngineRunner`]
//! runs it on a [`Clock`](crate::clock::Clock) for a simulated server. `docs/simulation.md` says what
//! is modelled, what is not, and where the step costs of the presets come from.

mod blocks;
mod drafts;
mod job;
mod runner;
mod scheduler;
mod step;
#[cfg(test)]
mod tests;

pub use goodput_grammar::engine::{EngineConfig, Policy, StepCost};
pub use job::{Finished, Job, JobId, Stall, TooLong};
pub use runner::{EngineRunner, Ticket};
pub use scheduler::Engine;
pub use step::{Emission, Load, State, Step};
