//! `goodput run`: the benches of a suite file.

use super::{
    apart::Files, baseline::BaselineFlags, live::Live, outputs::OutputArgs, progress::Progress,
};
use crate::{
    baseline::Settings,
    bench::Control,
    error::Error,
    history::{BenchId, History, of_command},
    journal::Place,
    judge::OnInconclusive,
    outputs::Session,
    problem::Problem,
    report::{CaveatKind, Lineup, MissingEngine, Outcome, Report, counted, tally, worst_exit_code},
    runner::{Candidate, Done, Front, Given, Ignored, Ran, Runner, Selection, without_report},
    screen,
    signals::{self, UNHEARD},
    suite::{Declared, Suite},
    sweep::{self, Row, Table},
    targets::live_is_required,
};
use std::{
    cell::RefCell,
    collections::HashSet,
    env,
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
    let session = Session::begin(outputs, args.to.message_format, chosen.len())?;
    let runner = Runner {
        session,
        history: History::of_command("goodput run", folder.clone()),
        stop: signals::listen(Some(signals::ENDING)).map_err(Error::io(UNHEARD))?,
        ignored,
    };
    let of_suite = OfSuite {
        group,
        home: home.display().to_string(),
        file: file.display().to_string(),
        folder,
        baselines: args.baseline.settings(),
        waiting: RefCell::default(),
        tables: RefCell::default(),
        live: args.to.live.start()?,
    };
    let words = SuiteWords {
        left_out: all - chosen.len(),
        of: &of_suite,
    };
    let member = |declared| Member {
        declared,
        of: &of_suite,
        is_last: false,
    };
    let mut members: Vec<Member<'_>> = chosen.into_iter().map(member).collect();
    mark_last(&mut members);
    let comparing = runner.comparing(&members);
    Ok(runner.run(members, comparing, &words))
}

/// What the benches of a suite have in common.
struct OfSuite {
    group: String,
    home: String,
    file: String,
    /// Where results are kept.
    folder: Option<PathBuf>,
    baselines: Settings,
    /// The engines that the present bench has run on, each with its report, or with why there is none.
    waiting: RefCell<Vec<(String, Result<Report, String>)>>,
    /// The table of each bench with a sweep, by its name with the engine.
    tables: RefCell<Vec<(String, Table)>>,
    live: Live,
}

/// A bench of a suite.
struct Member<'a> {
    declared: Declared,
    of: &'a OfSuite,
    /// Whether it is the last of its bench's engines.
    is_last: bool,
}

/// Marks the last engine of each bench, whose outcome has the table of all.
fn mark_last(members: &mut [Member<'_>]) {
    let mut seen = HashSet::new();
    for member in members.iter_mut().rev() {
        let bench = member.declared.engine.as_ref().map(|on| on.bench.clone());
        member.is_last = bench.is_some_and(|bench| seen.insert(bench));
    }
}

impl Member<'_> {
    /// Keeps the report until all engines of its bench have run. The table of all, if this is the last.
    fn lined_up(&self, ran: Result<Report, String>) -> Option<Lineup> {
        let on = self.declared.engine.as_ref()?;
        let mut waiting = self.of.waiting.borrow_mut();
        waiting.push((on.engine.clone(), ran));
        if !self.is_last {
            return None;
        }
        let engines = std::mem::take(&mut *waiting);
        let (mut reports, mut missing) = (Vec::new(), Vec::new());
        for (engine, ran) in &engines {
            match ran {
                Ok(report) => reports.push((engine.as_str(), report)),
                Err(why) => missing.push(MissingEngine {
                    engine: engine.clone(),
                    why: why.clone(),
                }),
            }
        }
        let error = self.declared.bench.demands.false_alarms;
        (engines.len() > 1 && !reports.is_empty()).then(|| Lineup {
            missing,
            ..Lineup::of(&on.bench, &reports, error)
        })
    }
}

impl Member<'_> {
    /// Adds the numbers to the table of the bench, if it has a sweep.
    fn tabled(&self, outcome: &Outcome, report: Option<&Report>) {
        let Some(swept) = &self.declared.swept else {
            return;
        };
        let row = Row {
            point: swept.point.clone(),
            result: report.map(|report| sweep::result(&self.declared.bench, report)),
            verdict: outcome.word(),
            file: String::new(),
        };
        let mut tables = self.of.tables.borrow_mut();
        match tables.iter_mut().find(|(bench, _)| *bench == swept.bench) {
            Some((_, table)) => table.rows.push(row),
            None => tables.push((swept.bench.clone(), Table { rows: vec![row] })),
        }
    }
}

impl Candidate for Member<'_> {
    fn name(&self) -> String {
        self.declared.bench.name().to_owned()
    }

    fn group(&self) -> String {
        self.of.group.clone()
    }

    fn id(&self) -> BenchId {
        BenchId {
            home: self.of.home.clone(),
            package: String::new(),
            group: self.of.file.clone(),
            source: String::new(),
            name: self.name(),
        }
    }

    fn ignored(&self) -> Option<&str> {
        self.declared.ignore.as_deref()
    }

    fn compares(&self) -> bool {
        let bench = &self.declared.bench;
        let own = bench.demands.versus.is_some() || bench.keeping.baseline.is_some();
        own || self.of.baselines.compares()
    }

    fn measure(&mut self, given: Given) -> Ran {
        let started = Instant::now();
        let bench = &self.declared.bench;
        let settings = Settings {
            // The file's `on_inconclusive = "fail"` is asked for; of the command it is the default.
            proof: bench.demands.on_inconclusive == OnInconclusive::Fail,
            ..self.of.baselines.clone()
        };
        let bench = bench
            .clone()
            .baselines(settings)
            .sharing(given.share)
            .journaled(self.of.folder.clone().map(Place::Results));
        let Given { stop, follower, .. } = given;
        let requests = bench.requests_at_most();
        let run = |control| {
            let control = self.of.live.watch(&bench, control);
            bench.run_blocking_with(control)
        };
        let ran = match follower {
            Some(observer) => run(Control { stop, observer }),
            None => Progress::watch(requests, stop, run),
        };
        let (mut outcome, shown, ran) = match ran {
            Ok(report) => {
                for note in report.notes() {
                    screen::err(format_args!("note: {note}"));
                }
                let outcome = Outcome::of(&self.of.group, &report, started.elapsed());
                (outcome, Some(report.to_string()), Ok(report))
            }
            Err(e) => {
                let end = e.end(live_is_required());
                let outcome = without_report(self, end, started.elapsed());
                let why = outcome.reason().to_owned();
                (outcome, None, Err(why))
            }
        };
        self.of.live.ended(&outcome);
        self.tabled(&outcome, ran.as_ref().ok());
        outcome.lineup = self.lined_up(ran);
        Ran {
            outcome,
            shown,
            advice: None,
        }
    }
}

/// What the command says of a suite.
struct SuiteWords<'a> {
    /// Benches that were not asked for.
    left_out: usize,
    of: &'a OfSuite,
}

impl Front for SuiteWords<'_> {
    fn ended(&self, session: &Session, done: &Done) {
        let outcome = &done.outcome;
        session.say(match &done.shown {
            Some(report) => format!("{report}\n"),
            None => line(&outcome.name, &outcome.word(), outcome.reason()),
        });
        if let Some(change) = &done.change {
            session.say(format!("  previous    {change}\n"));
        }
        if let Some(lineup) = &outcome.lineup {
            session.say(lineup);
        }
    }

    fn all_ended(&self, session: &Session, took: Duration) {
        for (bench, table) in self.of.tables.borrow().iter() {
            session.say(format!("{bench}\n{}", table.text()));
        }
        session.say(last_line(session.outcomes(), self.left_out, took));
    }

    fn exit_code(&self, outcomes: &[Outcome], written: bool) -> u8 {
        worst_exit_code(outcomes, written)
    }
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
pub(super) fn enter_folder(suite: &Path) -> Result<PathBuf, Error> {
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

fn line(name: &str, word: &str, why: &str) -> String {
    match why {
        "" => format!("{name}: {word}\n"),
        why => format!("{name}: {word}: {why}\n"),
    }
}

/// `3 benches: 1 pass, 1 fail (chat), 1 ignored; finished in 2.31s`
fn last_line(outcomes: &[Outcome], left_out: usize, took: Duration) -> String {
    let ended: Vec<(String, String)> = outcomes
        .iter()
        .map(|outcome| (outcome.name.clone(), outcome.word()))
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
        if outcomes.is_empty() {
            "nothing was run".to_owned()
        } else {
            tally(&ended)
        },
        took.as_secs_f64()
    )
}
