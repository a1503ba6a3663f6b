//! How often verdicts are wrong: on servers whose speed drifts, about the worst class, about fairness, and about drift.

mod classes;
mod drift;
mod drifting;
