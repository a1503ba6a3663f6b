//! Numbers of runs of conversations under the names of vLLM's `benchmark_serving_multi_turn.py`: a row for each
//! request, a table of their statistics, and the text that the script prints.

mod describe;
mod request;
mod text;

pub use describe::Description;
pub use request::{TurnStats, turn_stats};
pub use text::{MultiTurn, Part};
