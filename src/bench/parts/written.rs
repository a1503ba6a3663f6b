//! How settings are written in JSON: as an attribute or a suite file writes them, without credentials.

use crate::{
    backend::Backend,
    client::Timeouts,
    grammar::{duration, goodput::RequestLimit, slo::Slo, stop_if::StopIf},
    redact,
    targets::AnyTarget,
};
use reqwest::header::HeaderMap;
use serde::{Serialize, Serializer};
use std::{fmt, sync::Arc, time::Duration};

/// A setting that has a grammar.
pub(super) fn text<S: Serializer>(
    value: &impl fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&redact::text(&value.to_string()))
}

/// A setting that has a grammar, or none.
pub(super) fn any_text<S: Serializer>(
    value: &Option<impl fmt::Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let value = value.as_ref().map(ToString::to_string);
    value.map(|text| redact::text(&text)).serialize(serializer)
}

/// Limits on each request, or none.
pub(super) fn limits<S: Serializer>(
    limits: &[RequestLimit],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    joined(limits, " ").serialize(serializer)
}

/// Limits on the run, or none.
pub(super) fn slos<S: Serializer>(slos: &[Slo], serializer: S) -> Result<S::Ok, S::Error> {
    joined(slos, ", ").serialize(serializer)
}

/// States of a run, or none.
pub(super) fn states<S: Serializer>(states: &[StopIf], serializer: S) -> Result<S::Ok, S::Error> {
    joined(states, ", ").serialize(serializer)
}

fn joined(values: &[impl fmt::Display], separator: &str) -> Option<String> {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(separator))
}

/// Names.
pub(in crate::bench) fn names<S: Serializer>(
    names: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().map(|name| redact::text(name)))
}

/// A number, or `inf`, which JSON's numbers lack.
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.collect_str(value)
    }
}

/// A span of time.
pub(super) fn span<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration::format(*value))
}

/// A span of time, or none.
pub(super) fn any_span<S: Serializer>(
    value: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.map(duration::format).serialize(serializer)
}

/// Limits of requests under the names of their keys.
pub(super) fn timeouts<S: Serializer>(value: &Timeouts, serializer: S) -> Result<S::Ok, S::Error> {
    let spans = [
        ("connect_timeout", value.connect),
        ("first_token_timeout", value.first_token),
        ("between_tokens_timeout", value.between_tokens),
        ("total_timeout", value.total),
    ];
    serializer.collect_map(spans.map(|(name, span)| (name, duration::format(span))))
}

/// A target: a simulation with all its settings, any other by its description.
pub(in crate::bench) fn target<S: Serializer>(
    value: &AnyTarget,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let simulation = value.simulation();
    let written = simulation.map(|simulation| format!("sim({})", simulation.script()));
    serializer.serialize_str(&written.unwrap_or_else(|| value.describe()))
}

/// A target, or none.
pub(super) fn any_target<S: Serializer>(
    value: &Option<AnyTarget>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => target(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// A backend's name.
pub(super) fn backend<S: Serializer>(
    value: &Option<Arc<dyn Backend>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let name = value.as_ref().map(|backend| backend.name());
    name.serialize(serializer)
}

/// Names of headers. Any value may be a credential, so none is written.
pub(super) fn headers<S: Serializer>(value: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(value.keys().map(|name| (name.as_str(), redact::MASK)))
}
