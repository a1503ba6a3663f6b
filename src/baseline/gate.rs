//! The gate of a bench's baselines: finds errors before the run, then compares the report and saves it.

use super::{
    compare::{self, New},
    digest::Digest,
    format::File,
    noise_floor::{NoiseFloor, of_this_host},
    provenance::Provenance,
    settings::{Chosen, Reader, Settings},
};
use crate::{
    clock::today,
    error::Error,
    files::{self, Turn},
    grammar::goodput::RequestLimit,
    judge::{Finding, FindingKind, Judgement, OnInconclusive, Verdict},
    metrics::Metrics,
    problem::Problem,
    run::Run,
    stats::compare::{Conclusion, Rule},
};

/// Settings of a bench for baselines.
pub(crate) struct GateSettings<'a> {
    /// Name of the bench, and of its entry unless the settings name another.
    pub(crate) bench: &'a str,
    /// Baseline that the bench itself names.
    pub(crate) baseline: Option<&'a str>,
    /// Whether a stored run is required.
    pub(crate) required: bool,
    /// Settings of the command or the environment.
    pub(crate) settings: &'a Settings,
    /// Limits that define goodput.
    pub(crate) limits: &'a [RequestLimit],
    /// Rule of a comparison.
    pub(crate) rule: Rule,
    /// Note for benches that share the rule's error.
    pub(crate) sharing: Option<String>,
    /// Effect of an inconclusive comparison on the verdict.
    pub(crate) on_inconclusive: OnInconclusive,
}

/// Baselines that a run is compared with and saved as.
pub(crate) struct Gate {
    chosen: Chosen,
    entry: String,
    provenance: Provenance,
    /// Stored runs to compare with, if there are any.
    against: Option<File>,
    noise: Option<NoiseFloor>,
    limits: Vec<RequestLimit>,
    rule: Rule,
    /// Note for benches that share the rule's error.
    sharing: Option<String>,
    inconclusive: OnInconclusive,
}

impl Gate {
    /// Reads the stored runs; `None` when no baseline is asked for. `provenance` is that of the new run.
    ///
    /// # Errors
    /// The stored file is unreadable or has another load; it is required and missing; or the folder is not writable.
    pub(crate) fn open(
        asked: GateSettings<'_>,
        provenance: impl FnOnce() -> Provenance,
    ) -> Result<Option<Self>, Error> {
        let variable = |name: &str| std::env::var(name).ok();
        let Some(mut chosen) = asked.settings.choose(asked.baseline, variable)? else {
            return Ok(None);
        };
        if let Some(against) = &mut chosen.against {
            against.strict |= asked.required;
        }
        let entry = entry(asked.settings, asked.bench);
        let load = |name: &str| chosen.store.load(name, &entry);
        let against = match &chosen.against {
            Some(against) => load(&against.name)?,
            None => None,
        };
        if let Some(name) = &chosen.save {
            check_folder(&chosen, name)?;
            // Read again at the save, because another process may have changed the file by then.
            load(name)?;
        }
        let gate = Gate {
            provenance: provenance(),
            noise: of_this_host(&chosen.store)?,
            limits: asked.limits.to_vec(),
            sharing: asked.sharing,
            rule: asked.rule,
            // The command requires proof of its SLOs by default, but not of comparisons.
            inconclusive: match asked.settings.reader {
                Reader::Command if asked.settings.proof => OnInconclusive::Fail,
                Reader::Command => OnInconclusive::Warn,
                _ => asked.on_inconclusive,
            },
            chosen,
            entry,
            against,
        };
        gate.refuse()?;
        Ok(Some(gate))
    }

    /// Fails if a required baseline is missing, or has another load.
    fn refuse(&self) -> Result<(), Error> {
        let Some(against) = &self.chosen.against else {
            return Ok(());
        };
        let name = &against.name;
        let message = match &self.against {
            None if against.strict => self.missing(name),
            None => return Ok(()),
            Some(stored) => match self.provenance.conflicts(&stored.provenance).as_slice() {
                [] => return Ok(()),
                conflicts => format!(
                    "has another load: {}. goodput never compares two loads: undo the change, or save a \
                     baseline of the new load ({})",
                    conflicts.join("; "),
                    self.chosen.reader.saves(name)
                ),
            },
        };
        let problem = Problem::new("baseline", format!("{name:?}"), message);
        Err(Error::Invalid(vec![problem]))
    }

    fn missing(&self, name: &str) -> String {
        format!(
            "has no run of `{}` ({} does not exist). To save one, {}",
            self.entry,
            self.chosen.store.path(name, &self.entry).display(),
            self.chosen.reader.saves(name)
        )
    }

    /// Compares the first `planned` requests of a run, and saves them. Returns the judgement with the
    /// comparison, and the error if the save failed.
    pub(crate) fn close(
        self,
        run: &Run,
        metrics: &Metrics,
        mut judgement: Judgement,
        planned: usize,
    ) -> (Judgement, Option<String>) {
        let digest = Digest::of(run, metrics, &self.limits, planned);
        let new = New {
            digest: &digest,
            provenance: &self.provenance,
            limited: !self.limits.is_empty(),
            open_loop: run.setup.open_loop,
            classes: &run.classes().collect::<Vec<_>>(),
        };
        let noise = self.noise.as_ref();
        let compared =
            |name: &str, file: &File| compare::compare(name, file, &new, noise, &self.rule);
        if let Some(against) = &self.chosen.against {
            let name = &against.name;
            match &self.against {
                Some(file) => {
                    let mut comparison = compared(name, file);
                    if run.setup.requests > planned {
                        comparison.notes.push(format!(
                            "only the first {planned} requests are compared: the run was extended, and its \
                             further requests have another plan"
                        ));
                    }
                    comparison.notes.extend(self.sharing.clone());
                    let saves_it = self.chosen.save.as_ref() == Some(name);
                    if comparison.conclusion() == Conclusion::Better && !saves_it {
                        let saves = self.chosen.reader.saves(name);
                        comparison
                            .notes
                            .push(format!("to make this the baseline, {saves}"));
                    }
                    judgement = judgement.compared(comparison, self.inconclusive);
                }
                None => judgement.findings.push(Finding {
                    kind: FindingKind::NewBaseline,
                    message: format!(
                        "the baseline `{name}` {}. The bench counts as new",
                        self.missing(name)
                    ),
                }),
            }
        }
        let mut lost = None;
        if let Some(name) = &self.chosen.save {
            let message = match self.reason_to_keep(name, metrics, &judgement) {
                Some(why) => format!("not saved as baseline `{name}`: {why}"),
                None => self
                    .save(name, &digest, |kept| {
                        self.differs(kept, || compared(name, kept).conclusion())
                    })
                    .unwrap_or_else(|e| {
                        let message = format!("NOT saved as baseline `{name}`: {e}");
                        lost = Some(message.clone());
                        message
                    }),
            };
            let kind = FindingKind::Baseline;
            judgement.findings.push(Finding { kind, message });
        }
        (judgement, lost)
    }

    /// Reason not to save this run.
    fn reason_to_keep(
        &self,
        name: &str,
        metrics: &Metrics,
        judgement: &Judgement,
    ) -> Option<String> {
        let same = self.chosen.against.as_ref().is_some_and(|a| a.name == name);
        let counts = &metrics.counts;
        let fails = |finding: &Finding| finding.kind == FindingKind::FailedRequests;
        match judgement.verdict {
            Verdict::Invalid => Some("the run is invalid".to_owned()),
            _ if judgement.findings.iter().any(fails) => Some(format!(
                "{} of {} requests failed. To accept that, write an SLO such as `errors <= 100%`",
                counts.failed,
                counts.ended()
            )),
            Verdict::Fail if same && self.against.is_some() => Some(format!(
                "the run failed, so the baseline stays as it was. To accept the run, save it without \
                 comparing it with `{name}`"
            )),
            _ => None,
        }
    }

    /// Reason why a run replaces the stored ones instead of joining them: they would not be of the same
    /// server. Host names may differ, as hosts are part of the noise.
    fn differs(&self, kept: &File, conclusion: impl FnOnce() -> Conclusion) -> Option<String> {
        let mut reasons = self.provenance.conflicts(&kept.provenance);
        let without_host = |provenance: &Provenance| {
            let mut provenance = provenance.clone();
            provenance.circumstances.host = Default::default();
            provenance
        };
        let (old, new) = (
            without_host(&kept.provenance),
            without_host(&self.provenance),
        );
        reasons.extend(new.differences(&old));
        if !new.has_limits_of(&old) {
            reasons.push("the limits of goodput changed".to_owned());
        }
        if reasons.is_empty() && self.provenance.is_deterministic() {
            return Some("on virtual time every run is the same".to_owned());
        }
        if reasons.is_empty() && matches!(conclusion(), Conclusion::Worse | Conclusion::Better) {
            reasons.push("its numbers differ by more than noise".to_owned());
        }
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Adds the run to the stored ones, while other processes wait, and says what it did. `differs`: reason
    /// why the run replaces the stored ones.
    fn save(
        &self,
        name: &str,
        digest: &Digest,
        differs: impl FnOnce(&File) -> Option<String>,
    ) -> Result<String, Error> {
        let store = &self.chosen.store;
        let folder = store.folder().join(name);
        let _turn = Turn::in_folder(&folder).map_err(Error::io(format!(
            "cannot lock the folder {}",
            folder.display()
        )))?;
        let kept = store.load(name, &self.entry)?;
        let differs = kept.as_ref().and_then(differs);
        let (saved, provenance) = (today(), self.provenance.clone());
        let (file, how) = match (kept, differs) {
            (None, _) => {
                let file = File::new(self.entry.clone(), saved, provenance, digest);
                (file, String::new())
            }
            (Some(_), Some(why)) => {
                let file = File::new(self.entry.clone(), saved, provenance, digest);
                (file, format!(", replacing the earlier runs: {why}"))
            }
            (Some(kept), None) => {
                let file = kept.joined(saved, provenance, digest);
                let how = format!(", added to the earlier runs: {} in total", file.runs.len());
                (file, how)
            }
        };
        let path = store.save(name, &file)?;
        Ok(format!(
            "saved as baseline `{name}` in {}{how}",
            path.display()
        ))
    }
}

fn entry(settings: &Settings, bench: &str) -> String {
    settings.entry.clone().unwrap_or_else(|| bench.to_owned())
}

/// Creates the folder and tries to write to it, so that no run is lost at its end.
fn check_folder(chosen: &Chosen, name: &str) -> Result<(), Error> {
    let folder = chosen.store.folder().join(name);
    files::check_folder(&folder).map_err(|e| {
        Error::Invalid(vec![Problem::new(
            "save_baseline",
            format!("{name:?}"),
            format!(
                "cannot be written: {} ({e}). Choose another folder with --baseline-dir or \
                 GOODPUT_BASELINE_DIR",
                folder.display()
            ),
        )])
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            store::Store,
            testing::{file, long_run, provenance},
        },
        *,
    };
    use crate::{judge::Criteria, metrics::measure};
    use rstest::rstest;
    use std::fs;

    fn digest() -> Digest {
        let run = long_run(40);
        Digest::of(&run, &measure(&run, &[]), &[], 40)
    }

    fn gate(provenance: Provenance) -> Gate {
        Gate {
            sharing: None,
            chosen: Chosen {
                against: None,
                save: Some("main".to_owned()),
                store: Store::at("nowhere"),
                reader: Reader::Tests,
            },
            entry: "chat".to_owned(),
            provenance,
            against: None,
            noise: None,
            limits: Vec::new(),
            rule: Rule::default(),
            inconclusive: OnInconclusive::Warn,
        }
    }

    #[rstest]
    #[case::same(|_: &mut Provenance| {}, Conclusion::Same, None)]
    #[case::another_host(|p: &mut Provenance| p.circumstances.host.name = "b".into(), Conclusion::Inconclusive, None)]
    #[case::another_version(
        |p: &mut Provenance| { p.circumstances.server.insert("version".into(), "0.33".into()); }, Conclusion::Same,
        Some("server's version was 0.32, now it is 0.33")
    )]
    #[case::another_load(|p: &mut Provenance| p.load.seed = 8, Conclusion::Same, None)]
    #[case::another_plan(|p: &mut Provenance| p.load.plan = "11".into(), Conclusion::Same,
        Some("plan was 00ff, now it is 11"))]
    #[case::other_limits(|p: &mut Provenance| p.circumstances.limits = String::new(), Conclusion::Same,
        Some("the limits of goodput changed"))]
    #[case::other_numbers(|_: &mut Provenance| {}, Conclusion::Better, Some("its numbers differ by more than noise"))]
    fn only_runs_of_one_server_are_kept_together(
        #[case] change: fn(&mut Provenance),
        #[case] conclusion: Conclusion,
        #[case] reason: Option<&str>,
    ) {
        let mut new = provenance();
        change(&mut new);
        let reasons = gate(new).differs(&file(&digest()), || conclusion);
        assert_eq!(reasons.as_deref(), reason);
    }

    #[test]
    fn of_a_simulation_on_virtual_time_there_is_one_run() {
        let differs = |target: &str| {
            let mut virtual_time = provenance();
            virtual_time.load.clock = "virtual".to_owned();
            virtual_time.load.target = target.to_owned();
            let mut kept = file(&digest());
            kept.provenance = virtual_time.clone();
            gate(virtual_time).differs(&kept, || Conclusion::Same)
        };
        assert!(differs("simulation").is_some());
        assert_eq!(differs("service"), None, "it may draw random numbers");
    }

    #[test]
    fn what_is_saved_joins_what_is_kept_and_the_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let save = |differs: Option<&str>| {
            let mut gate = gate(provenance());
            gate.chosen.store = store.clone();
            let differs = differs.map(str::to_owned);
            gate.save("main", &digest(), |_| differs).unwrap()
        };
        assert!(save(None).ends_with("chat.json"));
        assert!(save(None).ends_with("added to the earlier runs: 2 in total"));
        assert_eq!(store.load("main", "chat").unwrap().unwrap().runs.len(), 2);
        assert!(save(Some("it is another")).ends_with("replacing the earlier runs: it is another"));
        assert_eq!(store.load("main", "chat").unwrap().unwrap().runs.len(), 1);
        let files = fs::read_dir(folder.path().join("main")).unwrap().count();
        assert_eq!(files, 1, "no other file is left");
    }

    #[test]
    fn of_runs_that_are_kept_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut gate = gate(provenance());
                    gate.chosen.store = store.clone();
                    gate.save("main", &digest(), |_| None).unwrap();
                });
            }
        });
        assert_eq!(store.load("main", "chat").unwrap().unwrap().runs.len(), 8);
    }

    #[test]
    fn a_run_that_cannot_be_kept_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut gate = gate(provenance());
        gate.chosen.store = Store::at(folder.path().join("file"));
        fs::write(folder.path().join("file"), "").unwrap();
        let run = long_run(40);
        let (metrics, judgement) = Criteria::default().assess(&run);
        let (judgement, lost) = gate.close(&run, &metrics, judgement, 40);
        let lost = lost.unwrap();
        assert!(lost.contains("NOT saved as baseline `main`"), "{lost}");
        assert!(
            judgement
                .findings
                .iter()
                .any(|finding| finding.message == lost)
        );
    }
}
