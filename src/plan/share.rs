//! Shares of a plan: what each of several processes sends.

use super::Plan;
use crate::shard::Shard;

impl Plan {
    /// For each request in the plan's order, whether this shard sends it. Of all shards of a run exactly one does, and
    /// the requests of a session have the same.
    ///
    /// ```
    /// use goodput::{Bench, shard::Shard};
    ///
    /// let plan = Bench::new("chat").requests(5).plan()?;
    /// let second = Shard { index: 1, count: 2 };
    /// assert!(plan.sent_by(second).eq([false, true, false, true, false]));
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn sent_by(&self, shard: Shard) -> impl Iterator<Item = bool> {
        let sessions = self.sessions().into_iter();
        sessions.map(move |session| shard.has(session))
    }

    /// Number of requests that a shard sends.
    pub fn share(&self, shard: Shard) -> usize {
        self.sent_by(shard).filter(|ours| *ours).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Arrivals, PlanSpec, PlannedRequest, Shape, build, testing::fixture},
        tokenizer::Tokenizer,
    };
    use goodput_grammar::{dataset, ramp};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn planned(set: usize, rate: f64, ramped: bool, requests: usize, seed: u64) -> Plan {
        let talks = fixture("datasets/conversations.json");
        let talks = format!("conversations({:?}, output = 4)", talks.to_str().unwrap());
        let dataset = match set {
            0 => "random(input = 8, output = 3)".to_owned(),
            1 => talks,
            _ => format!(
                "mix(chat({talks}, weight = 3), batch(random(input = 8, output = 3), weight = 2))"
            ),
        };
        let arrivals = Arrivals {
            rate,
            burstiness: 0.7,
            ramp: ramped.then(|| ramp::parse("linear 1..9").unwrap()),
            max_concurrency: None,
        };
        build(&PlanSpec {
            dataset: &dataset::parse(&dataset).unwrap(),
            arrivals: &arrivals,
            requests,
            duration: None,
            seed,
            tokenizer: &Tokenizer::none(),
            takes: &Shape::ALL,
            request_id_prefix: "r",
            unwanted: None,
        })
        .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// `merge(shards(plan, n)) == plan`, with the times of the whole plan, and no session is torn.
        #[test]
        fn shards_put_together_are_the_plan(
            set in 0..3_usize,
            rate in prop_oneof![Just(f64::INFINITY), 0.5..50.0_f64],
            ramped: bool,
            requests in 1..25_usize,
            seed in 0..1000_u64,
            count in 1..12_usize,
        ) {
            let plan = planned(set, rate, ramped, requests, seed);
            let sessions = plan.sessions();
            let mut merged: BTreeMap<usize, PlannedRequest> = BTreeMap::new();
            let mut owners: BTreeMap<usize, usize> = BTreeMap::new();
            for index in 0..count {
                let shard = Shard { index, count };
                let mut share = 0;
                for (place, ours) in plan.sent_by(shard).enumerate() {
                    if ours {
                        share += 1;
                        prop_assert!(merged.insert(place, plan.requests[place].clone()).is_none());
                        prop_assert_eq!(*owners.entry(sessions[place]).or_insert(index), index);
                    }
                }
                prop_assert_eq!(plan.share(shard), share);
            }
            let merged = Plan { requests: merged.into_values().collect(), ..plan.clone() };
            prop_assert_eq!(merged.hash(), plan.hash());
            prop_assert_eq!(merged, plan);
        }
    }
}
