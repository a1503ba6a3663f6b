//! A server on a port, in a thread with a runtime of its own.

use crate::clock::{Clock, on_real_time};
use std::{
    io,
    net::{SocketAddr, TcpListener as Listener, ToSocketAddrs},
    sync::mpsc,
    thread::{self, JoinHandle},
};
use tokio::{net::TcpListener, sync::oneshot};

/// A running server. Dropping it stops the server and waits until its thread has ended.
#[derive(Debug)]
pub(crate) struct ServerThread {
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Resolves when the owner of the [`ServerThread`] wants it to stop.
pub(crate) type Stop = oneshot::Receiver<()>;

impl ServerThread {
    /// Binds `address` (port 0 is any free one) and runs `serve` in a thread called `name`.
    pub(crate) fn start<Serve, Serving>(
        name: &str,
        address: impl ToSocketAddrs,
        serve: Serve,
    ) -> io::Result<Self>
    where
        Serve: FnOnce(TcpListener, Clock, Stop) -> Serving + Send + 'static,
        Serving: Future<Output = ()>,
    {
        let listener = Listener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (report, ready) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let report = &report;
                let served = on_real_time(async |clock| {
                    let listener = TcpListener::from_std(listener)?;
                    // The channel is closed only if the starting thread is gone, and `stop` with it.
                    let _ = report.send(Ok(()));
                    serve(listener, clock, stopped).await;
                    Ok(())
                });
                if let Err(error) | Ok(Err(error)) = served {
                    let _ = report.send(Err(error));
                }
            })?;
        ready
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the server's thread ended at its start")))?;
        Ok(ServerThread {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed; one more from a destructor would abort.
            let _ = thread.join();
        }
    }
}
