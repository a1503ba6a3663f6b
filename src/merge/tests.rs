//! What makes a merged run invalid.

use super::*;
use crate::{
    clock::Nanos,
    judge::{Criteria, Verdict},
    metrics::testing::{record, run_of},
    record::Record,
    report::JsonOptions,
    run::{Run, ShardStart},
    shard::Shard,
};
use rstest::rstest;
use std::fs;
use tempfile::TempDir;

const COUNT: usize = 4;

/// A shard of a run of 40 requests.
fn shard(index: usize) -> Run {
    let records = (0..40_u64)
        .filter(|k| *k as usize % COUNT == index)
        .map(|k| Record {
            index: k as usize,
            ..record(k * 100, &[k * 100 + 30, k * 100 + 40], 2)
        });
    let mut run = run_of(records.collect());
    run.duration = run.records.iter().map(|record| record.end).max().unwrap();
    run.audit.shard = Some(Box::new(ShardStart {
        shard: Shard {
            index,
            count: COUNT,
        },
        run: "a-run".to_owned(),
        planned: 40,
        host: format!("host{index}"),
        at: 1_700_000_000_000_000_000,
        bound_ms: Some(0.05),
        clock_ms: Some(-3.0),
    }));
    run
}

/// The files of all shards, each of which a test may change.
fn files(change: impl Fn(usize, &mut Run)) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = (0..COUNT).map(|index| {
        let path = folder.path().join(format!("shard-{index}.json"));
        let mut run = shard(index);
        change(index, &mut run);
        let criteria = Criteria::default();
        let (metrics, judgement) = criteria.assess(&run);
        let notes = vec!["a note".to_owned(), format!("a note of {}", index.min(1))];
        let report = Report::new(run, notes, criteria, metrics, judgement);
        write(
            &path,
            &report,
            (None, None),
            Shown::of(JsonOptions::default()),
            true,
        )
        .unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

fn start(run: &mut Run) -> &mut ShardStart {
    run.audit.shard.as_mut().unwrap()
}

/// The verdict, and the findings in one text.
fn judged(paths: &[PathBuf]) -> (Verdict, String) {
    let report = merged(paths).unwrap().report;
    let findings = report.judgement().findings.iter();
    let findings: Vec<&str> = findings.map(|f| f.message.as_str()).collect();
    (report.verdict(), findings.join("\n"))
}

#[test]
fn a_whole_run_is_valid_and_keeps_what_its_shards_noted() {
    let (_folder, paths) = files(|_, _| {});
    let report = merged(&paths).unwrap().report;
    assert_eq!(report.verdict(), Verdict::NoVerdict);
    assert_eq!(report.judgement().findings, []);
    let run = report.run();
    assert!(run.records.iter().map(|r| r.index).eq(0..40));
    assert_eq!(
        (run.setup.requests, run.duration),
        (40, Nanos(3_940_000_000))
    );
    assert_eq!(run.audit.connections, 4);
    assert_eq!(run.audit.shards[2].start.host, "host2");
    assert_eq!(report.notes(), ["a note", "a note of 0", "a note of 1"]);
}

#[rstest]
#[case::plan(|run: &mut Run| run.setup.plan_hash = "other".into(), "shard 2 of 4 (host2)", "has another plan")]
#[case::settings(|run: &mut Run| run.setup.seed = 99, "shard 2 of 4 (host2)", "has other settings")]
#[case::run(|run: &mut Run| start(run).run = "b-run".into(), "shard 2 of 4 (host2)", "is of another run with the same plan")]
#[case::count(|run: &mut Run| start(run).shard.count = 5, "shard 2 of 5 (host2)", "another number of shards")]
#[case::twice(|run: &mut Run| start(run).shard.index = 1, "shard 1 of 4 (host2)", "is there twice")]
fn a_foreign_shard_is_left_out_and_named(
    #[case] change: fn(&mut Run),
    #[case] who: &str,
    #[case] why: &str,
) {
    let (_folder, paths) = files(|index, run| {
        if index == 2 {
            change(run);
        }
    });
    let (verdict, told) = judged(&paths);
    assert_eq!(verdict, Verdict::Invalid);
    let line = told.lines().find(|line| line.starts_with(who)).unwrap();
    assert!(
        line.contains(why) && line.contains("shard-2.json"),
        "{told}"
    );
    assert!(told.contains("shard 2 of 4 is missing"), "{told}");
}

#[rstest]
#[case::one(&[2], "shard 2 of 4 is missing")]
#[case::the_first(&[0], "shard 0 of 4 is missing")]
#[case::several(&[1, 3], "shards 1 and 3 of 4 are missing: they did not start, did not end, or their files are elsewhere")]
fn a_missing_shard_is_named(#[case] gone: &[usize], #[case] why: &str) {
    let (_folder, mut paths) = files(|_, _| {});
    for index in gone.iter().rev() {
        paths.remove(*index);
    }
    let (verdict, told) = judged(&paths);
    assert_eq!(verdict, Verdict::Invalid);
    assert!(told.contains(why), "{told}");
    assert!(told.contains("of 40 planned requests were sent"), "{told}");
}

#[test]
fn a_file_that_was_cut_off_is_named() {
    let (_folder, paths) = files(|_, _| {});
    let text = fs::read_to_string(&paths[3]).unwrap();
    fs::write(&paths[3], &text[..text.len() - 20]).unwrap();
    let (verdict, told) = judged(&paths);
    assert_eq!(verdict, Verdict::Invalid);
    assert!(told.contains("shard 3 of 4 (host3)"), "{told}");
    assert!(
        told.contains("has 9 of its 10 requests: the file was cut off"),
        "{told}"
    );
}

/// One late client of many does not show in a percentile of all.
#[test]
fn a_late_shard_is_named() {
    let (_folder, paths) = files(|index, run| {
        if index == 1 {
            run.records[0].dispatched.0 += 40_000_000;
            run.records[0].sent.0 += 40_000_000;
        }
    });
    let report = merged(&paths).unwrap().report;
    assert_eq!(report.verdict(), Verdict::Invalid);
    let (_, told) = judged(&paths);
    assert!(
        told.starts_with("shard 1 of 4 (host1): the client could not deliver the plan"),
        "{told}"
    );
    assert_eq!(told.matches("could not deliver").count(), 1, "{told}");
}

#[test]
fn a_start_that_is_not_known_well_enough_is_named() {
    let (_folder, paths) = files(|index, run| {
        if index > 1 {
            start(run).bound_ms = Some(31.0);
        }
    });
    let (verdict, told) = judged(&paths);
    assert_eq!(verdict, Verdict::Invalid);
    assert!(
        told.contains("shard 2 of 4 (host2): its start is known to ± 31.00 ms"),
        "{told}"
    );
    assert!(told.contains("and another shard likewise"), "{told}");
}

#[test]
fn another_version_is_foreign() {
    let (_folder, paths) = files(|_, _| {});
    let text = fs::read_to_string(&paths[1]).unwrap();
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    fs::write(
        &paths[1],
        text.replacen(&version, "\"version\":\"0.0.9\"", 1),
    )
    .unwrap();
    let (verdict, told) = judged(&paths);
    assert_eq!(verdict, Verdict::Invalid);
    assert!(told.contains("shard 1 of 4 (host1)"), "{told}");
    assert!(
        told.contains("was sent by another version of goodput"),
        "{told}"
    );
}

#[test]
fn the_client_of_the_whole_is_the_worst() {
    let (_folder, paths) = files(|index, run| {
        run.audit.reads.by_kernel = 10;
        run.audit.reads.wait_p99_ms = index as f64;
        run.audit.resolve_ms = (index == 1).then_some(4.0);
    });
    let audit = merged(&paths).unwrap().report.run().audit.clone();
    assert_eq!((audit.reads.by_kernel, audit.reads.wait_p99_ms), (40, 3.0));
    assert_eq!(audit.resolve_ms, Some(4.0));
}

#[test]
fn files_of_other_kinds_are_all_refused_at_once() {
    let (folder, mut paths) = files(|_, _| {});
    let result = folder.path().join("result.json");
    fs::write(&result, "{\"duration\": 3}\n").unwrap();
    let newer = folder.path().join("newer.json");
    fs::write(&newer, "{\"goodput_shard\": 9}\n").unwrap();
    let empty = folder.path().join("empty.json");
    fs::write(&empty, "").unwrap();
    paths.extend([result, newer, empty, folder.path().join("none.json")]);
    let Err(Error::Invalid(problems)) = merged(&paths) else {
        panic!("it merged")
    };
    let told: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].contains("is not the file of a shard"), "{told:?}");
    assert!(
        told[1].contains("`goodput_shard` is 9; this one reads 1"),
        "{told:?}"
    );
    assert!(told[2].contains("was cut off"), "{told:?}");
    assert!(told[3].contains("cannot be read"), "{told:?}");
}
