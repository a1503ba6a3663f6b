//! What is in the file, and when it goes.

use super::*;
use crate::{
    metrics::testing::{record as ended, run_of},
    observer::Silent,
};
use std::{fs, path::Path, time::Duration};

fn record(index: usize) -> Record {
    Record {
        index,
        ..ended(0, &[10, 20], 2)
    }
}

fn heading() -> Heading {
    Heading {
        goodput_journal: FORM,
        began: 0,
        setup: run_of(vec![record(0)]).setup,
        limits: String::new(),
    }
}

fn begun(folder: &Path, observer: Arc<dyn Observer>) -> Arc<Journal> {
    Journal::begin(&Place::Results(folder.to_owned()), &heading(), observer).unwrap()
}

/// What the run says.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn says(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

#[test]
fn ended_requests_are_in_it_without_their_answers_and_go_with_a_good_end() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(folder.path(), Arc::new(Silent));
    let path = journal.path.clone();
    let observer = journal.observing();
    for index in 0..3 {
        let mut record = record(index);
        record.text = "an answer".to_owned();
        observer.finished(&record);
    }
    // Younger than a second it may be missing, older not.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    let text = loop {
        let text = fs::read_to_string(&path).unwrap();
        if text.lines().count() == 4 {
            break text;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        thread::sleep(Duration::from_millis(20));
    };
    assert!(!text.contains("an answer"));
    let place = Place::Results(folder.path().to_owned());
    assert!(place.left().is_empty(), "its run goes on");
    journal.ended_well();
    drop(journal);
    assert!(!path.exists());
}

#[test]
fn it_stays_after_a_bad_end_unless_it_is_empty_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let heard = Arc::new(Heard::default());
    drop(begun(folder.path(), heard.clone()));
    let place = Place::Results(folder.path().to_owned());
    assert!(place.left().is_empty() && heard.0.lock().unwrap().is_empty());
    let journal = begun(folder.path(), heard.clone());
    journal.observing().finished(&record(0));
    let path = journal.path.display().to_string();
    drop(journal);
    assert_eq!(place.left().len(), 1);
    let heard = heard.0.lock().unwrap().join("\n");
    assert_eq!(
        heard,
        format!("the run has no report. `goodput report {path}` shows what it measured")
    );
}

/// Both would be lost in it. Both have checked the place before either has written.
#[cfg(feature = "cli")]
#[test]
fn two_runs_do_not_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("journal"));
    place.check().unwrap();
    let first = Journal::begin(&place, &heading(), Arc::new(Silent)).unwrap();
    let error = Journal::begin(&place, &heading(), Arc::new(Silent)).unwrap_err();
    assert_eq!(error.to_string(), "another run writes to it");
    first.ended_well();
    drop(first);
    Journal::begin(&place, &heading(), Arc::new(Silent)).unwrap();
}

/// A full queue keeps what it has.
#[test]
fn what_a_full_queue_leaves_out_is_counted() {
    let (sender, told) = mpsc::sync_channel(2);
    let left_out = Arc::<AtomicU64>::default();
    let observer = Journaled {
        sender,
        left_out: left_out.clone(),
        next: Arc::new(Silent),
    };
    for index in 0..7 {
        observer.finished(&record(index));
    }
    drop(observer);
    let file = tempfile::NamedTempFile::new().unwrap();
    let writer = Writer::new(file.reopen().unwrap(), &heading(), left_out).unwrap();
    assert_eq!(writer.write(&told), 2);
    let text = fs::read_to_string(file.path()).unwrap();
    let last = text.lines().last().unwrap();
    assert_eq!((text.lines().count(), last), (4, r#"{"left_out":5}"#));
}

/// `/dev/full` takes nothing, as does a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_leaves_out_is_counted() {
    let left_out = Arc::<AtomicU64>::default();
    let mut writer =
        Writer::new(tempfile::tempfile().unwrap(), &heading(), left_out.clone()).unwrap();
    writer.file = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let (sender, told) = mpsc::sync_channel(9);
    for index in 0..3 {
        sender
            .send(Message::Ended(Box::new(record(index))))
            .unwrap();
    }
    drop(sender);
    assert_eq!(writer.write(&told), 0);
    assert_eq!(left_out.load(Relaxed), 3);
}
