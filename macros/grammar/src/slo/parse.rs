//! Reads limits on a run.

use super::{
    Class, LATENCIES, Latency, Level, Op, Part, Place, Slo, Subject, THROUGHPUTS,
    amount::{amount, check_reach},
    drift::drift,
    part,
    words::{find, lookup, stat},
};
use crate::call::{self, Call};
use crate::{Mistake, Mistakes, class::ClassName, search::Over};

/// How subjects look, for messages.
const SUBJECTS: &[&str] = &[
    "goodput",
    "errors",
    "cached",
    "valid",
    "throughput(output)",
    "p99(ttft)",
    "mean(tpot)",
    "warm(ttft)",
    "worst_class(goodput)",
    "jain(tokens)",
    "drift(p50(ttft))",
    "queue_growth",
    "max_rate",
];
/// Subjects that are one number of the run.
const SHARES: &[(&str, Subject)] = &[
    ("goodput", Subject::Goodput),
    ("errors", Subject::Errors),
    ("cached", Subject::Cached),
    ("valid", Subject::Valid),
];
/// Subjects that are one number of a run or a search as a whole.
const WHOLES: &[(&str, Subject)] = &[
    ("queue_growth", Subject::QueueGrowth),
    ("max_rate", Subject::Max(Over::Rate)),
    ("max_concurrency", Subject::Max(Over::Concurrency)),
];
/// `queue_stable`: what it stands for. A a queue that is stable may be longer at the end of a run than at its start.
const QUEUE_STABLE: &str = "queue_growth < 2%";
/// What fairness is measured by.
const TOKENS: &str = "tokens";

/// Reads the name of a class that SLOs can be about.
///
/// # Errors
/// The text has characters that no name has, or it means something else in SLOs.
pub fn class_name(text: &str) -> Result<ClassName, Mistake> {
    let name = ClassName::parse(text)?;
    let known = [
        "throughput",
        "warm",
        "worst_class",
        "jain",
        "all",
        "queue_stable",
        TOKENS,
    ]
    .contains(&text)
        || find(text, SHARES).is_some()
        || find(text, WHOLES).is_some()
        || find(text, LATENCIES).is_some()
        || find(text, THROUGHPUTS).is_some()
        || stat(text).is_ok()
        || part::begins_place(text);
    if known {
        return Err(Mistake::new(format!(
            "a class cannot be named `{text}`, because it has a meaning in SLOs; take another name, such as `{text}-users`"
        )));
    }
    Ok(name)
}

/// Longest first, so that `<=` is not read as `<`. Those without a value are what people write
/// instead, with what they mean.
const OPS: &[(&str, Result<Op, &str>)] = &[
    ("<=", Ok(Op::Le)),
    (">=", Ok(Op::Ge)),
    ("=<", Err("<=")),
    ("=>", Err(">=")),
    ("==", Err("")),
    ("≤", Err("<=")),
    ("≥", Err(">=")),
    ("<", Ok(Op::Lt)),
    (">", Ok(Op::Gt)),
    ("=", Err("")),
];

/// Reads a comma-separated list of limits.
///
/// # Errors
/// Every limit that cannot be read, that points the wrong way (latencies and errors are limited
/// from above, goodput and throughput from below), that can never hold, or that repeats a subject.
pub fn parse(text: &str) -> Result<Vec<Slo>, Mistakes> {
    let items = call::split(text, ',').map_err(|mistake| vec![mistake])?;
    let mut slos: Vec<Slo> = Vec::new();
    let mut mistakes = Mistakes::new();
    if items.is_empty() {
        mistakes.push(Mistake::new(
            "no limits are given; write such as `p99(ttft) < 300ms, errors < 1%`",
        ));
    }
    for item in items {
        let read = match capacity(item) {
            Some(read) => read,
            None => limit(item)
                .map(|slo| vec![slo])
                .map_err(|mistake| vec![mistake]),
        };
        for slo in read.unwrap_or_else(|wrong| {
            mistakes.extend(wrong);
            Vec::new()
        }) {
            if slos.iter().any(|other| other.number() == slo.number()) {
                mistakes.push(Mistake::new(format!(
                    "`{}` is limited twice; keep the stricter limit",
                    slo.number()
                )));
            } else {
                slos.push(slo);
            }
        }
    }
    if mistakes.is_empty() {
        Ok(slos)
    } else {
        Err(mistakes)
    }
}

/// Reads `max_rate(goodput >= 90%) >= 12`, which is short for `goodput >= 90%, max_rate >= 12`. `None` for other limits.
fn capacity(item: &str) -> Option<Result<Vec<Slo>, Mistakes>> {
    let (name, _) = WHOLES
        .iter()
        .filter(|(_, subject)| matches!(subject, Subject::Max(_)))
        .find(|(name, _)| {
            item.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with('('))
        })?;
    let wrong = || {
        vec![Mistake::new(format!(
            "`{item}`: write such as `{name}(goodput >= 90%) >= 12`"
        ))]
    };
    let Some(close) = item.rfind(')') else {
        return Some(Err(wrong()));
    };
    let open = item.find('(').unwrap_or(close);
    let inside = item[open + 1..close].trim();
    if inside.is_empty() {
        return Some(Err(wrong()));
    }
    let whole = limit(&format!("{name}{}", &item[close + 1..]));
    Some(match (parse(inside), whole) {
        (Ok(mut slos), Ok(whole)) => {
            slos.push(whole);
            Ok(slos)
        }
        (Err(mut mistakes), whole) => {
            mistakes.extend(whole.err());
            Err(mistakes)
        }
        (Ok(_), Err(mistake)) => Err(vec![mistake]),
    })
}

/// Reads one subject, such as `p99(ttft)`, with the part of the run that it is about, such as `p99(ttft, turn 1)`.
///
/// # Errors
/// An unknown statistic, metric, kind of throughput or part, or a percentile that does not exist.
pub fn parse_subject(text: &str) -> Result<(Subject, Part), Mistake> {
    let call = Call::parse(text)?;
    let name = call.name;
    let Some(args) = &call.args else {
        return bare_subject(name).map(|subject| (subject, Part::ALL));
    };
    if find(name, WHOLES).is_some() {
        return Err(Mistake::new(format!(
            "`{name}` is one number of the whole; write it without parentheses"
        )));
    }
    let words: Vec<&str> = args.iter().map(|arg| arg.word).collect();
    if args.iter().any(|arg| arg.value.is_some()) {
        return Err(takes_one_name(text));
    }
    if name == "worst_class" {
        return worst_class(text, &words);
    }
    let (subject, last) = match (&words[..], find(name, SHARES)) {
        ([first, ..], Some(_)) if find(first, LATENCIES).is_some() => {
            return Err(Mistake::new(format!(
                "`{name}` is one number; write it without parentheses, or with a part of the run, as in \
                 `{name}(turn 1)`"
            )));
        }
        ([], Some(_)) => {
            return Err(Mistake::new(format!(
                "`{name}` is one number; write it without parentheses, or with a part of the run, as in \
                 `{name}(turn 1)`"
            )));
        }
        (last, Some(subject)) => (subject, last),
        ([inside, last @ ..], None) => (of_something(name, inside, text)?, last),
        ([], None) => return Err(takes_one_name(text)),
    };
    let part = part::parse(last)?;
    check_part(text, subject, part)?;
    Ok((subject, part))
}

/// Reads what stands around one word: `p99(ttft)`, `throughput(output)`.
fn of_something(name: &str, inside: &str, text: &str) -> Result<Subject, Mistake> {
    match name {
        "throughput" => lookup("throughput", inside, THROUGHPUTS).map(Subject::Throughput),
        "warm" => lookup("metric", inside, LATENCIES).map(Subject::Warm),
        "jain" if inside == TOKENS => Ok(Subject::Jain),
        "jain" => Err(Mistake::unknown("measure of fairness", inside, &[TOKENS])),
        "drift" => drift(inside).map(Subject::Drift),
        _ if find(name, LATENCIES).is_some() && stat(inside).is_ok() => Err(Mistake::new(format!(
            "`{}` is the wrong way round; write `{inside}({name})`",
            text.trim()
        ))),
        _ => {
            let stat = stat(name)?;
            lookup("metric", inside, LATENCIES).map(|latency| Subject::Latency(stat, latency))
        }
    }
}

/// Reads `worst_class(goodput)`, `worst_class(p99(ttft))`.
fn worst_class(text: &str, words: &[&str]) -> Result<(Subject, Part), Mistake> {
    let &[number] = words else {
        return Err(Mistake::new(format!(
            "`{}`: `worst_class` takes one number in its parentheses, as in `worst_class(goodput)` or \
             `worst_class(p99(ttft))`",
            text.trim()
        )));
    };
    let (subject, part) = parse_subject(number)?;
    if part.class != Class::All {
        return Err(Mistake::new(format!(
            "`{}` is about all classes, so it cannot be limited to one; write `worst_class({})`",
            text.trim(),
            subject.of(Part::at(part.place))
        )));
    }
    let worst = Part {
        class: Class::Worst,
        ..part
    };
    check_part(text, subject, worst)?;
    Ok((subject, worst))
}

/// Refuses parts that a number cannot be limited to.
fn check_part(text: &str, subject: Subject, part: Part) -> Result<(), Mistake> {
    let whole = match subject {
        Subject::Latency(_, Latency::SessionE2el) => matches!(part.place, Place::Turn(_)),
        Subject::Latency(_, Latency::RoundE2el) => part != Part::ALL,
        _ => false,
    };
    if whole {
        return Err(Mistake::new(format!(
            "`{}` is the time of a whole session or round, so it cannot be limited to a part; write `{subject}`",
            text.trim()
        )));
    }
    if subject == Subject::Drift(Level::Memory) && part != Part::ALL {
        return Err(Mistake::new(format!(
            "`{}` is about the server, so it cannot be limited to a part; write `{subject}`",
            text.trim()
        )));
    }
    if matches!(subject, Subject::Warm(_)) && part != Part::ALL {
        return Err(Mistake::new(format!(
            "`{}` compares rounds, so it cannot be limited to a part; write `{subject}`",
            text.trim()
        )));
    }
    Ok(())
}

fn takes_one_name(text: &str) -> Mistake {
    Mistake::new(format!(
        "`{}` takes one name in its parentheses, as in `p99(ttft)`, and a part of the run, as in \
         `p99(ttft, turn 1)` or `p99(ttft, chat)`",
        text.trim()
    ))
}

fn bare_subject(name: &str) -> Result<Subject, Mistake> {
    if let Some(subject) = find(name, SHARES).or(find(name, WHOLES)) {
        return Ok(subject);
    }
    match name {
        "warm" => {
            return Err(Mistake::new(
                "`warm` of what? Write `warm(ttft)`, or another latency",
            ));
        }
        "drift" => {
            return Err(Mistake::new(
                "`drift` of what? Write `drift(p50(ttft))`, another statistic of a latency, or `drift(memory)`",
            ));
        }
        "jain" => return Err(Mistake::new("`jain` of what? Write `jain(tokens)`")),
        "worst_class" => {
            return Err(Mistake::new(
                "`worst_class` of what? Write `worst_class(goodput)`, or another number",
            ));
        }
        "throughput" => {
            let others = THROUGHPUTS.iter().map(|(name, _)| *name);
            let others: Vec<&str> = others.filter(|name| *name != "output").collect();
            return Err(Mistake::new(format!(
                "`throughput` of what? Write `throughput(output)`, or {}",
                others.join(", ")
            )));
        }
        _ => {}
    }
    if find(name, LATENCIES).is_some() {
        return Err(Mistake::new(format!(
            "`{name}` has many values in a run; say which, as in `p99({name})` or `mean({name})`"
        )));
    }
    // The names of vLLM's result keys, such as `p99_ttft_ms`.
    let mut words = name.split('_');
    if let (Some(first), Some(second)) = (words.next(), words.next()) {
        for (outer, inner) in [(first, second), (second, first)] {
            if stat(outer).is_ok() && find(inner, LATENCIES).is_some() {
                return Err(Mistake::new(format!(
                    "unknown subject `{name}`; did you mean `{outer}({inner})`?"
                )));
            }
        }
    }
    Err(Mistake::unknown("subject", name, SUBJECTS))
}

/// What people write between two limits where a comma belongs.
const JOINTS: [&str; 6] = ["&&", "||", ";", " and ", " AND ", "\n"];

/// Limits that are not separated by commas.
fn joined(item: &str) -> Option<Mistake> {
    let joint = JOINTS
        .into_iter()
        .find(|joint| item.trim().contains(joint))?;
    let limits: Vec<&str> = item.split(joint).map(str::trim).collect();
    let limits: Vec<&str> = limits
        .into_iter()
        .filter(|limit| !limit.is_empty())
        .collect();
    Some(Mistake::new(match joint {
        "||" => format!(
            "`{}`: every limit must hold, so there is no `||`",
            item.trim()
        ),
        _ => format!("separate SLOs by commas: write `{}`", limits.join(", ")),
    }))
}

fn limit(item: &str) -> Result<Slo, Mistake> {
    if let Some(mistake) = joined(item) {
        return Err(mistake);
    }
    let item = if item.trim() == "queue_stable" {
        QUEUE_STABLE
    } else {
        item
    };
    let Some((at, (sign, op))) = item
        .char_indices()
        .find_map(|(at, _)| Some((at, OPS.iter().find(|(op, _)| item[at..].starts_with(op))?)))
    else {
        let (subject, part) = parse_subject(item)?;
        return Err(Mistake::new(format!(
            "`{item}` has no limit; write `{} {} {}`",
            subject.of(part),
            if subject.from_above() { "<" } else { ">=" },
            subject.example()
        )));
    };
    let (subject, part) = parse_subject(&item[..at])?;
    let number = subject.of(part);
    let value = item[at + sign.len()..].trim();
    let wanted = if subject.from_above() { "<=" } else { ">=" };
    let op = op.map_err(|meant| {
        let meant = if meant.is_empty() { wanted } else { meant };
        Mistake::new(format!(
            "`{item}`: a limit is `<`, `<=`, `>` or `>=`, not `{sign}`; write `{number} {meant} {value}`"
        ))
    })?;
    if value.is_empty() {
        return Err(Mistake::new(format!(
            "`{item}` has no limit; write `{number} {op} {}`",
            subject.example()
        )));
    }
    if subject.from_above() != matches!(op, Op::Lt | Op::Le) {
        return Err(Mistake::new(format!(
            "`{item}` points the wrong way: an SLO limits {} from {}; write `{number} {} {value}`",
            subject.kind(),
            if subject.from_above() {
                "above"
            } else {
                "below"
            },
            if matches!(op, Op::Lt | Op::Gt) {
                &wanted[..1]
            } else {
                wanted
            },
        )));
    }
    let limit = amount(subject, item, value)?;
    check_reach(subject, op, limit, item)?;
    Ok(Slo {
        subject,
        part,
        op,
        limit,
    })
}
