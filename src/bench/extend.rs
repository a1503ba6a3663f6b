//! A run that grows until its SLOs are decided.
//!
//! It grows by segments: the plan again, with the next seed, after the server has drained. So every
//! segment has the conditions of the first one, and what is measured does not change as the run
//! grows; near saturation a longer run in one piece would be another load.

use super::{Bench, prepare::Prepared, watch::Watched};
use crate::{
    client::Delivery,
    clock::Nanos,
    error::Error,
    judge::{Criteria, SloResult, Verdict},
    plan::{self, Plan, RateChange},
    run::{Run, ServerSide, ServerTtft},
    stats::Looks,
};
use std::sync::Arc;

/// All segments of a run.
#[derive(Clone)]
pub(super) struct Delivered {
    /// What came of them, as if it were one run.
    pub(super) delivery: Delivery,
    /// What the server counted meanwhile.
    pub(super) server: Option<ServerSide>,
    pub(super) server_ttft: Option<ServerTtft>,
    /// Files and sockets that this process may have open, where sockets were used.
    pub(super) descriptors: Option<u64>,
    /// When each began, and its plan.
    segments: Vec<(Nanos, Arc<Plan>)>,
    /// What the report has to say of how it was made.
    pub(super) remark: Option<String>,
}

impl Delivered {
    pub(super) fn new(first: Watched, plan: Arc<Plan>) -> Self {
        Delivered {
            delivery: first.delivery,
            server: first.server,
            server_ttft: first.server_ttft,
            descriptors: None,
            segments: vec![(Nanos(0), plan)],
            remark: None,
        }
    }

    /// Watcheds that have ended.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn append(&mut self, next: Watched, plan: Arc<Plan>) {
        let Watched {
            delivery: next,
            server,
            server_ttft,
        } = next;
        let start = self.delivery.duration;
        let before = self.planned();
        self.delivery
            .records
            .extend(next.records.into_iter().map(|mut record| {
                record.index += before;
                // From the start of the first segment.
                record.shift(start.0.cast_signed());
                record
            }));
        let probed = self.delivery.probes.len();
        self.delivery
            .probes
            .extend(next.probes.into_iter().map(|mut probe| {
                probe.index += probed;
                probe.shift(start.0.cast_signed());
                probe
            }));
        self.delivery.duration.0 += next.duration.0;
        self.delivery.connections += next.connections;
        self.delivery.reads.merge(&next.reads);
        if let (Some(watch), Some(next)) = (&mut self.delivery.watch, next.watch) {
            *watch = std::mem::take(watch).before(next);
        }
        if let (Some(server), Some(next)) = (&mut self.server, server) {
            server.append(next, start);
        }
        self.server_ttft = match (self.server_ttft, server_ttft) {
            (Some(ttft), Some(next)) => Some(ttft.plus(next)),
            _ => None,
        };
        self.delivery.partial |= next.partial;
        self.segments.push((start, plan));
    }

    /// All of them as one.
    pub(super) fn into_watched(self) -> Watched {
        Watched {
            delivery: self.delivery,
            server: self.server,
            server_ttft: self.server_ttft,
        }
    }

    /// The way back from [`to_run`](Bench::to_run).
    pub(super) fn take_back(&mut self, run: Run) {
        self.delivery.records = run.records;
        self.delivery.probes = run.probes;
        self.server = run.server;
    }

    pub(super) fn planned(&self) -> usize {
        let plans = self.segments.iter();
        plans.map(|(_, plan)| plan.requests.len()).sum()
    }

    /// The hash of the plans in a row, each with its own times.
    pub(super) fn plan_hash(&self) -> String {
        let plans = self.segments.iter().map(|(_, plan)| &plan.requests[..]);
        plan::hash(&plans.collect::<Vec<_>>())
    }

    pub(super) fn rate_changes(&self, bench: &Bench) -> Vec<RateChange> {
        let of_segment = |(start, plan): &(Nanos, Arc<Plan>)| {
            let schedule: Vec<Nanos> = plan.requests.iter().map(|request| request.at).collect();
            let mut changes = plan::rate_changes(&bench.load.arrivals(), &schedule);
            changes.iter_mut().for_each(|change| change.at.0 += start.0);
            changes
        };
        self.segments.iter().flat_map(of_segment).collect()
    }
}

impl Bench {
    /// What a run of so many segments is held against: each look has its share of the error.
    pub(super) fn criteria(&self, segments: usize) -> Criteria {
        let looks = Looks::new(self.demands.max_extend, 1.0 - self.demands.confidence);
        let look = looks.segments().partition_point(|look| *look < segments);
        let confidence = match self.demands.max_extend {
            1 => self.demands.confidence,
            _ => 1.0 - looks.error(look),
        };
        Criteria {
            limits: self.demands.goodput.clone(),
            slos: self.demands.slo.clone(),
            max_lateness_p99: self.client.max_lateness,
            confidence,
            on_inconclusive: self.demands.on_inconclusive,
            complaint: None,
            function: self.demands.function,
            expect: self.demands.expect,
        }
    }

    /// Whether the run has to grow: it may, and at this look an SLO is open and nothing fails. A look lends what
    /// was delivered to a run, and copies nothing.
    pub(super) fn goes_on(
        &self,
        delivered: &mut Delivered,
        to_run: impl FnOnce(&mut Delivered) -> Run,
    ) -> bool {
        let segments = delivered.segments();
        if segments >= self.demands.max_extend || delivered.delivery.partial {
            return false;
        }
        let looks = Looks::new(self.demands.max_extend, 1.0 - self.demands.confidence);
        if !looks.segments().contains(&segments) {
            return true;
        }
        let run = to_run(delivered);
        let judgement = self.criteria(segments).assess(&run).1;
        delivered.take_back(run);
        let open = |slo: &SloResult| slo.verdict == Verdict::Inconclusive;
        let decided = matches!(judgement.verdict, Verdict::Invalid | Verdict::Fail);
        !decided && judgement.slos.iter().any(open)
    }

    /// The plan of a later segment, counted from 0.
    pub(super) fn plan_of_segment(
        &self,
        segment: usize,
        prepared: &Prepared,
    ) -> Result<Plan, Error> {
        let seed = self.load.seed.wrapping_add(segment as u64);
        let mut plan = prepared.another(self, seed)?;
        let before = segment * plan.requests.len();
        for (index, request) in plan.requests.iter_mut().enumerate() {
            request.id = format!("{}{}", self.load.request_id_prefix, before + index);
        }
        Ok(plan)
    }
}
