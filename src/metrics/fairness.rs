//! How evenly the server's work is spread over clients.
//!
//! The service of a client is its input tokens plus twice its output tokens, of requests that succeeded: the cost of
//! *Fairness in Serving Large Language Models* (Sheng et al., OSDI 2024, weights 1 and 2). Its evenness is Jain's index,
//! (Σ x)² / (n Σ x²), from 1/n (one client has everything) to 1 (all have the same), by *A Quantitative Measure of
//! Fairness and Discrimination* (Jain, Chiu, Hawe 1984).

use crate::{record::Record, run::Run};
use serde::Serialize;
use std::collections::BTreeMap;

/// Weight of an output token, where an input token has 1.
const OUTPUT_WEIGHT: f64 = 2.0;

/// How evenly the server's work is spread over clients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fairness {
    /// Jain's index of the clients' service, from 1 / clients to 1. NaN if no request succeeded.
    pub jain: f64,
    /// Each client, by name.
    pub clients: Vec<ClientService>,
}

/// What one client got.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClientService {
    /// Name of the client: the dataset's field `client`, else the class.
    pub client: String,
    /// Requests that were sent.
    pub requests: u64,
    /// Input tokens plus twice the output tokens of its successes.
    pub service: f64,
}

impl Fairness {
    /// `None` if requests have neither a client nor a class, or all have the same.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let mut clients: BTreeMap<&str, ClientService> = BTreeMap::new();
        for record in &run.records {
            let client = client(record)?;
            let entry = clients.entry(client).or_insert_with(|| ClientService {
                client: client.to_owned(),
                requests: 0,
                service: 0.0,
            });
            entry.requests += 1;
            entry.service += service(record);
        }
        let services = || clients.values().map(|client| client.service);
        let (sum, squares) = (
            services().sum::<f64>(),
            services().map(|x| x * x).sum::<f64>(),
        );
        (clients.len() > 1).then(|| Fairness {
            jain: sum * sum / (clients.len() as f64 * squares),
            clients: clients.into_values().collect(),
        })
    }
}

fn client(record: &Record) -> Option<&str> {
    record.client.as_deref().or(record.class.as_deref())
}

fn service(record: &Record) -> f64 {
    if record.ok() {
        record.input.tokens as f64 + OUTPUT_WEIGHT * record.output.tokens as f64
    } else {
        0.0
    }
}

/// What each request adds to the index, so that their sum varies as the index does: its first derivative by the request's
/// weight. And the index without what chance takes off: uneven requests make the services of equal clients uneven, too.
pub(crate) fn index_by_request(run: &Run) -> Option<(Vec<f64>, f64)> {
    let fairness = Fairness::of(run)?;
    let of: BTreeMap<&str, f64> = fairness
        .clients
        .iter()
        .map(|client| (client.client.as_str(), client.service))
        .collect();
    let sum: f64 = of.values().sum();
    let squares: f64 = of.values().map(|x| x * x).sum();
    let clients = of.len() as f64;
    let mut own = 0.0;
    let each = run.records.iter().map(|record| {
        let of_client = client(record).and_then(|name| of.get(name)).copied();
        let (of_client, worth) = (of_client.unwrap_or_default(), service(record));
        own += worth * worth;
        2.0 * sum / (clients * squares) * worth * (1.0 - sum * of_client / squares)
    });
    let each: Vec<f64> = each.collect();
    // 1/index is 1 + the squared variation of the services, of which the requests' own is a part.
    let spread = (squares - own) / (sum * sum) * clients;
    let unbiased = if spread > 1.0 { 1.0 / spread } else { 1.0 };
    Some((each, unbiased))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{record, run_of};

    fn run(requests: &[(&str, u64)]) -> Run {
        let records = requests
            .iter()
            .enumerate()
            .map(|(index, (client, output))| {
                let mut record = record(index as u64 * 100, &[10, 20], *output);
                record.client = Some((*client).into());
                record.index = index;
                record.input.tokens = 0;
                record
            });
        run_of(records.collect())
    }

    #[test]
    fn jains_index() {
        // Services of 4, 4 and 8 tokens: 16² / (3 · 96).
        let fairness = Fairness::of(&run(&[("a", 2), ("b", 1), ("b", 1), ("c", 4)])).unwrap();
        assert!((fairness.jain - 256.0 / 288.0).abs() < 1e-12);
        let services: Vec<_> = fairness
            .clients
            .iter()
            .map(|c| (c.requests, c.service))
            .collect();
        assert_eq!(services, [(1, 4.0), (2, 4.0), (1, 8.0)]);
        let even = Fairness::of(&run(&[("a", 2), ("b", 2)])).unwrap();
        assert_eq!(even.jain, 1.0);
    }

    #[test]
    fn who_has_no_name_is_the_class() {
        let mut run = run(&[("a", 2), ("b", 2)]);
        run.records[1].client = None;
        assert_eq!(Fairness::of(&run), None);
        run.records[1].class = Some("chat".into());
        assert_eq!(Fairness::of(&run).unwrap().clients[1].client, "chat");
    }

    #[test]
    fn requests_add_up_to_no_change() {
        let run = run(&[("a", 2), ("b", 1), ("b", 5), ("c", 4)]);
        let (each, unbiased) = index_by_request(&run).unwrap();
        assert!(each.iter().sum::<f64>().abs() < 1e-12);
        assert!(unbiased >= Fairness::of(&run).unwrap().jain);
        // The derivative by the weight of one request.
        let index = |more: f64| {
            let x = [4.0 + more * 4.0, 12.0, 8.0];
            let (sum, squares) = (x.iter().sum::<f64>(), x.iter().map(|x| x * x).sum::<f64>());
            sum * sum / (3.0 * squares)
        };
        let slope = (index(1e-6) - index(-1e-6)) / 2e-6;
        assert!((each[0] - slope).abs() < 1e-6, "{each:?} {slope}");
    }
}
