//! Accepts connections and owns what serves them.

use crate::clock::Clock;
use std::{pin::pin, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// How long to wait after the system refused a connection, usually because there are no file descriptors left.
const BACK_OFF: Duration = Duration::from_millis(10);

/// Serves every connection with `serve` until `shutdown`, then ends them all.
pub(crate) async fn accept_each<Serving>(
    listener: TcpListener,
    clock: &Clock,
    shutdown: impl Future<Output = ()>,
    mut serve: impl FnMut(TcpStream) -> Serving,
) where
    Serving: Future<Output = ()> + Send + 'static,
{
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Without it small events wait for acknowledgements. If it fails the connection is gone, and
                    // serving it will show that.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
                Err(_) => clock.sleep_until(clock.now().after(BACK_OFF)).await,
            },
        }
    }
}
