//! Shards' runs as one run.

use super::{
    clients,
    file::{Heading, Reader},
    wrong::{invalid, name},
};
use crate::{
    judge::{Criteria, Finding, FindingKind},
    metrics::{Metrics, measure},
    record::Record,
    run::{EndReason, Run, Setup, ShardAudit, ShardStart},
    shard::named,
};
use std::collections::{BTreeMap, HashMap};

/// The files of one run, and what is wrong with the others.
pub(super) struct Join {
    /// By the numbers of the shards.
    shards: BTreeMap<usize, Reader>,
    /// The heading that speaks for the run, and where it is.
    pub(super) heading: Heading,
    pub(super) path: String,
    /// How the shard of that heading started.
    start: ShardStart,
    findings: Vec<Finding>,
}

/// Shards as one run.
pub(super) struct Joined {
    pub(super) run: Run,
    pub(super) notes: Vec<String>,
    /// What is wrong with shards, and worth knowing of them.
    pub(super) findings: Vec<Finding>,
}

impl Join {
    /// Sorts the files. The run is the one of which there are most files; `None` without a file.
    pub(super) fn of(readers: Vec<Reader>) -> Option<Self> {
        let of = run_of(&readers)?;
        let of_run = readers.iter().filter_map(|reader| {
            let start = reader.heading.start()?;
            (start.run == of).then_some((start.shard.index, reader))
        });
        let (_, speaks) = of_run.min_by_key(|(index, _)| *index)?;
        let mut join = Join {
            shards: BTreeMap::new(),
            heading: speaks.heading.clone(),
            path: speaks.path.display().to_string(),
            start: speaks.heading.start()?.clone(),
            findings: Vec::new(),
        };
        for reader in readers {
            join.add(reader);
        }
        join.findings.extend(join.missing());
        Some(join)
    }

    fn add(&mut self, reader: Reader) {
        let Some(start) = reader.heading.start().cloned() else {
            return;
        };
        let who = format!("{} ({})", name(&start), reader.path.display());
        let before = self.shards.get(&start.shard.index);
        if let Some(why) = self.differs(&reader.heading, &start) {
            self.findings.push(invalid(format!(
                "{who} {why}, so it is left out. Merge the files of one run"
            )));
        } else if let Some(before) = before {
            self.findings.push(invalid(format!(
                "{who} is there twice: {} is the same shard. Its part of the load was sent twice, or its file was copied",
                before.path.display()
            )));
        } else {
            self.shards.insert(start.shard.index, reader);
        }
    }

    /// Why a shard is not of the run.
    fn differs(&self, heading: &Heading, start: &ShardStart) -> Option<&'static str> {
        let ours = &self.heading;
        let setup = |heading: &Heading| Setup {
            // Each shard has its own.
            requests: 0,
            ..heading.run.setup.clone()
        };
        if heading.version != ours.version {
            Some("was sent by another version of goodput")
        } else if heading.run.setup.plan_hash != ours.run.setup.plan_hash {
            Some("has another plan")
        } else if start.shard.count != self.start.shard.count {
            Some("is of a run with another number of shards")
        } else if setup(heading) != setup(ours) || heading.judged != ours.judged {
            Some("has other settings")
        } else if start.run != self.start.run {
            Some("is of another run with the same plan")
        } else {
            None
        }
    }

    fn missing(&self) -> Option<Finding> {
        let count = self.start.shard.count;
        let missing = (0..count).filter(|index| !self.shards.contains_key(index));
        let missing: Vec<usize> = missing.collect();
        let (what, whose) = match missing.len() {
            0 => return None,
            1 => ("is missing: it", "its file is"),
            _ => ("are missing: they", "their files are"),
        };
        let who = named(&missing);
        Some(invalid(format!(
            "{who} of {count} {what} did not start, did not end, or {whose} elsewhere. The load was not the planned one"
        )))
    }

    /// Reads all requests and makes one run of them.
    pub(super) fn read(self, criteria: &Criteria) -> Joined {
        let Join {
            shards,
            heading,
            start,
            mut findings,
            ..
        } = self;
        let (count, planned) = (start.shard.count, start.planned);
        let complete = shards.len() == count;
        let room: usize = shards.values().map(Reader::room).sum();
        let mut whole: Option<Run> = None;
        let mut notes = Vec::new();
        let mut audits = Vec::with_capacity(shards.len());
        let mut of_clients = clients::Findings::default();
        for reader in shards.into_values() {
            let Some(start) = reader.heading.start().cloned() else {
                continue;
            };
            for note in &reader.heading.notes {
                if !notes.contains(note) {
                    notes.push(note.clone());
                }
            }
            let path = reader.path.display().to_string();
            let mut run = reader.heading.run.clone();
            // All shards go into the first one's list.
            let records = if whole.is_none() {
                planned
            } else {
                reader.heading.requests
            };
            run.records.reserve_exact(records.min(room));
            if let Err(why) = reader.read(|record| run.records.push(record)) {
                findings.push(invalid(format!("{} ({path}) {why}", name(&start))));
            }
            let metrics = measure(&run, &criteria.limits);
            of_clients.add(&start, &run, &metrics, criteria);
            audits.push(audit_of(start, &run, &metrics));
            whole = Some(match whole {
                Some(whole) => joined(whole, run),
                None => run,
            });
        }
        let mut run = whole.unwrap_or_else(|| Run::empty(heading.run.setup));
        run.records
            .sort_unstable_by_key(|record: &Record| record.index);
        run.abandoned.sort_unstable();
        let mut pairs = run.records.windows(2);
        if let Some(pair) = pairs.find(|pair| pair[0].index == pair[1].index) {
            findings.push(invalid(format!(
                "two shards have sent request {}, which belongs to one of them",
                pair[0].index
            )));
        }
        // A run that ended before its plan is as long as what was sent.
        let ended_early = run
            .ending
            .is_some_and(|ending| ending.why != EndReason::Plan);
        if !(complete && ended_early) {
            run.setup.requests = planned;
        }
        run.audit.shard = None;
        run.audit.shards = audits;
        findings.extend(divided(&run, count));
        findings.extend(of_clients.into_findings());
        Joined {
            run,
            notes,
            findings,
        }
    }
}

/// Name of the run that most files are of; of the first one of those.
fn run_of(readers: &[Reader]) -> Option<String> {
    let runs = || {
        readers
            .iter()
            .filter_map(|reader| Some(&reader.heading.start()?.run))
    };
    let mut files: HashMap<&String, usize> = HashMap::new();
    for run in runs() {
        *files.entry(run).or_default() += 1;
    }
    let most = files.values().max().copied()?;
    runs().find(|run| files[run] == most).cloned()
}

/// Adds another shard. What is done once for a run is that of the first.
fn joined(mut whole: Run, shard: Run) -> Run {
    whole.setup.requests = whole.setup.requests.saturating_add(shard.setup.requests);
    whole.records.extend(shard.records);
    whole.duration = whole.duration.max(shard.duration);
    whole.partial |= shard.partial;
    whole.abandoned.extend(shard.abandoned);
    whole.ending = match (whole.ending, shard.ending) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    };
    whole.audit = clients::worse(whole.audit, shard.audit);
    whole
}

fn audit_of(start: ShardStart, run: &Run, metrics: &Metrics) -> ShardAudit {
    let late = &metrics.gate.lateness;
    ShardAudit {
        start,
        requests: run.records.len(),
        late_p99_ms: (!late.is_empty()).then(|| late.percentile(99.0)),
        connections: run.audit.connections,
        reads: run.audit.reads,
        watch: run.audit.watch,
    }
}

/// A closed loop of several processes is another load than that of one.
fn divided(run: &Run, count: usize) -> Option<Finding> {
    let all = run.setup.max_concurrency.filter(|_| count > 1)?;
    let (least, most) = (all / count, all.div_ceil(count));
    let each = if least == most {
        format!("{least} each")
    } else {
        format!("{least} or {most} each")
    };
    Some(Finding {
        kind: FindingKind::Divided,
        message: format!(
            "`max_concurrency = {all}` was divided among {count} shards, {each}: a slot that was free in one shard served no \
             request of another, so fewer requests may have been in flight than in a run of one process"
        ),
    })
}
