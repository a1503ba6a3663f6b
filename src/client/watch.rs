//! Watches the client while it works: a beat that is due every few milliseconds shows how late the event
//! loop is, and whether the process ran at all.
//!
//! Kernel receive times do not suffer from a late client, but sending does, and so do receive times on
//! systems without kernel times. Late sends of an open loop are visible; a closed loop has no schedule,
//! hence the beat.

use super::system::SystemCounters;
use crate::{
    clock::{Clock, Nanos},
    histogram::LatencyHistogram,
};
use std::{convert::Infallible, time::Duration};
use tokio::select;

/// Interval of beats.
const BEAT: Duration = Duration::from_millis(10);

/// Minimum length of a pause of the thread. A busy scheduler hands out turns of a few milliseconds, and a
/// container that has used up its CPU limit stops for less than 100 ms.
const PAUSE: Duration = Duration::from_millis(250);

/// How the client and its machine kept up.
#[derive(Debug, Clone, Default)]
pub struct WatchLog {
    /// How long the client was watched, summed over all threads.
    pub watched: Duration,
    /// Delays of the beats, including missed ones.
    pub delays: LatencyHistogram,
    /// Total of all pauses of 250 ms or more in which the thread did not run.
    pub paused: Duration,
    /// Longest such pause.
    pub longest_pause: Duration,
    /// Growth of the system's counters.
    pub system: SystemCounters,
}

impl WatchLog {
    /// Combines logs of two threads of the same time: both see a pause of the process.
    #[must_use]
    pub fn in_parallel_with(self, other: WatchLog) -> Self {
        let paused = self.paused.max(other.paused);
        WatchLog {
            paused,
            ..self.followed_by(other)
        }
    }

    /// Combines the log with that of a later time.
    #[must_use]
    pub fn followed_by(mut self, other: WatchLog) -> Self {
        self.delays.merge(&other.delays);
        WatchLog {
            watched: self.watched + other.watched,
            delays: self.delays,
            paused: self.paused + other.paused,
            longest_pause: self.longest_pause.max(other.longest_pause),
            system: self.system.plus(other.system),
        }
    }
}

/// Does `work` and watches the thread meanwhile; on virtual time there is nothing to watch.
pub(super) async fn watch<T>(
    clock: &Clock,
    work: impl Future<Output = T>,
) -> (T, Option<WatchLog>) {
    if clock.is_virtual() {
        return (work.await, None);
    }
    let mut watch = Watch::start(clock.clone());
    let output = select! {
        biased;
        output = work => output,
        never = watch.beat() => match never {},
    };
    (output, Some(watch.end()))
}

struct Watch {
    clock: Clock,
    start: Nanos,
    before: SystemCounters,
    last: Moment,
    due: Nanos,
    log: WatchLog,
}

/// A time on the clocks that show whether the thread ran.
#[derive(Clone, Copy)]
struct Moment {
    at: Nanos,
    /// Processor time of this thread.
    ran: Option<Duration>,
    /// Time since the system started, including suspension.
    awake: Option<Duration>,
}

impl Moment {
    fn now(clock: &Clock) -> Self {
        let at = clock.now();
        #[cfg(target_os = "linux")]
        {
            use nix::time::{ClockId, clock_gettime};
            let read = |id| clock_gettime(id).ok().map(Duration::from);
            Moment {
                at,
                ran: read(ClockId::CLOCK_THREAD_CPUTIME_ID),
                awake: read(ClockId::CLOCK_BOOTTIME),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Moment {
            at,
            ran: None,
            awake: None,
        }
    }

    /// How long the thread did not run since then, including the system's suspension.
    fn idle_since(&self, earlier: &Moment) -> Duration {
        let grown = |now: Option<Duration>, then: Option<Duration>| {
            now.zip(then).map(|(now, then)| now.saturating_sub(then))
        };
        let passed = self.at - earlier.at;
        let passed = grown(self.awake, earlier.awake).map_or(passed, |awake| awake.max(passed));
        passed.saturating_sub(grown(self.ran, earlier.ran).unwrap_or_default())
    }
}

impl Watch {
    fn start(clock: Clock) -> Self {
        let last = Moment::now(&clock);
        Watch {
            start: last.at,
            before: SystemCounters::now(),
            due: last.at.after(BEAT),
            last,
            clock,
            log: WatchLog::default(),
        }
    }

    async fn beat(&mut self) -> Infallible {
        loop {
            self.clock.sleep_until(self.due).await;
            self.note(Moment::now(&self.clock));
        }
    }

    fn note(&mut self, now: Moment) {
        while self.due <= now.at {
            self.log.delays.record(now.at - self.due);
            self.due = self.due.after(BEAT);
        }
        let idle = now.idle_since(&self.last).saturating_sub(BEAT);
        if idle >= PAUSE {
            self.log.paused += idle;
            self.log.longest_pause = self.log.longest_pause.max(idle);
        }
        self.last = now;
    }

    fn end(mut self) -> WatchLog {
        let now = Moment::now(&self.clock);
        self.note(now);
        self.log.watched = now.at - self.start;
        self.log.system = SystemCounters::now().since(self.before);
        self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{on_real_time, on_virtual_time};

    fn watched(work: impl AsyncFnOnce(Clock)) -> WatchLog {
        let log = on_real_time(async |clock| watch(&clock, work(clock.clone())).await.1);
        log.unwrap().unwrap()
    }

    fn moment(at_ms: u64, ran_ms: Option<u64>, awake_ms: Option<u64>) -> Moment {
        Moment {
            at: Nanos(at_ms * 1_000_000),
            ran: ran_ms.map(Duration::from_millis),
            awake: awake_ms.map(Duration::from_millis),
        }
    }

    #[test]
    fn a_thread_that_sleeps_was_paused_and_every_beat_it_missed_counts() {
        let log = watched(async |_| std::thread::sleep(Duration::from_millis(400)));
        assert!(log.longest_pause >= Duration::from_millis(380), "{log:?}");
        assert_eq!(log.paused, log.longest_pause);
        assert!(log.delays.count() >= 40, "{log:?}");
        // Missed beats are late by all times up to the pause.
        let p50 = log.delays.percentile_ms(50.0);
        assert!((150.0..).contains(&p50), "{p50}");
    }

    #[test]
    fn virtual_time_has_nothing_to_see() {
        let log = on_virtual_time(async |clock| {
            watch(&clock, clock.sleep_until(Nanos(10_000_000_000)))
                .await
                .1
        });
        assert!(log.unwrap().is_none());
    }

    #[test]
    fn a_busy_thread_is_late_but_was_not_paused() {
        let busy = moment(500, Some(495), Some(500));
        assert!(busy.idle_since(&moment(0, Some(0), Some(0))) < PAUSE);
    }

    #[test]
    fn a_suspended_machine_was_paused_though_its_clock_stood_still() {
        let back = moment(10, Some(1), Some(60_010));
        let idle = back.idle_since(&moment(0, Some(0), Some(0)));
        assert_eq!(idle, Duration::from_millis(60_009));
    }

    #[test]
    fn without_those_clocks_time_itself_tells() {
        let idle = moment(300, None, None).idle_since(&moment(0, None, None));
        assert_eq!(idle, Duration::from_millis(300));
    }

    #[test]
    fn a_pause_is_one_for_all_threads_but_not_for_all_times() {
        let one = WatchLog {
            watched: Duration::from_secs(1),
            paused: Duration::from_millis(300),
            longest_pause: Duration::from_millis(300),
            ..WatchLog::default()
        };
        let threads = one.clone().in_parallel_with(one.clone());
        assert_eq!(threads.watched, Duration::from_secs(2));
        assert_eq!(threads.paused, Duration::from_millis(300));
        let times = one.clone().followed_by(one);
        assert_eq!(times.watched, Duration::from_secs(2));
        assert_eq!(times.paused, Duration::from_millis(600));
        assert_eq!(times.longest_pause, Duration::from_millis(300));
    }
}
