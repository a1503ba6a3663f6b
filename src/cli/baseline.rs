//! The flags of baselines, for every subcommand that measures; and `goodput baseline`.

use crate::{
    baseline::{self, Against, File, Reader, Settings, Store},
    error::Error,
    problem::Problem,
    screen,
};
use clap::Subcommand;
use std::{path::PathBuf, process::ExitCode};

/// Flags that hold a run against a stored one, or keep it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct BaselineFlags {
    /// Hold the run against this baseline: a regression exits with 1. Where nothing is stored, the run
    /// counts as new, with a note.
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    /// The same, but it is an error (exit code 2) where nothing is stored.
    #[arg(long, value_name = "NAME", conflicts_with = "baseline")]
    baseline_strict: Option<String>,
    /// Save the run as this baseline; compared with --baseline first, and not saved under that same
    /// name if it failed.
    #[arg(long, value_name = "NAME")]
    save_baseline: Option<String>,
    /// Folder of baselines. Default: GOODPUT_BASELINE_DIR, else goodput-baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline_dir: Option<PathBuf>,
}

impl BaselineFlags {
    /// What they say.
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
    /// List baselines and the benches that are stored in them.
    List,
    /// Show what is stored in a baseline.
    Show {
        /// The baseline.
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
    Ok(match lines.is_empty() {
        true => format!("no baselines in {}", store.folder().display()),
        false => lines.join("\n"),
    })
}

fn show(store: &Store, name: &str) -> Result<String, Error> {
    let all = store.list()?;
    let Some((_, files)) = all.iter().find(|(baseline, _)| baseline == name) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let known = match names.is_empty() {
            true => "there are none".to_owned(),
            false => format!("there are {}", names.join(", ")),
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
