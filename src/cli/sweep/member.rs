//! The turn of one case: its server, its warm-up, its run, and what it leaves.

use super::{
    design::{Case, Layout},
    folder::{Entry, Folder, failure},
    idle,
    keeping::Kept,
    server::Servers,
};
use crate::{
    bench::{Bench, Control},
    cli::{live::Live, progress::Progress, save},
    error::Error,
    exit_code::INVALID,
    history::BenchId,
    journal::Place,
    report::{End, Outcome, Report},
    runner::{Candidate, Given, Ran, without_report},
    screen,
    stop::Stop,
    targets::live_is_required,
};
use serde_json::{Map, Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    time::Instant,
};

/// What the cases of a sweep have in common.
pub(super) struct Sweeping {
    pub(super) folder: Folder,
    pub(super) kept: RefCell<Kept>,
    /// The servers that the sweep starts, if it does.
    pub(super) servers: Option<RefCell<Servers>>,
    /// Requests of the warm-up before a case.
    pub(super) warmup: usize,
    /// Whether nothing shows the progress of a case.
    pub(super) quiet: bool,
    /// The page that shows the cases.
    pub(super) live: Live,
    pub(super) journals: bool,
    /// Notes that were said once.
    pub(super) said: RefCell<BTreeSet<String>>,
    /// Cases that have not ended.
    pub(super) left: Cell<usize>,
}

/// A case that is measured.
pub(super) struct Member<'a> {
    pub(super) case: &'a Case,
    /// The place among all cases.
    pub(super) place: usize,
    /// Whether it needs a warm-up: the case before was of another combination.
    pub(super) warms: bool,
    pub(super) of: &'a Sweeping,
}

/// The seed of a warm-up is another, so that it leaves none of the case's prompts in a prefix cache.
const OTHER_SEED: u64 = 0x5eed;

impl Member<'_> {
    fn run(&self, given: Given) -> Result<Report, Error> {
        let Given {
            share,
            stop,
            follower,
        } = given;
        if stop.is_requested() {
            return Err(Error::ended("waited for its turn"));
        }
        let line = &self.case.of.line;
        let mut bench = line.bench().clone().sharing(share);
        if self.of.journals {
            bench = bench.journaled(Some(Place::File(self.of.folder.journal(&self.case.name))));
        }
        if let Some(servers) = &self.of.servers {
            bench = bench.target(servers.borrow_mut().address(self.case.of.server, &stop)?);
        }
        self.of.folder.clear(&self.case.file);
        if self.warms && self.of.warmup > 0 {
            self.warm_up(&bench, &stop);
        }
        let requests = bench.requests_at_most();
        let run = |control| {
            let control = self.of.live.watch(&bench, control);
            bench.clone().run_blocking_with(control)
        };
        let ran = match follower {
            Some(observer) => run(Control {
                stop: stop.clone(),
                observer,
            }),
            None if self.of.quiet => run(Control {
                stop: stop.clone(),
                ..Control::default()
            }),
            None => Progress::watch(requests, stop.clone(), run),
        };
        self.settle(&bench, &stop);
        ran.map_err(|e| line.error(e))
    }

    /// Sends the requests of the warm-up. What is wrong with the server, the case itself says.
    fn warm_up(&self, bench: &Bench, stop: &Stop) {
        let mut warm = bench
            .clone()
            .requests(self.of.warmup)
            .seed(bench.load.seed ^ OTHER_SEED)
            .rounds(1)
            .warmup_rounds(0);
        warm.demands = Default::default();
        warm.keeping = Default::default();
        let control = Control {
            stop: stop.clone(),
            ..Control::default()
        };
        let Ok(report) = warm.run_blocking_with(control) else {
            return;
        };
        idle::wait(bench, stop);
        if self.of.folder.layout != Layout::Vllm {
            return;
        }
        let Ok(mut result) = self.case.of.line.result(&report) else {
            return;
        };
        result.insert("run_number".to_owned(), json!(-1));
        result.extend(self.case.of.tags.clone());
        result.insert("num_prompts".to_owned(), json!(self.of.warmup));
        let file = match self.case.file.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/warmup.json"),
            None => "warmup.json".to_owned(),
        };
        if let Err(e) = self.of.folder.write(&file, &result) {
            screen::error(format_args!("cannot write {file}: {e}"));
        }
    }

    /// Leaves a server to the next case as this one found it.
    fn settle(&self, bench: &Bench, stop: &Stop) {
        if self.of.left.get() <= 1 || stop.is_requested() {
            return;
        }
        let unsettled = idle::wait(bench, stop);
        let servers = self.of.servers.as_ref();
        let uncleared = servers.and_then(|servers| servers.borrow().after_case(stop).err());
        for why in unsettled.into_iter().chain(uncleared) {
            screen::err(format_args!("note: {}: {why}", self.case.name));
        }
    }

    /// The keys of the result file.
    fn result(&self, report: &Report) -> Result<Map<String, Value>, Error> {
        let mut result = self.case.of.line.result(report)?;
        if self.of.folder.layout == Layout::Vllm {
            result.insert("run_number".to_owned(), json!(self.case.run));
            result.extend(self.case.of.tags.clone());
        }
        Ok(result)
    }

    /// Writes the files of a case that has ended.
    fn keep(&self, outcome: &mut Outcome, report: Option<&Report>) {
        let folder = &self.of.folder;
        let entry = |outcome: &Outcome| Entry {
            case: self.case.name.clone(),
            file: self.case.file.clone(),
            settings: self.case.of.settings.clone(),
            verdict: outcome.word(),
            exit_code: outcome.exit_code(),
            took_s: outcome.took.as_secs_f64(),
        };
        let result = report
            .filter(|_| entry(outcome).is_measured())
            .map(|report| {
                let result = self.result(report)?;
                match folder.write(&self.case.file, &result) {
                    Ok(()) => Ok(result),
                    Err(source) => {
                        let kept = match save::rescue(&result) {
                            Ok(kept) => format!("it was kept in {}", kept.display()),
                            Err(e) => {
                                format!("it cannot be kept in the temporary folder either: {e}")
                            }
                        };
                        let what = format!("cannot write {}; {kept}", self.case.file);
                        Err(Error::Io { what, source })
                    }
                }
            });
        let result = result.transpose().unwrap_or_else(|e| {
            outcome.end = End::Broken(e.to_string(), INVALID);
            None
        });
        if result.is_none()
            && folder.layout == Layout::Vllm
            && !matches!(outcome.end, End::Ignored(_))
        {
            let failed = json!({
                "run_number": self.case.run,
                "error_type": outcome.word(),
                "error": outcome.reason(),
                "overrides": self.case.of.tags,
            });
            // The log and the screen have it too.
            let _ = folder.write(&failure(&self.case.file), &failed);
        }
        let entry = entry(outcome);
        let mut kept = self.of.kept.borrow_mut();
        kept.add(self.place, entry.clone(), result);
        if let Err(e) = folder.note(&entry).and_then(|()| kept.write(folder)) {
            let why = format!("cannot write to {}: {e}", folder.path.display());
            outcome.end = End::Broken(why, INVALID);
        }
    }
}

impl Candidate for Member<'_> {
    fn name(&self) -> String {
        self.case.name.clone()
    }

    fn group(&self) -> String {
        "goodput sweep".to_owned()
    }

    fn id(&self) -> BenchId {
        BenchId::of_command(&self.group(), &self.name())
    }

    fn ignored(&self) -> Option<&str> {
        None
    }

    fn compares(&self) -> bool {
        self.case.of.line.bench().keeping.baselines.compares()
    }

    fn measure(&mut self, given: Given) -> Ran {
        let started = Instant::now();
        let ran = self.run(given);
        let mut outcome = match &ran {
            Ok(report) => {
                for note in report.notes() {
                    if self.of.said.borrow_mut().insert(note.clone()) {
                        screen::err(format_args!("note: {}: {note}", self.case.name));
                    }
                }
                Outcome {
                    name: self.name(),
                    ..Outcome::of(&self.group(), report, started.elapsed())
                }
            }
            Err(e) => without_report(self, e.end(live_is_required()), started.elapsed()),
        };
        self.of.left.set(self.of.left.get().saturating_sub(1));
        self.of.live.ended(&outcome);
        self.keep(&mut outcome, ran.as_ref().ok());
        Ran {
            outcome,
            shown: None,
            advice: None,
        }
    }
}
