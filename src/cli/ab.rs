//! `goodput ab`: two servers side by side, or one beside itself.

use super::{argv::Origins, serve, words::Words};
use crate::{
    baseline::{self, NoiseFloor},
    bench::Bench,
    error::Error,
    problem::Problem,
    screen,
    stats::compare::Rule,
    targets::{AnyTarget, ServerProcess},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{path::PathBuf, process::ExitCode};

/// What is compared, by which rule; and the flags of `goodput serve` for how.
#[derive(Debug, clap::Args)]
pub(super) struct Ab {
    /// The reference: a URL, `unix:/path`, `env:NAME`, `sim(…)`.
    #[arg(long, value_name = "TARGET", required_unless_present = "a_command")]
    a: Option<String>,
    /// What is under test, in the same forms.
    #[arg(long, value_name = "TARGET", required_unless_present_any = ["b_command", "aa"])]
    b: Option<String>,
    /// The reference as a command, `"vllm serve MODEL --port {port}"`. It is started for each of its runs
    /// and stopped after it, so that both need not fit the machine together.
    #[arg(long, value_name = "COMMAND", conflicts_with = "a")]
    a_command: Option<String>,
    /// What is under test as a command.
    #[arg(long, value_name = "COMMAND", conflicts_with = "b")]
    b_command: Option<String>,
    /// Measure A against itself, and keep in `noise/HOST.json` how much its runs differ.
    #[arg(long, conflicts_with_all = ["b", "b_command"])]
    aa: bool,
    /// Folder for `noise/`. Default: `GOODPUT_BASELINE_DIR`, else `goodput-baselines`.
    #[arg(long, value_name = "FOLDER", requires = "aa")]
    noise_dir: Option<PathBuf>,
    /// Pairs of runs at most, each of --num-prompts to either server; from 1 to 16.
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// The smallest relative change that matters.
    #[arg(long, default_value_t = 0.05)]
    noise_threshold: f64,
    /// How often, at most, an unchanged server may be called worse, over all metrics.
    #[arg(long, default_value_t = 0.01)]
    false_alarms: f64,
    #[command(flatten)]
    serve: serve::Args,
}

pub(super) fn run(args: &Ab, origins: &Origins) -> ExitCode {
    let words = args.words(origins);
    if args.aa && !args.serve.dry_run {
        let measured = measure_noise(args).map(|()| 0);
        return serve::exit_code(measured.map_err(|e| words.error(e)));
    }
    let bench = args.bench();
    let checked = bench.check().map(|()| bench).map_err(|e| words.error(e));
    serve::exit_code(
        checked.and_then(|bench| serve::measure(bench, "goodput ab", &args.serve, &words)),
    )
}

impl Ab {
    fn words<'a>(&self, origins: &'a Origins) -> Words<'a> {
        let a = self.a_command.as_ref().map_or("--a", |_| "--a-command");
        let b = self.b_command.as_ref().map_or("--b", |_| "--b-command");
        Words {
            origins,
            target: if self.aa { a } else { b },
            versus: a,
        }
    }

    fn bench(&self) -> Bench {
        let bench = self
            .serve
            .bench("ab", "warn")
            .pairs(self.pairs)
            .noise_threshold(self.noise_threshold)
            .false_alarms(self.false_alarms);
        let a = target(self.a.as_ref(), self.a_command.as_ref());
        match self.aa {
            true => bench.target(a),
            false => bench
                .target(target(self.b.as_ref(), self.b_command.as_ref()))
                .versus(a),
        }
    }
}

/// Clap has seen to it that there is one of the two.
fn target(text: Option<&String>, command: Option<&String>) -> AnyTarget {
    match command {
        Some(command) => ServerProcess::new(command).into(),
        None => text.cloned().unwrap_or_default().into(),
    }
}

fn measure_noise(args: &Ab) -> Result<(), Error> {
    let bench = args.bench();
    bench.check()?;
    let bench = serve::journaled(bench, &args.serve)?;
    let folder = baseline::folder(args.noise_dir.clone());
    NoiseFloor::check(&folder).map_err(|e| {
        let message = format!("cannot be written to: {e}. Choose another folder");
        Error::Invalid(vec![Problem::new("--noise-dir", folder.display(), message)])
    })?;
    let requests = 2 * args.pairs * args.serve.num_prompts;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date().to_string();
    let floor = serve::watched(&args.serve, requests, None, |control| {
        bench.noise_floor(&today, &control)
    })?;
    // The file has it before the screen does, and the screen if the file cannot.
    let saved = floor.save(&folder);
    screen::out(table(&floor, args).trim_end());
    let path = saved.map_err(Error::io(format!("cannot write to {}", folder.display())))?;
    screen::out(format_args!("kept in {}", path.display()));
    Ok(())
}

/// How much runs differ, and what that lets pairs of runs show.
fn table(floor: &NoiseFloor, args: &Ab) -> String {
    const PAIRS: [usize; 4] = [3, 5, 10, 16];
    let rule = Rule {
        error: args.false_alarms,
        noise_threshold: args.noise_threshold,
        ..Rule::default()
    };
    let mut text = format!(
        "{} runs of {} requests against {}\n{:<20} {:>10} {:>10}  {}\n",
        2 * floor.pairs,
        floor.requests,
        floor.target,
        "metric",
        "CV",
        "in pairs",
        PAIRS
            .map(|pairs| format!("{pairs:>2} pairs show"))
            .join("  "),
    );
    for (metric, noise) in &floor.metrics {
        let shown = PAIRS.map(|pairs| match floor.detectable(metric, pairs, &rule) {
            Some(change) => format!("{:>11.1} %", change * 100.0),
            None => format!("{:>13}", "-"),
        });
        text += &format!(
            "{metric:<20} {:>8.2} % {:>8.2} %  {}\n",
            noise.cv * 100.0,
            noise.paired_cv * 100.0,
            shown.join("  "),
        );
    }
    text
}
