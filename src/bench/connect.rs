//! Connects to the target, on the target's clock.

use super::{
    Control,
    checked::Checked,
    line::{Line, Outgoing},
    prepare::Prepared,
    profile::Profiler,
    watch::Pages,
};
use crate::{
    address::{Endpoint, Origin},
    client::{Dialer, TlsSettings, make_room, raise_descriptor_limit},
    clock::{Clock, on_paused_time, on_real_time, on_virtual_time},
    error::Error,
    inspect::Inspector,
    problem::Problem,
    sim::InProcess,
    targets::Place,
};
use std::{io, net::Ipv4Addr, sync::Arc};

impl Checked {
    /// Starts the target's clock, connects, and lets `work` use the line with the first plan. Returns what `work` returns, and
    /// a note for the report.
    pub(super) fn connect<T>(
        &self,
        place: &Place,
        prepared: &Prepared,
        control: &Control,
        work: impl AsyncFnOnce(&Line<'_>, Outgoing) -> Result<T, Error>,
    ) -> Result<(T, Option<String>), Error> {
        if self.client.profile && !matches!(place, Place::Endpoint(_)) {
            let fix = "needs a server with an address, which has a profiler. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("profile", true, fix)]));
        }
        let line = |dialer: Dialer, clock: &Clock| {
            Line::new(self, place, prepared, control, dialer, clock)
        };
        let done = match place {
            Place::Simulation(simulation) if !simulation.real_time() => {
                let server = prepared.simulated(simulation)?;
                started(on_virtual_time(async |clock| {
                    let pipes = InProcess::new(server.clone(), clock.clone());
                    let line = line(Dialer::in_process(pipes), &clock);
                    line.watching(Pages::Simulated(server)).open(work).await
                }))
            }
            Place::Simulation(simulation) => {
                let listening = prepared
                    .simulated(simulation)?
                    .listen((Ipv4Addr::LOCALHOST, 0))
                    .map_err(Error::io("the simulation cannot listen on 127.0.0.1"))?;
                let origin = Origin::parse(&listening.url()).map_err(Error::Target)?;
                let endpoint = Endpoint::Url(origin);
                return self.connect_to(&endpoint, prepared, control, line, work);
            }
            Place::Service(service) => {
                let work = async |clock| {
                    let pipes = InProcess::serving(service.serve());
                    line(Dialer::in_process(pipes), &clock).open(work).await
                };
                started(if service.is_on_virtual_time() {
                    on_paused_time(work)
                } else {
                    on_real_time(work)
                })
            }
            Place::Endpoint(endpoint) => {
                return self.connect_to(endpoint, prepared, control, line, work);
            }
        };
        Ok((done?, None))
    }

    fn connect_to<'a, T>(
        &self,
        endpoint: &Endpoint,
        prepared: &Prepared,
        control: &Control,
        line: impl FnOnce(Dialer, &Clock) -> Line<'a>,
        work: impl AsyncFnOnce(&Line<'_>, Outgoing) -> Result<T, Error>,
    ) -> Result<(T, Option<String>), Error> {
        let descriptors = raise_descriptor_limit();
        make_room(
            self.load
                .requests
                .min(self.load.max_concurrency.unwrap_or(usize::MAX)),
        );
        let headers = &prepared.envelope.headers;
        let profiler = self
            .client
            .profile
            .then(|| Profiler::new(endpoint, self.client.insecure, headers))
            .transpose()?;
        let inspector = self.target.has_metrics();
        let inspector = inspector.then(|| Inspector::new(endpoint, self.client.insecure));
        let pages = match inspector {
            Some(Ok(inspector)) => Pages::Live {
                inspector: Arc::new(inspector),
                headers: headers.clone(),
            },
            _ => Pages::None,
        };
        let profiled = async |line: &Line<'_>, first: Outgoing| {
            if let Some(profiler) = &profiler {
                profiler.start(control)?;
            }
            let done = work(line, first).await?;
            let note = profiler
                .as_ref()
                .and_then(|profiler| profiler.stop(control));
            Ok((done, note))
        };
        started(on_real_time(async |clock| {
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
            let dialer = control.stop.or_ended(dial).await;
            let dialer = dialer.unwrap_or_else(|| Err(Error::ended("connected to the server")))?;
            let line = line(dialer, &clock).watching(pages);
            line.over_sockets(descriptors).open(profiled).await
        }))
    }
}

fn started<T>(ran: io::Result<Result<T, Error>>) -> Result<T, Error> {
    ran.map_err(Error::io("cannot start the runtime of the run"))?
}
