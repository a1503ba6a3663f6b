//! Removes credentials from records, which servers may repeat.

use super::{Record, RequestError};
use crate::redact;
use std::collections::HashMap;

/// Masks credentials in what servers said: all in errors, known ones in answers.
pub(crate) fn redact(records: &mut [Record]) {
    // Thousands of requests may fail with the same message.
    let mut masked: HashMap<String, String> = HashMap::new();
    for record in records {
        redact::answer(&mut record.text);
        redact::answer(&mut record.reasoning);
        if let Some(finish) = &mut record.finish {
            redact::answer(finish);
        }
        if let Some(message) = record.error.as_mut().and_then(message_of) {
            *message = match masked.get(message) {
                Some(masked) => masked.clone(),
                None => {
                    let now = redact::text(message);
                    masked.insert(message.clone(), now.clone());
                    now
                }
            };
        }
    }
}

/// The part of an error that came from the server or the system.
fn message_of(error: &mut RequestError) -> Option<&mut String> {
    match error {
        RequestError::Connect { message }
        | RequestError::Tls { message }
        | RequestError::ClientLimit { message }
        | RequestError::Foreign { message }
        | RequestError::Malformed { message }
        | RequestError::Server { message }
        | RequestError::Truncated { message }
        | RequestError::Status { body: message, .. } => Some(message),
        RequestError::Timeout { .. } | RequestError::NoTokens | RequestError::Cancelled => None,
    }
}
