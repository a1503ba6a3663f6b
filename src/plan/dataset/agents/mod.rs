//! `agents("trace.jsonl")`: recorded sessions that fork, join and wait for tools.
//!
//! A format reads its files into sessions; this module makes requests of them. A format is one file here and one line in
//! the list of the grammar.

mod bailian;
mod entries;
mod intervals;
mod mooncake;
mod otel;
mod read;
mod recorded;
mod session;
mod weka;

use super::{
    Sample, Samples, complaints, custom::chat_length, estimate, exactly, fits_memory,
    tokens::Blocks, tokens::Tokens,
};
use crate::{
    clock::Nanos,
    plan::{PlanError, PlanSpec, Prompt, Turn},
    record::{TokenCount, TurnId},
};
use goodput_grammar::{bounds, dataset::Agents};
use read::Reader;
use serde_json::{Value, json};
use session::{Asked, Ids, Output, Session, Step, Wait};

/// Output tokens of a request whose recording does not say how long the answer was, as in `custom`.
const USUAL_OUTPUT: u64 = 256;

pub(super) fn sample(settings: &Agents, spec: &PlanSpec<'_>) -> Result<Samples, PlanError> {
    let mut samples = Samples::default();
    let mut sessions = load(settings, &mut samples.notes)?;
    let timed = arrange(&mut sessions, settings, &mut samples.notes);
    let mut left = spec.requests;
    for session in &mut sessions {
        session.steps.truncate(left);
        left -= session.steps.len();
    }
    sessions.retain(|session| !session.steps.is_empty());
    let steps = sessions.iter().flat_map(|session| &session.steps);
    fits_memory(&settings.path, steps.map(|step| step.asked.length()))?;
    let mut maker = Maker {
        settings,
        spec,
        tokens: Tokens::new(spec),
        empty: 0,
    };
    for (number, session) in sessions.into_iter().enumerate() {
        maker.session(number, session, timed, &mut samples)?;
    }
    if maker.empty > 0 {
        samples.notes.push(format!(
            "{} recorded requests have no prompt or no answer; they have one token instead",
            maker.empty
        ));
    }
    samples.tell_fewer(spec.requests);
    match spec.tokenizer.codec() {
        Some(_) => samples.tell_tokenizer(spec),
        None => samples.tell_words(),
    }
    Ok(samples)
}

/// All sessions in the file's order, or everything that is wrong with them.
fn load(settings: &Agents, notes: &mut Vec<String>) -> Result<Vec<Session>, PlanError> {
    let texts = entries::texts(&settings.path)?;
    let mut reader = Reader::new(settings);
    let mut entries = Vec::new();
    for text in &texts {
        entries.extend(text.entries(&mut reader.complaints));
    }
    let sessions = reader.read(&entries);
    reader.complaints.check()?;
    if sessions.is_empty() {
        return Err(complaints::whole_file(
            &settings.path,
            "has no session with a request",
        ));
    }
    let found = sessions.len();
    if let Some(active) = settings.active
        && active > found
    {
        return Err(complaints::whole_file(
            &settings.path,
            format!(
                "has {found} sessions, fewer than the {active} that are to go on at a time. Set `agents(active = {found})`"
            ),
        ));
    }
    notes.append(&mut reader.notes);
    Ok(sessions)
}

/// A recording whose first session comes later than this counts from it.
const LATE_S: f64 = 86_400.0;

/// Brings sessions into the order of their times. Returns whether they are sent at these.
fn arrange(sessions: &mut [Session], settings: &Agents, notes: &mut Vec<String>) -> bool {
    let mut times = sessions.iter().map(|session| session.at);
    if !settings.self_timed || times.any(|at| at.is_none()) {
        return false;
    }
    let at = |session: &Session| session.at.unwrap_or_default() * settings.time_scale;
    sessions.sort_by(|a, b| at(a).total_cmp(&at(b)));
    let first = sessions.first().map(at).unwrap_or_default();
    let base = if (0.0..=LATE_S).contains(&first) {
        0.0
    } else {
        notes.push(format!(
            "the recording's times begin at {first} s and count from its first session instead"
        ));
        first
    };
    for session in sessions {
        session.at = Some(at(session) - base);
    }
    true
}

impl Asked {
    /// Tokens that are made up.
    fn length(&self) -> u64 {
        match self {
            Asked::Made { length, .. } => *length,
            _ => 0,
        }
    }
}

/// Makes requests of sessions.
struct Maker<'a> {
    settings: &'a Agents,
    spec: &'a PlanSpec<'a>,
    tokens: Tokens,
    /// Requests without a prompt or an answer.
    empty: usize,
}

impl Maker<'_> {
    fn session(
        &mut self,
        number: usize,
        session: Session,
        timed: bool,
        samples: &mut Samples,
    ) -> Result<(), PlanError> {
        let first = samples.rows.len();
        let mut times = Times::new(self.settings);
        // Tokens that were said before, in a session that grows.
        let mut said = 0;
        for (place, step) in session.steps.into_iter().enumerate() {
            self.spec.go_on()?;
            let (pause, earliest) = times.of(&step.after, step.wait);
            let before = samples.rows.len().checked_sub(1);
            let history = before.filter(|_| session.grows && place > 0);
            let turn = Turn {
                id: TurnId {
                    session: number,
                    name: session.name.clone(),
                    number: place,
                },
                after: step.after.iter().map(|step| first + step).collect(),
                pause,
                earliest,
                history,
                answered: history.is_some(),
            };
            let output = self.output(&step);
            let rest = format!("{}/{place}", session.name);
            let (prompt, mut input) = self.prompt(step.asked, session.grows, &rest)?;
            if session.grows {
                input = estimate((input.tokens + said) as usize);
                said = input.tokens + output;
            }
            let at = session.at.filter(|_| timed).map(Nanos::from_secs_f64);
            samples.rows.push(Sample {
                at,
                overrides: step.overrides,
                turn: Some(Box::new(turn)),
                ..Sample::new(prompt, input, output)
            });
        }
        if times.last > bounds::SPAN.as_secs_f64() {
            let days = times.last / 86_400.0;
            return Err(complaints::whole_file(
                &self.settings.path,
                format!(
                    "session `{}` lasts {days:.0} days by its recorded pauses; a plan lasts 365 days at most. Set \
                     `agents(max_pause = 60s)` or `agents(time_scale)`",
                    session.name
                ),
            ));
        }
        Ok(())
    }

    fn output(&mut self, step: &Step) -> u64 {
        if let Some(output) = self.settings.output {
            return output as u64;
        }
        let output = match &step.output {
            Output::Tokens(tokens) => *tokens,
            Output::Messages(messages) => self.chat(messages).tokens,
            Output::Unknown => USUAL_OUTPUT,
        };
        self.empty += usize::from(output == 0);
        output.max(1)
    }

    /// A prompt and its length. In a session that grows, it is a message of a user.
    fn prompt(
        &mut self,
        asked: Asked,
        grows: bool,
        rest: &str,
    ) -> Result<(Prompt, TokenCount), PlanError> {
        let counted = |tokens: usize| match self.spec.tokenizer.codec() {
            Some(_) => exactly(tokens),
            None => estimate(tokens),
        };
        let user = |text: String| Prompt::Messages(vec![json!({"role": "user", "content": text})]);
        Ok(match asked {
            Asked::Made { length, blocks } => {
                self.empty += usize::from(length == 0);
                let length = length.max(1);
                let blocks = blocks.as_ref().map(|Ids { size, ids, scope }| Blocks {
                    size: *size,
                    ids,
                    scope,
                    rest: Some(rest),
                });
                if grows {
                    let (text, length) = self.tokens.text(length, blocks, self.spec)?;
                    (user(text), estimate(length))
                } else {
                    let (prompt, length) = self.tokens.prompt(length, blocks, self.spec)?;
                    (prompt, counted(length))
                }
            }
            Asked::Text(text) => {
                let length = self.spec.tokenizer.count(&text, true);
                if grows {
                    (user(text), length)
                } else {
                    (Prompt::Text(text), length)
                }
            }
            Asked::Tokens(ids) => {
                let length = exactly(ids.len());
                (Prompt::Tokens(ids), length)
            }
            Asked::Messages(messages) => {
                let length = self.chat(&messages);
                (Prompt::Messages(messages), length)
            }
        })
    }

    fn chat(&self, messages: &[Value]) -> TokenCount {
        chat_length(messages, self.spec.tokenizer)
    }
}

/// When the requests of a session are due, if all answers took no time.
struct Times<'a> {
    settings: &'a Agents,
    /// Recorded, and with the longest pause: in seconds since the begin.
    ready: Vec<(f64, f64)>,
    /// The last of all.
    last: f64,
}

impl<'a> Times<'a> {
    fn new(settings: &'a Agents) -> Self {
        Times {
            settings,
            ready: Vec::new(),
            last: 0.0,
        }
    }

    /// Pause and earliest time of the next request.
    fn of(&mut self, after: &[usize], wait: Wait) -> (Nanos, Nanos) {
        let scale = self.settings.time_scale;
        let most = self.settings.max_pause.map(|most| most.as_secs_f64());
        let capped = |pause: f64| pause.min(most.unwrap_or(f64::INFINITY));
        let before = after.iter().filter_map(|step| self.ready.get(*step));
        let before = before.fold((0.0_f64, 0.0_f64), |latest, ready| {
            (latest.0.max(ready.0), latest.1.max(ready.1))
        });
        let (recorded, due, times) = match wait {
            Wait::Pause(pause) => {
                let pause = capped(pause * scale);
                let times = (Nanos::from_secs_f64(pause), Nanos(0));
                (before.0 + pause, before.1 + pause, times)
            }
            Wait::Until(at) => {
                let at = at * scale;
                let due = before.1 + capped((at - before.0).max(0.0));
                (at.max(before.0), due, (Nanos(0), Nanos::from_secs_f64(due)))
            }
        };
        self.ready.push((recorded, due));
        self.last = self.last.max(due);
        times
    }
}

#[cfg(test)]
mod tests;
