//! What `#[llm_bench]` leaves in the binary.

use crate::{bench::Bench, report::Report};
use std::fmt::Debug;

/// What a bench function demands of its report.
pub type Check = Box<dyn FnOnce(&Report) -> Result<(), String>>;

/// A bench with its function.
pub struct Case {
    pub(super) bench: Bench,
    pub(super) check: Check,
}

impl Case {
    /// A bench whose report `check` is called with.
    pub fn new(bench: Bench, check: impl FnOnce(&Report) -> Result<(), String> + 'static) -> Self {
        Case {
            bench,
            check: Box::new(check),
        }
    }
}

/// One `#[llm_bench]` function.
#[derive(Debug)]
pub struct Entry {
    /// `module_path!()`.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `column!()`.
    pub column: u32,
    /// The crate's folder.
    pub manifest_dir: &'static str,
    /// Why it runs only when asked for; `Some("")` without a reason.
    pub ignore: Option<&'static str>,
    /// `#[should_panic]`: it must not pass.
    pub should_panic: bool,
    /// Makes the bench.
    pub case: fn() -> Case,
}

inventory::collect!(Entry);

impl Entry {
    /// Module path without the crate, and the function's name: libtest's name of the test.
    pub fn path(&self) -> String {
        match self.module.split_once("::") {
            Some((_, modules)) => format!("{modules}::{}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// All benches of this binary in source order.
    pub(super) fn all() -> Vec<&'static Entry> {
        let mut entries: Vec<&Entry> = inventory::iter::<Entry>.into_iter().collect();
        // Registration order is the linker's.
        entries.sort_by_key(|e| (e.file, e.line, e.column, e.module, e.name));
        entries
    }
}

/// What a bench function may return.
pub trait Outcome {
    /// An error's text, if it is one.
    ///
    /// # Errors
    /// The function returned one.
    fn into_check(self) -> Result<(), String>;
}

impl Outcome for () {
    fn into_check(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    fn into_check(self) -> Result<(), String> {
        self.map(|_| ()).map_err(|e| format!("{e:?}"))
    }
}
