//! What the live page must know of a bench before it runs.

use super::{Bench, classes};
use crate::{
    judge::Criteria,
    monitor::{Schedule, Subject},
    plan::schedule,
    run::Setup,
};

impl Bench {
    /// The bench as the live page shows it. Without a single run of one plan there is no verdict before the end.
    pub(crate) fn subject(&self) -> Subject {
        let (load, demands) = (&self.load, &self.demands);
        let target = self.chosen_target();
        let arrivals = load.arrivals();
        let open_loop = arrivals.open_loop() || load.replays();
        let single = demands.versus.is_none() && load.search.is_none();
        let planned = load.planned();
        let backend = self.wire.backend.as_ref();
        Subject {
            schedule: match () {
                () if !single || !open_loop || load.replays() => Schedule::Open,
                // Only the first of several plans has these times.
                () if demands.max_extend == 1 && load.rounds == 1 && load.duration.is_none() => {
                    Schedule::Times(schedule(&arrivals, planned, load.seed))
                }
                () if arrivals.ramp.is_none() => Schedule::Rate(load.rate),
                () => Schedule::Open,
            },
            criteria: single.then(|| Criteria {
                limits: classes::limits(load, demands),
                slos: demands.slo.clone(),
                max_lateness_p99: self.client.max_lateness,
                confidence: demands.confidence,
                on_inconclusive: demands.on_inconclusive,
                expect: demands.expect,
                ..Criteria::default()
            }),
            setup: Setup {
                name: self.name.clone(),
                backend: backend.map_or("", |backend| backend.name()).to_owned(),
                task: backend.map(|backend| backend.task()).unwrap_or_default(),
                target: target.describe(),
                frontends: Vec::new(),
                simulated: target.simulation().is_some(),
                model: self.wire.model.clone(),
                tokenizer: None,
                requests: self.requests_at_most().unwrap_or(load.planned()),
                rounds: load.rounds,
                classes: classes::names(&load.dataset)
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                rate: (load.rate.is_finite() && !load.replays()).then_some(load.rate),
                ramp: load.ramp.map(|ramp| ramp.to_string()),
                burstiness: load.burstiness,
                max_concurrency: load.max_concurrency,
                open_loop,
                seed: load.seed,
                request_id_prefix: load.request_id_prefix.clone(),
                plan_hash: String::new(),
                bench: serde_json::Value::Null,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use rstest::rstest;

    #[rstest]
    #[case::closed(Bench::new("a"), Schedule::Open)]
    #[case::growing(Bench::new("a").rate(5).max_extend(3), Schedule::Rate(5.0))]
    #[case::lasting(Bench::new("a").rate(5).duration("10m"), Schedule::Rate(5.0))]
    #[case::versus(Bench::new("a").rate(5).versus("sim"), Schedule::Open)]
    fn what_is_asked_for(#[case] bench: Bench, #[case] schedule: Schedule) {
        assert_eq!(bench.problems.len(), 0, "{:?}", bench.problems);
        assert_eq!(bench.subject().schedule, schedule);
    }

    #[test]
    fn a_schedule_is_that_of_the_plan() {
        let bench = Bench::new("a").rate(5).requests(20).seed(3);
        let plan = bench.plan().unwrap();
        let times: Vec<Nanos> = plan.requests.iter().map(|request| request.at).collect();
        assert_eq!(bench.subject().schedule, Schedule::Times(times));
        assert!(bench.subject().criteria.is_some());
        assert!(bench.versus("sim").subject().criteria.is_none());
    }
}
