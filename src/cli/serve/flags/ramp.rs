//! Flags of a rising rate.

use crate::{
    grammar::{
        Mistake,
        ramp::{self, Ramp, RampKind},
    },
    problem::Problem,
};
use clap::ValueEnum;

/// A ramp as one text, or by three flags of vLLM, all of which it needs.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli::serve) struct RampFlags {
    /// A rising rate as one text: "linear 1..10" or "exponential 1..16" requests per second.
    #[arg(long, conflicts_with_all = ["ramp_up_strategy", "ramp_up_start_rps", "ramp_up_end_rps"])]
    ramp: Option<String>,
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
    /// The flag that names the ramp.
    pub(super) fn flag(&self) -> &'static str {
        match self.ramp {
            Some(_) => "--ramp",
            None => "--ramp-up-strategy",
        }
    }

    /// The ramp, if there is one.
    pub(in crate::cli::serve) fn read(&self, problems: &mut Vec<Problem>) -> Option<Ramp> {
        if let Some(text) = &self.ramp {
            let mistake = |mistake: Mistake| {
                problems.push(Problem::new("--ramp", format!("{text:?}"), mistake.0));
            };
            return ramp::parse(text).map_err(mistake).ok();
        }
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
