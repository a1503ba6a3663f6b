//! Checks that the SLOs of a bench are about classes that it has, where dataset and SLOs are literals.

use crate::{args::Setting, errors::Errors, value::Value};
use goodput_grammar::{
    dataset::{self, Dataset, Random},
    slo,
};
use syn::LitStr;

pub(crate) fn check(settings: &[Setting], errors: &mut Errors) {
    let Some(slos) = literal(settings, "slo") else {
        return;
    };
    let given = settings.iter().any(|setting| setting.key.name == "dataset");
    let dataset = if given {
        literal(settings, "dataset").and_then(|text| dataset::parse(&text.value()).ok())
    } else {
        Some(Dataset::Random(Random::default()))
    };
    let Some(dataset) = dataset else { return };
    for slo in slo::parse(&slos.value()).unwrap_or_default() {
        if let Some(why) = dataset.lacks(slo.subject, slo.part) {
            errors.at(slos.span(), format!("`{slo}` {why}"));
        }
    }
}

fn literal<'a>(settings: &'a [Setting], name: &str) -> Option<&'a LitStr> {
    let setting = settings.iter().find(|setting| setting.key.name == name)?;
    match Value::of(setting.value.as_ref()?) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
