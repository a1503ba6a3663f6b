//! A run that grows until its SLOs are decided.
//!
//! It grows by segments: the plan again, with the next seed, after the server has drained. So every
//! segment has the conditions of the first one, and what is measured does not change as the run
//! grows; near saturation a longer run in one piece would be another load.
//!
//! Rounds are segments, too: the same plan again, with the same seed.

use super::{
    checked::Checked,
    classes,
    line::{Line, Outgoing},
    prepare::Prepared,
    segments::Segments,
};
use crate::{
    error::Error,
    judge::{Criteria, Judgement, SloResult, Verdict, judge},
    metrics::Tally,
    plan::Plan,
    stats::Looks,
};
use std::sync::Arc;

impl Checked {
    /// Sends the plan, and further segments as long as the SLOs are open: send, append, assess, decide. `numbers` keeps what
    /// a look has counted, so that the next one counts only what is new.
    pub(super) async fn grow(
        &self,
        line: &Line<'_>,
        first: Outgoing,
        numbers: &mut Tally,
    ) -> Result<Segments, Error> {
        let looks = self.looks();
        let first = self.warmed_up(line, first).await?;
        let mut run = line.send(first).await?;
        if self.load.rounds > 1 {
            run.ends_round(0);
        }
        for round in 1..self.load.rounds {
            if run.is_partial() {
                break;
            }
            if line.control.stop.is_requested() {
                run.stop();
                break;
            }
            run.append_round(line.send(self.round(line, round)).await?);
        }
        while run.count() < self.demands.max_extend && !run.is_partial() {
            if looks.segments().contains(&run.count()) {
                let criteria = self.criteria(run.count());
                let metrics = numbers.measure(run.run(), &criteria.limits);
                if !is_open(&judge(run.run(), &metrics, &criteria)) {
                    break;
                }
            }
            let Some(next) = self.next(line, run.count())? else {
                // Between two segments there is nothing under way that would notice the stop.
                run.stop();
                break;
            };
            run.append(line.send(next).await?);
        }
        Ok(run)
    }

    fn looks(&self) -> Looks {
        Looks::new(self.demands.max_extend, 1.0 - self.demands.confidence)
    }

    /// Criteria of a run with this number of segments: each look has its share of the error.
    pub(super) fn criteria(&self, segments: usize) -> Criteria {
        let looks = self.looks();
        let look = looks.segments().partition_point(|look| *look < segments);
        let confidence = match self.demands.max_extend {
            1 => self.demands.confidence,
            _ => 1.0 - looks.error(look),
        };
        Criteria {
            limits: classes::limits(&self.load, &self.demands),
            slos: self.demands.slo.clone(),
            max_lateness_p99: self.client.max_lateness,
            confidence,
            on_inconclusive: self.demands.on_inconclusive,
            complaint: None,
            function: self.demands.function,
            expect: self.demands.expect,
        }
    }

    /// Sends the plan as often as it comes before the measured rounds.
    async fn warmed_up(&self, line: &Line<'_>, first: Outgoing) -> Result<Outgoing, Error> {
        for _ in 0..self.load.warmup_rounds {
            if line.control.stop.is_requested() {
                return Ok(first);
            }
            line.warm_up_by(&first.plan).await;
        }
        Ok(first)
    }

    /// The plan once more, for this round, counted from 0.
    fn round(&self, line: &Line<'_>, round: usize) -> Outgoing {
        let mut plan = Plan::clone(&line.prepared.plan);
        self.number(&mut plan, round);
        Outgoing::of(Arc::new(plan), line.prepared)
    }

    /// The segment with this number, ready to be sent. `None` once the run was ended.
    fn next(&self, line: &Line<'_>, segment: usize) -> Result<Option<Outgoing>, Error> {
        if line.control.stop.is_requested() {
            return Ok(None);
        }
        match self.plan_of_segment(segment, line.prepared) {
            Err(Error::Ended(_)) => Ok(None),
            plan => {
                let plan = line.prepared.aligned(plan?);
                Ok(Some(Outgoing::of(Arc::new(plan), line.prepared)))
            }
        }
    }

    /// The plan of a later segment, counted from 0.
    pub(super) fn plan_of_segment(
        &self,
        segment: usize,
        prepared: &Prepared,
    ) -> Result<Plan, Error> {
        let seed = self.load.seed.wrapping_add(segment as u64);
        let mut plan = prepared.another(self, seed)?;
        self.number(&mut plan, segment);
        Ok(plan)
    }

    /// Lets the ids of a later segment's requests go on after those before.
    fn number(&self, plan: &mut Plan, segment: usize) {
        let before = segment * plan.requests.len();
        for (index, request) in plan.requests.iter_mut().enumerate() {
            request.id = format!("{}{}", self.load.request_id_prefix, before + index);
        }
    }
}

/// Returns whether more requests are worth their time: an SLO is undecided and nothing fails.
fn is_open(judgement: &Judgement) -> bool {
    let open = |slo: &SloResult| slo.verdict == Verdict::Inconclusive;
    let decided = matches!(judgement.verdict, Verdict::Invalid | Verdict::Fail);
    !decided && judgement.slos.iter().any(open)
}
