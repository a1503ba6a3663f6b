//! Reads journals of killed runs.

use super::{
    own,
    reading::{Reading, Wrong},
};
use crate::{
    clock::Nanos,
    grammar::goodput,
    journal::{FORM, Heading, LeftOut},
    judge::Criteria,
    record::Record,
    report::{self, JsonOptions, VllmOptions},
    run::Run,
};
use serde_json::{Map, Value};
use std::collections::HashSet;

pub(super) fn is_one(document: &Value) -> bool {
    document.get("goodput_journal").is_some()
}

/// Returns what the run measured, and the number of ended requests that are missing.
pub(super) fn reading(
    place: &str,
    heading: Value,
    lines: Vec<Value>,
) -> Result<(Reading, u64), Wrong> {
    let form = heading.get("goodput_journal").and_then(Value::as_u64);
    if form != Some(u64::from(FORM)) {
        return Err(vec![format!(
            "is a journal of another version of goodput; this one reads `goodput_journal` {FORM}. Use that version"
        )]);
    }
    let wrong = |e: serde_json::Error| vec![format!("is not a journal: {e}")];
    let heading: Heading = serde_json::from_value(heading).map_err(wrong)?;
    let (gaps, lines): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .partition(|line| line.get("left_out").is_some());
    let gaps: Result<Vec<LeftOut>, _> = gaps.into_iter().map(serde_json::from_value).collect();
    let left_out = gaps.map_err(wrong)?.last().map_or(0, |gap| gap.left_out);
    let records: Result<Vec<Record>, _> = lines.into_iter().map(serde_json::from_value).collect();
    let limits = match heading.limits.as_str() {
        "" => Vec::new(),
        limits => goodput::parse(limits)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Wrong>())?,
    };
    let records = one_after_another(records.map_err(wrong)?);
    let end = records.iter().map(|r| r.end).max().unwrap_or(Nanos(0));
    let run = Run {
        partial: true,
        ..Run::of_records(heading.setup, records, end)
    };
    let criteria = Criteria {
        limits,
        ..Criteria::default()
    };
    let (metrics, judgement) = criteria.assess(&run);
    let options = JsonOptions {
        model_id: run.setup.model.clone(),
        tokenizer_id: run.setup.tokenizer.clone(),
        num_prompts: run.setup.requests,
        vllm: VllmOptions {
            goodput_given: !criteria.limits.is_empty(),
            ..VllmOptions::default()
        },
        ..JsonOptions::default()
    };
    let result = report::vllm_json(&run, &metrics, &judgement, &options);
    let result: Map<String, Value> = serde_json::to_value(&result)
        .and_then(serde_json::from_value)
        .map_err(wrong)?;
    Ok((own::reading(place, result)?, left_out))
}

/// Puts records in the order and time of the whole run. A run that was extended sends its plan again, from
/// place 0 and time 0, once all requests have ended.
fn one_after_another(mut records: Vec<Record>) -> Vec<Record> {
    let mut seen = HashSet::new();
    let (mut start, mut before, mut end) = (Nanos(0), 0, Nanos(0));
    let mut most = 0;
    for record in &mut records {
        if !seen.insert(record.index) {
            seen = HashSet::from([record.index]);
            (start, before) = (end, before + most);
            most = 0;
        }
        most = most.max(record.index + 1);
        record.shift(start.0.cast_signed());
        record.index += before;
        end = end.max(record.end);
    }
    records.sort_by_key(|record| record.index);
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::record as ended;

    fn record(index: usize) -> Record {
        Record {
            index,
            ..ended(0, &[10, 20], 2)
        }
    }

    #[test]
    fn segments_follow_each_other() {
        let indices =
            |records: &[Record]| -> Vec<usize> { records.iter().map(|r| r.index).collect() };
        let first = record(0);
        let end = first.end;
        let records = one_after_another(vec![record(1), first, record(0)]);
        assert_eq!(indices(&records), [0, 1, 2]);
        assert!(records[2].sent >= end);
    }
}
