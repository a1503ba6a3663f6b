//! What is kept of a run, and which stored runs it is compared with.

use crate::{baseline, bench::Bench, journal};

impl Bench {
    /// Compare the run with what is stored as this baseline: a regression fails it. Where nothing is stored, the run
    /// counts as new and says how to save it. The environment's `GOODPUT_BASELINE` and `GOODPUT_BASELINE_STRICT` win.
    /// Default: no comparison. See `docs/baselines.md`.
    pub fn baseline(mut self, name: impl Into<String>) -> Self {
        self.keeping.baseline = Some(name.into());
        self
    }

    /// Fail where nothing is stored under the baseline's name, instead of counting the run as new: then a typo or a
    /// cold cache cannot pass silently. It holds for whichever name wins, and needs one. Default false.
    pub fn require_baseline(mut self, require: bool) -> Self {
        self.keeping.require_baseline = require;
        self
    }

    /// The same settings as the command has, which win over [`baseline`](Self::baseline) and the
    /// environment: what to compare with, what to save the run as, and where.
    ///
    /// ```
    /// use goodput::{Bench, baseline::Settings};
    ///
    /// let folder = std::env::temp_dir().join(format!("goodput-doc-{}", std::process::id()));
    /// let settings = Settings {
    ///     save: Some("main".to_owned()),
    ///     folder: Some(folder.clone()),
    ///     ..Settings::default()
    /// };
    /// let bench = Bench::new("chat").rate(10).requests(20);
    /// bench.clone().baselines(settings.clone()).run_blocking()?;
    /// let settings = Settings { save: None, ..settings };
    /// let report = bench.baselines(settings).baseline("main").run_blocking()?;
    /// assert!(report.passed() && report.comparison().is_some());
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn baselines(mut self, settings: baseline::Settings) -> Self {
        self.keeping.baselines = settings;
        self
    }

    /// Makes a live run write down what it has measured so far.
    pub(crate) fn journaled(mut self, place: Option<journal::Place>) -> Self {
        self.keeping.journal = place;
        self
    }
}
