//! Structures that answers must have: whether the settings make sense, which requests ask, and whether they were answered.

use super::{Bench, checked::Checked};
use crate::{
    backend::Backend,
    grammar::{
        dataset::Dataset,
        slo::{Slo, Subject},
    },
    plan::{Plan, PyRandom},
    problem::Problem,
    record::Record,
    structure::{self, Answered, Asked, Checker, Script, Structure},
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The keys of these settings.
const KEY: &str = "structured_output";
const RATIO: &str = "structured_output_ratio";

impl Bench {
    /// Checks the structure and its ratio with the other settings.
    pub(super) fn check_structure(&self, problems: &mut Vec<Problem>) {
        let wire = &self.wire;
        let by_dataset = self.load.dataset.has_structures();
        let Some(setting) = &wire.structured_output else {
            if by_dataset {
                return;
            }
            if wire.structured_output_ratio != 1.0 {
                let fix = "has no meaning without a structure. Set `structured_output`";
                problems.push(Problem::new(RATIO, wire.structured_output_ratio, fix));
            }
            problems.extend(valid(&self.demands.slo).map(|slo| {
                let fix = "limits valid answers, and no request asks for a structure. Set `structured_output`";
                Problem::new("slo", slo, fix)
            }));
            return;
        };
        if matches!(self.load.dataset, Dataset::Structured(_)) {
            let fix = "cannot be given together with the dataset `structured`, which has structures of its own. \
                       Remove one";
            problems.push(Problem::new(KEY, setting, fix));
        }
        let structure = match Structure::read(setting) {
            Ok(structure) => structure,
            Err(sentences) => {
                problems.extend(
                    sentences
                        .into_iter()
                        .map(|why| Problem::new(KEY, setting.kind(), why)),
                );
                return;
            }
        };
        let Some(backend) = &wire.backend else {
            return;
        };
        match backend.structured(&structure) {
            None => problems.push(Problem::new(
                KEY,
                setting.kind(),
                not_by(&**backend, &structure),
            )),
            Some(fields) => problems.extend(self.twice(&fields)),
        }
    }

    /// The problem of an `extra_body` that asks for a structure, too.
    fn twice(&self, fields: &Map<String, Value>) -> Option<Problem> {
        let field = structure::conflict(&self.wire.extra_body, fields)?;
        let fix = "is what `structured_output` sets in the body. Remove one of them";
        Some(Problem::new("extra_body", field, fix))
    }
}

/// The SLOs that limit valid answers.
fn valid(slos: &[Slo]) -> impl Iterator<Item = &Slo> {
    slos.iter().filter(|slo| slo.subject == Subject::Valid)
}

/// Why a backend cannot ask for a structure.
fn not_by(backend: &dyn Backend, structure: &Structure) -> String {
    let one_of_each = [
        Structure::Json {
            schema: Value::Bool(true),
            response_format: false,
        },
        Structure::Regex(String::new()),
        Structure::Choice(Vec::new()),
        Structure::Grammar(String::new()),
        Structure::StructuralTag(Value::Null),
    ];
    let kinds: Vec<String> = one_of_each
        .iter()
        .filter(|structure| backend.structured(structure).is_some())
        .map(|structure| format!("`{}`", structure.kind()))
        .collect();
    let name = backend.name();
    let instead = match &kinds[..] {
        [] => "no other structure either. Take another backend, such as `openai-chat`".to_owned(),
        kinds => format!("only {}", kinds.join(", ")),
    };
    let hint = match structure {
        Structure::Choice(choices) if kinds.contains(&"`regex`".to_owned()) => {
            let alternatives: Vec<String> = choices.iter().map(|c| regex::escape(c)).collect();
            format!(". Write `regex({})`", alternatives.join("|"))
        }
        _ => String::new(),
    };
    format!("is not in the API of the backend `{name}`, which has {instead}{hint}")
}

impl Checked {
    /// Gives the requests of a plan their structures, and returns what is wrong with those that they have.
    pub(super) fn ask_for_structures(
        &self,
        plan: &mut Plan,
        backend: &dyn Backend,
        seed: u64,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(setting) = &self.wire.structured_output {
            match Structure::read(setting) {
                Ok(structure) => {
                    let structure = Arc::new(structure);
                    for request in &mut plan.requests {
                        request
                            .structure
                            .get_or_insert_with(|| Asked::of(structure.clone()));
                    }
                }
                // The file was there when the bench was checked.
                Err(sentences) => {
                    problems.extend(
                        sentences
                            .into_iter()
                            .map(|why| Problem::new(KEY, setting.kind(), why)),
                    );
                }
            }
        }
        let count = plan.requests.len();
        let chosen = (count as f64 * self.wire.structured_output_ratio) as usize;
        if chosen < count {
            let mut sent = vec![false; count];
            for index in PyRandom::new(seed).sample(count, chosen) {
                sent[index] = true;
            }
            for (request, sent) in plan.requests.iter_mut().zip(sent) {
                if let Some(asked) = &mut request.structure {
                    asked.sent = sent;
                }
            }
        }
        let structures = plan
            .requests
            .iter()
            .filter_map(|request| request.structure.as_deref());
        let untaken: BTreeMap<&str, String> = structures
            .filter(|asked| asked.sent && backend.structured(&asked.structure).is_none())
            .map(|asked| (asked.structure.kind(), not_by(backend, &asked.structure)))
            .collect();
        problems.extend(
            untaken
                .into_iter()
                .map(|(kind, why)| Problem::new("dataset", kind, why)),
        );
        problems
    }
}

/// Checks the answers to a plan's requests for their structures.
pub(super) fn check_answers(plan: &Plan, records: &mut [Record]) {
    // Most plans have one structure for all.
    let mut checkers: HashMap<*const Structure, Checkers> = HashMap::new();
    for record in records {
        let Some(asked) = plan
            .requests
            .get(record.index)
            .and_then(|r| r.structure.as_deref())
        else {
            continue;
        };
        let structure = &asked.structure;
        let checkers = checkers.entry(Arc::as_ptr(structure));
        let checkers = checkers.or_insert_with(|| Checkers::of(structure));
        record.structure = Some(Box::new(checkers.answered(asked, record)));
    }
}

/// What answers with one structure are compared with.
struct Checkers {
    /// `None` where goodput cannot check.
    checker: Option<Checker>,
    script: Script,
}

impl Checkers {
    fn of(structure: &Structure) -> Self {
        Checkers {
            // A structure that cannot be used was refused before the run.
            checker: Checker::new(structure).ok().flatten(),
            script: Script::new(structure),
        }
    }

    fn answered(&self, asked: &Asked, record: &Record) -> Answered {
        let ok = record.ok();
        let checker = self.checker.as_ref().filter(|_| ok && asked.sent);
        Answered {
            kind: asked.structure.kind().to_owned(),
            sent: asked.sent,
            checked: self.checker.is_some(),
            validity: checker.map(|checker| checker.check(&record.text)),
            // The script has no text of a request that failed.
            correct: self.script.correct(if ok { &record.text } else { "" }),
            expected: asked.expected.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
