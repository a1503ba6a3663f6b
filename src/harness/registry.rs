//! What `#[llm_bench]` leaves in the binary.

use crate::{baseline::Settings, bench::Bench, history::BenchId, paths::of_crate, report::Report};
use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

/// The demand of a bench function on its report.
pub type Check = Box<dyn FnOnce(&Report) -> Result<(), String>>;

/// A bench with its function.
pub struct Case {
    pub(super) bench: Bench,
    pub(super) check: Check,
}

impl Case {
    /// A bench whose report `check` is called with; `demands` says whether it can return an error.
    pub fn new(
        bench: Bench,
        demands: bool,
        check: impl FnOnce(&Report) -> Result<(), String> + 'static,
    ) -> Self {
        Case {
            bench: bench.with_function(demands),
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
    /// The crate's folder when it was compiled.
    pub manifest_dir: &'static str,
    /// Why it runs only when asked for; `Some("")` without a reason.
    pub ignore: Option<&'static str>,
    /// `#[should_panic]`: it must not pass.
    pub should_panic: bool,
    /// The bench has the key `versus` or `baseline`.
    pub compares: bool,
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

    /// Returns whether its run is compared with another, with these settings.
    pub(super) fn compares(&self, baselines: &Settings) -> bool {
        self.compares || baselines.compares()
    }

    /// The crate of the test or bench target, which is named like it.
    pub(super) fn binary(&self) -> String {
        let (binary, _) = self.module.split_once("::").unwrap_or((self.module, ""));
        binary.to_owned()
    }

    /// Package, target and path: unique in a workspace.
    pub(super) fn label(&self) -> String {
        format!("{}-{}::{}", self.package(), self.binary(), self.path())
    }

    /// The crate's folder.
    pub(super) fn home(&self) -> PathBuf {
        of_crate(Path::new(self.manifest_dir))
    }

    /// The package, which is most often named like its folder.
    pub(super) fn package(&self) -> String {
        std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| {
            let folder = Path::new(self.manifest_dir).file_name();
            folder.unwrap_or_default().to_string_lossy().into_owned()
        })
    }

    /// The bench's id among all that share a target folder.
    pub(super) fn id(&self) -> BenchId {
        BenchId {
            home: self.home().display().to_string(),
            package: self.package(),
            group: self.binary(),
            source: self.file.to_owned(),
            name: self.path(),
        }
    }

    /// The bench of this function.
    pub(super) fn named(module: &str, name: &str) -> Option<&'static Entry> {
        let mut entries = inventory::iter::<Entry>.into_iter();
        entries.find(|entry| (entry.module, entry.name) == (module, name))
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
#[diagnostic::on_unimplemented(
    message = "a bench returns nothing or a `Result`, not `{Self}`",
    label = "not `()` and not a `Result<(), …>`",
    note = "to demand something, use `assert!` or return `Err`: any other value would be ignored"
)]
pub trait Outcome {
    /// The text of the error, if the value is one.
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

impl<T: Outcome, E: Debug> Outcome for Result<T, E> {
    fn into_check(self) -> Result<(), String> {
        self.map_err(|e| format!("{e:?}"))?.into_check()
    }
}
