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
    client::{DialError, Dialer, LocalAddresses, TlsSettings, make_room, raise_descriptor_limit},
    clock::{Clock, on_paused_time, on_real_time, on_virtual_time},
    error::Error,
    grammar::duration::format as format_span,
    inspect::Inspector,
    problem::Problem,
    sim::InProcess,
    targets::Place,
};
use std::{io, net::Ipv4Addr, sync::Arc};

impl Checked {
    /// Starts the target's clock, connects, and lets `work` use the line with the first plan. Returns what `work` returns, and
    /// notes for the report.
    pub(super) fn connect<T>(
        &self,
        place: &Place,
        prepared: &Prepared,
        control: &Control,
        work: impl AsyncFnOnce(&Line<'_>, Outgoing) -> Result<T, Error>,
    ) -> Result<(T, Vec<String>), Error> {
        if self.client.profile && !matches!(place, Place::Endpoint(_)) {
            let fix = "needs a server with an address, which has a profiler. Leave it out";
            return Err(Error::Invalid(vec![Problem::new("profile", true, fix)]));
        }
        let line = |dialers: Vec<Dialer>, clock: &Clock| {
            Line::new(self, place, prepared, control, dialers, clock)
        };
        let done = match place {
            Place::Simulation(simulation) if !simulation.real_time() => {
                let server = prepared.simulated(simulation)?;
                started(on_virtual_time(async |clock| {
                    let pipes = InProcess::new(server.clone(), clock.clone());
                    let line = line(vec![Dialer::in_process(pipes)], &clock);
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
                let to = Server {
                    endpoint: &endpoint,
                    is_here: true,
                };
                return self.connect_to(to, prepared, control, line, work);
            }
            Place::Service(service) => {
                let work = async |clock| {
                    let pipes = InProcess::serving(service.serve());
                    line(vec![Dialer::in_process(pipes)], &clock)
                        .open(work)
                        .await
                };
                started(if service.is_on_virtual_time() {
                    on_paused_time(work)
                } else {
                    on_real_time(work)
                })
            }
            Place::Endpoint(endpoint) => {
                let to = Server {
                    endpoint,
                    is_here: false,
                };
                return self.connect_to(to, prepared, control, line, work);
            }
        };
        Ok((done?, Vec::new()))
    }

    fn connect_to<'a, T>(
        &self,
        Server { endpoint, is_here }: Server<'_>,
        prepared: &Prepared,
        control: &Control,
        line: impl FnOnce(Vec<Dialer>, &Clock) -> Line<'a>,
        work: impl AsyncFnOnce(&Line<'_>, Outgoing) -> Result<T, Error>,
    ) -> Result<(T, Vec<String>), Error> {
        self.check_connections(endpoint)?;
        let descriptors = raise_descriptor_limit();
        make_room(
            self.load
                .requests
                .min(self.load.max_concurrency.unwrap_or(usize::MAX)),
        );
        let headers = prepared.headers();
        let profiler = self
            .client
            .profile
            .then(|| Profiler::new(endpoint, self.client.insecure, headers))
            .transpose()?;
        let has_several = matches!(endpoint, Endpoint::Urls(_));
        let inspector = self.reads_pages() && !has_several;
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
        let (mut notes, counts) = (Vec::new(), has_several.then(|| NOT_COUNTED.to_owned()));
        let (done, note) = started(on_real_time(async |clock| {
            let dial = async {
                let dialers = self.dialers(endpoint).await?;
                notes = self.find_room(&prepared.plan, &dialers, descriptors, is_here)?;
                for dialer in &dialers {
                    if self.client.ready_timeout.is_none() {
                        dialer.probe(&clock, self.client.timeouts.connect).await?;
                    }
                }
                Ok::<_, Error>(dialers)
            };
            let dialers = control.stop.or_ended(dial).await;
            let dialers =
                dialers.unwrap_or_else(|| Err(Error::ended("connected to the server")))?;
            let line = line(dialers, &clock).watching(pages);
            line.over_sockets(descriptors).open(profiled).await
        }))?;
        notes.extend(note.into_iter().chain(counts));
        Ok((done, notes))
    }

    /// Dialers for each frontend of an endpoint.
    pub(super) async fn dialers(&self, endpoint: &Endpoint) -> Result<Vec<Dialer>, DialError> {
        let tls = TlsSettings {
            insecure: self.client.insecure,
        };
        Dialer::all(endpoint, &tls, &LocalAddresses::new(&self.client.bind)).await
    }

    /// Checks what the settings ask of this machine's addresses, and of a target with several URLs.
    fn check_connections(&self, endpoint: &Endpoint) -> Result<(), Error> {
        let foreign = LocalAddresses::new(&self.client.bind).foreign();
        let mut problems: Vec<Problem> = foreign
            .into_iter()
            .map(|(address, why)| {
                let message =
                    format!("is not an address of this machine ({why}). `ip address` shows them");
                Problem::new("bind", address, message)
            })
            .collect();
        if let Endpoint::Urls(_) = endpoint {
            let fix = "needs a target with one URL, because several may be one server or many. Leave it out";
            if self.client.profile {
                problems.push(Problem::new("profile", true, fix));
            }
            if let Some(every) = self.client.server_metrics_interval {
                let every = format_span(every);
                problems.push(Problem::new("server_metrics_interval", every, fix));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// A server to connect to.
struct Server<'a> {
    endpoint: &'a Endpoint,
    /// Whether it is in this process, which then has both ends of its connections.
    is_here: bool,
}

/// Note on a target with several URLs.
const NOT_COUNTED: &str = "the server's own counts are left out: the target has several URLs, which may be one server or many";

fn started<T>(ran: io::Result<Result<T, Error>>) -> Result<T, Error> {
    ran.map_err(Error::io("cannot start the runtime of the run"))?
}
