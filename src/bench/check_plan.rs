//! What only a plan shows: a file says whether its sessions have times, and whether its prompts are whole.

use super::{
    checked::Checked,
    parts::{Demands, Keeping},
};
use crate::{error::Error, grammar::dataset::Dataset, plan::Plan, problem::Problem};

impl Checked {
    /// Checks the bench's settings with the plan that was made of them.
    pub(super) fn check_plan(&self, plan: &Plan, problems: &mut Vec<Problem>) {
        if !matches!(self.load.dataset, Dataset::Agents(_)) {
            return;
        }
        if plan.timed && self.load.ramp.is_some() {
            let fix = "has no meaning for a recording, whose sessions begin at its own times. Leave it out, or set \
                       `agents(self_timed = false)`";
            problems.push(Problem::new("ramp", "(set)", fix));
        }
        if plan.sends_answers() {
            refuse_comparisons(&self.demands, &self.keeping, WHOLE, problems);
        }
    }
}

/// What to do about prompts that are only what is new.
const WHOLE: &str = "Record whole prompts, with `hash_ids` or `messages`";

/// Refuses a plan for a side of a comparison, whose bench no longer says that it is one.
pub(super) fn check_side(plan: &Plan) -> Result<(), Error> {
    if plan.sends_answers() {
        return Err(Error::Invalid(vec![refusal("versus", WHOLE)]));
    }
    Ok(())
}

fn refusal(field: &str, instead: &str) -> Problem {
    let fix = format!(
        "needs the same texts in every run, and this dataset sends the server's own answers back. {instead}"
    );
    Problem::new(field, "(set)", fix)
}

/// Refuses what compares runs that send the server's own answers back: each is another load.
pub(super) fn refuse_comparisons(
    demands: &Demands,
    keeping: &Keeping,
    instead: &str,
    problems: &mut Vec<Problem>,
) {
    let compares = [
        ("versus", demands.versus.is_some()),
        ("baseline", keeping.baseline.is_some()),
        ("max_extend", demands.max_extend > 1),
    ];
    let compares = compares.iter().filter(|(_, set)| *set);
    problems.extend(compares.map(|(field, _)| refusal(field, instead)));
}
