//! The order of rows, as the Python package `datasets` 5.2 makes it.
//!
//! In streaming, which is vLLM's way, files are shuffled, dealt out to ten readers at most, and
//! read in turn, 100 rows at a time. When 1000 rows have come they are shuffled and all but 500 are
//! given out; those that are left at the end are shuffled once more. Without streaming all rows
//! are shuffled at once. (Older versions of the package shuffle in another way.)

use super::rows::{Row, Rows};
use crate::plan::{PlanError, numpy::Generator};
use std::{collections::VecDeque, mem};

const READERS: usize = 10;
const BATCH: usize = 100;
const BUFFER: usize = 1000;
const KEPT: usize = 500;

type Item = Result<Row, PlanError>;

/// All rows, shuffled.
pub(super) fn at_once(mut rows: Vec<Item>, seed: u64) -> std::vec::IntoIter<Item> {
    Generator::new(seed).shuffle(&mut rows);
    rows.into_iter()
}

/// Rows of files, shuffled as they are read.
pub(super) fn streamed<'a>(
    mut files: Vec<String>,
    open: impl Fn(String) -> Rows<'static> + Copy + 'a,
    seed: u64,
) -> Streamed<'a> {
    Generator::new(seed).shuffle(&mut files);
    let readers = files.len().clamp(1, READERS);
    let (each, more) = (files.len() / readers, files.len() % readers);
    let mut files = files.into_iter();
    let readers = (0..readers)
        .map(|reader| {
            let share: Vec<String> = files
                .by_ref()
                .take(each + usize::from(reader < more))
                .collect();
            Box::new(share.into_iter().flat_map(open)) as Rows<'a>
        })
        .collect();
    Streamed {
        readers,
        generator: Generator::new(seed),
        buffer: Vec::new(),
        ready: Vec::new().into_iter(),
    }
}

/// See [`streamed`].
pub(super) struct Streamed<'a> {
    readers: VecDeque<Rows<'a>>,
    generator: Generator,
    buffer: Vec<Item>,
    ready: std::vec::IntoIter<Item>,
}

impl Iterator for Streamed<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(row) = self.ready.next() {
                return Some(row);
            }
            match self.readers.pop_front() {
                Some(mut reader) => {
                    let before = self.buffer.len();
                    self.buffer.extend(reader.by_ref().take(BATCH));
                    if self.buffer.len() > before {
                        self.readers.push_back(reader);
                    }
                    if self.buffer.len() > before && self.buffer.len() >= BUFFER {
                        self.generator.shuffle(&mut self.buffer);
                        let kept = self.buffer.split_off(self.buffer.len() - KEPT);
                        self.ready = mem::replace(&mut self.buffer, kept).into_iter();
                    }
                }
                None if self.buffer.is_empty() => return None,
                None => {
                    self.generator.shuffle(&mut self.buffer);
                    self.ready = mem::take(&mut self.buffer).into_iter();
                }
            }
        }
    }
}
