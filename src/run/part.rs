//! A part of a run as a run of its own.

use super::{Audit, Run, Setup};
use crate::{clock::Nanos, record::Record};
use goodput_grammar::slo::{Class, Part, Place};

impl Run {
    /// Whether a request belongs to a part of the run.
    pub fn is_part(&self, part: Part, record: &Record) -> bool {
        let place = match part.place {
            Place::All => true,
            Place::Turn(span) => span.has(record.turn.as_deref().map_or(0, |turn| turn.number)),
            Place::Round(span) => span.has(self.round_of(record)),
        };
        place
            && match part.class {
                Class::All | Class::Worst => true,
                Class::One(name) => record.class.as_deref() == Some(name.as_str()),
            }
    }

    /// The requests of a part, as a run of their own. A round lasts from its first request's intended time to the end of
    /// its last; turns and classes last as long as the run.
    pub fn part(&self, part: Part) -> Run {
        let inside = |record: &&Record| self.is_part(part, record);
        let mut run = Run {
            records: self.records.iter().filter(inside).cloned().collect(),
            probes: Vec::new(),
            ..self.clone_without_requests()
        };
        run.setup.requests = run.records.len();
        run.setup.rounds = 1;
        if let Class::One(_) = part.class {
            run.setup.classes.clear();
        }
        if let Place::Round(_) = part.place {
            let from = run.records.iter().map(|record| record.intended).min();
            let from = from.unwrap_or_default();
            for record in &mut run.records {
                record.shift(-from.0.cast_signed());
            }
            let end = run.records.iter().map(|record| record.end).max();
            run.duration = end.unwrap_or(Nanos(0));
        }
        run
    }

    /// A run of which nothing has been sent yet.
    pub(crate) fn empty(setup: Setup) -> Run {
        Run {
            setup,
            records: Vec::new(),
            duration: Nanos(0),
            audit: Audit::default(),
            partial: false,
            abandoned: Vec::new(),
            ending: None,
            steady: None,
            warm_up: None,
            rate_changes: Vec::new(),
            server: None,
            probes: Vec::new(),
        }
    }

    /// A run of which nothing but its requests is known.
    #[cfg(feature = "cli")]
    pub(crate) fn of_records(setup: Setup, records: Vec<Record>, duration: Nanos) -> Run {
        Run {
            duration,
            audit: Audit {
                timestamps: records
                    .iter()
                    .find_map(|record| record.timestamps)
                    .unwrap_or_default(),
                ..Audit::default()
            },
            records,
            ..Run::empty(setup)
        }
    }

    /// All of the run but its requests.
    #[cfg(feature = "cli")]
    pub(crate) fn clone_without_records(&self) -> Run {
        Run {
            ending: self.ending,
            steady: self.steady,
            warm_up: self.warm_up,
            server: self.server.clone(),
            probes: self.probes.clone(),
            abandoned: self.abandoned.clone(),
            ..self.clone_without_requests()
        }
    }

    pub(crate) fn clone_without_requests(&self) -> Run {
        Run {
            setup: self.setup.clone(),
            records: Vec::new(),
            duration: self.duration,
            audit: self.audit.clone(),
            partial: self.partial,
            abandoned: Vec::new(),
            ending: self.ending,
            steady: None,
            warm_up: None,
            rate_changes: self.rate_changes.clone(),
            server: None,
            probes: Vec::new(),
        }
    }
}
