//! `[sweep]` and `[bench.NAME.sweep]`: a bench for each combination of values.

use super::{
    Swept,
    complaints::{Complaints, Placed},
    toml::{File, Set, Table},
};
use crate::{
    redact,
    sweep::{Axis, MOST, product, shown, size},
};
use serde_json::Value;

/// Keys whose values must not be in names.
const CREDENTIALS: [&str; 2] = ["api_key", "headers"];

/// A key of a sweep, which may be several, with its place in the file.
struct Line<'a> {
    placed: Placed,
    keys: Vec<&'a str>,
}

/// The keys of each combination of a bench, as if its table had them. One combination without keys, if nothing varies.
pub(super) fn points(
    file: &File,
    bench: &Table,
    complaints: &mut Complaints<'_>,
) -> Vec<Vec<Placed>> {
    let own = lines(&format!("bench.{}.sweep", bench.name), &bench.sweep);
    let is_own = |line: &Line<'_>| {
        own.iter()
            .any(|other| other.keys.iter().any(|key| line.keys.contains(key)))
    };
    let common = lines("sweep", &file.sweep)
        .into_iter()
        .filter(|line| !is_own(line));
    let mut all: Vec<Line<'_>> = common.collect();
    all.extend(own.iter().map(|line| Line {
        placed: line.placed.clone(),
        keys: line.keys.clone(),
    }));
    let mut axes = Vec::new();
    for (place, line) in all.iter().enumerate() {
        check_keys(line, &all[..place], file, bench, complaints);
        match steps(line) {
            Ok(steps) => axes.push(Axis {
                keys: line.keys.iter().map(|key| (*key).to_owned()).collect(),
                steps,
            }),
            Err(message) => complaints.of(&line.placed, None, &message),
        }
    }
    if let (true, Some(line)) = (size(&axes) > MOST, all.first()) {
        complaints.of(
            &line.placed,
            None,
            &format!("gives more than {MOST} cases. Give fewer values"),
        );
        return vec![Vec::new()];
    }
    let place = |key: &str| all.iter().find(|line| line.keys.contains(&key));
    let points = product(&axes).into_iter().map(|point| {
        let placed = point.into_iter().filter_map(|(key, value)| {
            let placed = &place(&key)?.placed;
            Some(Placed {
                table: placed.table.clone(),
                set: Set {
                    text: value.to_string(),
                    line: placed.set.line,
                    key,
                    value,
                },
            })
        });
        placed.collect()
    });
    points.collect()
}

fn lines<'a>(table: &str, sets: &'a [Set]) -> Vec<Line<'a>> {
    let line = |set: &'a Set| Line {
        placed: Placed {
            table: table.to_owned(),
            set: set.clone(),
        },
        keys: set.key.split(',').map(str::trim).collect(),
    };
    sets.iter().map(line).collect()
}

/// Complains of keys that are set elsewhere too, or whose values must not be shown.
fn check_keys(
    line: &Line<'_>,
    before: &[Line<'_>],
    file: &File,
    bench: &Table,
    complaints: &mut Complaints<'_>,
) {
    for key in &line.keys {
        let sets = |table: &Table| table.sets.iter().any(|set| set.key == *key);
        let engine = file.engines.iter().find(|engine| sets(engine));
        let message = if CREDENTIALS.contains(key) {
            "may hold a key, which would be in the names of benches. Give one value".to_owned()
        } else if before.iter().any(|other| other.keys.contains(key)) {
            format!("varies `{key}`, which another line varies too. Keep one")
        } else if sets(bench) {
            format!(
                "varies `{key}`, which `[bench.{}]` sets. Keep one",
                bench.name
            )
        } else if let Some(engine) = engine {
            format!(
                "varies `{key}`, which `[engine.{}]` sets. Keep one",
                engine.name
            )
        } else {
            continue;
        };
        complaints.of(&line.placed, None, &message);
    }
}

/// The values of a line: for one key each of a list, for several keys each a list with a value of each.
fn steps(line: &Line<'_>) -> Result<Vec<Vec<Value>>, String> {
    let set = &line.placed.set;
    let one = line.keys.len() == 1;
    let form = if one {
        format!("`{} = [1, 2]`", set.key)
    } else {
        format!(
            "`\"{}\" = [[{}]]`",
            set.key,
            vec!["1"; line.keys.len()].join(", ")
        )
    };
    let wrong = || format!("is a list of what to measure; write such as {form}");
    let Value::Array(values) = &set.value else {
        return Err(wrong());
    };
    if values.is_empty() {
        return Err("is empty. Give at least one value".to_owned());
    }
    let step = |value: &Value| match value {
        value if one => Ok(vec![value.clone()]),
        Value::Array(values) if values.len() == line.keys.len() => Ok(values.clone()),
        _ => Err(wrong()),
    };
    let steps: Vec<Vec<Value>> = values.iter().map(step).collect::<Result<_, _>>()?;
    for (place, value) in steps.iter().enumerate() {
        if steps[..place].contains(value) {
            return Err("has a value twice. Remove one".to_owned());
        }
    }
    Ok(steps)
}

/// `chat[rate=1, max_concurrency=8]`
pub(super) fn name(bench: &str, point: &[Placed]) -> String {
    if point.is_empty() {
        return bench.to_owned();
    }
    let pair = |placed: &Placed| format!("{}={}", placed.set.key, shown(&placed.set.value));
    let pairs: Vec<String> = point.iter().map(pair).collect();
    redact::text(&format!("{bench}[{}]", pairs.join(", ")))
}

/// What a table of the sweep needs to know; nothing for a bench that does not vary.
pub(super) fn swept(bench: &str, engine: Option<&Table>, point: &[Placed]) -> Option<Swept> {
    let pair = |placed: &Placed| (placed.set.key.clone(), placed.set.value.clone());
    (!point.is_empty()).then(|| Swept {
        bench: match engine {
            Some(engine) => format!("{bench}@{}", engine.name),
            None => bench.to_owned(),
        },
        point: point.iter().map(pair).collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::suite::Suite;
    use rstest::rstest;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let suite = Suite::parse("goodput.toml", text).map_err(|e| e.to_string())?;
        let names = suite
            .benches
            .iter()
            .map(|declared| declared.bench.name().to_owned());
        Ok(names.collect())
    }

    #[test]
    fn each_bench_runs_for_each_combination() {
        let suite = r#"
[defaults]
target = "sim"
ramp = "linear 1..2"

[sweep]
rate = [1, 2.5]

[bench.chat]
requests = 4

[bench.long.sweep]
"max_concurrency, requests" = [[1, 10], [4, 40]]
rate = ["inf"]
"#;
        assert_eq!(
            read(suite).unwrap(),
            [
                "chat[rate=1]",
                "chat[rate=2.5]",
                "long[max_concurrency=1, requests=10, rate=inf]",
                "long[max_concurrency=4, requests=40, rate=inf]"
            ]
        );
        let suite = Suite::parse("goodput.toml", suite).unwrap();
        let loads = suite.benches.iter().map(|declared| &declared.bench.load);
        let loads: Vec<_> = loads
            .map(|load| (load.max_concurrency, load.requests))
            .collect();
        assert_eq!(loads, [(None, 4), (None, 4), (Some(1), 10), (Some(4), 40)]);
    }

    #[test]
    fn engines_are_compared_at_each_combination() {
        let suite = "[engine.a]\ntarget = \"sim\"\n[engine.b]\ntarget = \"sim\"\n[bench.chat.sweep]\nrate = [1, 2]\n";
        assert_eq!(
            read(suite).unwrap(),
            [
                "chat[rate=1]@a",
                "chat[rate=1]@b",
                "chat[rate=2]@a",
                "chat[rate=2]@b"
            ]
        );
        let suite = Suite::parse("goodput.toml", suite).unwrap();
        let first = &suite.benches[0];
        assert_eq!(first.engine.as_ref().unwrap().bench, "chat[rate=1]");
        assert_eq!(first.swept.as_ref().unwrap().bench, "chat@a");
    }

    #[rstest]
    #[case::no_list(
        "[sweep]\nrate = 1\n[bench.a]",
        "goodput.toml:2: sweep.rate = 1: is a list of what to measure; write such as `rate = [1, 2]`"
    )]
    #[case::empty("[bench.a.sweep]\nrate = []", "goodput.toml:2: bench.a.sweep.rate")]
    #[case::value("[sweep]\nrate = [1, \"x\"]\n[bench.a]", "goodput.toml:2: sweep.rate")]
    #[case::unknown("[sweep]\nrrate = [1]\n[bench.a]", "unknown key `rrate`")]
    #[case::pair(
        "[sweep]\n\"rate, requests\" = [1]\n[bench.a]",
        "write such as `\"rate, requests\" = [[1, 1]]`"
    )]
    #[case::twice("[sweep]\nrate = [1, 1]\n[bench.a]", "has a value twice")]
    #[case::set(
        "[sweep]\nrate = [1]\n[bench.a]\nrate = 2",
        "varies `rate`, which `[bench.a]` sets"
    )]
    #[case::engine(
        "[sweep]\nrate = [1]\n[engine.e]\nrate = 2\n[bench.a]",
        "varies `rate`, which `[engine.e]` sets"
    )]
    #[case::lines(
        "[sweep]\nrate = [1]\n\"rate, requests\" = [[1, 1]]\n[bench.a]",
        "which another line varies too"
    )]
    #[case::secret("[sweep]\napi_key = [\"a\"]\n[bench.a]", "may hold a key")]
    #[case::no_table("sweep = 1\n[bench.a]", "`sweep` is a table; write `[sweep]`")]
    #[case::bench(
        "[sweep]\nrequests = [0]\n[bench.a]",
        "goodput.toml:2: sweep.requests = 0"
    )]
    fn what_cannot_vary_is_said_with_its_line(#[case] suite: &str, #[case] said: &str) {
        let told = read(suite).unwrap_err();
        assert!(told.contains(said), "{told}");
    }
}
