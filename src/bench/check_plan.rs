//! What only a plan shows: whether its sessions have times, whether its prompts are whole, and whether it has the requests
//! that SLOs are about.

use super::{
    checked::Checked,
    parts::{Demands, Keeping, Load},
    proof::{counted, effort, planned},
};
use crate::{
    error::Error,
    grammar::{
        dataset::Dataset,
        slo::{Class, Latency, Slo, Subject},
    },
    judge::{Expect, OnInconclusive},
    plan::Plan,
    problem::Problem,
};

impl Checked {
    /// Checks the bench's settings with the plan that was made of them.
    pub(super) fn check_plan(&self, plan: &Plan, problems: &mut Vec<Problem>) {
        for slo in &self.demands.slo {
            let fix = self.not_for(slo, plan);
            problems.extend(fix.map(|fix| Problem::new("slo", slo, fix)));
        }
        if !matches!(self.load.dataset, Dataset::Agents(_)) {
            return;
        }
        if plan.timed && self.load.ramp.is_some() {
            let fix = "has no meaning for a recording, whose sessions begin at its own times. Leave it out, or set \
                       `agents(self_timed = false)`";
            problems.push(Problem::new("ramp", "(set)", fix));
        }
        if plan.sends_answers() {
            refuse_comparisons(&self.load, &self.demands, &self.keeping, WHOLE, problems);
        }
    }

    /// Why a run of this plan cannot have, or cannot prove, an SLO.
    fn not_for(&self, slo: &Slo, plan: &Plan) -> Option<String> {
        let of_sessions = matches!(slo.subject, Subject::Latency(_, Latency::SessionE2el));
        if of_sessions && !plan.has_sessions() {
            return Some(
                "limits the time of sessions, and the requests of this plan have none. Take a dataset with sessions, \
                 such as `conversations`, or limit `e2el`"
                    .to_owned(),
            );
        }
        let about = planned(slo, plan, self.load.rounds);
        if about == 0 && slo.subject == Subject::Valid {
            return Some(nothing_to_check(slo, plan).to_owned());
        }
        if about == 0 {
            return Some(format!(
                "is about {}, and the plan has no such request. Take longer sessions, or another turn",
                slo.part
            ));
        }
        let demands = &self.demands;
        let once = demands.versus.is_none() && demands.max_extend == 1;
        let proves = demands.on_inconclusive == OnInconclusive::Fail;
        let all = about == (plan.requests.len() * self.load.rounds) as u64;
        if !once || !proves || demands.expect == Expect::Fail || all {
            return None;
        }
        let effort = effort(&self.load, demands, about);
        effort.unprovable(slo)?;
        let counted = counted(slo);
        let needed = match effort.fewest(slo) {
            Some(fewest) => format!("takes {fewest} {counted} at least"),
            None => "takes more than any number".to_owned(),
        };
        Some(format!(
            "cannot be proved: the plan has {about} {counted} for it, and {} % confidence {needed}. Plan more, limit \
             something else, or set `on_inconclusive = \"warn\"`",
            (demands.confidence * 1e8).round() / 1e6
        ))
    }
}

/// Why an SLO on valid answers has none that could be valid.
fn nothing_to_check(slo: &Slo, plan: &Plan) -> &'static str {
    let of_class = |class: &Option<Box<str>>| match slo.part.class {
        Class::One(name) => class.as_deref() == Some(name.as_str()),
        Class::All | Class::Worst => true,
    };
    let mut asked = plan
        .requests
        .iter()
        .filter(|request| of_class(&request.class));
    let unchecked =
        asked.any(|request| request.structure.as_deref().is_some_and(|asked| asked.sent));
    if unchecked {
        "limits valid answers, and goodput cannot check those that it is about: it checks grammars in GBNF or EBNF without \
         rules that refer to themselves, and structural tags without a `format`. Ask for another structure, or leave the \
         limit out"
    } else {
        "limits valid answers, and no request that it is about asks for a structure. Set `structured_output`, raise its \
         ratio, or leave the limit out"
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
        "needs the same texts each time, and this dataset sends the server's own answers back. {instead}"
    );
    Problem::new(field, "(set)", fix)
}

/// Refuses what compares runs, or rounds, that send the server's own answers back: each is another load.
pub(super) fn refuse_comparisons(
    load: &Load,
    demands: &Demands,
    keeping: &Keeping,
    instead: &str,
    problems: &mut Vec<Problem>,
) {
    let compares = [
        ("versus", demands.versus.is_some()),
        ("baseline", keeping.against().is_some()),
        ("save_baseline", keeping.saves()),
        ("max_extend", demands.max_extend > 1),
        ("rounds", load.rounds > 1),
    ];
    let compares = compares.iter().filter(|(_, set)| *set);
    problems.extend(compares.map(|(field, _)| refusal(field, instead)));
}
