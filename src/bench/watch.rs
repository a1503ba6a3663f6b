//! What the server reports while a plan is sent: its page before and after, and now and then during it.

use super::{Bench, checked::Checked};
use crate::{
    client::Delivery,
    clock::{Clock, Nanos},
    error::Error,
    grammar::slo::{Level, Slo, Subject},
    inspect::Inspector,
    problem::Problem,
    run::{GaugeSample, ServerSide, ServerTtft},
    scrape::{Between, Reading, Series, resident_bytes},
    setting::Setting,
    sim::{SimServer, metrics_page},
};
use hyper::HeaderMap;
use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::select;

/// The shortest time between two reads of a page.
const MOST_OFTEN: Duration = Duration::from_millis(10);

/// Where the pages of a server come from.
#[derive(Clone)]
pub(super) enum Pages {
    /// Nowhere: there are none, or they must not be read.
    None,
    /// A server with an address.
    Live {
        inspector: Arc<Inspector>,
        headers: HeaderMap,
    },
    /// The simulation in this process, whose page costs no time of its clock.
    Simulated(Arc<SimServer>),
}

impl Pages {
    fn read(&self, now: Nanos, again: bool) -> Option<Reading> {
        let page = match self {
            Pages::None => return None,
            Pages::Live { inspector, headers } => inspector.metrics_page(headers, again)?,
            Pages::Simulated(server) => metrics_page(server, now),
        };
        Reading::of(&page)
    }
}

/// A plan that was sent, and what the server reports about it.
pub(super) struct Watched {
    /// What the client saw.
    pub(super) delivery: Delivery,
    /// What the server counted, if it was asked.
    pub(super) server: Option<ServerSide>,
    /// Time to first token as the server counted it, if it was asked.
    pub(super) server_ttft: Option<ServerTtft>,
}

impl Watched {
    fn unwatched(delivery: Delivery) -> Self {
        Watched {
            delivery,
            server: None,
            server_ttft: None,
        }
    }
}

/// Reads a server's pages around what is sent.
pub(super) struct Watch<'a> {
    pub(super) pages: &'a Pages,
    /// The time between samples during the run; no samples without it.
    pub(super) interval: Option<Duration>,
    /// The process group of the server, if the bench has started it.
    pub(super) group: Option<u32>,
}

/// What there is to sample of a server.
#[derive(Clone)]
struct Sampled {
    pages: Pages,
    group: Option<u32>,
    /// The page before the run, if the server has one.
    before: Option<Reading>,
}

impl Sampled {
    /// The server as it is now; `None` if it shows nothing.
    fn now(&self, at: Nanos) -> Option<GaugeSample> {
        let page = self.before.as_ref().and_then(|before| {
            let reading = self.pages.read(at, true)?;
            Some(reading.sample(at, before))
        });
        let Some(group) = self.group else {
            return page;
        };
        // The kernel knows of all processes, a page of one.
        let memory_bytes = resident_bytes(group);
        (page.is_some() || memory_bytes.is_some()).then(|| GaugeSample {
            at,
            memory_bytes,
            ..page.unwrap_or_default()
        })
    }
}

impl Watch<'_> {
    /// Does the work between two readings of the page.
    pub(super) async fn around(
        &self,
        clock: &Clock,
        work: impl Future<Output = Result<Delivery, Error>>,
    ) -> Result<Watched, Error> {
        let before = self.pages.read(clock.now(), false);
        let sampled = Sampled {
            pages: self.pages.clone(),
            // Not every system shows the memory of processes.
            group: self.group.filter(|group| resident_bytes(*group).is_some()),
            before: before.clone(),
        };
        let (delivery, series) = match self.interval {
            Some(interval) if before.is_some() || sampled.group.is_some() => {
                sampled.during(interval, clock, work).await?
            }
            _ => (work.await?, None),
        };
        let gauges = series.and_then(|series| series.of_run(delivery.started, delivery.duration));
        let engine = before.as_ref().and_then(Reading::engine);
        if engine.is_none() && gauges.is_none() {
            return Ok(Watched::unwatched(delivery));
        }
        let mut side = ServerSide {
            engine: engine.map(str::to_owned),
            gauges,
            ..ServerSide::default()
        };
        let mut server_ttft = None;
        let before = before.filter(|before| before.engine().is_some());
        match before.and_then(|before| Some(self.pages.read(clock.now(), false)?.since(&before))) {
            Some(Between::Counted(counts, ttft)) => {
                side.counted = Some(counts);
                // Client and simulation share one clock, so there is nothing to compare.
                server_ttft = ttft.filter(|_| !clock.is_virtual());
            }
            Some(Between::Restarted) => side.restarted = true,
            None => {}
        }
        Ok(Watched {
            delivery,
            server: Some(side),
            server_ttft,
        })
    }
}

impl Sampled {
    /// Takes samples while the work is done.
    async fn during(
        self,
        interval: Duration,
        clock: &Clock,
        work: impl Future<Output = Result<Delivery, Error>>,
    ) -> Result<(Delivery, Option<Series>), Error> {
        if clock.is_virtual() {
            let mut series = Series::new(interval);
            let delivery = select! {
                biased;
                delivery = work => delivery?,
                never = self.sample_on(clock, &mut series) => match never {},
            };
            return Ok((delivery, Some(series)));
        }
        let sampler = Sampler::start(self, clock.now(), interval)?;
        let delivery = work.await?;
        Ok((delivery, sampler.stop()))
    }

    /// Takes samples at their times on a virtual clock, where reading takes no time.
    async fn sample_on(&self, clock: &Clock, series: &mut Series) -> Infallible {
        loop {
            clock.sleep_until(series.due()).await;
            match self.now(clock.now()) {
                Some(sample) => series.push(sample),
                None => pending().await,
            }
        }
    }
}

/// Samples a server's page on a thread of its own, until it is stopped or dropped.
struct Sampler {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<Series>>,
}

impl Sampler {
    /// Starts the thread. `now` is the run's time.
    fn start(sampled: Sampled, now: Nanos, interval: Duration) -> Result<Self, Error> {
        let mut series = Series::new(interval);
        let (stop, stopped) = mpsc::channel();
        let origin = Instant::now();
        let elapsed = move || now.after(origin.elapsed());
        let sample = move || {
            let mut due = elapsed();
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(due - elapsed()) {
                let at = elapsed();
                due = match sampled.now(at) {
                    Some(sample) => {
                        series.push(sample);
                        series.due()
                    }
                    // A server that does not answer now is not asked again at once.
                    None => at.after(interval),
                };
                due = due.max(elapsed().after(MOST_OFTEN));
            }
            series
        };
        let thread = thread::Builder::new()
            .name("goodput /metrics".to_owned())
            .spawn(sample)
            .map_err(Error::io("cannot start the thread that reads /metrics"))?;
        Ok(Sampler {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Ends the thread, and returns its series.
    fn stop(mut self) -> Option<Series> {
        self.join()
    }

    fn join(&mut self) -> Option<Series> {
        drop(self.stop.take());
        self.thread.take()?.join().ok()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.join();
    }
}

/// How often the memory is sampled where an SLO limits its drift and no interval is set.
const MEMORY_EVERY: Duration = Duration::from_secs(1);

impl Checked {
    /// How often the server is sampled during a run; `None` if it need not be.
    pub(super) fn sampled_every(&self) -> Option<Duration> {
        let of_memory = |slo: &Slo| slo.subject == Subject::Drift(Level::Memory);
        let memory = self.demands.slo.iter().any(of_memory);
        let every = self.client.server_metrics_interval;
        every.or(memory.then_some(MEMORY_EVERY))
    }
}

impl Bench {
    /// Read the server's page `/metrics` this often during the run, for a series of its requests running and
    /// waiting, its KV memory, preemptions and cached tokens: [`ServerSide::gauges`](crate::run::ServerSide).
    /// At least 10 ms. Where there is an address, a thread of its own does it, and costs the server and
    /// this machine some processor time. Default: only before and after.
    pub fn server_metrics_interval(mut self, every: impl Setting<Duration>) -> Self {
        let every = self.set("server_metrics_interval", every);
        self.client.server_metrics_interval = every.or(self.client.server_metrics_interval);
        self
    }

    pub(super) fn check_server_metrics(&self, problems: &mut Vec<Problem>) {
        if let Some(interval) = self.client.server_metrics_interval
            && interval < MOST_OFTEN
        {
            let fix = "must be at least 10ms: the page costs the server some time too";
            let value = format!("{interval:?}");
            problems.push(Problem::new("server_metrics_interval", value, fix));
        }
    }
}
