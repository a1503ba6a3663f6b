//! Targets that are already running: a URL, a Unix socket, or an environment variable that names either.

use super::{AnyTarget, Opened, Place, Target, TargetError};
use crate::{
    address::{Endpoint, Origin},
    grammar::target::Target as Text,
    observer::{Observer, Silent},
    stop::Stop,
};

/// Target given as text.
#[derive(Debug, Clone)]
pub(super) struct Named(pub(super) Text);

impl Target for Named {
    fn describe(&self) -> String {
        match &self.0 {
            Text::Url(url) => url.clone(),
            Text::Urls(urls) => urls.join(" "),
            Text::Unix(path) => format!("unix:{}", path.display()),
            Text::Env(name) => match std::env::var(name) {
                Ok(value) => AnyTarget::from(value).describe(),
                Err(_) => format!("env:{name}"),
            },
            Text::Simulation(_) => "the built-in simulation".to_owned(),
        }
    }

    fn open(&self) -> Result<Opened, TargetError> {
        self.open_until(&Stop::never(), &Silent)
    }

    fn open_until(&self, stop: &Stop, observer: &dyn Observer) -> Result<Opened, TargetError> {
        match &self.0 {
            Text::Url(url) => {
                let opened = Opened::at(url)?;
                let objection = match &opened.place {
                    Place::Endpoint(Endpoint::Url(origin)) => super::proxy::objection(origin),
                    _ => None,
                };
                objection.map_or(Ok(opened), |why| Err(TargetError::Failed(why)))
            }
            Text::Urls(urls) => {
                let mut origins = Vec::with_capacity(urls.len());
                for url in urls {
                    let origin = Origin::parse(url).map_err(TargetError::Unreadable)?;
                    if let Some(why) = super::proxy::objection(&origin) {
                        return Err(TargetError::Failed(why));
                    }
                    origins.push(origin);
                }
                Ok(Opened {
                    place: Place::Endpoint(Endpoint::Urls(origins)),
                    guard: None,
                })
            }
            Text::Unix(path) => Ok(Opened {
                place: Place::Endpoint(Endpoint::Unix(path.clone())),
                guard: None,
            }),
            Text::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => {
                    let opened = AnyTarget::from(value).open_until(stop, observer);
                    opened.map_err(|error| match error {
                        TargetError::Unreadable(why) => TargetError::Unreadable(format!(
                            "the environment variable {name}: {why}"
                        )),
                        other => other,
                    })
                }
                _ => Err(TargetError::Skip(format!(
                    "the environment variable {name} is not set, so there is no server to \
                     measure. Set {name}=http://host:port"
                ))),
            },
            Text::Simulation(script) => Ok(super::Simulation::scripted(script.clone()).opened()),
        }
    }

    /// A variable that is not set, or that names a simulation, needs no lock.
    fn exclusive(&self) -> bool {
        match &self.0 {
            Text::Env(name) => {
                std::env::var(name).is_ok_and(|value| AnyTarget::from(value).exclusive())
            }
            _ => true,
        }
    }
}
