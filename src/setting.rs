//! Settings that accept text or values.

use crate::grammar::{
    self, Mistakes,
    cut::Cut,
    dataset::Dataset,
    fault::Fault,
    goodput::RequestLimit,
    ramp::Ramp,
    search::{Budget, Search},
    sim::{Cold, Distribution, Slowdown},
    slo::Slo,
    stop_if::StopIf,
    structured::StructuredOutput,
};
use std::time::Duration;

/// Conversion into a setting of type `T`: from text, or from a `T`.
pub trait Setting<T> {
    /// Converts the text or value.
    ///
    /// # Errors
    /// The text, with all its mistakes.
    fn read(self) -> Result<T, (String, Mistakes)>;
}

/// Makes a type a setting that accepts text.
macro_rules! readable {
    ($type:ty, $parse:expr) => {
        impl $crate::setting::Setting<$type> for $type {
            fn read(self) -> Result<$type, (String, $crate::grammar::Mistakes)> {
                Ok(self)
            }
        }

        impl $crate::setting::Setting<$type> for &str {
            fn read(self) -> Result<$type, (String, $crate::grammar::Mistakes)> {
                let parse: fn(&str) -> Result<$type, $crate::grammar::Mistakes> = $parse;
                parse(self).map_err(|mistakes| (format!("{self:?}"), mistakes))
            }
        }

        impl $crate::setting::Setting<$type> for String {
            fn read(self) -> Result<$type, (String, $crate::grammar::Mistakes)> {
                self.as_str().read()
            }
        }

        impl $crate::setting::Setting<$type> for &String {
            fn read(self) -> Result<$type, (String, $crate::grammar::Mistakes)> {
                self.as_str().read()
            }
        }
    };
}

pub(crate) use readable;

readable!(Dataset, grammar::dataset::parse);
readable!(Vec<Fault>, grammar::fault::parse);
readable!(Distribution, |text| {
    grammar::sim::parse_distribution(text).map_err(|m| vec![m])
});
readable!(Slowdown, |text| grammar::sim::parse_slowdown(text)
    .map_err(|m| vec![m]));
readable!(Cold, |text| grammar::sim::parse_cold(text)
    .map_err(|m| vec![m]));
readable!(Vec<RequestLimit>, grammar::goodput::parse);
readable!(Vec<Slo>, grammar::slo::parse);
readable!(Cut, |text| grammar::cut::parse(text).map_err(|m| vec![m]));
readable!(Vec<StopIf>, grammar::stop_if::parse);
readable!(Search, grammar::search::parse);
readable!(Budget, |text| grammar::search::parse_budget(text)
    .map_err(|m| vec![m]));
readable!(StructuredOutput, grammar::structured::parse);
readable!(Ramp, |text| grammar::ramp::parse(text).map_err(|m| vec![m]));
readable!(Duration, |text| grammar::duration::parse(text)
    .map_err(|m| vec![m]));
