//! The columns, once for all formats.

use crate::{
    clock::Nanos,
    metrics::{Basis, RequestTimes, error_kind, gaps, is_good, is_refused, millis},
    record::{CountSource, Record, RequestError, Timestamps},
    report::Report,
    structure::{Answered, Validity},
};

/// The version of the columns. It rises when one is renamed or means something else; new ones come at the
/// end.
pub const SCHEMA: u32 = 1;

/// A request and the run that it is of.
pub(super) struct Row<'a> {
    report: &'a Report,
    record: &'a Record,
    times: Option<RequestTimes>,
}

/// What stands in a column.
pub(super) enum Column {
    Whole(fn(&Row<'_>) -> Option<u64>),
    Number(fn(&Row<'_>) -> Option<f64>),
    Truth(fn(&Row<'_>) -> bool),
    Text(fn(&Row<'_>) -> Option<String>),
    /// One for each gap.
    Numbers(fn(&Row<'_>) -> Vec<f64>),
}

use Column::{Number, Numbers, Text, Truth, Whole};

/// The names of all columns, with units, and their values.
pub(super) const COLUMNS: &[(&str, Column)] = &[
    (
        "bench",
        Text(|row| Some(row.report.run().setup.name.clone())),
    ),
    ("index", Whole(|row| Some(row.record.index as u64))),
    ("request_id", Text(|row| Some(row.id()))),
    ("status", Text(|row| Some(row.status().to_owned()))),
    ("good", Truth(|row| row.good())),
    (
        "scheduled_s",
        Number(|row| seconds(Some(row.record.intended))),
    ),
    (
        "dispatched_s",
        Number(|row| seconds(Some(row.record.dispatched))),
    ),
    ("sent_s", Number(|row| seconds(Some(row.record.sent)))),
    ("connected_s", Number(|row| seconds(row.record.connected))),
    ("head_s", Number(|row| seconds(row.record.head))),
    ("first_token_s", Number(|row| seconds(row.tokens().next()))),
    ("last_token_s", Number(|row| seconds(row.tokens().last()))),
    ("end_s", Number(|row| seconds(Some(row.record.end)))),
    ("input_tokens", Whole(|row| Some(row.record.input.tokens))),
    (
        "input_tokens_source",
        Text(|row| Some(source(row.record.input.source))),
    ),
    ("output_tokens", Whole(|row| Some(row.record.output.tokens))),
    (
        "output_tokens_source",
        Text(|row| Some(source(row.record.output.source))),
    ),
    (
        "cached_tokens",
        Whole(|row| row.record.usage?.cached_tokens),
    ),
    (
        "reasoning_tokens",
        Whole(|row| row.record.usage?.reasoning_tokens),
    ),
    ("events", Whole(|row| Some(row.tokens().count() as u64))),
    ("ttft_ms", Number(|row| row.times?.ttft().map(millis))),
    ("tpot_ms", Number(|row| row.succeeded()?.tpot_ms())),
    (
        "e2el_ms",
        Number(|row| Some(millis(row.succeeded()?.e2el()))),
    ),
    ("mean_itl_ms", Number(|row| row.mean_gap())),
    (
        "itl_ms",
        Numbers(|row| gaps(row.record).map(millis).collect()),
    ),
    ("finish_reason", Text(|row| row.record.finish.clone())),
    ("http_status", Whole(|row| row.record.status.map(u64::from))),
    (
        "error_kind",
        Text(|row| Some(error_kind(row.record.error.as_ref()?).to_owned())),
    ),
    (
        "error",
        Text(|row| Some(row.record.error.as_ref()?.to_string())),
    ),
    ("inputs", Whole(|row| Some(row.record.inputs))),
    (
        "audio_s",
        Number(|row| Some(row.record.audio_seconds).filter(|s| *s > 0.0)),
    ),
    ("timestamps", Text(|row| row.record.timestamps.map(clock))),
    ("lora", Text(|row| row.record.lora.clone())),
    (
        "class",
        Text(|row| row.record.class.as_deref().map(str::to_owned)),
    ),
    (
        "client",
        Text(|row| row.record.client.as_deref().map(str::to_owned)),
    ),
    (
        "session",
        Text(|row| Some(row.record.turn.as_deref()?.name.clone())),
    ),
    (
        "turn",
        Whole(|row| Some(row.record.turn.as_deref()?.number as u64)),
    ),
    (
        "session_e2el_ms",
        Number(|row| Some(row.record.session_e2el?.as_secs_f64() * 1e3)),
    ),
    ("cut", Truth(|row| row.record.cut)),
    ("structure", Text(|row| Some(row.asked()?.kind.clone()))),
    ("valid", Text(|row| row.validity().map(str::to_owned))),
    (
        "url",
        Text(|row| row.report.run().url_of(row.record).map(str::to_owned)),
    ),
];

impl<'a> Row<'a> {
    /// The requests in plan order.
    pub(super) fn all(report: &'a Report) -> Vec<Self> {
        let records = report.run().records.iter();
        let row = |record| Row {
            report,
            record,
            times: RequestTimes::of(record, Basis::Sent),
        };
        records.map(row).collect()
    }

    fn id(&self) -> String {
        let prefix = &self.report.run().setup.request_id_prefix;
        format!("{prefix}{}", self.record.index)
    }

    fn asked(&self) -> Option<&'a Answered> {
        self.record
            .structure
            .as_deref()
            .filter(|answered| answered.sent)
    }

    /// How a request for a structure was answered.
    fn validity(&self) -> Option<&'static str> {
        let answered = self.asked()?;
        Some(match &answered.validity {
            Some(Validity::Valid) => "valid",
            Some(Validity::Wrong(_)) => "wrong",
            None if is_refused(self.record) => "refused",
            None if !self.record.ok() => "failed",
            None => "unchecked",
        })
    }

    fn status(&self) -> &'static str {
        match self.record.error {
            None => "ok",
            Some(RequestError::Cancelled) => "cancelled",
            Some(_) => "failed",
        }
    }

    /// Within all limits, as goodput counts.
    fn good(&self) -> bool {
        let basis = Basis::of_gate(self.report.run());
        is_good(self.record, basis, &self.report.criteria().limits)
    }

    fn tokens(&self) -> impl Iterator<Item = Nanos> {
        self.record.events.iter().map(|event| event.at)
    }

    fn succeeded(&self) -> Option<RequestTimes> {
        self.times.filter(|_| self.record.ok())
    }

    fn mean_gap(&self) -> Option<f64> {
        let (count, sum) = gaps(self.record)
            .map(millis)
            .fold((0_u32, 0.0), |(count, sum), gap| (count + 1, sum + gap));
        (count > 0).then(|| sum / f64::from(count))
    }
}

fn seconds(at: Option<Nanos>) -> Option<f64> {
    at.map(|at| at.as_secs_f64())
}

fn source(source: CountSource) -> String {
    match source {
        CountSource::Usage => "usage",
        CountSource::Tokenizer => "tokenizer",
        CountSource::Estimate => "estimate",
    }
    .to_owned()
}

fn clock(timestamps: Timestamps) -> String {
    match timestamps {
        Timestamps::Kernel => "kernel",
        Timestamps::Monotonic => "monotonic",
        Timestamps::Virtual => "virtual",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_column_is_documented_once() {
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let different: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        let page = include_str!("../../docs/results.md");
        let (_, table) = page.split_once("| column | type | ").unwrap();
        let rows = table
            .lines()
            .skip(2)
            .map_while(|line| line.strip_prefix("| `"));
        let documented: Vec<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
        assert_eq!(documented, names);
    }
}
