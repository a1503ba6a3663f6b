//! Problems: settings that are not valid.

use crate::redact;
use std::fmt;

/// A setting that is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Setting, as the attribute and the builder spell it.
    pub field: String,
    /// Given value; empty when there was none.
    pub value: String,
    /// What is wrong with the value and what to write instead.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(
        field: impl Into<String>,
        value: impl fmt::Display,
        message: impl Into<String>,
    ) -> Self {
        Problem {
            field: field.into(),
            value: redact::text(&value.to_string()),
            message: redact::text(&message.into()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{}: {}", self.field, self.message),
            value => write!(f, "{} = {value}: {}", self.field, self.message),
        }
    }
}
