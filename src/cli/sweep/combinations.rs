//! The combinations that a command line and its files ask for.

use super::{
    design::{self, Combination, Layout, What},
    flags::{self, Sweep},
    lists::Lists,
    params::{self, Item},
    server::{self, Servers, Start},
};
use crate::{
    cli::{
        argv::{Flags, given},
        run::enter_folder,
    },
    error::Error,
    files,
    problem::Problem,
    suite::{self, Suite},
    sweep::{MOST, Point, product, size},
};
use serde_json::Map;
use std::{ffi::OsString, path::Path, time::Duration};

/// What is to be measured.
pub(super) struct Declared {
    pub(super) combinations: Vec<Combination>,
    pub(super) layout: Layout,
    /// The servers that the sweep starts, if it does.
    pub(super) servers: Option<Servers>,
}

/// Flags of `goodput serve` that name one file, which every case would write.
const OF_ONE_RUN: [&str; 8] = [
    "append-result",
    "excel-output",
    "export-requests",
    "journal",
    "output-file",
    "result-dir",
    "result-filename",
    "stats-json-output",
];

/// Reads the line and its files, and adds everything that is wrong with them.
pub(super) fn declared(sweep: &Sweep, line: &[OsString], problems: &mut Vec<Problem>) -> Declared {
    let own = &sweep.own;
    let words = flags::of_serve(line.get(2..).unwrap_or_default());
    for name in OF_ONE_RUN.iter().chain(["structured-result"].iter()) {
        if given(&words, name) {
            let fix = "is for one run, and each case would overwrite it. Results go to --output-dir; leave it out";
            problems.push(Problem::new(format!("--{name}"), "(given)", fix));
        }
    }
    let of_vllm = own.bench_params.is_some()
        || own.serve_params.is_some()
        || own.serve_cmd.is_some()
        || own.bench_cmd.is_some();
    let config = sweep.serve.config();
    if let Some(file) = &own.suite {
        let others = [
            ("--config", config.is_some()),
            ("--vary", !own.vary.is_empty()),
            ("--bench-params", own.bench_params.is_some()),
            ("--serve-params", own.serve_params.is_some()),
            ("--serve-cmd", own.serve_cmd.is_some()),
            ("--bench-cmd", own.bench_cmd.is_some()),
        ];
        for (flag, _) in others.iter().filter(|(_, is_given)| *is_given) {
            let fix = "is another way to say what varies than a suite. Keep one";
            problems.push(Problem::new(*flag, "(given)", fix));
        }
        return Declared {
            combinations: of_suite(file, &words, problems),
            layout: Layout::Flat,
            servers: None,
        };
    }
    if of_vllm {
        for (flag, is_given) in [
            ("--config", config.is_some()),
            ("--vary", !own.vary.is_empty()),
        ] {
            if is_given {
                let fix = "is another way to say what varies than vLLM's files. Keep one";
                problems.push(Problem::new(flag, "(given)", fix));
            }
        }
        return of_files(sweep, words, problems);
    }
    for (flag, is_given) in [
        ("--after-bench-cmd", own.after_bench_cmd.is_some()),
        ("--link-vars", !own.link_vars.is_empty()),
    ] {
        if is_given {
            let fix = "is for servers that the sweep starts. Add --serve-cmd, or leave it out";
            problems.push(Problem::new(flag, "(given)", fix));
        }
    }
    Declared {
        combinations: of_lists(sweep, config, words, problems),
        layout: Layout::Flat,
        servers: None,
    }
}

/// Flags of `goodput serve` that say nothing about a bench.
const OF_OUTPUT: [&str; 5] = [
    "disable-tqdm",
    "message-format",
    "no-journal",
    "output",
    "results",
];

/// The benches of a suite that have a sweep. Paths in it are taken from its folder, which becomes this process's.
fn of_suite(file: &Path, words: &[OsString], problems: &mut Vec<Problem>) -> Vec<Combination> {
    let names = words
        .iter()
        .filter_map(|word| word.to_str()?.strip_prefix('-'));
    let names = names.map(|word| word.trim_start_matches('-'));
    let names = names.map(|word| word.split_once('=').map_or(word, |(name, _)| name));
    for name in names.filter(|name| !OF_OUTPUT.contains(name)) {
        let fix =
            "is for cases of the command line. Write it into the suite as a key, or leave it out";
        problems.push(Problem::new(format!("--{name}"), "(given)", fix));
    }
    let read = enter_folder(file).and_then(|file| Suite::read(&file));
    let suite = match read {
        Ok(suite) => suite,
        Err(Error::Invalid(found)) => {
            problems.extend(found);
            return Vec::new();
        }
        Err(e) => {
            problems.push(Problem::new("--suite", file.display(), e.to_string()));
            return Vec::new();
        }
    };
    let combination = |declared: suite::Declared| {
        let suite::Declared {
            bench,
            swept,
            ignore,
            ..
        } = declared;
        let swept = swept.filter(|_| ignore.is_none())?;
        let of = ("bench".to_owned(), swept.bench.into());
        Some(Combination {
            name: files::fitting(bench.name()),
            point: std::iter::once(of).chain(swept.point).collect(),
            what: What::Bench(Box::new(bench)),
            tags: Map::new(),
            server: 0,
        })
    };
    let combinations: Vec<Combination> =
        suite.benches.into_iter().filter_map(combination).collect();
    if combinations.is_empty() {
        let fix = "has no bench that varies. Write `[bench.NAME.sweep]` or `[sweep]`, or measure it by `goodput run`";
        problems.push(Problem::new("--suite", file.display(), fix));
    }
    combinations
}

/// The product of lists.
fn of_lists(
    sweep: &Sweep,
    config: Option<&Path>,
    words: Vec<OsString>,
    problems: &mut Vec<Problem>,
) -> Vec<Combination> {
    let flags = Flags::of_serve();
    let mut lists = Lists::default();
    let wrong = problems.len();
    if let Some(file) = config {
        lists.add_file(file, &words, &flags, problems);
    }
    for text in &sweep.own.vary {
        lists.add_text(text, &words, &flags, problems);
    }
    if lists.axes.is_empty() && problems.len() == wrong {
        let fix = "nothing varies. Give values, such as --vary max-concurrency=1,4,16, or a file with lists by --config";
        problems.push(Problem::new("sweep", "", fix));
    }
    if size(&lists.axes) > MOST {
        let message = format!("is more than {MOST} cases. Give fewer values");
        problems.push(Problem::new("sweep", size(&lists.axes), message));
    }
    if problems.len() > wrong {
        return Vec::new();
    }
    let named = |name: &str| {
        lists
            .axes
            .iter()
            .any(|axis| axis.keys.iter().any(|key| key == name))
    };
    let of_lengths =
        named("random-input-len") && !given(&words, "backend") && !given(&lists.fixed, "backend");
    // As the community's script.
    let backend = (of_lengths && !named("backend")).then(|| "--backend=vllm".into());
    let common: Vec<OsString> = backend
        .into_iter()
        .chain(lists.fixed)
        .chain(words)
        .collect();
    let combination = |point: Point| {
        let of_point = point
            .iter()
            .flat_map(|(key, value)| flags.words(key, value).unwrap_or_default());
        Combination {
            name: design::name(&point),
            what: What::Words(common.iter().cloned().chain(of_point).collect()),
            point,
            tags: Map::new(),
            server: 0,
        }
    };
    product(&lists.axes).into_iter().map(combination).collect()
}

/// vLLM's files: each combination of a server's flags with a case's.
fn of_files(sweep: &Sweep, words: Vec<OsString>, problems: &mut Vec<Problem>) -> Declared {
    let own = &sweep.own;
    let mut items = |flag: &str, path: Option<&Path>| match path {
        None => vec![Item::default()],
        Some(path) => params::read(flag, path).unwrap_or_else(|found| {
            problems.extend(found);
            Vec::new()
        }),
    };
    let serves = items("--serve-params", own.serve_params.as_deref());
    let benches = items("--bench-params", own.bench_params.as_deref());
    let links = params::links(&own.link_vars).unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    let of_bench = match own.bench_cmd.as_deref().map(params::of_command) {
        None => Vec::new(),
        Some(Ok(words)) => words,
        Some(Err(problem)) => {
            problems.push(problem);
            Vec::new()
        }
    };
    check_flags(&benches, problems);
    let servers = servers(sweep, &serves, problems);
    let texts = words.iter().map(|word| word.to_string_lossy().into_owned());
    let common: Vec<String> = of_bench.into_iter().chain(texts).collect();
    let mut combinations = Vec::new();
    for (place, serve) in serves.iter().enumerate() {
        for bench in benches
            .iter()
            .filter(|bench| params::linked(serve, bench, &links))
        {
            let point = serve.flags().chain(bench.flags());
            let tags = serve.0.iter().chain(&bench.0);
            combinations.push(Combination {
                name: params::folder(serve, bench),
                point: point
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
                what: What::Words(
                    bench
                        .apply(&common, false)
                        .into_iter()
                        .map(OsString::from)
                        .collect(),
                ),
                tags: tags
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
                server: place,
            });
        }
    }
    if combinations.is_empty() && !serves.is_empty() && !benches.is_empty() {
        let message = "leaves no combination. The flags must be in both files, with equal values";
        problems.push(Problem::new("--link-vars", &own.link_vars, message));
    }
    Declared {
        combinations,
        layout: Layout::Vllm,
        servers,
    }
}

/// Complains of flags that `goodput serve` does not have or whose values do not fit.
fn check_flags(benches: &[Item], problems: &mut Vec<Problem>) {
    let flags = Flags::of_serve();
    for (key, value) in benches.iter().flat_map(Item::flags) {
        let read = flags.name(key).and_then(|name| {
            if OF_ONE_RUN.contains(&name.as_str()) {
                return Err("is for one run. Leave it out".to_owned());
            }
            flags.words(&name, value)
        });
        if let Err(message) = read {
            let problem = Problem::new(format!("--bench-params: {key}"), "", message);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
}

/// The servers to start, one for each combination of their flags.
fn servers(sweep: &Sweep, serves: &[Item], problems: &mut Vec<Problem>) -> Option<Servers> {
    let own = &sweep.own;
    let Some(command) = &own.serve_cmd else {
        if let Some(file) = &own.serve_params {
            let fix = "changes servers that the sweep starts. Add --serve-cmd with the command, or leave it out";
            problems.push(Problem::new("--serve-params", file.display(), fix));
        }
        if own.after_bench_cmd.is_some() {
            let fix = "is for servers that the sweep starts. Add --serve-cmd, or leave it out";
            problems.push(Problem::new("--after-bench-cmd", "(given)", fix));
        }
        return None;
    };
    let mut split = |flag: &str, command: &str| {
        shell_words::split(command).unwrap_or_else(|_| {
            problems.push(Problem::new(flag, command, "has an open quote. Close it"));
            Vec::new()
        })
    };
    let words = split("--serve-cmd", command);
    let after = own.after_bench_cmd.as_deref();
    let after = after.map_or_else(Vec::new, |command| split("--after-bench-cmd", command));
    let start = |item: &Item| {
        let name = match item.name().as_str() {
            "" => "server".to_owned(),
            name => format!("SERVE--{}", params::sanitized(name)),
        };
        Start {
            words: item.apply(&words, true),
            log: if own.show_stdout {
                STDERR.into()
            } else {
                format!("{name}.log").into()
            },
        }
    };
    let starts: Vec<Start> = serves.iter().map(start).collect();
    for found in starts
        .iter()
        .flat_map(|start| server::problems(&start.words))
    {
        if !problems.contains(&found) {
            problems.push(found);
        }
    }
    Some(Servers {
        starts,
        ready_timeout: Duration::from_secs(own.server_ready_timeout),
        after,
        running: None,
    })
}

/// The file that is this process's stderr.
const STDERR: &str = if cfg!(unix) { "/dev/stderr" } else { "CON" };
