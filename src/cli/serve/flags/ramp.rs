//! Flags of a rising rate.

use crate::{
    grammar::ramp::{Ramp, RampKind},
    problem::Problem,
};
use clap::ValueEnum;

/// A ramp needs all of them.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(in crate::cli::serve) struct RampFlags {
    /// Let the rate rise over the run; needs the two flags below.
    #[arg(long, value_enum)]
    ramp_up_strategy: Option<RampName>,
    /// Requests per second at the first request.
    #[arg(long)]
    ramp_up_start_rps: Option<f64>,
    /// Requests per second at the last request.
    #[arg(long)]
    ramp_up_end_rps: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RampName {
    Linear,
    Exponential,
}

impl RampFlags {
    /// The ramp, if there is one.
    pub(in crate::cli::serve) fn read(&self, problems: &mut Vec<Problem>) -> Option<Ramp> {
        let (strategy, start, end) = match (
            self.ramp_up_strategy,
            self.ramp_up_start_rps,
            self.ramp_up_end_rps,
        ) {
            (None, None, None) => return None,
            (Some(strategy), Some(start), Some(end)) => (strategy, start, end),
            _ => {
                problems.push(Problem::new(
                    "--ramp-up-strategy",
                    "(incomplete)",
                    "needs all of --ramp-up-strategy, --ramp-up-start-rps and --ramp-up-end-rps",
                ));
                return None;
            }
        };
        if !(start > 0.0 && start <= end && end.is_finite()) {
            problems.push(Problem::new(
                "--ramp-up-start-rps",
                format!("{start}, --ramp-up-end-rps = {end}"),
                "the rates must be above 0 and must not fall",
            ));
            return None;
        }
        let kind = match strategy {
            RampName::Linear => RampKind::Linear,
            RampName::Exponential => RampKind::Exponential,
        };
        Some(Ramp { kind, start, end })
    }
}
