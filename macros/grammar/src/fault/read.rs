//! Reads faults.

use super::{DRIP_BYTES, Fault, KINDS, Kind, When, when};
use crate::{
    Mistake, Mistakes,
    call::{self, Arg, Call, set},
    duration,
};
use std::time::Duration;

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
            "nothing stands after the `@` in `{text}`; write such as `@5%`, or leave it out for \
             every request"
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
    if !KINDS.contains(&call.name) {
        return Err(vec![Mistake::unknown("fault", call.name, KINDS)]);
    }
    let mut settings = Settings {
        name: call.name,
        args: call.args(),
        mistakes: Mistakes::new(),
    };
    let kind = settings.kind();
    if settings.mistakes.is_empty() {
        Ok(kind)
    } else {
        Err(settings.mistakes)
    }
}

/// What stands in the parentheses of a fault, and what is wrong with it.
struct Settings<'a> {
    name: &'a str,
    args: &'a [Arg<'a>],
    mistakes: Mistakes,
}

impl Settings<'_> {
    fn kind(&mut self) -> Kind {
        match self.name {
            "slow_headers" => {
                self.only(1, &[]);
                Kind::SlowHeaders(self.needed_span("slow_headers(2s)"))
            }
            "stall" => {
                self.only(1, &["after"]);
                Kind::Stall {
                    time: self.span(),
                    after: self.after(),
                }
            }
            "error_event" => {
                self.only(0, &["after", "message"]);
                Kind::ErrorEvent {
                    after: self.after(),
                    message: self.text("message"),
                }
            }
            "status" => {
                self.only(1, &["body", "retry_after"]);
                Kind::Status {
                    code: self.code(),
                    body: self.text("body"),
                    retry_after: self.whole("retry_after", 0),
                }
            }
            "wrong_usage" => {
                self.only(1, &[]);
                Kind::WrongUsage(self.needed_count(0, "wrong_usage(7)"))
            }
            "tokens_per_chunk" => {
                self.only(1, &[]);
                Kind::TokensPerChunk(self.needed_count(1, "tokens_per_chunk(4)"))
            }
            "drip" => {
                self.only(1, &["bytes"]);
                Kind::Drip {
                    every: self.needed_span("drip(1ms)"),
                    bytes: self.whole("bytes", 1).unwrap_or(DRIP_BYTES),
                }
            }
            "reset" | "cut" | "end_early" | "truncated_utf8" | "duplicate" | "role_only"
            | "empty" | "usage_only" => {
                self.only(0, &["after"]);
                let after = self.after();
                match self.name {
                    "reset" => Kind::Reset { after },
                    "cut" => Kind::Cut { after },
                    "end_early" => Kind::EndEarly { after },
                    "truncated_utf8" => Kind::TruncatedUtf8 { after },
                    "duplicate" => Kind::Duplicate { after },
                    "role_only" => Kind::RoleOnly { after },
                    "empty" => Kind::Empty { after },
                    _ => Kind::UsageOnly { after },
                }
            }
            bare => {
                self.only(0, &[]);
                match bare {
                    "refuse" => Kind::Refuse,
                    "no_usage" => Kind::NoUsage,
                    "no_done" => Kind::NoDone,
                    "crlf" => Kind::Crlf,
                    _ => Kind::NoTokens,
                }
            }
        }
    }

    fn complain(&mut self, sentence: String) {
        self.mistakes.push(Mistake::new(sentence));
    }

    /// Checks that there are at most `values` values without a name, and no names but these.
    fn only(&mut self, values: usize, keys: &[&str]) {
        let (name, args) = (self.name, self.args);
        let mut unnamed = args.iter().filter(|arg| arg.value.is_none());
        if let Some(extra) = unnamed.nth(values) {
            let word = extra.word;
            self.complain(match keys.first() {
                _ if keys.contains(&word) => {
                    format!("`{word}` has no value; write `{name}({word} = …)`")
                }
                Some(key) if values == 0 => {
                    format!(
                        "`{name}({word})`: give the value a name; write `{name}({key} = {word})`"
                    )
                }
                None if values == 0 => format!("`{name}` takes no value, `{word}` is given"),
                _ => format!("`{name}` takes one value without a name, `{word}` is a second one"),
            });
        }
        let named: Vec<Arg<'_>> = args
            .iter()
            .filter(|arg| arg.value.is_some())
            .copied()
            .collect();
        if keys.is_empty() {
            if let Some(arg) = named.first() {
                let word = arg.word;
                self.complain(format!(
                    "`{name}` has no settings with a name, `{word}` is given"
                ));
            }
            return;
        }
        let what = format!("setting of `{name}`");
        call::check_keys(&named, &what, keys, &mut self.mistakes);
    }

    /// The value without a name.
    fn value(&self) -> Option<&str> {
        let mut unnamed = self.args.iter().filter(|arg| arg.value.is_none());
        unnamed.next().map(|arg| arg.word)
    }

    fn named(&self, key: &str) -> Option<&Arg<'_>> {
        let mut named = self.args.iter().filter(|arg| arg.value.is_some());
        named.find(|arg| arg.word == key)
    }

    fn span(&mut self) -> Option<Duration> {
        match duration::parse(self.value()?) {
            Ok(span) => Some(span),
            Err(why) => {
                self.complain(format!("`{}`: {why}", self.name));
                None
            }
        }
    }

    fn needed_span(&mut self, example: &str) -> Duration {
        if self.value().is_none() {
            self.complain(format!(
                "`{}` needs a time; write such as `{example}`",
                self.name
            ));
        }
        self.span().unwrap_or_default()
    }

    fn needed_count(&mut self, least: u64, example: &str) -> u64 {
        let read = self
            .value()
            .and_then(|text| text.replace('_', "").parse().ok());
        if let Some(count) = read.filter(|&count| count >= least) {
            return count;
        }
        let given = self
            .value()
            .map(|text| format!("({text})"))
            .unwrap_or_default();
        self.complain(format!(
            "`{}{given}`: expected a whole number of at least {least}, such as `{example}`",
            self.name
        ));
        least
    }

    fn code(&mut self) -> u16 {
        match self.value().map(str::parse::<u16>) {
            Some(Ok(code @ 400..=599)) => code,
            _ => {
                let given = self
                    .value()
                    .map(|text| format!("({text})"))
                    .unwrap_or_default();
                self.complain(format!(
                    "`status{given}`: expected an HTTP status from 400 to 599, such as `status(503)`"
                ));
                500
            }
        }
    }

    fn after(&mut self) -> u64 {
        self.whole("after", 0).unwrap_or(1)
    }

    fn whole(&mut self, key: &str, least: u64) -> Option<u64> {
        match self.named(key)?.any_whole(least) {
            Ok(number) => Some(number),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.named(key)?.text() {
            Ok(text) => Some(call::unquote(text)),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }
}
