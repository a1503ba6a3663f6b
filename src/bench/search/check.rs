//! Whether a search can find something.

use crate::{
    bench::{Bench, classes},
    grammar::{
        duration,
        search::{Budget, Over, Search},
        slo::Subject,
    },
    judge::Criterion,
    problem::Problem,
};

/// The smallest trial, and the smallest number of trials, that say anything.
const FEWEST: usize = 50;
const FEWEST_TRIALS: u64 = 8;

impl Bench {
    /// The bench, searching if an SLO demands a capacity.
    pub(in crate::bench) fn searching(mut self) -> Self {
        let demanded = self.demands.slo.iter().find_map(|slo| match slo.subject {
            Subject::Max(over) => Some(over),
            _ => None,
        });
        if self.load.search.is_none() {
            self.load.search = demanded.map(Search::over);
        }
        self
    }

    /// Checks that a search can find something.
    pub(in crate::bench) fn check_search(&self, problems: &mut Vec<Problem>) {
        let demanded = self.demands.slo.iter().filter_map(|slo| match slo.subject {
            Subject::Max(over) => Some((slo, over)),
            _ => None,
        });
        let Some(search) = self.load.search else {
            if let Some(budget) = self.load.search_budget {
                let fix =
                    "there is no search to spend it. Set `search = \"rate\"`, or leave it out";
                problems.push(Problem::new("search_budget", budget, fix));
            }
            return;
        };
        for (slo, _) in demanded.filter(|(_, over)| *over != search.over) {
            let fix = format!(
                "limits what is not searched for. Search for one of them, `{}` or `{}`",
                search.over.name(),
                slo.number().trim_start_matches("max_")
            );
            problems.push(Problem::new("slo", slo, fix));
        }
        let limits = classes::limits(&self.load, &self.demands);
        let criteria = self
            .demands
            .slo
            .iter()
            .filter(|slo| !matches!(slo.subject, Subject::Max(_)));
        let mut any = false;
        for slo in criteria {
            any = true;
            if let Err(why) = Criterion::new(slo, &limits) {
                problems.push(Problem::new("slo", slo, why));
            }
        }
        if !any {
            let fix = "needs an SLO that breaks as the load grows. Set `slo = \"goodput >= 90%\"`, or `p99(ttft) < 500ms`";
            problems.push(Problem::new("search", search, fix));
        }
        let mut refuse =
            |field: &str, value: String, fix: &str| problems.push(Problem::new(field, value, fix));
        if search.over == Over::Rate && self.load.rate.is_finite() {
            refuse(
                "rate",
                self.load.rate.to_string(),
                "is what the search looks for. Leave it out",
            );
        }
        if search.over == Over::Concurrency {
            if let Some(most) = self.load.max_concurrency {
                refuse(
                    "max_concurrency",
                    most.to_string(),
                    "is what the search looks for. Leave it out",
                );
            }
            if self.load.rate.is_finite() {
                refuse(
                    "rate",
                    self.load.rate.to_string(),
                    "gives the load, and the search looks for a concurrency. Leave it out",
                );
            }
        }
        if let Some(ramp) = self.load.ramp {
            refuse(
                "ramp",
                ramp.to_string(),
                "changes the load during a trial. Leave it out",
            );
        }
        if self.load.replays() {
            refuse(
                "dataset",
                self.load.dataset.to_string(),
                "has its own times. Set `self_timed = false`, or take another dataset",
            );
        }
        if let Some(span) = self.load.duration {
            refuse(
                "duration",
                duration::format(span),
                "does not fit trials at different loads. Set `requests`, the size of a trial",
            );
        }
        if self.load.rounds > 1 || self.load.warmup_rounds > 0 {
            refuse(
                "rounds",
                self.load.rounds.to_string(),
                "repeats a plan, and each trial of a search has its own. Leave it out",
            );
        }
        if self.demands.max_extend > 1 {
            refuse(
                "max_extend",
                self.demands.max_extend.to_string(),
                "extends one run, and a search makes as many trials as it needs. Set `search_budget`",
            );
        }
        if self.demands.versus.is_some() {
            refuse(
                "versus",
                "(set)".to_owned(),
                "compares runs at one load. Search both targets, and compare their capacities",
            );
        }
        if let Some(name) = &self.keeping.baseline {
            refuse(
                "baseline",
                name.clone(),
                "compares runs at one load. Limit `max_rate` instead",
            );
        }
        if self.load.requests < FEWEST {
            let fix = format!("is too few for a trial. Set at least {FEWEST}");
            problems.push(Problem::new("requests", self.load.requests, fix));
        }
        if let Some(Budget::Requests(most)) = self.load.search_budget
            && most < FEWEST_TRIALS * self.load.requests as u64
        {
            let fix = format!(
                "is less than {FEWEST_TRIALS} trials of {} requests. Set at least {} requests, or fewer `requests`",
                self.load.requests,
                FEWEST_TRIALS * self.load.requests as u64
            );
            problems.push(Problem::new("search_budget", most, fix));
        }
        let live = self.chosen_target().simulation().is_none();
        if live && self.load.search_budget.is_none() {
            let fix = "must say what a search of a live server may spend. Set such as `search_budget = \"20000 requests\"` or `\"10m\"`";
            problems.push(Problem::new("search_budget", "(missing)", fix));
        }
    }
}
