//! Values that fit a schema by these keywords: types, `enum`, `const`, `properties`, `required`, `items`,
//! `prefixItems`, bounds, `pattern`, some formats, `$ref` within the schema, `anyOf`, `oneOf` and `allOf`. What other
//! keywords ask for is left to luck: the value is checked before it is sent.

use super::regex;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Number, Value, json};

/// Schemas within schemas: deeper there are no optional properties, items or alternatives.
const DEEP: usize = 6;
/// Deeper there is nothing.
const DEEPEST: usize = 40;
/// Items, or characters, more than needed at most.
const MORE: u64 = 3;

const WORDS: [&str; 8] = [
    "alpha", "bravo", "cedar", "delta", "ember", "flint", "grove", "harbor",
];

/// A value that fits; `None` if there is none, or none was found.
pub(super) fn value(schema: &Value, random: &mut Pcg64Mcg) -> Option<Value> {
    Writer {
        root: schema,
        random,
    }
    .any(schema, 0)
}

struct Writer<'a> {
    root: &'a Value,
    random: &'a mut Pcg64Mcg,
}

impl Writer<'_> {
    fn any(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let Value::Object(fields) = schema else {
            return (schema != &Value::Bool(false)).then(|| json!(self.word()));
        };
        if depth > DEEPEST {
            return None;
        }
        if let Some(place) = fields.get("$ref") {
            let target = self.root.pointer(place.as_str()?.strip_prefix('#')?)?;
            return self.any(target, depth + 1);
        }
        if let Some(value) = fields.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = fields.get("enum") {
            return Some(self.one(values.as_array()?, depth)?.clone());
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(others) = fields.get(key) {
                let chosen = self.one(others.as_array()?, depth)?;
                return self.any(
                    &joined(fields, key, std::slice::from_ref(chosen)),
                    depth + 1,
                );
            }
        }
        if let Some(all) = fields.get("allOf") {
            return self.any(&joined(fields, "allOf", all.as_array()?), depth + 1);
        }
        match self.kind(fields, depth)? {
            "null" => Some(Value::Null),
            "boolean" => Some(self.random.random_bool(0.5).into()),
            "integer" => self.integer(fields),
            "number" => self.number(fields),
            "string" => self.text(fields),
            "array" => self.array(fields, depth),
            _ => self.object(fields, depth),
        }
    }

    /// One of several; the first where schemas are deep, because it is often the one that ends.
    fn one<'v>(&mut self, values: &'v [Value], depth: usize) -> Option<&'v Value> {
        match values.len() {
            0 => None,
            _ if depth > DEEP => values.first(),
            count => values.get(self.random.random_range(..count)),
        }
    }

    /// The type; without one, that of the keywords.
    fn kind<'v>(&mut self, fields: &'v Map<String, Value>, depth: usize) -> Option<&'v str> {
        let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
        match fields.get("type") {
            Some(Value::String(kind)) => Some(kind),
            Some(Value::Array(kinds)) => self.one(kinds, depth)?.as_str(),
            _ if has(&[
                "properties",
                "required",
                "additionalProperties",
                "minProperties",
            ]) =>
            {
                Some("object")
            }
            _ if has(&["items", "prefixItems", "minItems", "maxItems"]) => Some("array"),
            _ if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) => {
                Some("number")
            }
            _ => Some("string"),
        }
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.random.random_range(..WORDS.len())]
    }

    fn integer(&mut self, fields: &Map<String, Value>) -> Option<Value> {
        let bound = |key: &str| fields.get(key).and_then(Value::as_f64);
        let least = [
            bound("minimum").map(f64::ceil),
            bound("exclusiveMinimum").map(|n| (n + 1.0).floor()),
        ];
        let most = [
            bound("maximum").map(f64::floor),
            bound("exclusiveMaximum").map(|n| (n - 1.0).ceil()),
        ];
        let least = least
            .into_iter()
            .flatten()
            .fold(f64::NEG_INFINITY, f64::max);
        let most = most.into_iter().flatten().fold(f64::INFINITY, f64::min);
        let (least, most) = window(least, most)?;
        let step = bound("multipleOf")
            .filter(|step| *step >= 1.0)
            .unwrap_or(1.0);
        let (first, last) = ((least / step).ceil() as i64, (most / step).floor() as i64);
        (first <= last).then(|| {
            let drawn = self.random.random_range(first..=last);
            json!((drawn as f64 * step) as i64)
        })
    }

    fn number(&mut self, fields: &Map<String, Value>) -> Option<Value> {
        if fields.contains_key("multipleOf") {
            return self.integer(fields);
        }
        let bound = |key: &str| fields.get(key).and_then(Value::as_f64);
        let least = [bound("minimum"), bound("exclusiveMinimum")]
            .into_iter()
            .flatten();
        let most = [bound("maximum"), bound("exclusiveMaximum")]
            .into_iter()
            .flatten();
        let (least, most) = window(
            least.fold(f64::NEG_INFINITY, f64::max),
            most.fold(f64::INFINITY, f64::min),
        )?;
        // Not at the ends, which may be left out.
        let drawn = least + (most - least) * self.random.random_range(0.05..0.95);
        let rounded = (drawn * 100.0).round() / 100.0;
        let drawn = if rounded > least && rounded < most {
            rounded
        } else {
            drawn
        };
        Number::from_f64(drawn).map(Value::Number)
    }

    fn text(&mut self, fields: &Map<String, Value>) -> Option<Value> {
        if let Some(pattern) = fields.get("pattern") {
            return regex::text(pattern.as_str()?, self.random).map(Value::from);
        }
        if let Some(example) = fields
            .get("format")
            .and_then(Value::as_str)
            .and_then(example)
        {
            return Some(example.into());
        }
        let length = |key: &str| fields.get(key).and_then(Value::as_u64);
        let least = length("minLength").unwrap_or(0);
        let most = length("maxLength").unwrap_or(u64::MAX);
        let mut text = self.word().to_owned();
        while (text.len() as u64) < least {
            text.push(' ');
            text.push_str(self.word());
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        text.truncate(most);
        Some(text.into())
    }

    fn array(&mut self, fields: &Map<String, Value>, depth: usize) -> Option<Value> {
        let length = |key: &str| fields.get(key).and_then(Value::as_u64);
        let first = fields.get("prefixItems").and_then(Value::as_array);
        let first = first.map_or(&[][..], Vec::as_slice);
        let least = length("minItems").unwrap_or(0);
        let more = if depth > DEEP { 0 } else { MORE };
        let most = length("maxItems")
            .unwrap_or(u64::MAX)
            .min(least.saturating_add(more));
        let others = fields.get("items").unwrap_or(&Value::Bool(true));
        // Tuples are whole.
        let closed = others == &Value::Bool(false);
        let (least, most) = match (first.len() as u64, closed) {
            (0, false) => (least, most),
            (tuple, true) => (tuple, tuple),
            (tuple, false) => (least.max(tuple), most.max(tuple)),
        };
        let count = self.random.random_range(least.min(most)..=most);
        let items = (0..count).map(|index| {
            let own = usize::try_from(index)
                .ok()
                .and_then(|index| first.get(index));
            self.any(own.unwrap_or(others), depth + 1)
        });
        items.collect::<Option<Vec<Value>>>().map(Value::Array)
    }

    fn object(&mut self, fields: &Map<String, Value>, depth: usize) -> Option<Value> {
        let empty = Map::new();
        let properties = fields
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let required: Vec<&str> = match fields.get("required").and_then(Value::as_array) {
            Some(names) => names.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        let mut object = Map::new();
        for (name, schema) in properties {
            let wanted = required.contains(&name.as_str());
            if wanted || depth <= DEEP && self.random.random_bool(0.5) {
                object.insert(name.clone(), self.any(schema, depth + 1)?);
            }
        }
        let others = fields
            .get("additionalProperties")
            .unwrap_or(&Value::Bool(true));
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.any(others, depth + 1)?);
            }
        }
        let least = fields
            .get("minProperties")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        for index in 0.. {
            if object.len() as u64 >= least {
                break;
            }
            object.insert(format!("key_{index}"), self.any(others, depth + 1)?);
        }
        Some(Value::Object(object))
    }
}

/// A window of numbers that is not too wide.
fn window(least: f64, most: f64) -> Option<(f64, f64)> {
    let (least, most) = match (least.is_finite(), most.is_finite()) {
        (true, true) => (least, most),
        (true, false) => (least, least + 100.0),
        (false, true) => (most - 100.0, most),
        (false, false) => (0.0, 100.0),
    };
    (least <= most && least.abs() < 9e15 && most.abs() < 9e15).then_some((least, most))
}

/// The schema without a key, and with what others add.
fn joined(fields: &Map<String, Value>, key: &str, others: &[Value]) -> Value {
    let mut joined = fields.clone();
    joined.shift_remove(key);
    for other in others.iter().filter_map(Value::as_object) {
        for (key, value) in other {
            match (joined.get_mut(key), value) {
                (Some(Value::Object(there)), Value::Object(more)) => there.extend(more.clone()),
                (Some(Value::Array(there)), Value::Array(more)) if key == "required" => {
                    there.extend(more.iter().cloned());
                }
                _ => drop(joined.insert(key.clone(), value.clone())),
            }
        }
    }
    Value::Object(joined)
}

/// A text of a format.
fn example(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "2026-03-01",
        "time" => "12:30:00Z",
        "date-time" => "2026-03-01T12:30:00Z",
        "duration" => "P3D",
        "email" => "ada@example.org",
        "hostname" => "example.org",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "uri-reference" => "https://example.org/a",
        "uuid" => "123e4567-e89b-42d3-a456-426614174000",
        _ => return None,
    })
}
