//! Whether the requests of a dataset have what an SLO is about.

use super::Dataset;
use crate::{
    Mistake,
    slo::{Class, Part, Subject},
};

impl Dataset {
    /// Why a run of this dataset has no such number, as the end of a sentence that begins with the SLO; `None` if it may
    /// have one.
    pub fn lacks(&self, subject: Subject, part: Part) -> Option<String> {
        let names: Vec<&str> = self
            .classes()
            .iter()
            .map(|class| class.name.as_str())
            .collect();
        if subject == Subject::Jain && names.len() < 2 && !self.names_clients() {
            return Some(
                "compares clients, and requests of this dataset name none. Take `mix` with several classes, or a file \
                 with the field `client`"
                    .to_owned(),
            );
        }
        match part.class {
            Class::All => None,
            _ if names.is_empty() => Some(
                "limits a class, and the dataset has none. Take `mix`, as in `mix(chat(random), batch(random))`, or \
                 leave the class out"
                    .to_owned(),
            ),
            Class::Worst => None,
            Class::One(name) => {
                match self.classes().iter().find(|class| class.name == name) {
                    None => {
                        let mistake = Mistake::unknown("class", name.as_str(), &names);
                        Some(format!("limits an {mistake}"))
                    }
                    Some(class) if class.weight == 0.0 => Some(format!(
                        "limits the class `{name}`, which has no requests: its weight is 0. Give it a weight, or leave \
                         the limit out"
                    )),
                    Some(_) => None,
                }
            }
        }
    }
}
