//! The report of a run: the argument of a bench's function.

use super::{
    client,
    evidence::{evidence, reasons},
    summary::summary,
};
use crate::{
    grammar::{
        self, Mistake,
        slo::{Class, Part, Subject},
    },
    journal::Journal,
    judge::{self, Capacity, Comparison, Criteria, Curve, Judgement, Verdict},
    metrics::{Metrics, Summary, measure},
    redact,
    run::Run,
};
use std::{fmt, sync::Arc};

/// A run with its numbers and its verdict. `Display` is the summary that tests and benches print.
#[derive(Debug, Clone)]
#[must_use = "a report fails no test by itself; call `ensure_passed()?` or check its numbers"]
pub struct Report {
    run: Run,
    notes: Vec<String>,
    criteria: Criteria,
    metrics: Metrics,
    judgement: Judgement,
    lost: Vec<String>,
    /// Journals of what was measured, until the report has gone into its files.
    journals: Vec<Arc<Journal>>,
}

impl Report {
    pub(crate) fn new(
        run: Run,
        notes: Vec<String>,
        criteria: Criteria,
        metrics: Metrics,
        mut judgement: Judgement,
    ) -> Self {
        for finding in &mut judgement.findings {
            finding.message = redact::text(&finding.message);
        }
        Report {
            run,
            notes: notes.iter().map(|note| redact::text(note)).collect(),
            criteria,
            metrics,
            judgement,
            lost: Vec::new(),
            journals: Vec::new(),
        }
    }

    /// Adds the journals that the run leaves in case it has no report. They are removed with the report.
    pub(crate) fn journaled(mut self, journals: impl IntoIterator<Item = Arc<Journal>>) -> Self {
        for journal in journals {
            journal.ended_well();
            self.journals.push(journal);
        }
        self
    }

    /// Adds what should have been kept and could not be.
    pub(crate) fn with_lost(mut self, lost: Option<String>) -> Self {
        self.lost.extend(lost.map(|message| redact::text(&message)));
        self
    }

    /// Adds the answer of the bench's function, which was called with the report.
    pub(crate) fn answered(mut self, said: &Result<(), String>) -> Self {
        self.judgement = self.judgement.answered(said);
        self
    }

    /// Pass, fail, inconclusive or invalid; or no verdict, if nothing was demanded.
    pub fn verdict(&self) -> Verdict {
        self.judgement.verdict
    }

    /// Whether nothing speaks against the run: the verdict is *pass*, or there is *no verdict* because
    /// nothing was demanded. To insist on a demand, compare [`verdict`](Self::verdict) with
    /// [`Verdict::Pass`]. A bench that is [expected](crate::Bench::expect) to fail passes when it does.
    pub fn passed(&self) -> bool {
        self.judgement.holds()
    }

    /// Why the verdict is not pass, in a few lines.
    pub fn reasons(&self) -> String {
        reasons(&self.judgement)
    }

    /// The verdict with its evidence.
    pub fn evidence(&self) -> String {
        evidence(&self.judgement)
    }

    /// How the client fared, in a line; and the server's own count, if it reported one.
    pub fn client(&self) -> String {
        client::text(client::lines(&self.run, &self.metrics))
    }

    /// The highest load at which the SLOs hold, if the bench [searched](crate::Bench::search) for it.
    pub fn capacity(&self) -> Option<&Capacity> {
        self.judgement.capacity.as_ref()
    }

    /// What the server gave at each load: at the load of the run, in each part of a ramp, or in each trial of a search. `None` if
    /// the run has no load: all requests at once, or the times of a trace.
    ///
    /// ```
    /// let report = goodput::Bench::new("chat")
    ///     .target("sim(engine = linear, max_num_seqs = 4)")
    ///     .dataset("random(input = 32, output = 16)")
    ///     .ramp("linear 2..40")
    ///     .requests(600)
    ///     .run_blocking()?;
    /// let curve = report.curve().unwrap();
    /// assert_eq!(curve.points.len(), 10);
    ///
    /// // Four at a time, each about 0.18 s: it gives 22 requests a second at most.
    /// let knee = curve.knee().unwrap();
    /// assert!((10.0..25.0).contains(&knee.load), "{knee:?}");
    /// # Ok::<(), goodput::Error>(())
    /// ```
    pub fn curve(&self) -> Option<Curve> {
        Curve::of(&self.run, &self.metrics, &self.judgement)
    }

    /// Requests that succeeded.
    pub fn completed(&self) -> u64 {
        self.metrics.counts.completed
    }

    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.metrics.counts.failed
    }

    /// Share of requests within all per-request limits, 0–1. Failed requests are not good. NaN, which is
    /// neither below nor above any limit, if no request came to an end.
    pub fn goodput_ratio(&self) -> f64 {
        self.metrics.goodput.ratio
    }

    /// Time to first token, ms: from the intended send time in open loop. All statistics are NaN without values.
    pub fn ttft(&self) -> &Summary {
        &self.metrics.gate.ttft
    }

    /// Time per output token after the first, ms. All statistics are NaN without values.
    pub fn tpot(&self) -> &Summary {
        &self.metrics.latency.tpot
    }

    /// Gaps between token events, ms. All statistics are NaN without values.
    pub fn itl(&self) -> &Summary {
        &self.metrics.latency.itl
    }

    /// End-to-end latency, ms: from the intended send time in open loop. All statistics are NaN without values.
    pub fn e2el(&self) -> &Summary {
        &self.metrics.gate.e2el
    }

    /// Any number that an SLO may limit, by its name there: `"p99(ttft)"` in milliseconds,
    /// `"goodput"`, `"errors"`, `"cached"` and `"valid"` as ratios 0–1, `"throughput(output)"` per second; of a part of the run, as
    /// `"p99(ttft, turn 2+)"`. `None` when there is nothing to take it from.
    ///
    /// # Errors
    /// The text names no such number.
    pub fn value(&self, subject: &str) -> Result<Option<f64>, Mistake> {
        let (subject, part) = grammar::slo::parse_subject(subject)?;
        Ok(self.number(subject, part))
    }

    /// A number of all requests, or of those of a part of the run.
    pub(crate) fn number(&self, subject: Subject, part: Part) -> Option<f64> {
        if part == Part::ALL {
            return known(judge::value_in(&subject, &self.run.steady(), &self.metrics));
        }
        if part.class == Class::Worst {
            let of_class = |name| {
                let class = Class::One(name);
                self.number(subject, Part { class, ..part })
            };
            let each: Option<Vec<f64>> = self.run.classes().map(of_class).collect();
            let worse = if subject.from_above() {
                f64::max
            } else {
                f64::min
            };
            return each?.into_iter().reduce(worse);
        }
        let run = self.run.steady().part(part);
        let metrics = measure(&run, &self.criteria.limits);
        known(judge::value_in(&subject, &run, &metrics))
    }

    /// Wire name of the model; empty when it is not known.
    pub fn model(&self) -> &str {
        self.run.setup.model.as_deref().unwrap_or_default()
    }

    /// Notes on how the run was made, such as which token counts are estimates.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What should have been kept of the run and could not be, such as a baseline, each with the reason. A test or
    /// command then fails, whatever the verdict.
    pub fn unsaved(&self) -> &[String] {
        &self.lost
    }

    /// All numbers of the run.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The verdict with its evidence.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// The comparison with another server or another time, if there was one.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.judgement.comparison.as_ref()
    }

    /// The limits that the run was judged by.
    pub fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// The records.
    pub fn run(&self) -> &Run {
        &self.run
    }
}

/// A number that there is.
fn known(number: Result<f64, &'static str>) -> Option<f64> {
    number.ok().filter(|number| !number.is_nan())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&summary(&self.run, &self.metrics, &self.judgement))
    }
}
