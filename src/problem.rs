//! A setting that cannot be used.

use crate::redact;
use std::fmt;

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as the attribute and the builder spell it.
    pub field: String,
    /// What was given; empty when nothing was, or when it is no value.
    pub value: String,
    /// What is wrong with it and what to write instead.
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
