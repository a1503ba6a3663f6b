//! Curves of several results: those with the same settings but for the load are one curve.

use super::curve::{curve_markdown, curve_text};
use crate::judge::{Curve, Load};
use serde::{Deserialize, Serialize};
#[cfg(feature = "html")]
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The form of stored curves. It rises when an older reader would be misled.
const FORM: u32 = 1;

/// What a curve's points have in common, of the settings of a bench: the part, and the key.
#[cfg(feature = "html")]
const SHARED: [(&str, &str); 14] = [
    ("", "target"),
    ("load", "dataset"),
    ("load", "burstiness"),
    ("load", "lora_modules"),
    ("wire", "backend"),
    ("wire", "endpoint"),
    ("wire", "model"),
    ("wire", "stream"),
    ("wire", "ignore_eos"),
    ("wire", "structured_output"),
    ("wire", "logprobs"),
    ("wire", "extra_body"),
    ("client", "probe_rate"),
    ("demands", "goodput"),
];

/// Curves, each with the settings that its points share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The version of this form.
    goodput_curves: u32,
    /// The curves, in the order in which their first results came.
    pub curves: Vec<CurveOf>,
}

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveOf {
    /// What was asked of the server apart from the load, and the server: the names of the attribute's keys, and values as text.
    pub settings: BTreeMap<String, String>,
    /// What the server gave.
    #[serde(flatten)]
    pub curve: Curve,
}

impl CurveOf {
    /// The curve of a bench, from its settings as results have them.
    #[cfg(feature = "html")]
    pub(crate) fn of(bench: &Value, curve: Curve) -> Self {
        let setting = |(part, key): &(&str, &str)| {
            let part = if part.is_empty() {
                bench
            } else {
                bench.get(part)?
            };
            let text = match part.get(key)? {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some(((*key).to_owned(), text))
        };
        CurveOf {
            settings: SHARED.iter().filter_map(setting).collect(),
            curve,
        }
    }
}

impl Curves {
    /// Joins results that differ in nothing but the load.
    pub fn gather(results: impl IntoIterator<Item = CurveOf>) -> Self {
        let mut curves: Vec<CurveOf> = Vec::new();
        for result in results {
            let same = |other: &&mut CurveOf| {
                other.settings == result.settings && other.curve.over == result.curve.over
            };
            match curves.iter_mut().find(same) {
                Some(found) => {
                    let points = found.curve.points.iter().cloned();
                    let points = points.chain(result.curve.points).collect();
                    found.curve = Curve {
                        capacity: result.curve.capacity.or(found.curve.capacity),
                        ..Curve::new(found.curve.over, points)
                    };
                }
                None => curves.push(result),
            }
        }
        Curves {
            goodput_curves: FORM,
            curves,
        }
    }

    /// Reads what [`serde`] has written.
    ///
    /// # Errors
    /// The text is not of this form, or of a newer one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let curves: Curves = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if curves.goodput_curves > FORM {
            return Err(format!(
                "`goodput_curves` is {}: a newer goodput wrote this. This one reads {FORM}; install a newer one",
                curves.goodput_curves
            ));
        }
        Ok(curves)
    }

    /// Whether a JSON document is a file of curves.
    #[cfg(feature = "cli")]
    pub(crate) fn is_one(document: &serde_json::Value) -> bool {
        document.get("goodput_curves").is_some()
    }

    /// The name of each curve: the settings in which the curves differ. Empty if there is one.
    pub fn names(&self) -> Vec<String> {
        let keys: BTreeSet<&String> = self
            .curves
            .iter()
            .flat_map(|of| of.settings.keys())
            .collect();
        let differs = |key: &&&String| {
            let of = |of: &CurveOf| of.settings.get(**key).cloned();
            self.curves.iter().map(of).collect::<BTreeSet<_>>().len() > 1
        };
        let differing: Vec<&String> = keys.iter().filter(differs).copied().collect();
        let loads: BTreeSet<Load> = self.curves.iter().map(|of| of.curve.over).collect();
        let name = |of: &CurveOf| {
            let settings = differing.iter().filter_map(|key| {
                let value = of.settings.get(*key)?;
                Some(format!("{key} = {value}"))
            });
            let over = (loads.len() > 1).then(|| format!("over {}", of.curve.over.name()));
            settings.chain(over).collect::<Vec<_>>().join(", ")
        };
        self.curves.iter().map(name).collect()
    }

    /// What the points of each curve say together, a line for each sentence.
    #[cfg(feature = "cli")]
    pub(crate) fn sentences(&self) -> Vec<String> {
        let of = |(of, name): (&CurveOf, String)| {
            let name = if name.is_empty() {
                name
            } else {
                format!("{name}: ")
            };
            let said = super::curve::sentences(&of.curve).into_iter();
            said.map(move |sentence| format!("{name}{sentence}"))
        };
        self.curves.iter().zip(self.names()).flat_map(of).collect()
    }

    /// The tables, each with what its points say together.
    pub fn text(&self) -> String {
        self.each("", curve_text)
    }

    /// The same in GitHub's Markdown.
    pub fn markdown(&self) -> String {
        self.each("### ", curve_markdown)
    }

    fn each(&self, heading: &str, shown: fn(&Curve) -> String) -> String {
        let texts = self.curves.iter().zip(self.names()).map(|(of, name)| {
            let over = format!("{heading}curve over {}", of.curve.over.name());
            let head = if name.is_empty() {
                over
            } else {
                format!("{over}: {name}")
            };
            format!(
                "{head}\n{}{}",
                if heading.is_empty() { "" } else { "\n" },
                shown(&of.curve)
            )
        });
        texts.collect::<Vec<_>>().join("\n") + "\nTimes are in milliseconds.\n"
    }

    /// The curve of `stored` that each curve is compared with: the one with the same settings, whatever the server; if both have
    /// a single one, that.
    pub fn counterparts<'a>(&self, stored: &'a Curves) -> Vec<Option<&'a CurveOf>> {
        let asked = |of: &CurveOf| -> BTreeMap<String, String> {
            let mut settings = of.settings.clone();
            settings.remove("target");
            settings
        };
        let find = |of: &CurveOf| {
            let same_load = |other: &&CurveOf| other.curve.over == of.curve.over;
            let candidates = stored.curves.iter().filter(same_load);
            if let ([only], 1) = (stored.curves.as_slice(), self.curves.len()) {
                return Some(only).filter(same_load);
            }
            candidates
                .clone()
                .find(|other| other.settings == of.settings)
                .or_else(|| {
                    let mut alike = candidates.filter(|other| asked(other) == asked(of));
                    alike.next().filter(|_| alike.next().is_none())
                })
        };
        self.curves.iter().map(find).collect()
    }
}
