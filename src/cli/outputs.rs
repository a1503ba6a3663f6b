//! Output flags of all commands that measure.

use super::live::LiveArgs;
use crate::{
    error::Error,
    outputs::{Format, MessageFormat, Outputs},
};
use std::path::PathBuf;

/// Where results go in addition to the screen.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    #[arg(long = "output", value_name = "FORMAT=PATH", help = help())]
    outputs: Vec<String>,
    /// Folder for the latest and the previous result of each bench, which `goodput report` reads. Also read
    /// from GOODPUT_RESULTS. Default: in a Cargo project `goodput run` uses `target/goodput`.
    #[arg(long, value_name = "DIR")]
    pub(super) results: Option<PathBuf>,
    /// Format of stdout: `human` or `json`.
    #[arg(long, value_enum, default_value_t)]
    pub(super) message_format: MessageFormat,
    #[command(flatten)]
    pub(super) live: LiveArgs,
}

fn help() -> String {
    format!(
        "Write a file for another tool; repeatable. Formats: {}. Also read from GOODPUT_OUTPUT, separated by \
         commas. In a GitHub job, goodput writes the job summary without this flag, unless markdown is given",
        Format::list()
    )
}

impl OutputArgs {
    /// Whether a flag asks for a file or a stream.
    pub(super) fn is_given(&self) -> bool {
        !self.outputs.is_empty() || self.message_format == MessageFormat::Json
    }

    /// Combines flags and environment; `command` goes into the names of the environment's files.
    pub(super) fn outputs(&self, command: &str) -> Result<Outputs, Error> {
        let outputs = Outputs::parse("--output", &self.outputs)?;
        let of_environment = Outputs::of_environment(command)?;
        Ok(outputs.and(of_environment).or_job_summary())
    }
}
