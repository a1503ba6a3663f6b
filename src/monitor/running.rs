//! A bench in progress, as the page's thread knows it.

use super::{
    course::{Course, Schedule},
    handed::Handed,
};
use crate::{
    clock::Nanos,
    judge::Criteria,
    metrics::{LatencyHistogram, error_kind},
    record::{Record, RequestError},
    run::{Run, Setup},
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The most requests that the verdict so far is made of. More would cost memory and time that belong to the run.
const MOST_JUDGED: usize = 20_000;

/// The shortest time between two verdicts.
const JUDGED_EVERY: Duration = Duration::from_secs(2);

/// How much longer the pause after a verdict is than it took: it has at most 2 % of a core.
const PAUSE: u32 = 50;

/// A bench that begins.
pub(crate) struct Subject {
    /// What is asked, where the verdict depends on it.
    pub(crate) setup: Setup,
    /// When requests are due.
    pub(crate) schedule: Schedule,
    /// What a verdict so far is made by; `None` if the requests are not those of one run.
    pub(crate) criteria: Option<Criteria>,
}

/// A verdict about the requests that have ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SoFar {
    pub(super) word: String,
    /// The SLOs in sentences.
    pub(super) lines: Vec<String>,
    pub(super) requests: usize,
}

/// A bench in progress.
pub(super) struct Running {
    pub(super) subject: Subject,
    handed: Arc<Handed>,
    pub(super) course: Course,
    pub(super) completed: u64,
    pub(super) failed: u64,
    cancelled: u64,
    /// Failures by kind.
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) ttft: LatencyHistogram,
    pub(super) itl: LatencyHistogram,
    pub(super) e2el: LatencyHistogram,
    /// The first time of the run's clock.
    start: Option<Nanos>,
    last_end: Nanos,
    /// When the first request was seen, in real time.
    began: Option<Instant>,
    /// What the verdict so far is made of.
    records: Vec<Record>,
    indices: HashSet<usize>,
    pub(super) so_far: Option<SoFar>,
    judge_next: Option<Instant>,
}

impl Running {
    pub(super) fn new(subject: Subject, handed: Arc<Handed>) -> Self {
        Running {
            course: Course::new(subject.schedule.clone()),
            subject,
            handed,
            completed: 0,
            failed: 0,
            cancelled: 0,
            errors: BTreeMap::new(),
            ttft: LatencyHistogram::new(),
            itl: LatencyHistogram::new(),
            e2el: LatencyHistogram::new(),
            start: None,
            last_end: Nanos(0),
            began: None,
            records: Vec::new(),
            indices: HashSet::new(),
            so_far: None,
            judge_next: None,
        }
    }

    /// Counts a request that has ended.
    pub(super) fn ended(&mut self, record: Record) {
        let from = if self.subject.setup.open_loop {
            record.intended
        } else {
            record.sent
        };
        self.start = Some(self.start.map_or(from, |start| start.min(from)));
        self.last_end = self.last_end.max(record.end);
        match &record.error {
            None => self.succeeded(&record, from),
            Some(RequestError::Cancelled) => self.cancelled += 1,
            Some(error) => {
                self.failed += 1;
                *self.errors.entry(error_kind(error)).or_insert(0) += 1;
            }
        }
        self.keep(record);
    }

    fn succeeded(&mut self, record: &Record, from: Nanos) {
        self.completed += 1;
        if let Some(first) = record.events.first_at() {
            self.ttft.record(first - from);
            self.course.ttft(first - from);
        }
        self.e2el
            .record(record.events.last_at().unwrap_or(record.end) - from);
        let mut before = None;
        for event in record.events.iter() {
            if let Some(before) = before {
                self.itl.record(event.at - before);
                self.course.itl(event.at - before);
            }
            before = Some(event.at);
        }
    }

    /// Keeps a request for the verdict. A run that grows sends the same places of its plan again: it has no verdict before
    /// its end.
    fn keep(&mut self, record: Record) {
        if self.subject.criteria.is_none() || self.records.len() >= MOST_JUDGED {
            return;
        }
        if self.indices.insert(record.index) {
            self.records.push(record);
        } else {
            self.subject.criteria = None;
            self.so_far = None;
            (self.records, self.indices) = (Vec::new(), HashSet::new());
        }
    }

    pub(super) fn sent(&self) -> u64 {
        // Counted before a request ends, and seen after.
        self.handed.sent.load(Relaxed).max(self.over())
    }

    pub(super) fn left_out(&self) -> u64 {
        self.handed.left_out.load(Relaxed)
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.sent().saturating_sub(self.over())
    }

    fn over(&self) -> u64 {
        self.completed + self.failed + self.cancelled + self.left_out()
    }

    /// Seconds since the first request, by the run's clock.
    pub(super) fn seconds(&self, now: Instant) -> f64 {
        if self.subject.setup.simulated {
            let start = self.start.unwrap_or_default();
            return (self.last_end - start).as_secs_f64();
        }
        self.began.map_or(0.0, |began| (now - began).as_secs_f64())
    }

    /// Adds a step to the course if it is time.
    pub(super) fn step(&mut self, now: Instant) {
        if self.sent() > 0 && self.began.is_none() {
            self.began = Some(now);
        }
        let (at, sent, in_flight) = (self.seconds(now), self.sent(), self.in_flight());
        self.course.step(at, sent, in_flight);
    }

    /// Makes the verdict so far if it is time, or for the last time.
    pub(super) fn judge(&mut self, now: Instant, last: bool) {
        let due = last || self.judge_next.is_none_or(|next| now >= next);
        let new = self.so_far.as_ref().map(|so_far| so_far.requests) != Some(self.records.len());
        let Some(criteria) = self.subject.criteria.as_ref() else {
            return;
        };
        if !due || !new || self.records.is_empty() || criteria.slos.is_empty() {
            return;
        }
        let run = self.run();
        let (_, judgement) = criteria.assess(&run);
        let against = judgement.findings.iter();
        let against = against.filter(|finding| finding.kind.invalidates() || finding.kind.fails());
        let against = against.map(|finding| finding.message.clone());
        let lines = against.chain(judgement.slos.iter().map(|slo| slo.sentence.clone()));
        self.so_far = Some(SoFar {
            word: judgement.verdict.to_string(),
            lines: lines.collect(),
            requests: self.records.len(),
        });
        let took = now.elapsed();
        self.judge_next = Some(Instant::now() + JUDGED_EVERY.max(took * PAUSE));
    }

    /// The requests that have ended, as a run of their own.
    fn run(&self) -> Run {
        let start = self.start.unwrap_or_default();
        let mut records = self.records.clone();
        records.sort_unstable_by_key(|record| record.index);
        for record in &mut records {
            record.shift(-start.0.cast_signed());
        }
        let setup = Setup {
            // The others are under way or not due.
            requests: records.len(),
            ..self.subject.setup.clone()
        };
        let lasted = Nanos(self.last_end.0.saturating_sub(start.0));
        Run::of_records(setup, records, lasted)
    }
}
