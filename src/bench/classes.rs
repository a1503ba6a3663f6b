//! Classes of a mix: what their requests ask for, and what a bench must have for them.

use super::{
    checked::Checked,
    parts::{Demands, Load},
};
use crate::{
    backend::Backend,
    grammar::{
        class::ClassName,
        dataset::{Class, Dataset},
        goodput::RequestLimit,
        slo::{self, Part, Subject},
    },
    plan::Plan,
    problem::Problem,
};
use std::collections::BTreeSet;

/// The field of a body that has a priority, in every dialect that has one.
const PRIORITY: &str = "priority";

/// Gives each request what its class asks for.
pub(super) fn assign(plan: &mut Plan, classes: &[Class]) {
    for request in &mut plan.requests {
        let name = request.class.as_deref();
        let Some(class) = classes
            .iter()
            .find(|class| Some(class.name.as_str()) == name)
        else {
            continue;
        };
        if let Some(priority) = class.priority {
            request
                .overrides
                .insert(PRIORITY.to_owned(), priority.into());
        }
        if let Some(adapter) = &class.lora {
            request.ask_for_lora(adapter);
        }
    }
}

/// The names of the classes that have requests.
pub(super) fn names(dataset: &Dataset) -> Vec<ClassName> {
    let classes = dataset.classes().iter().filter(|class| class.weight > 0.0);
    classes.map(|class| class.name).collect()
}

/// The limits on each request, with those of classes.
pub(super) fn limits(load: &Load, demands: &Demands) -> Vec<RequestLimit> {
    let of_classes = load
        .dataset
        .classes()
        .iter()
        .flat_map(|class| &class.goodput);
    demands.goodput.iter().chain(of_classes).copied().collect()
}

/// The limits on each request as text.
pub(super) fn limits_text(load: &Load, demands: &Demands) -> String {
    let limits = limits(load, demands);
    let limits: Vec<String> = limits.iter().map(ToString::to_string).collect();
    limits.join(" ")
}

impl Checked {
    /// Names of the classes that the plan has, in the order of the mix.
    pub(super) fn classes(&self, plan: &Plan) -> Vec<String> {
        let planned = plan.classes();
        let names = self.load.dataset.classes().iter().map(|class| class.name);
        let names = names.filter(|name| planned.contains(name.as_str()));
        names.map(|name| name.to_string()).collect()
    }

    /// Names of the classes whose answers go on after the end of text, where the bench does not say.
    pub(super) fn ignoring_classes(&self, backend: &dyn Backend) -> BTreeSet<String> {
        // An answer with a structure ends with it.
        let ends = self.wire.ignore_eos.is_some() || self.wire.structured_output.is_some();
        if ends || !backend.ignores_eos() {
            return BTreeSet::new();
        }
        let classes = self.load.dataset.classes().iter();
        let ignoring = classes.filter(|class| class.dataset.ignores_eos());
        ignoring.map(|class| class.name.to_string()).collect()
    }
}

/// Checks what the settings show about classes.
pub(super) fn check(
    dataset: &Dataset,
    slos: &[slo::Slo],
    limits: &[RequestLimit],
    backend: Option<&dyn Backend>,
    requests: u64,
    problems: &mut Vec<Problem>,
) {
    let classes = dataset.classes();
    for limit in limits {
        let Some(name) = limit.class else { continue };
        let twice = classes.iter().any(|class| {
            class.name == name && class.goodput.iter().any(|own| own.metric == limit.metric)
        });
        let fix = if twice {
            Some("is limited in the class already. Keep one".to_owned())
        } else {
            dataset.lacks(Subject::Goodput, Part::of_class(name))
        };
        problems.extend(fix.map(|fix| Problem::new("goodput", limit, fix)));
    }
    for slo in slos {
        problems.extend(
            dataset
                .lacks(slo.subject, slo.part)
                .map(|fix| Problem::new("slo", slo, fix)),
        );
    }
    if let Dataset::Mix(mix) = dataset {
        let counts = mix.requests(requests);
        let none = classes
            .iter()
            .zip(counts)
            .filter(|(class, count)| class.weight > 0.0 && *count == 0);
        for (class, _) in none {
            let fix = format!(
                "class `{}` gets none of {requests} requests by its weight of {}. Raise `requests`, or its weight",
                class.name, class.weight
            );
            problems.push(Problem::new("dataset", format!("mix({class})"), fix));
        }
    }
    let Some(backend) = backend else { return };
    for class in classes {
        let name = backend.name();
        if class.priority.is_some() && !backend.takes_priority() {
            let fix = format!(
                "class `{}`: the backend `{name}` does not support a `priority`. Leave it out, or use `openai`",
                class.name
            );
            problems.push(Problem::new("dataset", format!("mix({class})"), fix));
        }
        if let Some(adapter) = &class.lora
            && !super::lora::can_be_named(backend)
        {
            let fix = format!(
                "class `{}`: a request of the backend `{name}` cannot name the adapter `{adapter}`. Leave `lora` out",
                class.name
            );
            problems.push(Problem::new("dataset", format!("mix({class})"), fix));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{backend::by_name, bench::Bench};
    use rstest::rstest;

    fn mix(text: &str) -> Bench {
        Bench::new("mix")
            .dataset(format!("mix({text})"))
            .requests(200)
    }

    #[test]
    fn requests_ask_for_what_their_class_does() {
        let bench = mix(
            "urgent(random, priority = -1), slow(random, weight = 3, priority = 5, lora = sql)",
        );
        let plan = bench.requests(8).plan().unwrap();
        let asked = |class: &str| -> Vec<_> {
            let of_class = plan
                .requests
                .iter()
                .filter(|r| r.class.as_deref() == Some(class));
            of_class
                .map(|r| (r.overrides.get("priority").cloned(), r.lora()))
                .collect()
        };
        assert_eq!(asked("urgent"), vec![(Some((-1).into()), None); 2]);
        assert_eq!(asked("slow"), vec![(Some(5.into()), Some("sql")); 6]);
    }

    #[rstest]
    #[case::as_its_dataset_says(mix("made(random), real(custom(p.jsonl))"), &["made"])]
    #[case::as_the_bench_says(mix("made(random), real(custom(p.jsonl))").ignore_eos(false), &[])]
    #[case::with_a_structure(mix("made(random), real(custom(p.jsonl))").structured_output("choice(a, b)"), &[])]
    fn synthetic_answers_have_their_length(#[case] bench: Bench, #[case] ignoring: &[&str]) {
        let bench = bench.checked().unwrap();
        let found = bench.ignoring_classes(&*by_name("openai").unwrap());
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            ignoring
        );
    }

    #[rstest]
    #[case::unknown(mix("chat(random), batch(random)").slo("goodput(chta) >= 90%"), "limits an unknown class `chta`; did you mean `chat`?")]
    #[case::no_mix(Bench::new("a").slo("goodput(chat) >= 90%"), "limits a class, and the dataset has none")]
    #[case::worst_of_none(Bench::new("a").slo("worst_class(goodput) >= 90%"), "limits a class, and the dataset has none")]
    #[case::no_clients(Bench::new("a").slo("jain(tokens) >= 0.9"), "compares clients, and requests of this dataset name none")]
    #[case::too_few(mix("chat(random, weight = 999), batch(random)").requests(20), "class `batch` gets none of 20 requests by its weight of 1")]
    #[case::no_priority(mix("a(random, priority = 1)").backend("tgi"), "class `a`: the backend `tgi` does not support a `priority`")]
    #[case::no_lora(mix("a(random, lora = x)").backend("tgi"), "class `a`: a request of the backend `tgi` cannot name the adapter `x`")]
    #[case::without_requests(
        mix("chat(random), batch(random, weight = 0)").slo("errors(batch) < 1%"),
        "limits the class `batch`, which has no requests: its weight is 0"
    )]
    #[case::unprovable(
        mix("chat(random, weight = 9), batch(random)").slo("errors(batch) < 1%").on_inconclusive(crate::judge::OnInconclusive::Fail),
        "batch"
    )]
    fn refuses(#[case] bench: Bench, #[case] said: &str) {
        let error = bench.plan().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
