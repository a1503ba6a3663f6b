//! Flags for outputs, which all commands that measure have.

use crate::{
    error::Error,
    outputs::{Format, MessageFormat, Outputs},
};
use std::path::PathBuf;

/// Where results go besides the screen.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    #[arg(long = "output", value_name = "FORMAT=PATH", help = help())]
    outputs: Vec<String>,
    /// Keep the latest and the previous result of each bench in this folder, for `goodput report`. Also read from
    /// GOODPUT_RESULTS. Default: `goodput run` in a Cargo project keeps them in `target/goodput`.
    #[arg(long, value_name = "DIR")]
    pub(super) results: Option<PathBuf>,
    /// For whom stdout is.
    #[arg(long, value_enum, default_value_t)]
    pub(super) message_format: MessageFormat,
}

fn help() -> String {
    format!(
        "Write a file for another tool; may be given several times. Formats: {}. Also read from \
         GOODPUT_OUTPUT, separated by commas. A GitHub job's summary is written without being asked, \
         unless markdown is",
        Format::list()
    )
}

impl OutputArgs {
    /// What flags and environment ask for; `command` goes into the names of the environment's files.
    pub(super) fn outputs(&self, command: &str) -> Result<Outputs, Error> {
        let outputs = Outputs::parse("--output", &self.outputs)?;
        let of_environment = Outputs::of_environment(command)?;
        Ok(outputs.and(of_environment).or_job_summary())
    }
}
