//! One load by one client, compared with what the server did.

use crate::{
    client::{Client, Order, SERVER_CORE},
    compare::{Outcome, compare},
    machine::Fallible,
    points::Point,
    server::Server,
};
use std::path::Path;

pub(crate) fn measured(
    client: &Client,
    point: &Point,
    dataset: &Path,
    folder: &Path,
) -> Fallible<Outcome> {
    let server = Server::start(point.pace, SERVER_CORE)?;
    let (seen, launch) = client.run(&Order {
        port: server.port,
        point,
        dataset,
        folder,
    })?;
    let truth = server.stop()?;
    compare(point, &seen, client.follows_schedule(), &truth, &launch)
}
