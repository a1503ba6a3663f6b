//! `mix(chat(random, weight = 3), batch(sonnet("sonnet.txt"), priority = 5))`: classes of requests, each with a dataset.

use super::{Dataset, parse};
use crate::{
    Mistake, Mistakes,
    call::{self, Arg, Call},
    class::ClassName,
    goodput::{self, RequestLimit},
    slo::class_name,
};
use std::{fmt, path::PathBuf};

/// Classes of requests in one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mix {
    /// The classes.
    pub classes: Vec<Class>,
}

/// One class of a mix.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Name in SLOs, reports and results.
    pub name: ClassName,
    /// Where its prompts and answer lengths come from.
    pub dataset: Dataset,
    /// Share of the requests, over the sum of all weights. Default 1.
    pub weight: f64,
    /// Priority that its requests ask for; in vLLM lower goes first. Default: none is asked for.
    pub priority: Option<i64>,
    /// LoRA adapter that its requests ask for. Default: the bench's.
    pub lora: Option<String>,
    /// Limits on each of its requests, in place of the bench's `goodput`. Default: the bench's.
    pub goodput: Vec<RequestLimit>,
}

const KEYS: &[&str] = &["weight", "priority", "lora", "goodput"];
const EXAMPLE: &str = "mix(chat(random, weight = 3), batch(random(output = 512), priority = 5))";

impl Mix {
    /// The number of requests of each class, of a run of this many: by the largest remainders, the earlier class first.
    pub fn requests(&self, all: u64) -> Vec<u64> {
        let sum: f64 = self.classes.iter().map(|class| class.weight).sum();
        let exact = self
            .classes
            .iter()
            .map(|class| all as f64 * class.weight / sum);
        let exact: Vec<f64> = exact.collect();
        let mut counts: Vec<u64> = exact.iter().map(|share| share.floor() as u64).collect();
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        let missing = all.saturating_sub(counts.iter().sum());
        for &class in order.iter().take(missing as usize) {
            counts[class] += 1;
        }
        counts
    }

    /// The class of this name.
    pub fn class(&self, name: ClassName) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// Each class's own limits.
    pub fn limits(&self) -> Vec<RequestLimit> {
        let all = self.classes.iter().flat_map(|class| &class.goodput);
        all.copied().collect()
    }

    pub(super) fn wholes(&self) -> Vec<(&'static str, u64)> {
        let all = self.classes.iter().map(|class| class.dataset.wholes());
        all.flatten().collect()
    }

    /// A mix has no file of its own.
    #[expect(
        clippy::unused_self,
        reason = "one of the functions that all datasets have"
    )]
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        None
    }

    pub(super) fn read(args: &[Arg<'_>], mistakes: &mut Mistakes) -> Self {
        let before = mistakes.len();
        let mut classes: Vec<Class> = Vec::new();
        for arg in args {
            match class(arg, mistakes) {
                Some(class) if classes.iter().any(|other| other.name == class.name) => {
                    mistakes.push(Mistake::new(format!(
                        "class `{}` is given twice; give each class a name of its own",
                        class.name
                    )));
                }
                Some(class) => classes.push(class),
                None => {}
            }
        }
        let weight: f64 = classes.iter().map(|class| class.weight).sum();
        if mistakes.len() == before {
            if classes.is_empty() {
                let fix = format!("`mix` has no classes; write such as `{EXAMPLE}`");
                mistakes.push(Mistake::new(fix));
            } else if weight <= 0.0 {
                let fix = "the weights of `mix` sum to 0; give at least one class a weight above 0";
                mistakes.push(Mistake::new(fix));
            }
        }
        Mix { classes }
    }
}

fn class(arg: &Arg<'_>, mistakes: &mut Mistakes) -> Option<Class> {
    let mut add = |mistake: Mistake| mistakes.push(mistake);
    if let Some(value) = arg.value {
        add(Mistake::new(format!(
            "`{} = {value}` in `mix` is not a class; write `{EXAMPLE}`",
            arg.word
        )));
        return None;
    }
    let call = Call::parse(arg.word).map_err(&mut add).ok()?;
    let name = class_name(call.name).map_err(&mut add).ok();
    let (first, settings) = match call.args() {
        [first, settings @ ..] if first.value.is_none() => (first.word, settings),
        _ => {
            add(Mistake::new(format!(
                "class `{0}` needs its dataset first, as in `{0}(random)`",
                call.name
            )));
            return None;
        }
    };
    let mut found = Mistakes::new();
    let dataset = parse(first).map_err(|all| found.extend(all)).ok();
    if let Some(why) = dataset.as_ref().and_then(why_not) {
        found.push(Mistake::new(why));
    }
    call::check_keys(settings, "setting of a class", KEYS, &mut found);
    let mut weight = 1.0;
    let (mut priority, mut lora, mut limits) = (None, None, Vec::new());
    for arg in settings {
        match arg.word {
            "weight" => call::set(&mut weight, at_least_0(arg), &mut found),
            "priority" => call::set(&mut priority, signed(arg).map(Some), &mut found),
            "lora" => call::set(&mut lora, adapter(arg).map(Some), &mut found),
            "goodput" => match words(arg)
                .map_err(|one| vec![one])
                .and_then(|text| goodput::parse(&text))
            {
                Ok(read) => limits = read,
                Err(all) => found.extend(all),
            },
            _ => {}
        }
    }
    let of_class = |mistake: Mistake| Mistake::new(format!("class `{}`: {}", call.name, mistake.0));
    mistakes.extend(found.into_iter().map(of_class));
    let name = name?;
    for limit in &mut limits {
        limit.class = Some(name);
    }
    Some(Class {
        name,
        dataset: dataset?,
        weight,
        priority,
        lora,
        goodput: limits,
    })
}

/// Why a dataset cannot be that of a class.
fn why_not(dataset: &Dataset) -> Option<String> {
    Some(match dataset {
        Dataset::Mix(_) => "a mix cannot be in a mix; write its classes next to the others".to_owned(),
        Dataset::LongDocumentQa(_) => {
            "`long_document_qa` sends its documents in an order of its own; take another dataset".to_owned()
        }
        Dataset::Random(random) if random.batch > 1 => {
            "`random(batch)` sends several prompts as one request; leave `batch` out".to_owned()
        }
        Dataset::TimedTrace(trace) if trace.self_timed => {
            "a trace has times of its own, and the bench's rate sets those of a mix; write `timed_trace(…, self_timed = \
             false)`"
                .to_owned()
        }
        Dataset::Agents(agents) if agents.self_timed => {
            "a recording has times of its own, and the bench's rate sets those of a mix; write `agents(…, self_timed = \
             false)`"
                .to_owned()
        }
        dataset if dataset.max_sessions().is_some() => {
            "`active` limits the sessions of one class, and a mix has one limit for all; leave it out, and set \
             `max_concurrency`"
                .to_owned()
        }
        _ => return None,
    })
}

fn words(arg: &Arg<'_>) -> Result<String, Mistake> {
    arg.text().map(call::unquote)
}

fn adapter(arg: &Arg<'_>) -> Result<String, Mistake> {
    let name = words(arg)?;
    if name.trim().is_empty() {
        let fix = "`lora` has no name; write the adapter's, as in `lora = sql`, or leave it out";
        return Err(Mistake::new(fix));
    }
    Ok(name)
}

fn at_least_0(arg: &Arg<'_>) -> Result<f64, Mistake> {
    let text = arg.text()?;
    call::number(text).ok_or_else(|| {
        Mistake::new(format!(
            "`{} = {text}`: expected a number of at least 0, such as `2`",
            arg.word
        ))
    })
}

fn signed(arg: &Arg<'_>) -> Result<i64, Mistake> {
    let text = arg.text()?;
    // What vLLM's scheduler, and JSON's readers everywhere, hold exactly.
    let number = text.replace('_', "").parse::<i32>().ok();
    number.map(i64::from).ok_or_else(|| {
        Mistake::new(format!(
            "`{} = {text}`: expected a whole number, such as `0` or `-1`",
            arg.word
        ))
    })
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mix(")?;
        for (index, class) in self.classes.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{class}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}({}, weight = {}",
            self.name, self.dataset, self.weight
        )?;
        if let Some(priority) = self.priority {
            write!(f, ", priority = {priority}")?;
        }
        if let Some(lora) = &self.lora {
            write!(f, ", lora = {}", call::quote(lora))?;
        }
        if !self.goodput.is_empty() {
            let plain = |limit: &RequestLimit| {
                RequestLimit {
                    class: None,
                    ..*limit
                }
                .to_string()
            };
            let limits: Vec<String> = self.goodput.iter().map(plain).collect();
            write!(f, ", goodput = {}", call::quote(&limits.join(" ")))?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn mix(text: &str) -> Mix {
        match parse(text).unwrap() {
            Dataset::Mix(mix) => mix,
            other => panic!("{other}"),
        }
    }

    #[rstest]
    #[case(
        "mix(chat(random), batch(sonnet(s.txt, input = 600), weight = 0.5, priority = -1))",
        "mix(chat(random(input = 256, output = 64), weight = 1), batch(sonnet(\"s.txt\", input = 600, output = 150, \
         prefix = 200), weight = 0.5, priority = -1))"
    )]
    #[case(
        "mix(sql(random, lora = a, goodput = 'ttft:200 tpot:50'),)",
        "mix(sql(random(input = 256, output = 64), weight = 1, lora = \"a\", goodput = \"ttft:200ms tpot:50ms\"))"
    )]
    fn reads(#[case] text: &str, #[case] plain: &str) {
        assert_eq!(mix(text).to_string(), plain);
        assert_eq!(mix(plain), mix(text));
    }

    #[rstest]
    #[case(
        "mix",
        "`mix` has no classes; write such as `mix(chat(random, weight = 3), batch(random(output = 512), priority = 5))`"
    )]
    #[case(
        "mix(chat(random, weight = 0))",
        "the weights of `mix` sum to 0; give at least one class a weight above 0"
    )]
    #[case(
        "mix(a(random), a(random))",
        "class `a` is given twice; give each class a name of its own"
    )]
    #[case(
        "mix(a = 3)",
        "`a = 3` in `mix` is not a class; write `mix(chat(random, weight = 3), batch(random(output = 512), priority = 5))`"
    )]
    #[case(
        "mix(a(weight = 3))",
        "class `a` needs its dataset first, as in `a(random)`"
    )]
    #[case("mix(a)", "class `a` needs its dataset first, as in `a(random)`")]
    #[case(
        "mix(a(mix(b(random))))",
        "class `a`: a mix cannot be in a mix; write its classes next to the others"
    )]
    #[case(
        "mix(a(random(batch = 2)))",
        "class `a`: `random(batch)` sends several prompts as one request; leave `batch` out"
    )]
    #[case(
        "mix(a(randm))",
        "class `a`: unknown dataset `randm`; did you mean `random`?"
    )]
    #[case(
        "mix(a(random, weigth = 3))",
        "class `a`: unknown setting of a class `weigth`; did you mean `weight`? Valid: weight, priority, lora, goodput"
    )]
    #[case(
        "mix(a(random, weight = -1))",
        "class `a`: `weight = -1`: expected a number of at least 0, such as `2`"
    )]
    #[case(
        "mix(a(random, lora = ''))",
        "class `a`: `lora` has no name; write the adapter's, as in `lora = sql`, or leave it out"
    )]
    #[case(
        "mix(a(random, priority = high))",
        "class `a`: `priority = high`: expected a whole number, such as `0` or `-1`"
    )]
    #[case(
        "mix(a(random, goodput = 'itl:2'))",
        "class `a`: `itl` has no value per request (a request has many gaps), so it cannot limit one; use `tpot` here, or limit the run with slo = \"p99(itl) < …\""
    )]
    #[case(
        "mix(ttft(random))",
        "a class cannot be named `ttft`, because it has a meaning in SLOs; take another name, such as `ttft-users`"
    )]
    #[case(
        "mix(a(timed_trace(t.jsonl)))",
        "class `a`: a trace has times of its own, and the bench's rate sets those of a mix; write `timed_trace(…, self_timed = false)`"
    )]
    #[case(
        "mix(a(conversations(c.json, active = 3)))",
        "class `a`: `active` limits the sessions of one class, and a mix has one limit for all; leave it out, and set `max_concurrency`"
    )]
    fn refuses(#[case] text: &str, #[case] said: &str) {
        assert_eq!(parse(text).unwrap_err(), [Mistake::new(said)]);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mistakes = parse("mix(a(randm, weight = x), a b(random), c(random, goodput = itl:2))");
        assert_eq!(mistakes.unwrap_err().len(), 4);
    }

    proptest! {
        #[test]
        fn every_request_has_a_class(weights in prop::collection::vec(0.0..9.0_f64, 1..6), all in 0..10_000_u64) {
            prop_assume!(weights.iter().sum::<f64>() > 0.0);
            let classes = weights.iter().enumerate().map(|(index, weight)| Class {
                name: ClassName::parse(&format!("c{index}")).unwrap(),
                dataset: super::super::named("random").unwrap(),
                weight: *weight,
                priority: None,
                lora: None,
                goodput: Vec::new(),
            });
            let mix = Mix { classes: classes.collect() };
            let counts = mix.requests(all);
            prop_assert_eq!(counts.iter().sum::<u64>(), all);
            let sum: f64 = weights.iter().sum();
            for (count, weight) in counts.iter().zip(&weights) {
                prop_assert!((*count as f64 - all as f64 * weight / sum).abs() <= 1.0);
            }
            prop_assert_eq!(parse(&mix.to_string()), Ok(Dataset::Mix(mix)));
        }
    }
}
