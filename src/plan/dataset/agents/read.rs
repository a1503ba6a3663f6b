//! Reads recordings: what all formats have in common.

use super::{
    super::{complaints::Complaints, fields::Fields, fields::kind},
    entries::Entry,
    intervals,
    session::Session,
};
use goodput_grammar::{
    bounds,
    dataset::{AgentFormat, Agents},
};
use serde_json::{Map, Value};

/// A format of recordings.
pub(super) trait Format {
    /// Returns whether an entry has this format.
    fn knows(&self, entry: &Fields) -> bool;

    /// Reads all sessions; what is wrong goes to the reader.
    fn read(&self, entries: &[Entry<'_>], reader: &mut Reader<'_>) -> Vec<Session>;
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:literal => $Format:ident, $reader:path;)*) => {
        use super::{bailian, mooncake, otel, weka};

        /// All formats, in the order in which they are tried.
        const FORMATS: &[AgentFormat] = &[$(AgentFormat::$Format),*];

        /// The reader of a format.
        fn reader(format: AgentFormat) -> &'static dyn Format {
            match format {
                $(AgentFormat::$Format => &$reader,)*
            }
        }
    };
}
goodput_grammar::with_agent_formats!(formats);

/// Sessions of a recording, read so far.
pub(super) struct Reader<'a> {
    pub(super) settings: &'a Agents,
    pub(super) complaints: Complaints,
    pub(super) notes: Vec<String>,
    /// How many links between requests may still be made.
    pub(super) links: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Agents) -> Self {
        Reader {
            settings,
            complaints: Complaints::about(&settings.path),
            notes: Vec::new(),
            links: intervals::MOST_LINKS,
        }
    }

    /// All sessions. The first entry shows the format, unless the settings name it.
    pub(super) fn read(&mut self, entries: &[Entry<'_>]) -> Vec<Session> {
        let format = match self.settings.format {
            Some(format) => format,
            None => {
                let first = entries.iter().find_map(|entry| {
                    let mut unheard = Complaints::about(&self.settings.path);
                    Some((&entry.place, entry.fields(&mut unheard)?))
                });
                let Some((place, first)) = first else {
                    for entry in entries {
                        entry.fields(&mut self.complaints);
                    }
                    return Vec::new();
                };
                let known = FORMATS.iter().find(|format| reader(**format).knows(&first));
                let Some(format) = known else {
                    let what = format!(
                        "has the fields {}, which no known format has. Name the format: `agents(format = {})`",
                        first.names(),
                        AgentFormat::NAMES.join("`, `")
                    );
                    self.complaints.add(place, &what);
                    return Vec::new();
                };
                *format
            }
        };
        reader(format).read(entries, self)
    }

    /// The fields of an entry.
    pub(super) fn fields(&mut self, entry: &Entry<'_>) -> Option<Fields> {
        entry.fields(&mut self.complaints)
    }

    /// What was read from an entry, unless something was wrong.
    pub(super) fn done<T>(&mut self, fields: Fields, read: Option<T>) -> Option<T> {
        let place = fields.place().to_owned();
        match fields.done(read) {
            Ok(read) => Some(read),
            Err(mistakes) => {
                for mistake in mistakes {
                    self.complaints.add(&place, &mistake);
                }
                None
            }
        }
    }

    /// Tokens of a hash id.
    pub(super) fn block_size(&self, usual: usize) -> usize {
        self.settings.block_size.unwrap_or(usual)
    }
}

/// A span of time in seconds, if the field is there: `scale` is a unit of the field in seconds.
pub(super) fn span(fields: &mut Fields, name: &str, scale: f64) -> Option<Option<f64>> {
    if !fields.has(name) {
        return Some(None);
    }
    let number = fields.number(name)?;
    let seconds = number * scale;
    if seconds < 0.0 {
        fields.complain(format!("field `{name}` is {number}; a time is at least 0"));
        return None;
    }
    if seconds > bounds::SPAN.as_secs_f64() {
        fields.complain(format!(
            "field `{name}` is {number}, which is more than 365 days"
        ));
        return None;
    }
    Some(Some(seconds))
}

/// The time of a field in seconds, if it is there.
pub(super) fn time(fields: &mut Fields, name: &str, scale: f64) -> Option<Option<f64>> {
    if !fields.has(name) {
        return Some(None);
    }
    let number = fields.number(name)?;
    since_start(fields, name, number).map(|number| Some(number * scale))
}

/// The time, unless it is before the start of the recording.
pub(super) fn since_start(fields: &mut Fields, name: &str, time: f64) -> Option<f64> {
    if time < 0.0 {
        fields.complain(format!(
            "field `{name}` is {time}, before the start of the recording"
        ));
        return None;
    }
    Some(time)
}

/// A number of tokens, if the field is there.
pub(super) fn count(fields: &mut Fields, name: &str) -> Option<Option<u64>> {
    if !fields.has(name) {
        return Some(None);
    }
    fields.whole(name, 0).map(Some)
}

/// Hash ids, if the field is there.
pub(super) fn ids(fields: &mut Fields, name: &str) -> Option<Option<Vec<u64>>> {
    let ids = match fields.take(name) {
        None => return Some(None),
        Some(Value::Array(ids)) => ids,
        Some(other) => {
            fields.complain(format!("field `{name}` is {}, not an array", kind(&other)));
            return None;
        }
    };
    let mut read = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let signed = || id.as_i64().map(i64::cast_unsigned);
        match id.as_u64().or_else(signed) {
            Some(id) => read.push(id),
            None => {
                let what = match id {
                    Value::Number(number) => number.to_string(),
                    other => kind(other).to_owned(),
                };
                fields.complain(format!(
                    "field `{name}[{index}]` is {what}, not a whole number"
                ));
                return None;
            }
        }
    }
    Some(Some(read))
}

/// Whether as many hash ids are there as a prompt of this length has blocks, the last of which may be short.
pub(super) fn fits(fields: &mut Fields, length: u64, ids: &[u64], size: usize) -> Option<()> {
    let blocks = length.div_ceil(size as u64);
    if blocks == ids.len() as u64 {
        return Some(());
    }
    fields.complain(format!(
        "field `hash_ids` has {} ids, but `input_length` is {length}, which is {blocks} blocks of {size} tokens. If an id \
         stands for another number of tokens, set `agents(block_size)`",
        ids.len()
    ));
    None
}

/// A name: a text that is not empty, or a number.
pub(super) fn name(fields: &mut Fields, field: &str) -> Option<String> {
    match fields.take(field) {
        Some(Value::String(name)) if !name.trim().is_empty() => Some(name),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(_)) => {
            fields.complain(format!("field `{field}` is empty"));
            None
        }
        Some(other) => {
            fields.complain(format!("field `{field}` is {}, not a string", kind(&other)));
            None
        }
        None => {
            let names = fields.names();
            fields.complain(format!("field `{field}` is missing; the entry has {names}"));
            None
        }
    }
}

/// An object, if the field is there.
pub(super) fn object(fields: &mut Fields, name: &str) -> Option<Option<Map<String, Value>>> {
    match fields.take(name) {
        None => Some(None),
        Some(Value::Object(object)) => Some(Some(object)),
        Some(other) => {
            fields.complain(format!("field `{name}` is {}, not an object", kind(&other)));
            None
        }
    }
}

/// Chat messages: objects, one of which has a user or a tool as its role.
pub(super) fn chat(fields: &mut Fields, name: &str, messages: Value) -> Option<Vec<Value>> {
    let Value::Array(messages) = messages else {
        let kind = kind(&messages);
        fields.complain(format!("field `{name}` is {kind}, not an array"));
        return None;
    };
    let role = |message: &Value| message.get("role")?.as_str().map(str::to_owned);
    let mut asks = false;
    for (index, message) in messages.iter().enumerate() {
        match role(message) {
            Some(role) => asks |= !matches!(&*role, "system" | "developer" | "assistant"),
            None => {
                fields.complain(format!(
                    "field `{name}[{index}].role` is missing, or not a string"
                ));
                return None;
            }
        }
    }
    if !asks {
        fields.complain(format!("field `{name}` has no message of a user"));
        return None;
    }
    Some(messages)
}
