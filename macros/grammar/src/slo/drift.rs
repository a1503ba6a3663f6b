//! What a drift is of: `p50(ttft)` or `memory`, inside `drift(…)`.

use super::{
    LATENCIES, Latency, Level, StatKind,
    words::{find, stat},
};
use crate::{Mistake, call::Call};

/// Reads what stands inside `drift(…)`.
pub(super) fn drift(inside: &str) -> Result<Level, Mistake> {
    let wrong = || {
        Mistake::new(format!(
            "`drift({inside})`: expected a statistic of a latency, or memory, as in `drift(p50(ttft))` and \
             `drift(memory)`"
        ))
    };
    if inside == "memory" {
        return Ok(Level::Memory);
    }
    let call = Call::parse(inside)?;
    let [latency] = call.args() else {
        return Err(wrong());
    };
    let latency = find(latency.word, LATENCIES).ok_or_else(wrong)?;
    let stat = stat(call.name)?;
    let alone = match stat.kind() {
        StatKind::Rank(percent) => percent <= 0.0 || percent >= 100.0,
        StatKind::Extreme => true,
        StatKind::Moment => false,
    };
    if alone {
        return Err(Mistake::new(format!(
            "`drift({inside})`: the first or last value of a run says nothing about how it changes; write such as \
             `drift(p99({latency}))`"
        )));
    }
    if matches!(latency, Latency::SessionE2el | Latency::RoundE2el) {
        return Err(Mistake::new(format!(
            "`drift({inside})`: `{latency}` is the time of many requests; write such as `drift({stat}(e2el))`"
        )));
    }
    Ok(Level::Latency(stat, latency))
}
