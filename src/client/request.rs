//! Requests of a run: each is a task.

use super::{
    bounds::Bounds,
    conditions::Conditions,
    exchange::{Channel, Launch, Slot, Taker, Traces},
    frontend::Order,
    message::Message,
};
use crate::{
    backend::Backend,
    clock::Nanos,
    observer::Observer,
    plan::PlannedRequest,
    record::{Record, RequestError, Task, TokenCount, TurnId},
    stop::Stop,
};
use std::{pin::pin, rc::Rc, sync::Arc};
use tokio::{sync::Semaphore, task::JoinError};

/// Limit for the space that is reserved for expected events.
const EXPECTED_EVENTS: u64 = 4096;

/// Resources of the task of one request.
pub(super) struct Job {
    pub(super) channel: Rc<Channel>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) stream: bool,
    pub(super) slots: Option<Arc<Semaphore>>,
    pub(super) stop: Stop,
    /// States of the run in which nothing more is sent, if there are any.
    pub(super) conditions: Option<Arc<Conditions>>,
    pub(super) observer: Arc<dyn Observer>,
}

impl Job {
    pub(super) fn free_slot(&self) -> Option<Slot> {
        self.slots.as_ref()?.clone().try_acquire_owned().ok()
    }

    pub(super) fn launch(
        &self,
        message: Message,
        order: Order,
    ) -> Result<Box<Launch>, RequestError> {
        self.observer.sent();
        self.channel.launch(message, order).map(Box::new)
    }
}

/// A request as the driver took it up.
pub(super) struct Arrival {
    order: Order,
    intended: Nanos,
    dispatched: Nanos,
    input: TokenCount,
    /// Tokens that the request asks for.
    output_tokens: u64,
    inputs: u64,
    audio_seconds: f64,
    lora: Option<String>,
    class: Option<Box<str>>,
    client: Option<Box<str>>,
    turn: Option<Box<TurnId>>,
}

impl Arrival {
    pub(super) fn of(
        request: &PlannedRequest,
        order: Order,
        intended: Nanos,
        dispatched: Nanos,
    ) -> Self {
        Arrival {
            order,
            intended,
            dispatched,
            input: request.input,
            output_tokens: request.output_tokens,
            inputs: request.prompt.inputs(),
            audio_seconds: request.prompt.audio_seconds(),
            lora: request.lora().map(str::to_owned),
            class: request.class.clone(),
            client: request.client.clone(),
            turn: request
                .turn
                .as_deref()
                .map(|turn| Box::new(turn.id.clone())),
        }
    }
}

impl Arrival {
    /// The same with another count of the prompt's tokens.
    pub(super) fn with_input(self, input: TokenCount) -> Self {
        Arrival { input, ..self }
    }
}

/// How far the driver got with a request.
pub(super) enum Stage {
    /// There was no free slot.
    Queued(Message, Arc<Semaphore>),
    /// The request is on its way, and holds its slot if it needs one.
    Launched(Result<Box<Launch>, RequestError>, Option<Slot>),
}

pub(super) async fn run_one(job: Rc<Job>, arrival: Arrival, stage: Stage) -> Record {
    let clock = &job.channel.clock;
    if let Some(conditions) = &job.conditions {
        conditions.begins(clock.now());
    }
    let mut traces = Traces::default();
    // Reserves space for the expected events, so that they need not move.
    let expected = arrival.output_tokens.min(EXPECTED_EVENTS) as usize;
    traces.reply.events.reserve(expected);
    let (mut sent, mut frontend) = (None, None);
    let outcome = {
        let work = async {
            let (launch, slot) = match stage {
                Stage::Launched(launch, slot) => (launch, slot),
                Stage::Queued(message, slots) => {
                    let slot = slots.acquire_owned().await.ok();
                    (job.launch(message, arrival.order), slot)
                }
            };
            let launch = launch?;
            sent = Some(launch.sent);
            frontend = launch.frontend();
            let task = job.backend.task();
            let bounds = Bounds::of(task, arrival.output_tokens, launch.body_size());
            let mut decoder = job.backend.decoder(job.stream);
            let taker = Taker {
                bounds: &bounds,
                decoder: &mut *decoder,
                traces: &mut traces,
                slot,
            };
            job.channel.exchange(launch, taker).await
        };
        let outcome = job.stop.or_cut(pin!(work)).await;
        outcome.unwrap_or(Err(RequestError::Cancelled))
    };
    let end = traces.ended.unwrap_or_else(|| clock.now());
    let mut reply = traces.reply;
    // A run keeps all events.
    reply.events.shrink_to_fit();
    reply.text.shrink_to_fit();
    let record = Record {
        index: arrival.order.index,
        intended: arrival.intended,
        dispatched: arrival.dispatched,
        sent: sent.unwrap_or(end),
        connected: traces.connected,
        head: traces.head,
        end,
        status: traces.status,
        timestamps: traces.timestamps,
        retried: traces.retried,
        frontend,
        input: arrival.input,
        output: TokenCount::of_reply(&reply),
        events: reply.events,
        answered: reply.answered,
        asked: match job.backend.task() {
            Task::Generate => arrival.output_tokens,
            Task::Pool => 0,
        },
        inputs: arrival.inputs,
        audio_seconds: arrival.audio_seconds,
        lora: arrival.lora,
        class: arrival.class,
        client: arrival.client,
        // Answers are checked after the run.
        structure: None,
        turn: arrival.turn,
        session_e2el: None,
        round_e2el: None,
        cut: false,
        text: reply.text,
        reasoning: reply.reasoning,
        finish: reply.finish,
        usage: reply.usage,
        server_times: reply.server_times,
        error: outcome.err(),
    };
    if let Some(conditions) = &job.conditions {
        let cancelled = record.error == Some(RequestError::Cancelled);
        conditions.ends(clock.now(), (!cancelled).then(|| !record.ok()));
    }
    // A turn may be the end of its session, which its record says.
    if record.turn.is_none() {
        job.observer.finished(&record);
    }
    record
}

/// Result of a task. Nothing aborts tasks, so a task that did not finish has panicked, and the panic
/// continues in the run.
pub(super) fn finished(done: Result<Record, JoinError>) -> Record {
    done.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))
}
