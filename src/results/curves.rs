//! The points that result files have for curves.

use super::{Reading, reading::Origin};
use crate::{
    judge::{Curve, CurvePoint, Load},
    report::CurveOf,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl Reading {
    /// The part of a curve that this result is. `None` if it has no load, such as all requests at once.
    pub(crate) fn curve(&self) -> Option<CurveOf> {
        if let Origin::Goodput(own) = &self.origin
            && own.whole.get("curve").is_some()
        {
            return of_own(&own.whole);
        }
        let text = |key: &str| {
            let value = self.values.get(key)?.as_str()?;
            Some((key.to_owned(), value.to_owned()))
        };
        let (over, point) = of_values(&self.values)?;
        Some(CurveOf {
            settings: ["backend", "model_id", "label"]
                .iter()
                .filter_map(|key| text(key))
                .collect(),
            curve: Curve::new(over, vec![point]),
        })
    }
}

/// The part of a curve that is stored under the key `goodput` of a result.
pub(crate) fn of_own(own: &Value) -> Option<CurveOf> {
    let curve = serde_json::from_value(own.get("curve")?.clone()).ok()?;
    Some(CurveOf::of(own.get("bench").unwrap_or(&Value::Null), curve))
}

/// The load and the numbers under vLLM's keys, which say nothing about how sure they are.
fn of_values(values: &Map<String, Value>) -> Option<(Load, CurvePoint)> {
    let number = |key: &str| values.get(key).and_then(Value::as_f64);
    let (over, load) = match (number("request_rate"), number("max_concurrency")) {
        (Some(rate), _) => (Load::Rate, rate),
        (None, Some(clients)) => (Load::Concurrency, clients),
        (None, None) => return None,
    };
    let completed = number("completed")?;
    let failed = number("failed").unwrap_or(0.0);
    let ended = completed + failed;
    let rate = number("request_throughput")?;
    Some((
        over,
        CurvePoint {
            load,
            requests: ended as u64,
            plan_hash: String::new(),
            exact: false,
            request_throughput: rate,
            output_throughput: number("output_throughput").unwrap_or(0.0),
            // vLLM's goodput is a rate of completed requests.
            goodput: number("request_goodput").map(|good| good / rate * completed / ended),
            errors: if ended > 0.0 { failed / ended } else { 0.0 },
            median_ttft_ms: number("median_ttft_ms"),
            p99_ttft_ms: number("p99_ttft_ms"),
            median_tpot_ms: number("median_tpot_ms"),
            mean_e2el_ms: number("mean_e2el_ms"),
            median_e2el_ms: number("median_e2el_ms"),
            p99_e2el_ms: number("p99_e2el_ms"),
            compared: BTreeMap::new(),
        },
    ))
}
