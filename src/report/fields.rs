//! The keys of a result file with their values, in order.

use crate::record::Record;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// A result file, to be written by serde. Values that grow with requests and tokens are computed while it is written,
/// so that memory holds them only once.
#[derive(Debug, Default)]
pub struct VllmJson<'a>(Vec<(String, Field<'a>)>);

#[derive(Debug)]
enum Field<'a> {
    Value(Value),
    /// One value a request.
    Column(&'a [Record], fn(&Record) -> Value),
}

impl VllmJson<'_> {
    fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Adds these texts behind a key, or at the end without it. They cannot replace a key that is there.
    pub(super) fn with_texts(mut self, behind: &str, texts: &[(String, String)]) -> Self {
        let added: Vec<_> = texts
            .iter()
            .filter(|(key, _)| !self.has(key))
            .map(|(key, text)| (key.clone(), Field::Value(text.as_str().into())))
            .collect();
        let place = self.0.iter().position(|(key, _)| key == behind);
        let place = place.map_or(self.0.len(), |before| before + 1);
        self.0.splice(place..place, added);
        self
    }

    /// The value of a key, unless it grows with requests.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        let (_, field) = self.0.iter().find(|(name, _)| name == key)?;
        match field {
            Field::Value(value) => Some(value),
            Field::Column(..) => None,
        }
    }

    /// All values except those that grow with requests.
    pub(super) fn values(self) -> Map<String, Value> {
        let value = |(key, field)| match field {
            Field::Value(value) => Some((key, value)),
            Field::Column(..) => None,
        };
        self.0.into_iter().filter_map(value).collect()
    }
}

impl Serialize for VllmJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_keys(|_| true, serializer)
    }
}

impl VllmJson<'_> {
    /// Serialises some keys.
    pub(super) fn serialize_keys<S: Serializer>(
        &self,
        kept: impl Fn(&str) -> bool,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, field) in self.0.iter().filter(|(key, _)| kept(key)) {
            match field {
                Field::Value(value) => map.serialize_entry(key, value)?,
                Field::Column(records, value) => {
                    map.serialize_entry(key, &Column(records, *value))?;
                }
            }
        }
        map.end()
    }
}

struct Column<'a>(&'a [Record], fn(&Record) -> Value);

impl Serialize for Column<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

/// One value a request.
pub(super) fn column<'a>(
    result: &mut VllmJson<'a>,
    key: &str,
    records: &'a [Record],
    value: fn(&Record) -> Value,
) {
    let column = Field::Column(records, value);
    result.0.push((key.to_owned(), column));
}
/// A value.
pub(super) fn put(result: &mut VllmJson<'_>, key: &str, value: impl Into<Value>) {
    let value = Field::Value(value.into());
    result.0.push((key.to_owned(), value));
}
