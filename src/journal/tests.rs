//! What is in the file, and when it goes.

use super::*;
use crate::{
    client::Silent,
    metrics::testing::{record as ended, run_of},
};
use std::{fs, path::Path, time::Duration};

fn record(index: usize) -> Record {
    Record {
        index,
        ..ended(0, &[10, 20], 2)
    }
}

fn begun(folder: &Path) -> Arc<Journal> {
    let heading = Heading {
        goodput_journal: FORM,
        began: 0,
        setup: run_of(vec![record(0)]).setup,
        limits: String::new(),
    };
    Journal::begin(&Place::Results(folder.to_owned()), &heading).unwrap()
}

#[test]
fn ended_requests_are_in_it_without_their_answers_and_go_with_a_good_end() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(folder.path());
    let path = journal.path.clone();
    let observer = journal.observing(Arc::new(Silent));
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
fn it_stays_after_a_bad_end_unless_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    drop(begun(folder.path()));
    let place = Place::Results(folder.path().to_owned());
    assert!(place.left().is_empty());
    let journal = begun(folder.path());
    journal.observing(Arc::new(Silent)).finished(&record(0));
    drop(journal);
    assert_eq!(place.left().len(), 1);
}
