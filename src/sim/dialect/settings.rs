//! The settings of a request that vLLM checks: their types as pydantic does, their ranges as its sampling parameters
//! do, in the same words. A simulation follows few of them, but a bench that sends a wrong one must fail here, too.

use super::json::{self, input};
use crate::{repr::repr, sim::refusal::Refusal};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

/// The largest number of answers to one prompt.
const MOST_CHOICES: i64 = 16_384;

/// Below this, sampling is greedy.
const GREEDY: f64 = 1e-5;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    Number,
    Flag,
    /// Any value: it is checked where it is used.
    Any,
}

/// All settings that are checked.
const KINDS: &[(&str, Kind)] = &[
    ("model", Kind::Text),
    ("frequency_penalty", Kind::Number),
    ("logit_bias", Kind::Any),
    ("logprobs", Kind::Any),
    ("top_logprobs", Kind::Any),
    ("max_tokens", Kind::Whole),
    ("max_completion_tokens", Kind::Whole),
    ("max_output_tokens", Kind::Whole),
    ("n", Kind::Whole),
    ("presence_penalty", Kind::Number),
    ("seed", Kind::Whole),
    ("stop", Kind::Any),
    ("stream", Kind::Flag),
    ("stream_options", Kind::Any),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("tools", Kind::Any),
    ("tool_choice", Kind::Any),
    ("user", Kind::Text),
    ("top_k", Kind::Whole),
    ("min_p", Kind::Number),
    ("repetition_penalty", Kind::Number),
    ("min_tokens", Kind::Whole),
    ("ignore_eos", Kind::Flag),
    ("echo", Kind::Flag),
    ("prompt_logprobs", Kind::Any),
    ("priority", Kind::Whole),
];

/// The settings that a body has, without those that are null.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Settings(Map<String, Value>);

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Map::new();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if KINDS.iter().any(|(name, _)| *name == key) {
                        drop(settings.insert(key.into_owned(), map.next_value()?))
                    } else {
                        // Prompts are long, and not kept for this.
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                settings.retain(|_, value| !value.is_null());
                Ok(Settings(settings))
            }
        }
        deserializer.deserialize_map(Known)
    }
}

impl Settings {
    /// The settings of a body, each checked for its type and range.
    ///
    /// # Errors
    /// What vLLM answers.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let settings: Settings = json::parse(body)?;
        settings.check()?;
        Ok(settings)
    }

    /// The settings of a body, each checked for its type, whatever their values.
    ///
    /// # Errors
    /// What vLLM answers.
    pub(super) fn of(body: &[u8]) -> Result<Self, Refusal> {
        let settings: Settings = json::parse(body)?;
        settings.check_types()?;
        Ok(settings)
    }

    /// Checks all settings except one, for servers that have another meaning for it.
    ///
    /// # Errors
    /// What vLLM would answer.
    pub(super) fn check_without(body: &[u8], name: &str) -> Result<(), Refusal> {
        let mut settings: Settings = json::parse(body)?;
        settings.0.shift_remove(name);
        settings.check()
    }

    /// Checks settings in an object of their own, as other servers have them, by the same rules.
    ///
    /// # Errors
    /// What vLLM would answer.
    pub(super) fn check_inner(body: &[u8]) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(alias = "sampling_params", alias = "options")]
            parameters: Option<Settings>,
        }
        let outer: Outer = json::parse(body)?;
        outer.parameters.unwrap_or_default().check()
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.check_types()?;
        self.check_combinations()?;
        self.check_ranges()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.0.get(name)?.as_str()?.to_owned())
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        flag(self.0.get(name)?)
    }

    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        whole(self.0.get(name)?)
    }

    /// The largest number of tokens to generate, under any of vLLM's names for it.
    pub(super) fn max_tokens(&self) -> Option<u64> {
        let names = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
        let tokens = names.into_iter().find_map(|name| self.whole(name));
        tokens.map(|tokens| u64::try_from(tokens).unwrap_or(0))
    }

    fn number(&self, name: &str) -> Option<f64> {
        number(self.0.get(name)?)
    }

    /// Reports all wrong types at once.
    fn check_types(&self) -> Result<(), Refusal> {
        self.check_kinds(KINDS)
    }

    /// Checks that a setting is a flag, though other servers have it with another type.
    ///
    /// # Errors
    /// It is not a flag.
    pub(super) fn check_flag(&self, name: &'static str) -> Result<(), Refusal> {
        self.check_kinds(&[(name, Kind::Flag)])
    }

    fn check_kinds(&self, kinds: &[(&str, Kind)]) -> Result<(), Refusal> {
        let mut details = Vec::new();
        let mut first = None;
        for (name, kind) in kinds {
            let Some(value) = self.0.get(*name) else {
                continue;
            };
            let Some((mistake, message)) = kind.mistake(value) else {
                continue;
            };
            let place = format!("body.{name}");
            details.push(format!(
                "{{'type': '{mistake}', 'loc': '{place}', 'msg': '{message}', 'input': {}}}",
                input(value)
            ));
            first.get_or_insert(place);
        }
        match first {
            Some(place) => Err(Refusal::validation(&place, &details)),
            None => Ok(()),
        }
    }

    /// Checks what depends on another setting.
    fn check_combinations(&self) -> Result<(), Refusal> {
        let stream = self.flag("stream").unwrap_or(false);
        let bad = |name: &str, message: &str| Err(Refusal::parameter(name, message, None));
        if !stream && self.0.get("stream_options").is_some_and(is_true) {
            return bad(
                "stream_options",
                "Stream options can only be defined when `stream=True`.",
            );
        }
        for name in ["prompt_logprobs", "top_logprobs", "logprobs"] {
            let Some(value) = self.0.get(name) else {
                continue;
            };
            let Some(count) = number(value).filter(|_| !value.is_string()) else {
                let message = format!("`{name}` must be an integer.");
                return Err(Refusal::parameter(name, &message, Some(&shown(value))));
            };
            if name == "prompt_logprobs" && stream && (count > 0.0 || count == -1.0) {
                let message = "`prompt_logprobs` are not available when `stream=True`.";
                return bad(name, message);
            }
            if count < 0.0 && count != -1.0 {
                let message = format!("`{name}` must be a positive value or -1.");
                return Err(Refusal::parameter(name, &message, Some(&shown(value))));
            }
            if name == "top_logprobs" && !self.0.get("logprobs").is_some_and(is_true) {
                let message = "when using `top_logprobs`, `logprobs` must be set to true.";
                return bad(name, message);
            }
        }
        let tools = self.0.get("tools").and_then(Value::as_array);
        if tools.is_some_and(Vec::is_empty) {
            let message = "`tools` must not be an empty array. Either provide at least one tool or omit \
                           the field entirely.";
            return bad("tools", message);
        }
        match self.0.get("tool_choice") {
            Some(choice) if choice != "none" && tools.is_none() => bad(
                "tool_choice",
                "When using `tool_choice`, `tools` must be set.",
            ),
            Some(Value::String(choice)) if !["none", "auto", "required"].contains(&&**choice) => {
                let message = format!(
                    "Invalid value for `tool_choice`: {choice}! Only named tools, \"none\", \"auto\" or \
                     \"required\" are supported."
                );
                bad("tool_choice", &message)
            }
            _ => Ok(()),
        }
    }

    /// Checks the ranges of vLLM's sampling parameters, in its order.
    fn check_ranges(&self) -> Result<(), Refusal> {
        let plain = |message: String| Err(Refusal::value(&message));
        let named = |name: &str, message: String, value: &str| {
            Err(Refusal::parameter(name, &message, Some(value)))
        };
        if let Some(bias) = self.0.get("logit_bias").and_then(Value::as_object) {
            let keys = bias.keys().filter(|key| key.trim().parse::<i64>().is_err());
            let keys: Vec<String> = keys.map(|key| repr(key)).collect();
            if !keys.is_empty() {
                let keys = format!("[{}]", keys.join(", "));
                let message = format!(
                    "logit_bias contains key(s) that cannot be converted to integer token IDs: {keys}"
                );
                return named("logit_bias", message, &keys);
            }
        }
        if let Some(n) = self.whole("n") {
            match n {
                ..1 => return plain(format!("n must be at least 1, got {n}.")),
                _ if n > MOST_CHOICES => {
                    return plain(format!(
                        "n must be at most {MOST_CHOICES}, got {n}. To increase this limit, set the \
                         VLLM_MAX_N_SEQUENCES environment variable."
                    ));
                }
                _ => {}
            }
        }
        for name in ["presence_penalty", "frequency_penalty"] {
            if let Some(penalty) = self.number(name).filter(|p| !(-2.0..=2.0).contains(p)) {
                return plain(format!("{name} must be in [-2, 2], got {penalty:?}."));
            }
        }
        if let Some(penalty) = self.number("repetition_penalty").filter(|p| *p <= 0.0) {
            return plain(format!(
                "repetition_penalty must be greater than zero, got {penalty:?}."
            ));
        }
        let temperature = self.number("temperature");
        if let Some(t) = temperature.filter(|t| !(0.0..=2.0).contains(t)) {
            let range = if t < 0.0 {
                "be non-negative"
            } else {
                "be in [0, 2]"
            };
            let message = format!("temperature must {range}, got {t:?}.");
            return named("temperature", message, &format!("{t:?}"));
        }
        if let Some(p) = self.number("top_p").filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            let message = format!("top_p must be in (0, 1], got {p:?}.");
            return named("top_p", message, &format!("{p:?}"));
        }
        if let Some(k) = self.whole("top_k").filter(|k| *k < -1) {
            return plain(format!(
                "top_k must be 0 (disable), or at least 1, got {k}."
            ));
        }
        if let Some(p) = self.number("min_p").filter(|p| !(0.0..=1.0).contains(p)) {
            return plain(format!("min_p must be in [0, 1], got {p:?}."));
        }
        let most = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
        let most = most.into_iter().find_map(|name| self.whole(name));
        if let Some(most) = most.filter(|most| *most < 1) {
            let message = format!("max_tokens must be at least 1, got {most}.");
            return named("max_tokens", message, &most.to_string());
        }
        if let Some(least) = self.whole("min_tokens") {
            if least < 0 {
                return plain(format!(
                    "min_tokens must be greater than or equal to 0, got {least}."
                ));
            }
            if let Some(most) = most.filter(|most| least > *most) {
                return plain(format!(
                    "min_tokens must be less than or equal to max_tokens={most}, got {least}."
                ));
            }
        }
        let stops = match self.0.get("stop") {
            Some(Value::Array(stops)) => stops.as_slice(),
            Some(stop) => std::slice::from_ref(stop),
            None => &[],
        };
        if stops.iter().any(|stop| stop == "") {
            return plain("stop cannot contain an empty string.".to_owned());
        }
        match self.whole("n").filter(|n| *n > 1) {
            Some(n) if temperature.is_some_and(|t| t < GREEDY) => {
                plain(format!("n must be 1 when using greedy sampling, got {n}."))
            }
            _ => Ok(()),
        }
    }
}

impl Kind {
    /// pydantic's name for the error of a value, and its sentence.
    fn mistake(self, value: &Value) -> Option<(&'static str, &'static str)> {
        let (fits, wrong) = match (self, value) {
            (Kind::Any, _) => return None,
            (Kind::Text, _) => (
                value.is_string(),
                ("string_type", "Input should be a valid string"),
            ),
            (Kind::Whole, Value::String(_)) => (
                whole(value).is_some(),
                (
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                ),
            ),
            (Kind::Whole, Value::Number(_)) => (
                whole(value).is_some(),
                (
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                ),
            ),
            (Kind::Whole, _) => (
                whole(value).is_some(),
                ("int_type", "Input should be a valid integer"),
            ),
            (Kind::Number, Value::String(_)) => (
                number(value).is_some(),
                (
                    "float_parsing",
                    "Input should be a valid number, unable to parse string as a number",
                ),
            ),
            (Kind::Number, _) => (
                number(value).is_some(),
                ("float_type", "Input should be a valid number"),
            ),
            (Kind::Flag, Value::String(_) | Value::Number(_)) => (
                flag(value).is_some(),
                (
                    "bool_parsing",
                    "Input should be a valid boolean, unable to interpret input",
                ),
            ),
            (Kind::Flag, _) => (
                flag(value).is_some(),
                ("bool_type", "Input should be a valid boolean"),
            ),
        };
        (!fits).then_some(wrong)
    }
}

/// pydantic takes `3.0`, `"3"` and `true` for whole numbers.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        }),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.to_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether Python takes a value for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// A value as Python writes it into a sentence.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => input(other).trim_matches('\'').to_owned(),
    }
}
