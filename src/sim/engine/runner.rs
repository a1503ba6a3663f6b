//! Runs an engine on a clock.

use super::{Engine, EngineConfig, Job, JobId, State, Step, TooLong};
use crate::{
    clock::{Clock, Nanos},
    sim::telemetry::Telemetry,
    sim::wear::Wear,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
};
use tokio::{
    select,
    sync::{Notify, mpsc},
    task::{JoinSet, yield_now},
};

/// An engine that serves: jobs come in, and their tokens go out when the step that made them ends.
///
/// One task makes the steps. It starts with the first job, belongs to the runner and ends with it.
/// Steps follow one another without a gap at absolute times, so that a task that wakes late does not
/// slow the engine down.
pub struct EngineRunner {
    config: EngineConfig,
    shared: Arc<Shared>,
    steps: Mutex<JoinSet<()>>,
}

struct Shared {
    floor: Mutex<Floor>,
    telemetry: Arc<Telemetry>,
    /// Rung when there is something to do again.
    bell: Notify,
}

/// The engine and the requests that wait for it.
struct Floor {
    engine: Engine,
    tickets: BTreeMap<JobId, Holder>,
}

/// The request that waits for the tokens of a job.
struct Holder {
    sender: mpsc::UnboundedSender<Ready>,
    submitted: Nanos,
    prompt_tokens: u64,
    /// When the request got the last tokens, if any.
    last: Option<Nanos>,
    cached: Arc<OnceLock<u64>>,
}

/// Tokens that are ready.
type Ready = (Nanos, u64);

impl EngineRunner {
    /// A runner of an idle engine; see [`Engine::new`].
    pub fn new(config: EngineConfig, seed: u64) -> Self {
        let floor = Floor {
            engine: Engine::new(config.clone(), seed),
            tickets: BTreeMap::new(),
        };
        let drafts = config.num_speculative_tokens;
        EngineRunner {
            shared: Arc::new(Shared {
                floor: Mutex::new(floor),
                telemetry: Arc::new(Telemetry::new(config.max_model_len(), drafts)),
                bell: Notify::new(),
            }),
            config,
            steps: Mutex::default(),
        }
    }

    /// A runner whose engine becomes slower or faster as time goes on.
    pub(in crate::sim) fn wearing(self, wear: Wear) -> Self {
        self.shared.floor().engine.wears(wear);
        self
    }

    /// The settings of the engine.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// What the engine is doing.
    pub fn state(&self) -> State {
        self.shared.floor().engine.state()
    }

    /// The LoRA adapters of the jobs that run and of those that wait.
    pub fn adapters(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        self.shared.floor().engine.adapters()
    }

    /// The engine's counters.
    pub(in crate::sim) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.shared.telemetry
    }

    /// Submits a job that arrived at `arrival`. All jobs of a runner must come with the same clock.
    ///
    /// # Errors
    /// The engine has no room for a job of this length.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn submit(&self, clock: &Clock, arrival: Nanos, job: Job) -> Result<Ticket, TooLong> {
        let (sender, ready) = mpsc::unbounded_channel();
        let prompt_tokens = job.prompt_tokens.max(1);
        let cached = Arc::new(OnceLock::new());
        let job = {
            let mut floor = self.shared.floor();
            let job = floor.engine.submit(arrival, job)?;
            let holder = Holder {
                sender,
                submitted: arrival,
                prompt_tokens,
                last: None,
                cached: cached.clone(),
            };
            floor.tickets.insert(job, holder);
            job
        };
        self.keep_going(clock);
        self.shared.bell.notify_one();
        Ok(Ticket {
            job,
            ready,
            cached,
            shared: self.shared.clone(),
        })
    }

    /// Starts the steps, unless they are under way.
    fn keep_going(&self, clock: &Clock) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        // The task ends only with the runtime that it lives in.
        while steps.try_join_next().is_some() {}
        if steps.is_empty() {
            steps.spawn(make_steps(self.shared.clone(), clock.clone()));
        }
    }
}

impl Drop for EngineRunner {
    fn drop(&mut self) {
        // Closes the channels of those that still wait.
        self.shared.floor().tickets.clear();
    }
}

/// Makes one step after the other, for as long as a request wants them.
async fn make_steps(shared: Arc<Shared>, clock: Clock) {
    let mut now = clock.now();
    loop {
        let (step, resumes) = {
            let engine = &mut shared.floor().engine;
            (engine.step(now), engine.resumes())
        };
        let Some(step) = step else {
            select! {
                biased;
                () = shared.bell.notified() => {}
                () = resumption(&clock, resumes) => {}
            }
            now = clock.now();
            continue;
        };
        if clock.now() < step.ends {
            clock.sleep_until(step.ends).await;
        } else {
            // The clock is ahead: catch up, but let other tasks run.
            yield_now().await;
        }
        shared.deliver(&step);
        now = step.ends;
    }
}

/// Waits until a stall ends, for ever if none does.
async fn resumption(clock: &Clock, at: Option<Nanos>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => pending().await,
    }
}

impl Shared {
    fn floor(&self) -> MutexGuard<'_, Floor> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, step: &Step) {
        let mut floor = self.floor();
        let tickets = &mut floor.tickets;
        let mut counted = 0;
        for emission in &step.emissions {
            // The request of these tokens is gone.
            let Some(holder) = tickets.get_mut(&emission.job) else {
                continue;
            };
            counted += emission.tokens;
            match holder.last.replace(step.ends) {
                Some(last) => self
                    .telemetry
                    .more_tokens(step.ends - last, emission.tokens),
                None => {
                    holder.cached.get_or_init(|| emission.cached_tokens);
                    counted += holder.prompt_tokens;
                    let ttft = step.ends - holder.submitted;
                    self.telemetry
                        .first_tokens(ttft, holder.prompt_tokens, emission.tokens);
                }
            }
            // The channel is closed while the request is being dropped.
            let _ = holder.sender.send((step.ends, emission.tokens));
        }
        for finished in &step.finished {
            if tickets.remove(&finished.job).is_some() {
                self.telemetry.finished(finished);
            }
        }
        self.telemetry.step(&step.load, counted);
    }
}

impl fmt::Debug for EngineRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineRunner")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// A job under way. Dropping it cancels the job.
pub struct Ticket {
    job: JobId,
    ready: mpsc::UnboundedReceiver<Ready>,
    cached: Arc<OnceLock<u64>>,
    shared: Arc<Shared>,
}

impl Ticket {
    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Tokens of its prompt that the prefix cache had: set when its first tokens are ready.
    pub(in crate::sim) fn cached(&self) -> &Arc<OnceLock<u64>> {
        &self.cached
    }

    /// Waits for the next tokens: when they were ready and how many there are. `None` after the last, and when the
    /// runner is gone. May be dropped at any time.
    pub async fn next(&mut self) -> Option<(Nanos, u64)> {
        self.ready.recv().await
    }

    pub(in crate::sim) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Nanos, u64)>> {
        self.ready.poll_recv(cx)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut floor = self.shared.floor();
        // Gone when all its tokens were delivered.
        let left = floor.tickets.remove(&self.job).is_some();
        floor.engine.cancel(self.job);
        drop(floor);
        if left {
            self.shared.telemetry.aborted();
        }
        // Others may have waited for its blocks.
        self.shared.bell.notify_one();
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("job", &self.job)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{on_real_time, on_virtual_time},
        sim::engine::Stall,
    };
    use std::time::Duration;

    fn config() -> EngineConfig {
        EngineConfig {
            max_num_seqs: 2,
            num_blocks: 8,
            ..EngineConfig::preset("linear").unwrap()
        }
    }

    fn job(max_output: u64) -> Job {
        Job {
            prompt_tokens: 20,
            max_output,
            ..Job::default()
        }
    }

    fn run<T>(work: impl AsyncFnOnce(EngineRunner, Clock) -> T) -> T {
        on_virtual_time(async |clock| work(EngineRunner::new(config(), 0), clock).await).unwrap()
    }

    async fn rest(mut ticket: Ticket) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        while let Some((at, tokens)) = ticket.next().await {
            all.push((at.0 / 1_000_000, tokens));
        }
        all
    }

    #[test]
    fn tokens_come_at_the_ends_of_the_steps() {
        run(async |runner, clock| {
            clock.sleep_until(Nanos(7_000_000)).await;
            let first = runner.submit(&clock, clock.now(), job(3)).unwrap();
            clock.sleep_until(Nanos(12_000_000)).await;
            // It waits for the step under way.
            let second = runner.submit(&clock, clock.now(), job(2)).unwrap();
            assert_eq!(rest(first).await, [(17, 1), (27, 1), (37, 1)]);
            assert_eq!(rest(second).await, [(27, 1), (37, 1)]);
            assert_eq!(clock.now(), Nanos(37_000_000));

            // After a pause the engine starts at once.
            clock.sleep_until(Nanos(100_000_000)).await;
            let third = runner.submit(&clock, clock.now(), job(1)).unwrap();
            assert_eq!(rest(third).await, [(110, 1)]);
            assert_eq!(runner.state().finished, 3);
        });
    }

    #[test]
    fn a_dropped_ticket_frees_its_blocks_at_the_end_of_the_step() {
        run(async |runner, clock| {
            let mut gone = runner.submit(&clock, clock.now(), job(50)).unwrap();
            let kept = runner.submit(&clock, clock.now(), job(4)).unwrap();
            gone.next().await.unwrap();
            clock.sleep_until(Nanos(15_000_000)).await;
            assert_eq!(runner.state().running, 2);
            drop(gone);
            assert_eq!(runner.state().running, 2);
            clock.sleep_until(Nanos(25_000_000)).await;
            let state = runner.state();
            assert_eq!(
                (state.running, state.cancelled, state.blocks_used),
                (1, 1, 2)
            );
            assert_eq!(rest(kept).await.len(), 4);
        });
    }

    fn stalling(after: u64, time: Option<Duration>, max_output: u64) -> Job {
        Job {
            stalls: vec![Stall { after, time }],
            ..job(max_output)
        }
    }

    #[test]
    fn a_stalled_job_keeps_its_slot() {
        run(async |runner, clock| {
            let stalled = stalling(1, Some(Duration::from_millis(35)), 3);
            let stalled = runner.submit(&clock, clock.now(), stalled).unwrap();
            let other = runner.submit(&clock, clock.now(), job(2)).unwrap();
            let third = runner.submit(&clock, clock.now(), job(1)).unwrap();
            assert_eq!(rest(other).await, [(10, 1), (20, 1)]);
            // Only the other's slot is free.
            assert_eq!(rest(third).await, [(30, 1)]);
            clock.sleep_until(Nanos(50_000_000)).await;
            let state = runner.state();
            assert_eq!((state.running, state.waiting, state.blocks_used), (1, 0, 2));
            // It stalls from 20 to 55.
            assert_eq!(rest(stalled).await, [(10, 1), (20, 1), (65, 1)]);
            assert_eq!(runner.state().finished, 3);
        });
    }

    #[test]
    fn a_complete_job_that_stalls_keeps_its_slot_until_it_is_dropped() {
        run(async |runner, clock| {
            let mut all = Vec::new();
            for _ in 0..2 {
                let silent = stalling(0, None, 1);
                all.push(runner.submit(&clock, clock.now(), silent).unwrap());
            }
            let next = runner.submit(&clock, clock.now(), job(1)).unwrap();
            clock.sleep_until(Nanos(77_000_000)).await;
            let state = runner.state();
            assert_eq!((state.running, state.waiting, state.finished), (2, 1, 2));
            assert_eq!(
                all.pop().unwrap().next().await,
                Some((Nanos(10_000_000), 1))
            );
            assert_eq!(rest(next).await, [(87, 1)]);
            drop(all);
            clock.sleep_until(Nanos(100_000_000)).await;
            let state = runner.state();
            assert_eq!(
                (
                    state.running,
                    state.blocks_used,
                    state.finished,
                    state.cancelled
                ),
                (0, 0, 3, 0)
            );
        });
    }

    #[test]
    fn a_job_that_cannot_fit_is_refused() {
        run(async |runner, clock| {
            let refused = runner.submit(&clock, clock.now(), job(109)).unwrap_err();
            assert_eq!((refused.limit, refused.asked), (128, 129));
            assert_eq!(runner.state().submitted, 0);
        });
    }

    #[test]
    fn waiting_ends_when_the_runner_does() {
        run(async |runner, clock| {
            let mut ticket = runner.submit(&clock, clock.now(), job(5)).unwrap();
            ticket.next().await.unwrap();
            drop(runner);
            assert_eq!(ticket.next().await, None);
        });
    }

    #[test]
    fn on_the_real_clock_no_token_is_early() {
        on_real_time(async |clock| {
            let mut config = config();
            config.cost.t0 = 500_000_000;
            let runner = EngineRunner::new(config, 0);
            let mut ticket = runner.submit(&clock, clock.now(), job(20)).unwrap();
            let mut count = 0;
            while let Some((ready, _)) = ticket.next().await {
                assert!(clock.now() >= ready);
                count += 1;
            }
            assert_eq!(count, 20);
        })
        .unwrap();
    }
}
