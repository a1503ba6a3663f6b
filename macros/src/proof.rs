//! Checks whether a bench that requires proof can provide it, if all relevant settings are literals.

use crate::{args::Setting, errors::Errors, value::Value};
use goodput_grammar::{
    dataset::{self, Dataset, Random},
    names,
    proof::Effort,
    slo,
};
use syn::LitStr;

pub(crate) fn check(settings: &[Setting], errors: &mut Errors) {
    if let Some((literal, effort, dataset)) = demanded(settings) {
        let slos = slo::parse(&literal.value()).unwrap_or_default();
        // Why a dataset lacks a number is said elsewhere.
        let held = |slo: &slo::Slo| dataset.lacks(slo.subject, slo.part).is_none();
        for slo in slos.into_iter().filter(held) {
            let effort = Effort {
                requests: dataset.requests_for(slo.part.class, effort.requests),
                ..effort
            };
            if let Some(unprovable) = effort.unprovable(&slo) {
                errors.at(literal.span(), format!("`{slo}` {}", unprovable.error()));
            }
        }
    }
}

/// SLOs to prove, the number of requests for it, and their dataset; `None` if no proof is required, or only the run will
/// know.
fn demanded(settings: &[Setting]) -> Option<(&LitStr, Effort, Dataset)> {
    let given = |name: &str| settings.iter().find(|setting| setting.key.name == name);
    let value = |name: &str| Some(Value::of(given(name)?.value.as_ref()?));
    let text = |name: &str| match value(name)? {
        Value::Text(literal) => Some(literal),
        _ => None,
    };
    let whole = |name: &str, default: u64| match (given(name), value(name)) {
        (None, _) => Some(default),
        (_, Some(Value::Whole(digits))) => digits.parse().ok().filter(|number| *number > 0),
        _ => None,
    };
    let fails = |key: &str| text(key).is_some_and(|literal| literal.value() == "fail");
    // A bench that must fail proves no SLO.
    if !fails("on_inconclusive") || fails("expect") {
        return None;
    }
    let dataset = match given("dataset") {
        Some(_) => dataset::parse(&text("dataset")?.value()).ok()?,
        None => Dataset::Random(Random::default()),
    };
    let confidence = match (given("confidence"), value("confidence")) {
        (None, _) => names::DEFAULT_CONFIDENCE,
        (_, Some(Value::Float(digits))) => digits.parse().ok()?,
        _ => return None,
    };
    // How many requests a duration has depends on more than its own literal, and a search makes as many trials as it needs.
    let searches = given("search").is_some()
        || text("slo").is_some_and(|literal| literal.value().contains("max_"));
    if given("duration").is_some() || searches {
        return None;
    }
    let planned = whole("requests", names::DEFAULT_REQUESTS)?;
    let effort = Effort {
        requests: planned,
        planned,
        batch: dataset.batch(),
        max_extend: whole("max_extend", 1)?,
        repeats: match given("versus") {
            Some(_) => whole("pairs", names::DEFAULT_PAIRS)?,
            None => 1,
        },
        confidence,
        gaps: dataset.most_gaps(),
    };
    let confident = confidence > 0.5 && confidence < 1.0;
    confident.then_some((text("slo")?, effort, dataset))
}
