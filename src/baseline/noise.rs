//! How much runs of an unchanged server differ, from where it is known.

use super::{format::File, noise_floor::NoiseFloor, provenance::Provenance};
use crate::stats::unpaired::{FEWEST_RUNS, Noise};

/// What is assumed of a host that nobody has measured: DESIGN's and the calibration table's middle row.
pub(super) const ASSUMED_CV: f64 = 0.04;

/// Where the knowledge of a comparison's noise comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source<'a> {
    chance: Chance,
    runs: usize,
    host: Option<&'a NoiseFloor>,
}

/// What there is of chance in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Chance {
    /// Nothing: the simulation draws from its seed.
    None,
    /// Nothing that was seen: the stored runs are the same to the last digit.
    NoneSeen,
    /// What a service of the user's own may draw, on virtual time.
    OfTheService,
    /// That of a machine.
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
            // What was measured of a host says nothing where its time does not count.
            host: host.filter(|_| chance == Chance::OfTheHost),
        }
    }

    /// Whether every difference is one of the server.
    pub(super) fn leaves_nothing_to_chance(&self) -> bool {
        matches!(self.chance, Chance::None | Chance::NoneSeen)
    }

    /// For a metric, by its name in SLOs. What is assumed is assumed of times; a metric changes by
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

    /// For phases, which no file has by themselves: as the mean of the whole.
    pub(super) fn of_phases(&self) -> Noise {
        self.noise("mean(e2el)", 1.0)
    }

    /// In a sentence.
    pub(super) fn sentence(&self) -> String {
        let exactly = match self.chance {
            Chance::None => Some("time is virtual and the plan is the same"),
            Chance::NoneSeen => {
                Some("time is virtual and the stored runs are the same to the last digit")
            }
            Chance::OfTheService | Chance::OfTheHost => None,
        };
        if let Some(why) = exactly {
            return format!(
                "{why}, so nothing is left to chance: a change as large as the noise threshold counts"
            );
        }
        if self.chance == Chance::OfTheService && self.runs < FEWEST_RUNS {
            return format!(
                "a service of your own may draw random numbers on virtual time, too; how much its runs differ is \
                 assumed, with a CV of {:.0} %. Save the baseline from two runs: if they are the same, \
                 comparisons are exact",
                ASSUMED_CV * 100.0
            );
        }
        let before = match self.host {
            Some(host) => format!(
                "was measured on this host on {} (against {})",
                host.saved, host.target
            ),
            None => format!("is assumed, with a CV of {:.0} %", ASSUMED_CV * 100.0),
        };
        if self.runs >= FEWEST_RUNS {
            let runs = self.runs;
            return format!(
                "how much runs differ is taken from the {runs} stored ones, beside what {before}"
            );
        }
        format!(
            "one run cannot see how much runs differ; that {before}. Save the baseline from \
             {FEWEST_RUNS} runs or more, and theirs counts"
        )
    }
}
