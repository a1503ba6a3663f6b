//! Settings that may be given as text or as values.

use crate::{
    backend::{self, Backend},
    grammar::{
        self, Mistake, Mistakes,
        dataset::Dataset,
        fault::Fault,
        goodput::RequestLimit,
        ramp::Ramp,
        sim::{Distribution, Slowdown},
        slo::Slo,
    },
    judge::{Expect, OnInconclusive},
    plan::TokenizerSpec,
};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};

/// Something a setting of type `T` can be read from: text, or a `T`.
pub trait Setting<T> {
    /// Reads it; on failure gives the text back with everything that is wrong with it.
    ///
    /// # Errors
    /// The text does not say a `T`.
    fn read(self) -> Result<T, (String, Mistakes)>;
}

macro_rules! readable {
    ($type:ty, $parse:expr) => {
        impl Setting<$type> for $type {
            fn read(self) -> Result<$type, (String, Mistakes)> {
                Ok(self)
            }
        }

        impl Setting<$type> for &str {
            fn read(self) -> Result<$type, (String, Mistakes)> {
                let parse: fn(&str) -> Result<$type, Mistakes> = $parse;
                parse(self).map_err(|mistakes| (format!("{self:?}"), mistakes))
            }
        }

        impl Setting<$type> for String {
            fn read(self) -> Result<$type, (String, Mistakes)> {
                self.as_str().read()
            }
        }

        impl Setting<$type> for &String {
            fn read(self) -> Result<$type, (String, Mistakes)> {
                self.as_str().read()
            }
        }
    };
}

readable!(Dataset, grammar::dataset::parse);
readable!(Vec<Fault>, grammar::fault::parse);
readable!(Distribution, |text| {
    grammar::sim::parse_distribution(text).map_err(|m| vec![m])
});
readable!(Slowdown, |text| grammar::sim::parse_slowdown(text)
    .map_err(|m| vec![m]));
readable!(Vec<RequestLimit>, grammar::goodput::parse);
readable!(Vec<Slo>, grammar::slo::parse);
readable!(Ramp, |text| grammar::ramp::parse(text).map_err(|m| vec![m]));
readable!(Duration, |text| grammar::duration::parse(text)
    .map_err(|m| vec![m]));
readable!(Expect, |text| Expect::parse(text).map_err(|m| vec![m]));
readable!(OnInconclusive, |text| OnInconclusive::parse(text)
    .map_err(|m| vec![m]));
readable!(TokenizerSpec, |text| Ok(match text {
    "embedded" => TokenizerSpec::Embedded,
    "none" => TokenizerSpec::None,
    name => TokenizerSpec::Named(name.to_owned()),
}));
readable!(Arc<dyn Backend>, |text| backend::by_name(text).ok_or_else(
    || vec![Mistake::unknown("backend", text, grammar::names::BACKENDS)]
));
readable!(Map<String, Value>, |text| {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(vec![Mistake::new(
            "must be a JSON object, such as {\"temperature\": 0}",
        )]),
        Err(e) => Err(vec![Mistake::new(format!(
            "is not JSON ({e}). Write an object, such as {{\"temperature\": 0}}"
        ))]),
    }
});

/// Header lines `Name: value`, one or several.
pub trait HeaderLines {
    /// The lines.
    fn lines(self) -> Vec<String>;
}

impl HeaderLines for &str {
    fn lines(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl HeaderLines for String {
    fn lines(self) -> Vec<String> {
        vec![self]
    }
}

impl<S: AsRef<str>, const N: usize> HeaderLines for [S; N] {
    fn lines(self) -> Vec<String> {
        self.iter().map(|line| line.as_ref().to_owned()).collect()
    }
}

impl<S: AsRef<str>> HeaderLines for Vec<S> {
    fn lines(self) -> Vec<String> {
        self.iter().map(|line| line.as_ref().to_owned()).collect()
    }
}
