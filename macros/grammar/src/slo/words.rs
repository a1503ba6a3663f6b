//! Words inside limits: statistics and other names.

use super::{STATS, Stat};
use crate::{Mistake, call};

pub(super) fn stat(name: &str) -> Result<Stat, Mistake> {
    if let Some(stat) = find(name, STATS) {
        return Ok(stat);
    }
    match name.strip_prefix('p').map(call::number) {
        Some(Some(percentile)) if percentile <= 100.0 => Ok(Stat::Percentile(percentile)),
        Some(Some(_)) => Err(Mistake::new(format!(
            "there is no `{name}`; percentiles go from `p0` to `p100`"
        ))),
        _ => {
            let names = STATS.iter().map(|(name, _)| *name);
            let names: Vec<&str> = names.chain(["p50", "p99", "p99.9"]).collect();
            Err(Mistake::unknown("statistic", name, &names))
        }
    }
}

pub(super) fn find<T: Copy>(word: &str, names: &[(&str, T)]) -> Option<T> {
    names
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value)
}

pub(super) fn lookup<T: Copy>(what: &str, word: &str, names: &[(&str, T)]) -> Result<T, Mistake> {
    find(word, names).ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Mistake::unknown(what, word, &names)
    })
}
