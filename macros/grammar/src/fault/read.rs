//! Reads faults.

use super::{Fault, KINDS, Kind, When, setting::Given, when};
use crate::{
    Mistake, Mistakes,
    call::{self, Call, set},
};

/// Reads a comma-separated list of faults.
///
/// # Errors
/// Every fault that is unknown or unreadable, and an empty list.
pub fn parse(text: &str) -> Result<Vec<Fault>, Mistakes> {
    let pieces = call::split(text, ',').map_err(|mistake| vec![mistake])?;
    if pieces.is_empty() {
        let sentence = "no fault is named; write such as `reset@5%`, or leave it out";
        return Err(vec![Mistake::new(sentence)]);
    }
    let mut faults = Vec::new();
    let mut mistakes = Mistakes::new();
    for piece in pieces {
        match parse_one(piece) {
            Ok(fault) => faults.push(fault),
            Err(wrong) => mistakes.extend(wrong),
        }
    }
    if mistakes.is_empty() {
        Ok(faults)
    } else {
        Err(mistakes)
    }
}

/// Reads one fault, `kind` or `kind@when`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_one(text: &str) -> Result<Fault, Mistakes> {
    let text = text.trim();
    let one = |sentence: String| vec![Mistake::new(sentence)];
    if text.ends_with('@') {
        return Err(one(format!(
            "a condition is missing after the `@` in `{text}`; write such as `@5%`, or leave it \
             out for every request"
        )));
    }
    let parts = call::split(text, '@').map_err(|mistake| vec![mistake])?;
    let (what, at) = match parts.as_slice() {
        [] => {
            return Err(one(
                "a fault is missing; write such as `reset@5%`".to_owned()
            ));
        }
        [what] => (*what, None),
        [what, at] => (*what, Some(*at)),
        _ => {
            return Err(one(format!(
                "`{text}` has an `@` too many; write one fault for each time"
            )));
        }
    };
    let mut mistakes = Mistakes::new();
    let mut fault = Kind::Refuse.when(When::Always);
    match kind(what) {
        Ok(kind) => fault.kind = kind,
        Err(wrong) => mistakes.extend(wrong),
    }
    if let Some(at) = at {
        set(&mut fault.when, when::parse(at), &mut mistakes);
    }
    if mistakes.is_empty() {
        Ok(fault)
    } else {
        Err(mistakes)
    }
}

fn kind(text: &str) -> Result<Kind, Mistakes> {
    let call = Call::parse(text).map_err(|mistake| vec![mistake])?;
    let mut given = Given::new(&call);
    match Kind::read(call.name, &mut given) {
        None => Err(vec![Mistake::unknown("fault", call.name, KINDS)]),
        Some(kind) if given.mistakes.is_empty() => Ok(kind),
        Some(_) => Err(given.mistakes),
    }
}
