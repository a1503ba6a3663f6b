//! Time to first token as the client and as the server saw it.

use crate::{
    judge::{Finding, FindingKind, number},
    metrics::Metrics,
    run::Run,
};

/// The difference of the means is noted when it is more than this, ms…
const DIFFERENCE_MS: f64 = 10.0;

/// …and more than this share of the server's.
const DIFFERENCE: f64 = 0.1;

/// The finding on a server that counts a much shorter time to first token. A server's engine starts to count when it
/// takes a request over from its front end, and stops when the token leaves the engine. What the client sees on top
/// is network, front end and client.
///
/// The server counts the requests of all clients, warm-ups included, but not those that it refuses: the means are
/// compared only if it has counted as many first tokens as arrived here.
pub(super) fn ttft(run: &Run, metrics: &Metrics) -> Option<Finding> {
    let server = run.audit.server_ttft?;
    let ours = &metrics.latency.ttft;
    let difference = ours.mean - server.mean_ms;
    let same = server.count == ours.count;
    let large = difference > DIFFERENCE_MS && difference > DIFFERENCE * server.mean_ms;
    (same && large).then(|| Finding {
        kind: FindingKind::ServerTtft,
        message: format!(
            "the first token took {} ms on average from sending, but {} ms by the server's own count \
             (`/metrics`): {} ms are spent outside of its engine. Look at connecting, the network, \
             proxies, and the server's front end (tokenizing, queues before the engine)",
            number(ours.mean),
            number(server.mean_ms),
            number(difference),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::quiet, *};
    use crate::{metrics::measure, run::ServerTtft};
    use rstest::rstest;

    fn found(count: u64, mean_ms: f64) -> Option<Finding> {
        let mut run = quiet();
        run.audit.server_ttft = Some(ServerTtft { count, mean_ms });
        ttft(&run, &measure(&run, &[]))
    }

    #[rstest]
    #[case::much(100, 12.0, true)]
    #[case::little(100, 21.0, false)]
    #[case::longer(100, 80.0, false)]
    #[case::requests_of_others(150, 12.0, false)]
    fn the_client_waits_30_ms(#[case] count: u64, #[case] mean_ms: f64, #[case] remarked: bool) {
        assert_eq!(found(count, mean_ms).is_some(), remarked);
    }

    #[test]
    fn the_sentence() {
        insta::assert_snapshot!(found(100, 12.0).unwrap().message, @"the first token took 30.00 ms on average from sending, but 12.00 ms by the server's own count (`/metrics`): 18.00 ms are spent outside of its engine. Look at connecting, the network, proxies, and the server's front end (tokenizing, queues before the engine)");
    }
}
