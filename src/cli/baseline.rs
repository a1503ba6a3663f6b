//! Baseline flags of every subcommand that measures, and `goodput baseline`.

use crate::{
    baseline::{self, Against, File, Reader, Settings, Store},
    error::Error,
    problem::Problem,
    screen,
};
use clap::Subcommand;
use std::{path::PathBuf, process::ExitCode};

/// Flags that compare a run with a stored one, or store it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct BaselineFlags {
    /// Compare the run with this baseline; a regression exits with 1. A bench without a stored run counts
    /// as new, with a note.
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// Like --baseline, but a bench without a stored run is an error (exit code 2).
    #[arg(long, value_name = "NAME", conflicts_with = "baseline")]
    baseline_strict: Option<String>,
    /// Save the run as this baseline, after the comparison with --baseline. A failed run does not replace
    /// the baseline that it was compared with.
    #[arg(long, value_name = "NAME")]
    save_baseline: Option<String>,
    /// Folder of baselines. Default: GOODPUT_BASELINE_DIR, else goodput-baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline_dir: Option<PathBuf>,
}

impl BaselineFlags {
    /// Converts the flags.
    pub(super) fn settings(&self) -> Settings {
        let against = |name: &Option<String>, strict| {
            let name = name.clone()?;
            Some(Against { name, strict })
        };
        let lenient = against(&self.baseline, false);
        Settings {
            against: against(&self.baseline_strict, true).or(lenient),
            save: self.save_baseline.clone(),
            folder: self.baseline_dir.clone(),
            reader: Reader::Command,
            ..Settings::default()
        }
    }
}

/// Arguments of `goodput baseline`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    /// Folder of baselines. Default: GOODPUT_BASELINE_DIR, else goodput-baselines.
    #[arg(long, global = true, value_name = "FOLDER")]
    baseline_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List baselines and their benches.
    List,
    /// Show the stored runs of a baseline.
    Show {
        /// Name of the baseline.
        name: String,
    },
}

pub(super) fn run(args: &Args) -> ExitCode {
    let store = Store::at(baseline::folder(args.baseline_dir.clone()));
    let said = match &args.what {
        What::List => list(&store),
        What::Show { name } => show(&store, name),
    };
    match said {
        Ok(text) => {
            screen::out(text);
            ExitCode::SUCCESS
        }
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

fn list(store: &Store) -> Result<String, Error> {
    let mut lines = Vec::new();
    for (name, files) in store.list()? {
        lines.push(name);
        for path in files {
            let file = Store::read(&path)?;
            lines.push(format!("  {}", baseline::headline(&file)));
        }
    }
    Ok(if lines.is_empty() {
        format!("no baselines in {}", store.folder().display())
    } else {
        lines.join("\n")
    })
}

fn show(store: &Store, name: &str) -> Result<String, Error> {
    let all = store.list()?;
    let Some((_, files)) = all.iter().find(|(baseline, _)| baseline == name) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let known = if names.is_empty() {
            "there are none".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        let message = format!("is not in {}; {known}", store.folder().display());
        let problem = Problem::new("baseline", format!("{name:?}"), message);
        return Err(Error::Invalid(vec![problem]));
    };
    let files: Vec<File> = files
        .iter()
        .map(|path| Store::read(path))
        .collect::<Result<_, _>>()?;
    let shown: Vec<String> = files.iter().map(baseline::describe).collect();
    Ok(shown.join("\n\n"))
}
