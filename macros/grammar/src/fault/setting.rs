//! What stands in the parentheses of a fault: how it is read, and written so that it is read back.

use crate::{
    Mistake, Mistakes,
    call::{self, Arg, Call},
    duration,
};
use std::time::Duration;

/// Bytes of a write of a slow drip, unless it says otherwise.
pub const DRIP_BYTES: u64 = 16;

/// One setting of a fault.
pub(super) trait Setting {
    /// What is read.
    type Value;

    /// The setting's name; `None` for the value that has none and comes first.
    fn key(&self) -> Option<&'static str>;

    /// The value; complains where it is missing or not as it should be.
    fn read(&self, given: &mut Given<'_>) -> Self::Value;

    /// The value as it is read; `None` for the default.
    fn write(&self, value: &Self::Value) -> Option<String>;
}

/// A time that must be there.
pub(super) struct Span {
    pub(super) example: &'static str,
}

impl Setting for Span {
    type Value = Duration;

    fn key(&self) -> Option<&'static str> {
        None
    }

    fn read(&self, given: &mut Given<'_>) -> Duration {
        if given.value().is_none() {
            let (name, example) = (given.name, self.example);
            given.complain(format!("`{name}` needs a time; write such as `{example}`"));
        }
        given.span().unwrap_or_default()
    }

    fn write(&self, time: &Duration) -> Option<String> {
        Some(duration::format(*time))
    }
}

/// A time; without one it does not end.
pub(super) struct AnySpan;

impl Setting for AnySpan {
    type Value = Option<Duration>;

    fn key(&self) -> Option<&'static str> {
        None
    }

    fn read(&self, given: &mut Given<'_>) -> Option<Duration> {
        given.span()
    }

    fn write(&self, time: &Option<Duration>) -> Option<String> {
        time.map(duration::format)
    }
}

/// A whole number that must be there.
pub(super) struct Count {
    pub(super) least: u64,
    pub(super) example: &'static str,
}

impl Setting for Count {
    type Value = u64;

    fn key(&self) -> Option<&'static str> {
        None
    }

    fn read(&self, given: &mut Given<'_>) -> u64 {
        let text = given.value();
        let number = text.and_then(|text| text.replace('_', "").parse().ok());
        if let Some(count) = number.filter(|&count| count >= self.least) {
            return count;
        }
        let found = text.map(|text| format!("({text})")).unwrap_or_default();
        given.complain(format!(
            "`{}{found}`: expected a whole number of at least {}, such as `{}`",
            given.name, self.least, self.example
        ));
        self.least
    }

    fn write(&self, count: &u64) -> Option<String> {
        Some(count.to_string())
    }
}

/// An HTTP status that is an error.
pub(super) struct Code;

impl Setting for Code {
    type Value = u16;

    fn key(&self) -> Option<&'static str> {
        None
    }

    fn read(&self, given: &mut Given<'_>) -> u16 {
        let text = given.value();
        if let Some(Ok(code @ 400..=599)) = text.map(str::parse::<u16>) {
            return code;
        }
        let found = text.map(|text| format!("({text})")).unwrap_or_default();
        given.complain(format!(
            "`status{found}`: expected an HTTP status from 400 to 599, such as `status(503)`"
        ));
        500
    }

    fn write(&self, code: &u16) -> Option<String> {
        Some(code.to_string())
    }
}

/// `after`: tokens before.
pub(super) struct After;

impl Setting for After {
    type Value = u64;

    fn key(&self) -> Option<&'static str> {
        Some("after")
    }

    fn read(&self, given: &mut Given<'_>) -> u64 {
        given.whole("after", 0).unwrap_or(1)
    }

    fn write(&self, after: &u64) -> Option<String> {
        (*after != 1).then(|| format!("after = {after}"))
    }
}

/// `bytes` of a drip.
pub(super) struct DripBytes;

impl Setting for DripBytes {
    type Value = u64;

    fn key(&self) -> Option<&'static str> {
        Some("bytes")
    }

    fn read(&self, given: &mut Given<'_>) -> u64 {
        given.whole("bytes", 1).unwrap_or(DRIP_BYTES)
    }

    fn write(&self, bytes: &u64) -> Option<String> {
        (*bytes != DRIP_BYTES).then(|| format!("bytes = {bytes}"))
    }
}

/// A whole number with a name that may be left out.
pub(super) struct Whole(pub(super) &'static str);

impl Setting for Whole {
    type Value = Option<u64>;

    fn key(&self) -> Option<&'static str> {
        Some(self.0)
    }

    fn read(&self, given: &mut Given<'_>) -> Option<u64> {
        given.whole(self.0, 0)
    }

    fn write(&self, number: &Option<u64>) -> Option<String> {
        number.map(|number| format!("{} = {number}", self.0))
    }
}

/// A text with a name that may be left out.
pub(super) struct Words(pub(super) &'static str);

impl Setting for Words {
    type Value = Option<String>;

    fn key(&self) -> Option<&'static str> {
        Some(self.0)
    }

    fn read(&self, given: &mut Given<'_>) -> Option<String> {
        given.text(self.0)
    }

    fn write(&self, text: &Option<String>) -> Option<String> {
        let text = text.as_deref()?;
        Some(format!("{} = {}", self.0, call::quote(text)))
    }
}

/// What is given in the parentheses of a fault, and what is wrong with it.
pub(super) struct Given<'a> {
    name: &'a str,
    args: &'a [Arg<'a>],
    pub(super) mistakes: Mistakes,
}

impl<'a> Given<'a> {
    pub(super) fn new(call: &'a Call<'a>) -> Self {
        Given {
            name: call.name,
            args: call.args(),
            mistakes: Mistakes::new(),
        }
    }

    fn complain(&mut self, sentence: String) {
        self.mistakes.push(Mistake::new(sentence));
    }

    /// Checks that nothing is given but settings with these names, or without one.
    pub(super) fn only(&mut self, settings: &[Option<&'static str>]) {
        let keys: Vec<&str> = settings.iter().copied().flatten().collect();
        let values = settings.len() - keys.len();
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
        call::check_keys(&named, &what, &keys, &mut self.mistakes);
    }

    /// The value without a name.
    fn value(&self) -> Option<&'a str> {
        let mut unnamed = self.args.iter().filter(|arg| arg.value.is_none());
        unnamed.next().map(|arg| arg.word)
    }

    fn named(&self, key: &str) -> Option<&'a Arg<'a>> {
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

    fn whole(&mut self, key: &str, least: u64) -> Option<u64> {
        let read = self.named(key)?.any_whole(least);
        read.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let read = self.named(key)?.text().map(call::unquote);
        read.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }
}
