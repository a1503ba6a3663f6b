//! Drives a plan at a target, on the clock that it has: ready check, warm-up, run, further segments.

use super::{
    Bench, Control,
    extend::Delivered,
    prepare::Prepared,
    profile::Profiler,
    tokens::count_tokens,
    watch::{Pages, Watch},
};
use crate::{
    address::{Endpoint, Origin},
    client::{Body, Dialer, Driver, TlsSettings, make_room, raise_descriptor_limit},
    clock::{Clock, Nanos, on_paused_time, on_real_time, on_virtual_time},
    error::Error,
    inspect::Inspector,
    plan::Plan,
    problem::Problem,
    sim::InProcess,
    targets::Place,
};
use std::{io, net::Ipv4Addr, sync::Arc};

/// What is sent, how it is watched, and whether it is enough.
pub(super) struct Drive<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) control: &'a Control,
    /// Whether the run has to grow.
    pub(super) goes_on: &'a dyn Fn(&mut Delivered) -> bool,
    /// The target is of this process, and is waited for by its own clock. Others were waited for before.
    pub(super) check_ready: bool,
    /// What the server counts itself.
    pub(super) pages: Pages,
    /// On while requests are measured.
    pub(super) profiler: Option<&'a Profiler<'a>>,
}

impl<'a> Drive<'a> {
    /// The plan, once.
    pub(super) fn once(prepared: &'a Prepared, control: &'a Control) -> Self {
        Drive {
            prepared,
            control,
            goes_on: &|_| false,
            check_ready: false,
            pages: Pages::None,
            profiler: None,
        }
    }
}

impl Bench {
    /// Starts the right clock and drives the plan on it.
    pub(super) fn deliver(&self, place: &Place, drive: &Drive<'_>) -> Result<Delivered, Error> {
        if self.client.profile && !matches!(place, Place::Endpoint(_)) {
            let fix = "needs a server with an address, which has a profiler. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("profile", true, fix)]));
        }
        let drive = &Drive {
            check_ready: self.client.ready_timeout.is_some()
                && !matches!(place, Place::Endpoint(_)),
            pages: drive.pages.clone(),
            ..*drive
        };
        match place {
            Place::Simulation(simulation) if !simulation.real_time() => {
                let server = drive.prepared.simulated(simulation)?;
                let drive = Drive {
                    pages: Pages::Simulated(server.clone()),
                    ..*drive
                };
                started(on_virtual_time(async |clock| {
                    let server = InProcess::new(server, clock.clone());
                    let dialer = Dialer::in_process(server);
                    self.drive(dialer, clock, &drive).await
                }))
            }
            Place::Simulation(simulation) => {
                let listening = drive
                    .prepared
                    .simulated(simulation)?
                    .listen((Ipv4Addr::LOCALHOST, 0))
                    .map_err(Error::io("the simulation cannot listen on 127.0.0.1"))?;
                let origin = Origin::parse(&listening.url()).map_err(Error::Target)?;
                self.deliver_to(&Endpoint::Url(origin), drive)
            }
            Place::Service(service) => {
                let work = async |clock| {
                    let dialer = Dialer::in_process(InProcess::serving(service.serve()));
                    self.drive(dialer, clock, drive).await
                };
                started(match service.is_on_virtual_time() {
                    true => on_paused_time(work),
                    false => on_real_time(work),
                })
            }
            Place::Endpoint(endpoint) => self.deliver_to(endpoint, drive),
        }
    }

    fn deliver_to(&self, endpoint: &Endpoint, drive: &Drive<'_>) -> Result<Delivered, Error> {
        let descriptors = raise_descriptor_limit();
        make_room(
            self.load
                .requests
                .min(self.load.max_concurrency.unwrap_or(usize::MAX)),
        );
        let headers = &drive.prepared.envelope.headers;
        let profiler = self
            .client
            .profile
            .then(|| Profiler::new(endpoint, self.client.insecure, headers))
            .transpose()?;
        let inspector = self.chosen_target().has_metrics();
        let inspector = inspector.then(|| Inspector::new(endpoint, self.client.insecure));
        let pages = match inspector {
            Some(Ok(inspector)) => Pages::Live {
                inspector: Arc::new(inspector),
                headers: headers.clone(),
            },
            _ => Pages::None,
        };
        let drive = Drive {
            pages,
            profiler: profiler.as_ref(),
            ..*drive
        };
        let mut delivered = started(on_real_time(async |clock| {
            let tls = TlsSettings {
                insecure: self.client.insecure,
            };
            let dial = async {
                let dialer = Dialer::new(endpoint, &tls).await?;
                if self.client.ready_timeout.is_none() {
                    dialer.probe(&clock, self.client.timeouts.connect).await?;
                }
                Ok::<_, Error>(dialer)
            };
            let dialer = drive.control.stop.or_ended(dial).await;
            let dialer = dialer.unwrap_or_else(|| Err(Error::ended("connected to the server")))?;
            self.drive(dialer, clock, &drive).await
        }))?;
        delivered.descriptors = descriptors;
        Ok(delivered)
    }

    /// Ready check, warm-up, run, and further segments as long as it goes on.
    async fn drive(
        &self,
        dialer: Dialer,
        clock: Clock,
        drive: &Drive<'_>,
    ) -> Result<Delivered, Error> {
        let Drive {
            prepared,
            control,
            goes_on,
            check_ready,
            pages,
            profiler,
        } = drive;
        let driver = self.driver(dialer, &clock, prepared, control);
        // Gone with the last answer, before there are numbers to make room for.
        let bodies = prepared.bodies_of(&prepared.plan);
        if *check_ready {
            let first = (&*prepared.plan, &bodies[..]);
            self.until_ready(&driver, first, control).await?;
        }
        if self.client.warmups > 0 {
            // Failures of warm-ups are the run's to show.
            driver
                .rehearse(&prepared.plan, &bodies, self.client.warmups)
                .await;
        }
        let send = async |plan: &Plan, bodies: &[Body]| {
            let mut delivery = match self.client.workers {
                2.. if !clock.is_virtual() => driver
                    .drive_with(self.client.workers, plan, bodies)
                    .map_err(Error::io("cannot start the threads of the run"))?,
                _ => driver.drive(plan, bodies).await,
            };
            for record in &mut delivery.records {
                count_tokens(record, &prepared.tokenizer);
            }
            Ok(delivery)
        };
        let watch = Watch {
            pages,
            interval: self.client.server_metrics_interval,
        };
        let send =
            async |plan: &Plan, bodies: &[Body]| watch.around(&clock, send(plan, bodies)).await;
        control.go_on("got ready to send")?;
        if let Some(profiler) = profiler {
            profiler.start(control)?;
        }
        let first = send(&prepared.plan, &bodies).await?;
        let mut delivered = Delivered::new(first, prepared.plan.clone());
        while goes_on(&mut delivered) {
            if control.stop.is_requested() {
                // Between two segments nothing is under way that could tell.
                delivered.delivery.partial = true;
                break;
            }
            let plan = match self.plan_of_segment(delivered.segments(), prepared) {
                Err(Error::Ended(_)) => {
                    delivered.delivery.partial = true;
                    break;
                }
                plan => prepared.aligned(plan?),
            };
            let next = send(&plan, &prepared.bodies_of(&plan)).await?;
            delivered.append(next, Arc::new(plan));
        }
        delivered.remark = profiler.and_then(|profiler| profiler.stop(control));
        Ok(delivered)
    }

    /// The client, as the bench sets it.
    pub(super) fn driver(
        &self,
        dialer: Dialer,
        clock: &Clock,
        prepared: &Prepared,
        control: &Control,
    ) -> Driver {
        Driver {
            dialer,
            clock: clock.clone(),
            envelope: prepared.envelope.clone(),
            backend: prepared.backend.clone(),
            stream: prepared.options.stream,
            timeouts: self.client.timeouts,
            max_concurrency: self.load.max_concurrency,
            open_loop: self.load.open_loop(),
            prewarm: match self.client.prewarm.unwrap_or(!clock.is_virtual()) {
                true => self.connections(&prepared.plan),
                false => 0,
            },
            stop: control.stop.clone(),
            observer: control.observer.clone(),
            probe: self.probe(prepared),
        }
    }

    /// Connections worth opening beforehand.
    fn connections(&self, plan: &Plan) -> usize {
        let first_second = Nanos(1_000_000_000);
        let due = plan
            .requests
            .iter()
            .filter(|r| r.at <= first_second)
            .count();
        self.load.max_concurrency.map_or(due, |most| most.min(due))
    }
}

fn started<T>(ran: io::Result<Result<T, Error>>) -> Result<T, Error> {
    ran.map_err(Error::io("cannot start the runtime of the run"))?
}

#[cfg(test)]
#[path = "promises.rs"]
mod promises;
