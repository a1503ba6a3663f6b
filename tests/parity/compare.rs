//! Two runs of a case, held against each other.

use super::{
    cases::Case,
    client::Ran,
    recorder::Request,
    result::{Rule, rule},
    table::{self, Line},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub struct Comparison<'a> {
    case: &'a Case,
    theirs: &'a Ran,
    ours: &'a Ran,
    requests: usize,
    lines: usize,
    keys: usize,
    /// What should be the same and is not.
    pub differences: Vec<String>,
}

impl<'a> Comparison<'a> {
    pub fn of(case: &'a Case, theirs: &'a Ran, ours: &'a Ran) -> Self {
        let mut comparison = Comparison {
            case,
            theirs,
            ours,
            requests: 0,
            lines: 0,
            keys: 0,
            differences: Vec::new(),
        };
        comparison.sent();
        comparison.printed();
        comparison.written();
        comparison
    }

    fn differ(&mut self, what: &str, theirs: impl std::fmt::Debug, ours: impl std::fmt::Debug) {
        let text = |side: String| side.chars().take(600).collect::<String>();
        let (theirs, ours) = (text(format!("{theirs:?}")), text(format!("{ours:?}")));
        self.differences
            .push(format!("{what}\n  vLLM    {theirs}\n  goodput {ours}"));
    }

    /// The same ids, and for each the same bodies and headers.
    fn sent(&mut self) {
        let nameless = self.case.nameless;
        let [theirs, ours] = [self.theirs, self.ours].map(|ran| {
            if nameless {
                BTreeMap::from([(
                    String::new(),
                    ran.sent.values().flatten().cloned().collect(),
                )])
            } else {
                ran.sent.clone()
            }
        });
        if !theirs.keys().eq(ours.keys()) {
            let ids = |sent: &BTreeMap<String, _>| sent.keys().cloned().collect::<Vec<_>>();
            return self.differ("ids of requests", ids(&theirs), ids(&ours));
        }
        for (id, mut theirs) in theirs {
            let mut ours = ours[&id].clone();
            if theirs.len() != ours.len() {
                self.differ(&format!("`{id}`, times sent"), theirs.len(), ours.len());
            }
            for sent in [&mut theirs, &mut ours] {
                sent.sort_by_cached_key(|request| request.body["prompt"].to_string());
            }
            for (theirs, ours) in theirs.iter().zip(&ours) {
                self.requests += 1;
                self.one_sent(&id, theirs, ours);
            }
        }
    }

    fn one_sent(&mut self, id: &str, theirs: &Request, ours: &Request) {
        let [their_body, our_body] =
            [theirs, ours].map(|request| match self.case.contents_differ {
                None => request.body.clone(),
                Some(_) => form(&request.body),
            });
        if their_body != our_body {
            self.differ(
                &format!("`{id}`, body"),
                their_body.to_string(),
                our_body.to_string(),
            );
        }
        for name in ["content-type", "authorization", "x-team"] {
            let [theirs, ours] = [theirs, ours].map(|request| request.headers.get(name));
            if theirs != ours {
                self.differ(&format!("`{id}`, header {name}"), theirs, ours);
            }
        }
    }

    /// The same labels in the same order; the values of those that nothing is measured for are equal.
    fn printed(&mut self) {
        const COUNTED: [&str; 7] = [
            "Successful requests",
            "Failed requests",
            "Maximum request concurrency",
            "Request rate configured (RPS)",
            "Total input tokens",
            "Total generated tokens",
            "Total input sequences",
        ];
        let [theirs, ours] = [self.theirs, self.ours].map(|ran| table::lines(&ran.stdout));
        let labels = |lines: &[Line]| {
            lines
                .iter()
                .map(|line| line.label.clone())
                .collect::<Vec<_>>()
        };
        let (their_labels, our_labels) = (labels(&theirs), labels(&ours));
        if theirs.is_empty() || their_labels != our_labels {
            return self.differ("labels", their_labels, our_labels);
        }
        for (theirs, ours) in theirs.iter().zip(&ours) {
            self.lines += 1;
            if COUNTED.contains(&theirs.label.as_str()) && theirs.value != ours.value {
                self.differ(&theirs.label, &theirs.value, &ours.value);
            }
        }
    }

    /// The same keys in the same order, and each value by its rule.
    fn written(&mut self) {
        let (theirs, mut ours) = (object(self.theirs), object(self.ours));
        if ours.shift_remove("goodput").is_none() {
            self.differences
                .push("the key `goodput` is missing".to_owned());
        }
        if !theirs.keys().eq(ours.keys()) {
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            return self.differ("keys", keys(&theirs), keys(&ours));
        }
        for (key, theirs) in &theirs {
            self.keys += 1;
            let ours = &ours[key];
            if !agree(key, theirs, ours) {
                self.differ(key, theirs.to_string(), ours.to_string());
            }
        }
    }

    /// A row of the result's table.
    pub fn row(&self) -> String {
        let flags: Vec<_> = self.case.flags.split_whitespace().collect();
        let sent = match self.case.contents_differ {
            None => format!("{} the same", self.requests),
            Some(why) => format!("{}; {why}", self.requests),
        };
        let measured = ["mean_ttft_ms", "median_itl_ms", "median_e2el_ms"]
            .into_iter()
            .find_map(|key| {
                let [theirs, ours] = [self.theirs, self.ours].map(|ran| ran.result[key].as_f64());
                Some(format!("{key} {:.2} / {:.2}", theirs?, ours?))
            });
        let throughput = [self.theirs, self.ours].map(|ran| {
            ran.result["request_throughput"]
                .as_f64()
                .unwrap_or(f64::NAN)
        });
        let verdict = match self.differences.len() {
            0 => String::new(),
            n => format!(" **{n} differences**"),
        };
        format!(
            "| {} | `{}` | {sent} | {} lines | {} keys{verdict} | {}; req/s {:.3} / {:.3} |",
            self.case.name,
            flags.join(" ").replace("fixture:", ""),
            self.lines,
            self.keys,
            measured.unwrap_or_default(),
            throughput[0],
            throughput[1],
        )
    }
}

/// A body without its contents: how many tokens, what kind of data.
fn form(body: &Value) -> Value {
    match body {
        Value::Array(items) if items.iter().all(Value::is_u64) => json!(items.len()),
        Value::Array(items) => items.iter().map(form).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), form(value)))
            .collect(),
        Value::String(text) => json!(
            text.split_once(',')
                .filter(|(kind, _)| kind.starts_with("data:"))
                .map_or(&**text, |(kind, _)| kind)
        ),
        other => other.clone(),
    }
}

fn object(ran: &Ran) -> Map<String, Value> {
    ran.result.as_object().unwrap().clone()
}

fn agree(key: &str, theirs: &Value, ours: &Value) -> bool {
    let empty = Vec::new();
    let items = |value: &Value| value.as_array().unwrap_or(&empty).clone();
    let as_many = items(theirs).len() == items(ours).len();
    let pairs = || items(theirs).into_iter().zip(items(ours));
    match rule(key) {
        Rule::Same => same(theirs, ours),
        Rule::Any => theirs.is_string() && ours.is_string(),
        Rule::SameWhereEmpty => {
            as_many && pairs().all(|(theirs, ours)| (theirs == "") == (ours == ""))
        }
        Rule::Near(share, least) => match (theirs.as_f64(), ours.as_f64()) {
            (Some(theirs), Some(ours)) => (theirs - ours).abs() <= (share * theirs).max(least),
            _ => theirs == ours,
        },
        Rule::ItemsNear(seconds) => {
            // vLLM's clock has an origin of its own.
            let origin = |value: &Value| match key {
                "start_times" => items(value)
                    .iter()
                    .filter_map(Value::as_f64)
                    .fold(f64::INFINITY, f64::min),
                _ => 0.0,
            };
            let apart = |(a, b): (Value, Value)| {
                Some((a.as_f64()? - origin(theirs) - b.as_f64()? + origin(ours)).abs())
            };
            as_many && median(pairs().filter_map(apart).collect()) <= seconds
        }
        Rule::GapsNear(seconds) => {
            let lengths = pairs().all(|(theirs, ours)| items(&theirs).len() == items(&ours).len());
            let apart = |(theirs, ours): (Value, Value)| {
                let gaps = items(&theirs).into_iter().zip(items(&ours));
                gaps.filter_map(|(a, b)| Some((a.as_f64()? - b.as_f64()?).abs()))
                    .collect::<Vec<_>>()
            };
            as_many && lengths && median(pairs().flat_map(apart).collect()) <= seconds
        }
        Rule::Ramp => as_many && pairs().all(|(theirs, ours)| theirs["rps"] == ours["rps"]),
    }
}

/// Equal, whether numbers are written with a point or not.
fn same(theirs: &Value, ours: &Value) -> bool {
    match (theirs.as_f64(), ours.as_f64()) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => theirs == ours,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
