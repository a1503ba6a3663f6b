//! How much runs of an unchanged server differ, and how goodput knows.

use super::{format::File, noise_floor::NoiseFloor, provenance::Provenance};
use crate::stats::unpaired::{FEWEST_RUNS, Noise};

/// Coefficient of variation for a host without a measurement; the middle row of the calibration table.
pub(super) const ASSUMED_CV: f64 = 0.04;

/// Source of a comparison's noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source<'a> {
    chance: Chance,
    runs: usize,
    host: Option<&'a NoiseFloor>,
}

/// Random part of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Chance {
    /// None: the simulation draws from its seed.
    None,
    /// None so far: the stored runs are identical.
    NoneSeen,
    /// Random numbers of the user's own service, on virtual time.
    OfTheService,
    /// Noise of a machine.
    OfTheHost,
}

impl<'a> Source<'a> {
    pub(super) fn of(file: &File, new: &Provenance, host: Option<&'a NoiseFloor>) -> Self {
        let chance = match new.is_on_virtual_time() {
            true if new.is_deterministic() => Chance::None,
            true if file.repeats_itself() => Chance::NoneSeen,
            true => Chance::OfTheService,
            false => Chance::OfTheHost,
        };
        Source {
            chance,
            runs: file.runs.len(),
            // A host's measurement means nothing where its time does not count.
            host: host.filter(|_| chance == Chance::OfTheHost),
        }
    }

    /// The source for these runs of one side, and one of the other, which no file of a baseline has.
    pub(super) fn without_file(deterministic: bool, runs: usize) -> Self {
        Source {
            chance: if deterministic {
                Chance::None
            } else {
                Chance::OfTheHost
            },
            runs,
            host: None,
        }
    }

    /// Describes the source where no file of a baseline says more.
    pub(super) fn assumption(&self) -> String {
        if self.leaves_nothing_to_chance() {
            "time is virtual and the plan is the same, so chance plays no part".to_owned()
        } else {
            format!(
                "one run does not show how much runs differ, so goodput assumes a CV of {:.0} %; `goodput ab` shows \
                 smaller differences",
                ASSUMED_CV * 100.0
            )
        }
    }

    /// Whether every difference comes from the server.
    pub(super) fn leaves_nothing_to_chance(&self) -> bool {
        matches!(self.chance, Chance::None | Chance::NoneSeen)
    }

    /// Noise of a metric, by its name in SLOs. The assumption is about times; a metric changes by
    /// `sensitivity` times as much.
    pub(super) fn noise(&self, metric: &str, sensitivity: f64) -> Noise {
        let assumed = ASSUMED_CV * sensitivity;
        let measured = self.host.and_then(|host| host.metrics.get(metric));
        if self.leaves_nothing_to_chance() {
            Noise::None
        } else if self.runs >= FEWEST_RUNS {
            Noise::OfRuns {
                before: measured.map_or(assumed, |noise| noise.cv),
            }
        } else {
            match measured {
                Some(noise) => Noise::Cv {
                    cv: noise.cv,
                    freedom: noise.freedom,
                },
                None => Noise::Cv {
                    cv: assumed,
                    freedom: f64::INFINITY,
                },
            }
        }
    }

    /// Noise of phases, which have no stored noise of their own: that of the mean of the whole.
    pub(super) fn of_phases(&self) -> Noise {
        self.noise("mean(e2el)", 1.0)
    }

    /// Describes the source in a sentence.
    pub(super) fn sentence(&self) -> String {
        let exactly = match self.chance {
            Chance::None => Some("time is virtual and the plan is the same"),
            Chance::NoneSeen => Some("time is virtual and the stored runs are identical"),
            Chance::OfTheService | Chance::OfTheHost => None,
        };
        if let Some(why) = exactly {
            return format!(
                "{why}, so chance plays no part: a change as large as the noise threshold counts"
            );
        }
        if self.chance == Chance::OfTheService && self.runs < FEWEST_RUNS {
            return format!(
                "a service of your own may draw random numbers on virtual time, too; goodput assumes that \
                 its runs differ with a CV of {:.0} %. Save the baseline from two runs: if they are \
                 identical, comparisons are exact",
                ASSUMED_CV * 100.0
            );
        }
        let before = match self.host {
            Some(host) => format!(
                "a measurement on this host on {} (against {})",
                host.saved, host.target
            ),
            None => format!("an assumption, a CV of {:.0} %", ASSUMED_CV * 100.0),
        };
        if self.runs >= FEWEST_RUNS {
            let runs = self.runs;
            return format!(
                "how much runs differ comes from the {runs} stored runs and from {before}"
            );
        }
        format!(
            "one stored run does not show how much runs differ; that comes from {before}. Save the \
             baseline from {FEWEST_RUNS} runs or more to use theirs"
        )
    }
}
