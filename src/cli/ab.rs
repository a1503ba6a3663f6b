//! `goodput ab`: compares two servers, or measures how much the runs of one differ.

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

/// What to compare and by which rule; the flags of `goodput serve` say how.
#[derive(Debug, clap::Args)]
pub(super) struct Ab {
    /// Reference server: a URL, `unix:/path`, `env:NAME` or `sim(…)`.
    #[arg(long, value_name = "TARGET", required_unless_present = "a_command")]
    a: Option<String>,
    /// Server under test, in the same forms.
    #[arg(long, value_name = "TARGET", required_unless_present_any = ["b_command", "aa"])]
    b: Option<String>,
    /// Command that starts the reference, such as `"vllm serve MODEL --port {port}"`. goodput starts it for
    /// each run and stops it afterwards, so that only one server runs at a time.
    #[arg(long, value_name = "COMMAND", conflicts_with = "a")]
    a_command: Option<String>,
    /// Command that starts the server under test.
    #[arg(long, value_name = "COMMAND", conflicts_with = "b")]
    b_command: Option<String>,
    /// Measure A against itself, and write how much its runs differ to `noise/HOST.json`.
    #[arg(long, conflicts_with_all = ["b", "b_command"])]
    aa: bool,
    /// Folder for `noise/`. Default: `GOODPUT_BASELINE_DIR`, else `goodput-baselines`.
    #[arg(long, value_name = "FOLDER", requires = "aa")]
    noise_dir: Option<PathBuf>,
    /// Maximum number of pairs of runs, 1 to 16. Each run sends --num-prompts requests.
    #[arg(long, default_value_t = 10)]
    pairs: usize,
    /// Smallest relative change that counts.
    #[arg(long, default_value_t = 0.05)]
    noise_threshold: f64,
    /// Maximum probability of calling an unchanged server worse, over all metrics together.
    #[arg(long, default_value_t = 0.01)]
    false_alarms: f64,
    #[command(flatten)]
    serve: serve::Args,
}

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  Two running servers:
    goodput ab --a http://old:8000 --b http://new:8000 --request-rate 10 --num-prompts 200

  Two versions that goodput starts in turn:
    goodput ab --a-command \"old/vllm serve MODEL --port {port}\" \\
      --b-command \"new/vllm serve MODEL --port {port}\" --request-rate 10 --num-prompts 200

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(args: &Ab, origins: &Origins) -> ExitCode {
    let words = args.words(origins);
    if args.aa && !args.serve.dry_run {
        let measured = measure_noise(args).map(|()| 0);
        return serve::exit_code(measured.map_err(|e| words.error(e)));
    }
    let bench = args.bench();
    let checked = bench.check().and_then(|()| args.serve.whole_file(bench));
    let checked = checked.map_err(|e| words.error(e));
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
            ramp: self.serve.ramp_flag(),
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
        if self.aa {
            bench.target(a)
        } else {
            bench
                .target(target(self.b.as_ref(), self.b_command.as_ref()))
                .versus(a)
        }
    }
}

/// clap guarantees that one of the two is set.
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
    let requests = Some(2 * args.pairs * bench.load.planned());
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date().to_string();
    let live = args.serve.to.live.start()?;
    let floor = serve::watched(&args.serve, requests, None, |control| {
        bench.noise_floor(&today, &live.watch(&bench, control))
    })?;
    // The file comes before the screen; if the file cannot be written, the screen still shows the result.
    let saved = floor.save(&folder);
    screen::out(table(&floor, args).trim_end());
    let path = saved.map_err(Error::io(format!("cannot write to {}", folder.display())))?;
    screen::out(format_args!("kept in {}", path.display()));
    Ok(())
}

/// Formats how much runs differ, and which change a number of pairs can show.
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
