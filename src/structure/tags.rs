//! xgrammar's structural tags: free text, in which a trigger such as `<function=` begins one of several tags, and what
//! stands in a tag is JSON of a schema.
//!
//! ```json
//! {"structures": [{"begin": "<function=f>", "schema": {"type": "object"}, "end": "</function>"}],
//!  "triggers": ["<function="]}
//! ```
//!
//! The newer form, with a `format`, is not checked.

use super::schema::{misfit, validator};
use jsonschema::Validator;
use serde_json::{Deserializer, Value};

/// Tags that free text may have.
#[derive(Debug)]
pub(crate) struct Tags {
    tags: Vec<Tag>,
    triggers: Vec<String>,
}

#[derive(Debug)]
struct Tag {
    begin: String,
    content: Box<Validator>,
    end: String,
}

impl Tags {
    /// The tags; `None` for a form that is not checked.
    ///
    /// # Errors
    /// The JSON is not a structural tag.
    pub(super) fn new(tag: &Value) -> Result<Option<Self>, String> {
        const NONE: &str = "is not a structural tag";
        let Some(fields) = tag.as_object() else {
            return Err(format!("{NONE}: it is not an object"));
        };
        if fields.contains_key("format") {
            return Ok(None);
        }
        let list = |key: &str| {
            let items = fields.get(key).and_then(Value::as_array);
            let items = items.filter(|items| !items.is_empty());
            items.ok_or_else(|| format!("{NONE}: its `{key}` is not a list with an entry"))
        };
        let triggers = list("triggers")?.iter().map(|trigger| {
            let trigger = trigger.as_str().filter(|trigger| !trigger.is_empty());
            trigger
                .map(str::to_owned)
                .ok_or_else(|| format!("{NONE}: a trigger is not a text"))
        });
        let tags = list("structures")?.iter().map(|tag| {
            let text = |key: &str| {
                let text = tag.get(key).and_then(Value::as_str);
                text.map(str::to_owned)
                    .ok_or_else(|| format!("{NONE}: the `{key}` of a structure is not a text"))
            };
            Ok(Tag {
                begin: text("begin")?,
                content: Box::new(validator(tag.get("schema").unwrap_or(&Value::Bool(true)))?),
                end: text("end")?,
            })
        });
        Ok(Some(Tags {
            tags: tags.collect::<Result<_, String>>()?,
            triggers: triggers.collect::<Result<_, String>>()?,
        }))
    }

    /// Why a text does not fit; `None` if it does, also without any tag.
    pub(super) fn wrong(&self, text: &str) -> Option<String> {
        let mut rest = text;
        loop {
            let starts = self
                .triggers
                .iter()
                .filter_map(|trigger| rest.find(trigger.as_str()));
            let start = starts.min()?;
            let here = &rest[start..];
            let begun = self.tags.iter().filter(|tag| here.starts_with(&tag.begin));
            let Some(tag) = begun.max_by_key(|tag| tag.begin.len()) else {
                return Some("begins a tag that is not one of the structures".to_owned());
            };
            let inside = &here[tag.begin.len()..];
            let mut values = Deserializer::from_str(inside).into_iter::<Value>();
            let value = match values.next() {
                Some(Ok(value)) => value,
                Some(Err(e)) => return Some(format!("has a tag whose content is not JSON: {e}")),
                None => return Some("has a tag without content".to_owned()),
            };
            if let Some(why) = misfit(&tag.content, &value) {
                return Some(format!("has a tag whose content {why}"));
            }
            let behind = inside[values.byte_offset()..].trim_start();
            let Some(next) = behind.strip_prefix(tag.end.as_str()) else {
                return Some(format!("has a tag without its end `{}`", tag.end));
            };
            rest = next;
        }
    }
}
