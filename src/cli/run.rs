//! `goodput run`: the benches of a suite file.

use super::{apart::Files, baseline::BaselineFlags, outputs::OutputArgs, progress::Progress};
use crate::{
    baseline::Settings,
    bench::{Control, Family},
    error::Error,
    harness::{Ignored, Selection},
    history::{BenchId, History, of_command},
    journal::Place,
    judge::OnInconclusive,
    outputs::Session,
    problem::Problem,
    report::{CaveatKind, End, Outcome, counted, worst_exit_code},
    screen,
    signals::{self, UNHEARD},
    stop::Stop,
    suite::{Declared, Suite},
    targets::live_is_required,
};
use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{self, Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// Arguments of `goodput run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run the benches whose name contains one of these. Default: all.
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// The suite file. Paths in it are taken from its folder.
    #[arg(long, default_value = "goodput.toml")]
    suite: PathBuf,
    /// Filters are whole names.
    #[arg(long)]
    exact: bool,
    /// Leave out benches whose name contains this.
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// Print names instead of running.
    #[arg(long)]
    list: bool,
    /// Run only ignored benches.
    #[arg(long, conflicts_with = "include_ignored")]
    ignored: bool,
    /// Run ignored benches too.
    #[arg(long)]
    include_ignored: bool,
    #[command(flatten)]
    baseline: BaselineFlags,
    #[command(flatten)]
    to: OutputArgs,
}

pub(super) fn run(args: Args) -> ExitCode {
    match measure(args) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            screen::error(&e);
            ExitCode::from(e.exit_code())
        }
    }
}

fn measure(args: Args) -> Result<u8, Error> {
    let group = args.suite.display().to_string();
    let name = args.suite.file_stem().unwrap_or_default();
    let outputs = args.to.outputs(&name.to_string_lossy())?;
    let home = args
        .suite
        .parent()
        .filter(|home| !home.as_os_str().is_empty());
    let home = path::absolute(home.unwrap_or(Path::new("."))).unwrap_or_default();
    let folder = of_command(args.to.results.as_deref(), &home);
    let file = enter_folder(&args.suite)?;
    let mut files = Files::default();
    files.read("--suite", &file);
    for path in outputs.paths() {
        files.write("--output", path);
    }
    files.checked()?;
    let suite = Suite::read(&file)?;
    let ignored = match (args.ignored, args.include_ignored) {
        (true, _) => Ignored::Only,
        (_, true) => Ignored::Included,
        _ => Ignored::Left,
    };
    let selection = Selection {
        filters: args.filters,
        skip: args.skip,
        exact: args.exact,
        ignored,
    };
    let all = suite.benches.len();
    let chosen = choose(suite, &selection)?;
    if args.list {
        for declared in chosen {
            screen::out(format_args!("{}: benchmark", declared.bench.name()));
        }
        return Ok(0);
    }
    let mut session = Session::begin(outputs, args.to.message_format, chosen.len())?;
    let stop = signals::listen(Some(signals::ENDING)).map_err(Error::io(UNHEARD))?;
    let started = Instant::now();
    let left_out = all - chosen.len();
    let baselines = args.baseline.settings();
    let runs = |declared: &Declared| declared.ignore.is_none() || ignored != Ignored::Left;
    let compares = |declared: &Declared| {
        let own =
            declared.bench.demands.versus.is_some() || declared.bench.keeping.baseline.is_some();
        runs(declared) && (own || baselines.compares())
    };
    let mut family = Family::of(chosen.iter().filter(|declared| compares(declared)).count());
    let history = History::of_command("goodput run", folder.clone());
    for mut declared in chosen {
        let compares = compares(&declared);
        let settings = Settings {
            // The file's `on_inconclusive = "fail"` is asked for; of the command it is the default.
            proof: declared.bench.demands.on_inconclusive == OnInconclusive::Fail,
            ..baselines.clone()
        };
        declared.bench = declared
            .bench
            .baselines(settings)
            .sharing(family.share())
            .journaled(folder.clone().map(Place::Results));
        // Once the run is to end, each bench that is left says that it was not measured.
        let kept = runs(&declared).then(|| BenchId {
            home: home.display().to_string(),
            package: String::new(),
            group: file.display().to_string(),
            source: String::new(),
            name: declared.bench.name().to_owned(),
        });
        if let Some(id) = &kept {
            history.begin(id);
        }
        let (outcome, said) = run_bench(declared, ignored, &session, &group, &stop);
        let change = kept.and_then(|id| history.end(&id, &outcome, None));
        if compares {
            family.ended(outcome.conclusion());
        }
        session.finish(outcome);
        session.say(said);
        if let Some(change) = change {
            session.say(format!("  previous    {change}\n"));
        }
    }
    session.say(last_line(session.outcomes(), left_out, started.elapsed()));
    Ok(session.end(worst_exit_code))
}

/// The benches that are asked for. Flags that leave none are a mistake, and must not pass.
fn choose(suite: Suite, selection: &Selection) -> Result<Vec<Declared>, Error> {
    let names: Vec<String> = suite
        .benches
        .iter()
        .map(|declared| declared.bench.name().to_owned())
        .collect();
    let selects =
        |declared: &Declared| selection.selects(declared.bench.name(), declared.ignore.is_some());
    let chosen: Vec<_> = suite.benches.into_iter().filter(selects).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let there_are = format!("There are: {}", names.join(", "));
    let problem = match (selection.filters.as_slice(), selection.skip.as_slice()) {
        ([], []) => Problem::new("--ignored", "", format!("no bench is ignored. {there_are}")),
        ([], skipped) => {
            let message = format!("leaves no bench to run. {there_are}");
            Problem::new("--skip", skipped.join(" "), message)
        }
        (filters, _) => {
            let message = format!("no bench has such a name. {there_are}");
            Problem::new("FILTER", filters.join(" "), message)
        }
    };
    Err(Error::Invalid(vec![problem]))
}

/// Goes to the suite's folder, as paths in it are meant from there; the file's name in it.
fn enter_folder(suite: &Path) -> Result<PathBuf, Error> {
    let folder = suite
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let Some(folder) = folder else {
        return Ok(suite.to_owned());
    };
    env::set_current_dir(folder).map_err(|e| {
        let message = format!("has no such folder: {e}");
        Error::Invalid(vec![Problem::new("--suite", suite.display(), message)])
    })?;
    Ok(suite.file_name().unwrap_or_default().into())
}

/// A bench that panics ends by itself: the others run, and the outputs tell of all.
fn caught<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(Error::Target(format!(
            "goodput panicked, which is a fault of its own: {}",
            text.unwrap_or("(no message)")
        )))
    })
}

/// What became of a bench, and what is said of it.
fn run_bench(
    declared: Declared,
    ignored: Ignored,
    session: &Session,
    group: &str,
    stop: &Stop,
) -> (Outcome, String) {
    let name = declared.bench.name().to_owned();
    let follower = session.start(&name);
    let without = |end, took| Outcome {
        group: group.to_owned(),
        name: name.clone(),
        took,
        end,
        measured: None,
    };
    if let (Some(why), Ignored::Left) = (&declared.ignore, ignored) {
        let outcome = without(End::Ignored(why.clone()), Duration::ZERO);
        return (outcome, line(&name, "ignored", why));
    }
    let started = Instant::now();
    let stop = stop.clone();
    let ran = caught(|| match follower {
        Some(observer) => declared.bench.run_blocking_with(Control { stop, observer }),
        None => Progress::watch(declared.bench.requests_at_most(), stop, |control| {
            declared.bench.run_blocking_with(control)
        }),
    });
    match ran {
        Ok(report) => {
            for note in report.notes() {
                screen::err(format_args!("note: {note}"));
            }
            let outcome = Outcome::of(group, &report, started.elapsed());
            (outcome, format!("{report}\n"))
        }
        Err(e) => {
            let outcome = without(e.end(live_is_required()), started.elapsed());
            let said = line(&name, &outcome.word(), outcome.reason());
            (outcome, said)
        }
    }
}

fn line(name: &str, word: &str, why: &str) -> String {
    match why {
        "" => format!("{name}: {word}\n"),
        why => format!("{name}: {word}: {why}\n"),
    }
}

/// `3 benches: 1 pass, 1 fail (chat), 1 ignored; finished in 2.31s`
fn last_line(outcomes: &[Outcome], left_out: usize, took: Duration) -> String {
    const WORDS: [&str; 7] = [
        "pass",
        "no verdict",
        "fail",
        "inconclusive",
        "invalid",
        "error",
        "ignored",
    ];
    let parts: Vec<String> = WORDS
        .iter()
        .filter_map(|word| {
            let names: Vec<&str> = outcomes
                .iter()
                .filter(|outcome| outcome.word() == *word)
                .map(|outcome| outcome.name.as_str())
                .collect();
            match (names.len(), *word) {
                (0, _) => None,
                (count, "pass" | "no verdict" | "ignored") => Some(format!("{count} {word}")),
                (count, _) => Some(format!("{count} {word} ({})", names.join(", "))),
            }
        })
        .collect();
    let noun = if outcomes.len() == 1 {
        "bench"
    } else {
        "benches"
    };
    let left_out = match left_out {
        0 => String::new(),
        count => format!("; {count} filtered out"),
    };
    // Without a demand there is no verdict, which is counted already.
    let caveats = outcomes.iter().flat_map(Outcome::caveats);
    let caveats = caveats.filter(|caveat| caveat.kind != CaveatKind::NoDemand);
    let not_plain = match counted(caveats) {
        Some(counted) => format!("; of these {counted}"),
        None => String::new(),
    };
    format!(
        "{} {noun}: {}{not_plain}{left_out}; finished in {:.2}s",
        outcomes.len(),
        if parts.is_empty() {
            "nothing was run".to_owned()
        } else {
            parts.join(", ")
        },
        took.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_the_error_of_its_bench() {
        let error = caught::<()>(|| panic!("capacity overflow")).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("fault of its own: capacity overflow"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 4);
        assert_eq!(caught(|| Ok(3)).unwrap(), 3);
    }
}
