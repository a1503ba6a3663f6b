//! Checks values at compile time: the parsers of the library read literals; everything else is for the type
//! checker.

use crate::{
    args::{Setting, key_example},
    classes,
    errors::Errors,
    proof,
    value::Value,
};
use goodput_grammar::{
    Mistake, Mistakes, bounds, cut, dataset, duration, fault, goodput,
    names::{BACKENDS, BALANCE, EXPECT, Key, Kind, ON_INCONCLUSIVE, is_baseline},
    ramp, search, slo, stop_if, structured, target, tolerance,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use std::time::Duration;
use syn::{Expr, LitStr, spanned::Spanned};

/// Settings in the form the expansion needs.
#[derive(Default)]
pub(crate) struct Checked {
    /// `.rate(10f64)…`, in the order written.
    pub(crate) calls: TokenStream,
    /// Where and why the bench is ignored; the reason may be empty.
    pub(crate) ignore: Option<(Span, String)>,
    /// Where the snapshot is requested, and its tolerance as written.
    pub(crate) snapshot: Option<(Span, Option<TokenStream>)>,
    /// Whether `versus` or `baseline` is given.
    pub(crate) compares: bool,
    /// Where `expect` is given.
    pub(crate) expect: Option<Span>,
    /// Path of goodput.
    pub(crate) library: Library,
}

/// Path of goodput in the user's crate.
pub(crate) struct Library(pub(crate) syn::Path);

impl Default for Library {
    fn default() -> Self {
        Library(syn::parse_quote!(::goodput))
    }
}

impl ToTokens for Library {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// Checks all settings and turns them into calls of the builder's methods.
pub(crate) fn check(settings: &[Setting], errors: &mut Errors) -> Checked {
    together(settings, errors);
    let mut checked = Checked::default();
    proof::check(settings, errors);
    classes::check(settings, errors);
    for setting in settings {
        let span = setting.ident.span();
        if setting.key.kind == Kind::Reason {
            if let Some(reason) = reason(setting, errors) {
                checked.ignore = Some((span, reason));
            }
        } else if setting.key.kind == Kind::Path {
            if let Some(path) = path(setting, errors) {
                checked.library = Library(path);
            }
        } else if setting.key.kind == Kind::Tolerance {
            checked.snapshot = tolerance(setting, errors).map(|tolerance| (span, tolerance));
        } else if let Some(argument) = argument(setting, errors) {
            if setting.key.name == "expect" {
                checked.expect = Some(span);
            }
            checked.compares |= ["versus", "baseline"].contains(&setting.key.name);
            // The key's span, so that editors show the method's documentation at the key.
            let method = syn::Ident::new(setting.key.name, span);
            checked.calls.extend(quote!(.#method(#argument)));
        }
    }
    checked
}

/// Checks settings that depend on each other.
fn together(settings: &[Setting], errors: &mut Errors) {
    for (index, setting) in settings.iter().enumerate() {
        let name = setting.key.name;
        if let Some(first) = settings[..index].iter().find(|s| s.key.name == name) {
            errors.at(
                setting.ident.span(),
                format!("`{name}` is given twice; keep one"),
            );
            errors.at(first.ident.span(), format!("`{name}` is given here first"));
        }
    }
    let given = |name| settings.iter().find(|setting| setting.key.name == name);
    if let (Some(rate), Some(ramp)) = (given("rate"), given("ramp")) {
        let sentence = "`ramp` sets the rate from first to last request; keep `rate` or `ramp`";
        errors.at(ramp.ident.span(), sentence);
        errors.at(rate.ident.span(), "`rate` contradicts `ramp`");
    }
    cuts(settings, errors);
    if let (Some(required), None) = (given("require_baseline"), given("baseline")) {
        let sentence = "`require_baseline` names no baseline; add the one that must exist: `baseline = \"main\"`";
        errors.at(required.ident.span(), sentence);
    }
}

/// Checks that cuts leave something of a run, where all are literals.
fn cuts(settings: &[Setting], errors: &mut Errors) {
    let given = |name: &str| settings.iter().find(|setting| setting.key.name == name);
    let text = |name: &str| match Value::of(given(name)?.value.as_ref()?) {
        Value::Text(text) => Some(text.value()),
        _ => None,
    };
    let read = |name: &str| cut::parse(&text(name)?).ok();
    let number = |name: &str| match Value::of(given(name)?.value.as_ref()?) {
        Value::Whole(digits) | Value::Float(digits) => digits.parse::<f64>().ok(),
        _ => None,
    };
    let requests = number("requests");
    let by_rate = || Duration::try_from_secs_f64(requests? / number("rate")?).ok();
    let lasts = text("duration").and_then(|text| duration::parse(&text).ok());
    let lasts = lasts.or_else(by_rate);
    let requests = requests.map(|requests| requests as u64);
    let (start, end) = (read("cut_start"), read("cut_end"));
    let named = given("cut_start").or_else(|| given("cut_end"));
    if let (Some(named), Some(why)) = (named, cut::leaves_nothing(start, end, lasts, requests)) {
        errors.at(named.ident.span(), format!("`{}` {why}", named.key.name));
    }
}

/// Argument of the builder's method, if the value can be one.
fn argument(setting: &Setting, errors: &mut Errors) -> Option<TokenStream> {
    let Setting { ident, key, value } = setting;
    let Some(expr) = value else {
        if key.kind == Kind::Flag {
            return Some(quote_spanned!(ident.span()=> true));
        }
        if key.kind == Kind::Named {
            return Some(quote_spanned!(ident.span()=> "main"));
        }
        let sentence = format!("`{}` needs a value; write `{}`", key.name, key_example(key));
        errors.at(ident.span(), sentence);
        return None;
    };
    let value = Value::of(expr);
    let as_written = expr.to_token_stream();
    match (key.kind, &value) {
        (_, Value::Expression) => Some(as_written),
        (Kind::Text | Kind::Texts | Kind::Any | Kind::Named, Value::Text(text)) => {
            literal_text(key, text, errors);
            Some(as_written)
        }
        (Kind::Texts, Value::Array(array)) => {
            for element in &array.elems {
                match Value::of(element) {
                    Value::Text(text) => literal_text(key, text, errors),
                    Value::Expression => {}
                    other => wrong(key, element, "a string", &other, errors),
                }
            }
            Some(as_written)
        }
        (Kind::Number, _) => number(key, expr, &value, errors),
        (Kind::Share, Value::Whole(digits) | Value::Float(digits)) => {
            let inside = |share: f64| share > 0.5 && share < 1.0;
            if !digits.parse().is_ok_and(inside) {
                let sentence = format!(
                    "`{}` must be above 0.5 and below 1; write such as `{}`",
                    key.name,
                    key_example(key)
                );
                errors.on(expr, sentence);
            }
            Some(as_written)
        }
        (Kind::Fraction, Value::Whole(digits) | Value::Float(digits)) => {
            if !digits.parse().is_ok_and(|share: f64| share < 1.0) {
                let sentence = format!(
                    "`{}` must be below 1; write such as `{}`",
                    key.name,
                    key_example(key)
                );
                errors.on(expr, sentence);
            }
            Some(as_written)
        }
        (Kind::Ratio, Value::Whole(digits) | Value::Float(digits)) => {
            within_bounds(key, expr, digits, errors);
            Some(as_written)
        }
        (Kind::Ratio, Value::Negative) => {
            within_bounds(key, expr, "-1", errors);
            None
        }
        (Kind::Share | Kind::Fraction | Kind::Ratio, other) => {
            wrong(key, expr, "a number", other, errors);
            None
        }
        (Kind::Whole | Kind::Positive, Value::Whole(digits)) => {
            if key.kind == Kind::Positive && digits == "0" {
                errors.on(expr, format!("`{}` must be at least 1", key.name));
            } else {
                within_bounds(key, expr, digits, errors);
            }
            Some(as_written)
        }
        (Kind::Whole | Kind::Positive, other) => {
            wrong(key, expr, "a whole number", other, errors);
            None
        }
        (Kind::Flag, Value::Bool(_)) => Some(as_written),
        (Kind::Flag, other) => {
            let expected = format!("`true`, `false` or `{}` alone", key.name);
            wrong(key, expr, &expected, other, errors);
            None
        }
        (Kind::Span, Value::Text(text)) => {
            let read = duration::parse(&text.value());
            let read = read.and_then(|span| {
                bounds::span(key.name, span)
                    .map_err(|mistake| Mistake::new(format!("`{}` {mistake}", key.name)))
            });
            errors.mistakes(text.span(), read.err());
            Some(as_written)
        }
        (Kind::Span, Value::Whole(digits) | Value::Float(digits)) => {
            let sentence = format!(
                "`{digits}` has no unit; write `{} = \"{digits}s\"`",
                key.name
            );
            errors.on(expr, sentence);
            None
        }
        (Kind::Any, Value::Array(_)) => Some(as_written),
        (_, other) => {
            wrong(key, expr, "a string", other, errors);
            None
        }
    }
}

fn wrong(key: &Key, expr: &Expr, expected: &str, found: &Value<'_>, errors: &mut Errors) {
    let (found, example) = (found.found(), key_example(key));
    errors.on(
        expr,
        format!("expected {expected}, found {found}; write such as `{example}`"),
    );
}

fn within_bounds(key: &Key, expr: &Expr, digits: &str, errors: &mut Errors) {
    let number = digits.parse().unwrap_or(f64::INFINITY);
    if let Err(mistake) = bounds::number(key.name, number) {
        errors.on(expr, format!("`{}` {mistake}", key.name));
    }
}

fn number(key: &Key, expr: &Expr, value: &Value<'_>, errors: &mut Errors) -> Option<TokenStream> {
    let above_0 = || format!("`{}` must be above 0", key.name);
    match value {
        Value::Whole(digits) | Value::Float(digits) => {
            let number: f64 = digits.parse().ok()?;
            if number <= 0.0 {
                errors.on(expr, above_0());
            } else {
                within_bounds(key, expr, digits, errors);
            }
            let literal = proc_macro2::Literal::f64_suffixed(number);
            Some(quote_spanned!(expr.span()=> #literal))
        }
        Value::Negative => {
            errors.on(expr, above_0());
            None
        }
        Value::Text(text) if text.value() == "inf" => {
            Some(quote_spanned!(text.span()=> ::core::primitive::f64::INFINITY))
        }
        Value::Text(text) if text.value().trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            let plain = text.value();
            let sentence = format!(
                "expected a number, found a string; write `{} = {}`",
                key.name,
                plain.trim()
            );
            errors.on(expr, sentence);
            None
        }
        other => {
            wrong(key, expr, "a number or `\"inf\"`", other, errors);
            None
        }
    }
}

fn reason(setting: &Setting, errors: &mut Errors) -> Option<String> {
    let Some(expr) = &setting.value else {
        return Some(String::new());
    };
    match Value::of(expr) {
        Value::Bool(true) => Some(String::new()),
        Value::Bool(false) => None,
        Value::Text(text) => Some(text.value()),
        other => {
            let expected = "a reason in quotes, or `ignore` alone";
            wrong(setting.key, expr, expected, &other, errors);
            None
        }
    }
}

/// Parses a path, plain or in quotes as other macros take it.
fn path(setting: &Setting, errors: &mut Errors) -> Option<syn::Path> {
    let expr = setting.value.as_ref();
    let path = match expr.map(|expr| (expr, Value::of(expr))) {
        Some((Expr::Path(path), _)) if path.qself.is_none() => Some(path.path.clone()),
        Some((_, Value::Text(text))) => text.parse().ok(),
        _ => None,
    };
    if path.is_none() {
        let sentence = format!(
            "`{}` needs a path; write `{}`",
            setting.key.name,
            key_example(setting.key)
        );
        match expr {
            Some(expr) => errors.on(expr, sentence),
            None => errors.at(setting.ident.span(), sentence),
        }
    }
    path
}

/// Tolerance of a snapshot as written, if a snapshot is requested.
fn tolerance(setting: &Setting, errors: &mut Errors) -> Option<Option<TokenStream>> {
    let Some(expr) = &setting.value else {
        return Some(None);
    };
    match Value::of(expr) {
        Value::Bool(wanted) => return wanted.then_some(None),
        Value::Text(text) => {
            errors.mistakes(text.span(), tolerance::parse(&text.value()).err());
        }
        Value::Expression => {}
        other => {
            let expected = "a tolerance in quotes, or `snapshot` alone";
            wrong(setting.key, expr, expected, &other, errors);
        }
    }
    Some(Some(expr.to_token_stream()))
}

fn literal_text(key: &Key, literal: &LitStr, errors: &mut Errors) {
    let text = literal.value();
    let one = |mistake: Result<(), Mistake>| mistake.map_err(|mistake| vec![mistake]);
    let read: Result<(), Mistakes> = match key.name {
        "backend" if !BACKENDS.contains(&text.as_str()) => {
            one(Err(Mistake::unknown("backend", &text, BACKENDS)))
        }
        "backend" => Ok(()),
        "balance" if !BALANCE.contains(&text.as_str()) => {
            one(Err(Mistake::unknown("policy", &text, BALANCE)))
        }
        "bind" if text.trim().parse::<std::net::IpAddr>().is_err() => one(Err(Mistake::new(
            format!("`{text}` is not an IP address; write a local one, such as `10.0.0.1`"),
        ))),
        "on_inconclusive" if !ON_INCONCLUSIVE.contains(&text.as_str()) => {
            one(Err(Mistake::unknown("answer", &text, ON_INCONCLUSIVE)))
        }
        "expect" if !EXPECT.contains(&text.as_str()) => {
            one(Err(Mistake::unknown("answer", &text, EXPECT)))
        }
        "target" | "versus" => target::parse(&text).map(drop),
        "faults" => fault::parse(&text).map(drop),
        "dataset" => dataset::parse(&text).map(drop),
        "goodput" => goodput::parse(&text).map(drop),
        "slo" => slo::parse(&text).map(drop),
        "cut_start" => one(cut::parse(&text).map(drop)),
        "cut_end" => one(cut::parse_end(&text).map(drop)),
        "stop_if" => stop_if::parse(&text).map(drop),
        "search" => search::parse(&text).map(drop),
        "search_budget" => search::parse_budget(&text).map(drop).map_err(|m| vec![m]),
        "structured_output" => structured::parse(&text).map(drop),
        "ramp" => one(ramp::parse(&text).and_then(|ramp| ramp::within_bounds(&ramp))),
        "headers" => one(header(&text)),
        "baseline" if !is_baseline(&text) => one(Err(Mistake::new(format!(
            "`{text}` is not the name of a baseline; write letters, digits, hyphens, dots and underscores"
        )))),
        "endpoint" if !text.starts_with('/') => one(Err(Mistake::new(format!(
            "`{text}` is not a path; write `/{text}`"
        )))),
        _ if text.trim().is_empty() => one(Err(Mistake::new(format!(
            "`{}` is empty; leave it out for the default",
            key.name
        )))),
        _ => Ok(()),
    };
    errors.mistakes(literal.span(), read.err().into_iter().flatten());
}

/// Checks `Name: value`. The value may be a secret, so no sentence repeats it.
fn header(line: &str) -> Result<(), Mistake> {
    let Some((name, value)) = line.split_once(':') else {
        return Err(Mistake::new(
            "a header needs a colon; write `Name: value`, such as `X-Team: search`",
        ));
    };
    let name = name.trim();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(Mistake::new(format!(
            "`{name}` is not the name of a header; write letters, digits and hyphens"
        )));
    }
    if value.chars().any(char::is_control) {
        return Err(Mistake::new(format!(
            "the value of `{name}` has a control character in it"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
