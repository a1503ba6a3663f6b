//! `goodput sweep`: a server under each combination of settings.

mod combinations;
mod design;
mod flags;
mod folder;
mod front;
mod idle;
mod keeping;
mod lists;
mod member;
mod params;
mod server;

pub(super) use flags::{Sweep, arranged};

use super::{curve, line, outputs::OutputArgs, serve};
use crate::{
    error::Error,
    history::{History, asked},
    outputs::{Outputs, Session},
    problem::Problem,
    report::Curves,
    runner::{Ignored, Runner},
    screen,
    signals::{self, UNHEARD},
    sweep::{Left, shuffled},
};
use combinations::Declared;
use design::{Case, Layout};
use folder::Folder;
use front::SweepWords;
use keeping::Kept;
use member::{Member, Sweeping};
use server::Servers;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    path::{self, PathBuf},
    process::ExitCode,
};

/// The end of the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  Two lengths at three concurrencies, without a server:
    goodput sweep --target \"sim(ttft = 80ms, itl = 10ms)\" --num-prompts 100 \\
      --vary max-concurrency=1,4,16 --vary random-output-len=32,128

  The file that people share for such sweeps, and then only what is missing or has changed:
    goodput sweep --config config.yaml
    goodput sweep --config config.yaml --resume

  In place of `vllm bench sweep serve`:
    goodput sweep --serve-cmd \"vllm serve MODEL\" --bench-cmd \"vllm bench serve --model MODEL\" \\
      --bench-params bench.json -o results -e first

Flags with WORD in their names: --help=WORD.";

pub(super) fn run(sweep: &Sweep) -> ExitCode {
    serve::exit_code(measure(sweep))
}

/// Reads a text as each of the files of a sweep; for fuzzing.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzzed(text: &str) {
    lists::fuzzed(text);
    params::fuzzed(text);
}

fn measure(sweep: &Sweep) -> Result<u8, Error> {
    let own = &sweep.own;
    let args = sweep.serve.args();
    // A suite's folder becomes that of this process, but the line means this one.
    let output_dir = path::absolute(&own.output_dir);
    let output_dir = match own.suite {
        Some(_) => output_dir.unwrap_or_else(|_| own.output_dir.clone()),
        None => own.output_dir.clone(),
    };
    let results = asked(args.to.results.as_deref());
    let outputs = args.to.outputs("sweep")?;
    let mut problems = Vec::new();
    if own.num_runs == Some(0) {
        problems.push(Problem::new("--num-runs", 0, "must be at least 1"));
    }
    let declared = combinations::declared(sweep, line(), &mut problems);
    let Declared {
        combinations,
        layout,
        servers,
    } = declared;
    let runs = own.num_runs.unwrap_or(match layout {
        Layout::Flat => 1,
        Layout::Vllm => 3,
    });
    let also = serde_json::json!({
        "warmup": own.warmup_num_prompts,
        "after": servers.as_ref().map(|servers| &servers.after),
        "servers": servers.as_ref().map(|servers| {
            servers.starts.iter().map(|start| &start.words).collect::<Vec<_>>()
        }),
    });
    let against = own.against.as_slice();
    let against = curve::stored(against).unwrap_or_else(|wrong| {
        problems.extend(wrong);
        None
    });
    let cases = design::cases(combinations, layout, runs.max(1), &also, &mut problems);
    let path = folder_of(own, output_dir, layout, &mut problems);
    let folder = Folder::read(path, layout).map_err(|problem| vec![problem]);
    let checked = folder.and_then(|folder| {
        if !args.dry_run {
            folder.check(own.resume, &cases)?;
        }
        Ok(folder)
    });
    let folder = match checked {
        Ok(folder) if problems.is_empty() => folder,
        checked => {
            problems.extend(checked.err().unwrap_or_default());
            return Err(Error::Invalid(problems));
        }
    };
    let order = order(&cases, own.shuffle);
    if args.dry_run {
        let cases: Vec<&Case> = order.iter().map(|place| &cases[*place]).collect();
        let kept = |case: &Case| own.resume && folder.kept(case).is_some();
        screen::out(front::shown(&cases, kept));
        return Ok(0);
    }
    let kept = Keeps {
        outputs,
        results,
        against,
    };
    conduct(sweep, &cases, &order, folder, servers, kept)
}

/// Where results go besides the folder of the sweep.
struct Keeps {
    outputs: Outputs,
    /// The folder of the last results.
    results: Option<PathBuf>,
    /// Curves to compare with.
    against: Option<Curves>,
}

/// Measures the cases that the folder does not have.
fn conduct(
    sweep: &Sweep,
    cases: &[Case],
    order: &[usize],
    folder: Folder,
    mut servers: Option<Servers>,
    keeps: Keeps,
) -> Result<u8, Error> {
    for start in servers.iter_mut().flat_map(|servers| &mut servers.starts) {
        // An absolute path stays.
        start.log = folder.path.join(&start.log);
    }
    let args = sweep.serve.args();
    let to: &OutputArgs = &args.to;
    let mut kept = Kept::of(cases);
    let mut left: Vec<usize> = Vec::new();
    for place in order {
        match folder.kept(&cases[*place]) {
            Some((entry, result)) => kept.add(*place, entry, Some(result)),
            None => left.push(*place),
        }
    }
    let session = Session::begin(keeps.outputs, to.message_format, left.len())?;
    let stop = signals::listen(Some(signals::ENDING)).map_err(Error::io(UNHEARD))?;
    let sweeping = Sweeping {
        folder,
        kept: RefCell::new(kept),
        servers: servers.map(RefCell::new),
        warmup: sweep.own.warmup_num_prompts,
        quiet: args.disable_tqdm,
        live: to.live.start()?,
        journals: !args.no_journal,
        said: RefCell::default(),
        left: Cell::new(left.len()),
    };
    let mut before = None;
    let members = left.iter().map(|place| {
        let case = &cases[*place];
        let warms = before.replace(case.combination) != Some(case.combination);
        Member {
            case,
            place: *place,
            warms,
            of: &sweeping,
        }
    });
    let members: Vec<Member<'_>> = members.collect();
    let words = SweepWords {
        of: &sweeping,
        order: left.iter().map(|place| &cases[*place]).collect(),
        kept: cases.len() - left.len(),
        ended: Cell::default(),
        left: RefCell::new(Left::default()),
        against: keeps.against,
        stop: stop.clone(),
    };
    let runner = Runner {
        session,
        history: History::of_command("goodput sweep", keeps.results),
        stop,
        ignored: Ignored::Left,
    };
    let comparing = runner.comparing(&members);
    let code = runner.run(members, comparing, &words);
    if let Some(servers) = &sweeping.servers {
        servers.borrow_mut().stop();
    }
    sweeping.folder.clean();
    Ok(code)
}

/// The folder of results.
fn folder_of(
    own: &flags::Own,
    output_dir: PathBuf,
    layout: Layout,
    problems: &mut Vec<Problem>,
) -> PathBuf {
    let Some(name) = &own.experiment_name else {
        return match layout {
            Layout::Flat => output_dir,
            Layout::Vllm => {
                if own.resume {
                    let message =
                        "needs the name of the sweep to go on with. Add --experiment-name NAME";
                    problems.push(Problem::new("--resume", "", message));
                }
                let now = jiff::Zoned::now().strftime("%Y%m%d_%H%M%S").to_string();
                output_dir.join(now)
            }
        };
    };
    let folder = output_dir.join(name);
    // As vLLM: what is asked for must be there, and what is there must be asked for.
    match (layout, folder.exists(), own.resume) {
        (Layout::Vllm, true, false) => {
            let message = "exists. Go on with it by --resume, or choose another name";
            problems.push(Problem::new("--experiment-name", folder.display(), message));
        }
        (Layout::Vllm, false, true) => {
            let message = "does not exist, so there is nothing to go on with. Leave --resume out";
            problems.push(Problem::new("--experiment-name", folder.display(), message));
        }
        _ => {}
    }
    folder
}

/// The places of the cases in the order in which they are measured. A shuffled sweep measures all combinations of a server once,
/// then all once more, each time in another order: a server that slowly changes does so for all of them.
fn order(cases: &[Case], shuffle: Option<u64>) -> Vec<usize> {
    let Some(seed) = shuffle else {
        return (0..cases.len()).collect();
    };
    let servers: BTreeSet<usize> = cases.iter().map(|case| case.of.server).collect();
    let runs: BTreeSet<usize> = cases.iter().map(|case| case.run).collect();
    let blocks = servers
        .iter()
        .flat_map(|server| runs.iter().map(move |run| (*server, *run)));
    let mut order = Vec::new();
    for (block, (server, run)) in blocks.enumerate() {
        let places: Vec<usize> = (0..cases.len())
            .filter(|place| cases[*place].of.server == server && cases[*place].run == run)
            .collect();
        let shuffled = shuffled(places.len(), seed.wrapping_add(block as u64));
        order.extend(shuffled.into_iter().map(|place| places[place]));
    }
    order
}
