//! Sends a plan of sessions: each request when its time has come and those that it follows have ended.

use super::{
    agenda::{Agenda, Released},
    body::Body,
    closing::Closing,
    compose::Bodies,
    delivery::Delivery,
    driver::Driver,
    frontend::Order,
    message::Message,
    request::{Arrival, Job, Stage, finished, run_one},
    share::Share,
};
use crate::{
    clock::Nanos,
    plan::{Plan, Turn},
    record::{Record, TokenCount},
    run::EndReason,
};
use std::{collections::BTreeMap, rc::Rc};
use tokio::{select, task::JoinSet};

/// What is known of requests that were answered or are about to be sent.
struct Said<'a> {
    plan: &'a Plan,
    bodies: Bodies<'a>,
    sends_answers: bool,
    /// Texts of answers by places in the plan, if later turns send them back.
    answers: Vec<Option<String>>,
    /// How many tokens more than planned the prompts of later turns have, by the request before them.
    longer: Vec<i64>,
    /// Bodies that were made ahead of their time.
    made: BTreeMap<usize, Body>,
}

impl Driver {
    /// Sends the share's sessions. Records are in the order in which they ended, on the driver's clock.
    pub(super) async fn send_sessions(
        &self,
        plan: &Plan,
        bodies: Bodies<'_>,
        share: Share,
        start: Nanos,
        job: &Rc<Job>,
        closing: Closing<'_>,
    ) -> Delivery {
        let most = self.max_sessions.map(|all| share.of(all));
        let mut agenda = Agenda::of(plan, share, start, most);
        let mut said = Said::new(plan, bodies);
        let mut tasks: JoinSet<Record> = JoinSet::new();
        let mut records = Vec::with_capacity(share.of(self.shard.of(plan.requests.len())));
        let mut stop = self.stop.clone();
        let mut partial = false;
        let mut why = EndReason::Plan;
        loop {
            let next = agenda.next_at();
            if next.is_none() && tasks.is_empty() {
                break;
            }
            let due = async {
                if let Some(at) = next {
                    self.clock.sleep_until(at).await;
                }
            };
            select! {
                biased;
                () = stop.requested() => {
                    partial = true;
                    break;
                }
                over = closing.over() => {
                    why = over;
                    break;
                }
                () = due, if next.is_some() => {
                    if let Some((intended, index)) = agenda.take(self.clock.now()) {
                        let held = agenda.held_since(index);
                        let place = (index, agenda.session_of(index), held);
                        let sent = self.take_up(job, &mut said, place, intended, start);
                        tasks.spawn_local(sent);
                    }
                }
                Some(done) = tasks.join_next() => {
                    let mut record = finished(done);
                    let released = ended(&mut agenda, &mut record);
                    job.observer.finished(&record);
                    said.learn(&record, &released);
                    records.push(record);
                }
            }
        }
        // After a stop, what is under way is cancelled, or the end of its session. Nothing is abandoned by that.
        let last = |mut record: Record| {
            if record.ok() {
                ended(&mut agenda, &mut record);
            }
            job.observer.finished(&record);
            records.push(record);
        };
        let ending = closing.drain(why, &mut tasks, last).await;
        Delivery {
            records,
            partial,
            ending,
            abandoned: agenda.into_abandoned(),
            ..Delivery::default()
        }
    }

    /// The task of a request that is due.
    fn take_up(
        &self,
        job: &Rc<Job>,
        said: &mut Said<'_>,
        (index, session, held): (usize, usize, Option<Nanos>),
        intended: Nanos,
        start: Nanos,
    ) -> impl Future<Output = Record> + use<> {
        let request = &said.plan.requests[index];
        let first = request.turn.as_deref().is_none_or(Turn::begins);
        let now = self.clock.now();
        // Without a schedule sessions wait from the start until others have ended. Later turns have a time of their own.
        let (intended, dispatched) = if first && !self.open_loop {
            (now, start)
        } else {
            (intended, held.filter(|_| first).unwrap_or(now))
        };
        let order = Order {
            index,
            session,
            shard: self.shard,
        };
        let message = Message {
            id: request.id.clone(),
            body: said.body(index),
        };
        let slot = job.free_slot();
        let stage = match &job.slots {
            Some(slots) if slot.is_none() => Stage::Queued(message, slots.clone()),
            _ => Stage::Launched(job.launch(message, order), slot),
        };
        let input = said.input(index);
        let arrival = Arrival::of(request, order, intended, dispatched).with_input(input);
        run_one(job.clone(), arrival, stage)
    }
}

/// Notes the end of a request, and of its session if it was the last.
fn ended(agenda: &mut Agenda, record: &mut Record) -> Released {
    let waited = (record.intended, record.end);
    let released = agenda.end(record.index, waited, record.ok());
    // A request without turns is alone, and only `e2el` is about it.
    let has_turns = record.turn.is_some();
    record.session_e2el = released.session_e2el.filter(|_| has_turns);
    released
}

impl<'a> Said<'a> {
    fn new(plan: &'a Plan, bodies: Bodies<'a>) -> Self {
        Said {
            plan,
            bodies,
            sends_answers: plan.sends_answers(),
            answers: vec![None; plan.requests.len()],
            longer: vec![0; plan.requests.len()],
            made: BTreeMap::new(),
        }
    }

    /// Keeps what was answered until its session is over, and encodes the requests that were waiting for it: the pause
    /// before them is the time for that.
    fn learn(&mut self, record: &Record, released: &Released) {
        let planned = self.plan.requests[record.index].output_tokens;
        // Servers report token counts, so the sums must bear anything.
        let planned = i64::try_from(planned).unwrap_or(i64::MAX);
        let answered = i64::try_from(record.output.tokens).unwrap_or(i64::MAX);
        let longer = answered.saturating_sub(planned);
        self.longer[record.index] = longer.saturating_add(self.before(record.index));
        if self.sends_answers {
            self.answers[record.index] = Some(record.text.clone());
        }
        for index in &released.requests {
            let body = self.bodies.of(*index, &self.answers);
            self.made.insert(*index, body);
        }
        for index in &released.over {
            self.answers[*index] = None;
        }
    }

    fn body(&mut self, index: usize) -> Body {
        let made = self.made.remove(&index);
        made.unwrap_or_else(|| self.bodies.of(index, &self.answers))
    }

    /// How many tokens more than planned a request's history has.
    fn before(&self, index: usize) -> i64 {
        let turn = self.plan.requests[index].turn.as_deref();
        match turn.and_then(|turn| Some((turn.answered, turn.history?))) {
            Some((true, before)) => self.longer[before],
            _ => 0,
        }
    }

    /// Tokens of a prompt, with the answers as they were.
    fn input(&self, index: usize) -> TokenCount {
        let planned = self.plan.input(index);
        TokenCount {
            tokens: planned.tokens.saturating_add_signed(self.before(index)),
            ..planned
        }
    }
}
