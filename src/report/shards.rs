//! The line about the shards of a merged run.

use crate::{judge::number, run::Run};
use std::collections::BTreeSet;

/// How many there are, where, and how well they started together.
pub(super) fn line(run: &Run) -> Option<(&'static str, String)> {
    let shards = &run.audit.shards;
    let all = shards.first()?.start.shard.count;
    let hosts: BTreeSet<&str> = shards.iter().map(|s| s.start.host.as_str()).collect();
    let machines = match hosts.len() {
        1 => "1 machine".to_owned(),
        many => format!("{many} machines"),
    };
    let here = match shards.len() {
        here if here == all => all.to_string(),
        here => format!("{here} of {all}"),
    };
    let bounds: Option<Vec<f64>> = shards.iter().map(|shard| shard.start.bound_ms).collect();
    let bound = bounds.map(|bounds| bounds.into_iter().fold(0.0, f64::max));
    let started = match bound {
        Some(bound) => format!("started within {} ms of shard 0", number(bound)),
        None => "started by their own clocks".to_owned(),
    };
    let clocks = shards.iter().filter_map(|shard| shard.start.clock_ms);
    let apart = clocks.map(f64::abs).reduce(f64::max);
    let apart = apart.filter(|apart| *apart >= 1.0).map(|apart| {
        format!(
            ", system clocks up to {} ms from that of shard 0",
            number(apart)
        )
    });
    Some((
        "shards",
        format!(
            "{here} on {machines}, {started}{}",
            apart.unwrap_or_default()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::testing::failing_run,
        run::{ReadAudit, ShardAudit, ShardStart},
        shard::Shard,
    };
    use rstest::rstest;

    #[rstest]
    #[case::by_a_rendezvous(Some(0.042), Some(-12.0), "2 of 3 on 2 machines, started within 0.042 ms of shard 0, system clocks up to 12.00 ms from that of shard 0")]
    #[case::by_their_clocks(None, None, "2 of 3 on 2 machines, started by their own clocks")]
    fn lines(#[case] bound_ms: Option<f64>, #[case] clock_ms: Option<f64>, #[case] text: &str) {
        let mut run = failing_run();
        assert_eq!(line(&run), None);
        run.audit.shards = [0, 2]
            .map(|index| ShardAudit {
                start: ShardStart {
                    shard: Shard { index, count: 3 },
                    run: "run".to_owned(),
                    planned: 9,
                    host: format!("host{index}"),
                    at: 0,
                    bound_ms: bound_ms.map(|bound| if index == 0 { 0.0 } else { bound }),
                    clock_ms,
                },
                requests: 3,
                late_p99_ms: None,
                connections: 1,
                reads: ReadAudit::default(),
                watch: None,
            })
            .to_vec();
        let (_, said) = line(&run).unwrap();
        assert_eq!(said, text);
    }
}
