//! One listener: a thread that takes a bounded number of connections, each for a bounded time.
//!
//! The agent must not suffer from its listeners. So no more than [`Limits::connections`] are open at a time and what
//! comes beyond is closed at once; a client that does not finish its request, or does not read its answer, is cut off;
//! and when the agent stops, every connection has one second. While the process is out of descriptors, nobody new is
//! taken.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::pages;
use crate::listener::Listener;
use crate::ports::{Metrics, Ports};

/// A listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The address can be reached from outside.
    #[error(
        "[{listener}] listen: failed to listen on {address}: only loopback is allowed, because nothing there asks who \
         is calling; use 127.0.0.1 and a reverse proxy that authenticates"
    )]
    NotLoopback {
        /// Which one.
        listener: Listener,
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be had.
    #[error("[{listener}] listen: failed to listen on {address}: {source}; choose another port")]
    Bind {
        /// Which one.
        listener: Listener,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No thread or runtime could be made.
    #[error("failed to start the thread of the {listener} listener: {source}")]
    Start {
        /// Which one.
        listener: Listener,
        /// Why.
        source: io::Error,
    },
}

/// What a listener takes on itself.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Connections at a time.
    connections: usize,
    /// Time for a request's line and headers; also how long a connection may wait for its next request.
    header: Duration,
    /// Bytes of a request's line and headers.
    header_bytes: usize,
    /// How long a connection lives, whatever it does.
    connection: Duration,
    /// Time that open connections have when the listener stops.
    stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32,
            header: Duration::from_secs(5),
            header_bytes: 16 * 1024,
            connection: Duration::from_mins(1),
            stop: Duration::from_secs(1),
        }
    }
}

/// Threads that ask the ports. A page that waits for a slow disk takes one of them.
const ASKING: usize = 4;
/// How long nobody new is taken after the system could give no connection.
const SHORT_OF_DESCRIPTORS: Duration = Duration::from_millis(200);

/// A running listener; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `address` (port 0 takes a free one) and serves the listener's pages until dropped.
    pub fn start(listener: Listener, address: SocketAddr, ports: &Ports) -> Result<Self, ConsoleError> {
        Self::within(Limits::default(), listener, address, ports)
    }

    fn within(limits: Limits, listener: Listener, address: SocketAddr, ports: &Ports) -> Result<Self, ConsoleError> {
        if !address.ip().is_loopback() {
            return Err(ConsoleError::NotLoopback { listener, address });
        }
        let bind = |source| ConsoleError::Bind { listener, address, source };
        let start = |source| ConsoleError::Start { listener, source };
        let socket = std::net::TcpListener::bind(address).map_err(bind)?;
        socket.set_nonblocking(true).map_err(bind)?;
        let bound = socket.local_addr().map_err(bind)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(ASKING)
            .thread_name(format!("{listener}-pages"))
            .build()
            .map_err(start)?;
        let (stop, stopped) = watch::channel(false);
        let door = Door { limits, listener, stopped, pages: pages(listener, ports), metrics: ports.metrics.clone() };
        let serve = move || {
            runtime.block_on(async {
                match TcpListener::from_std(socket) {
                    Ok(socket) => door.serve(&socket).await,
                    Err(error) => tracing::error!(%listener, %error, "failed to take over a socket"),
                }
            });
            // A page that still waits for its port is left behind.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(listener.name().to_owned()).spawn(serve).map_err(start)?;
        Ok(Self { address: bound, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it serves.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a listener panicked");
        }
    }
}

/// Lets connections in.
struct Door {
    limits: Limits,
    listener: Listener,
    stopped: watch::Receiver<bool>,
    pages: Router,
    metrics: Arc<dyn Metrics>,
}

impl Door {
    async fn serve(mut self, socket: &TcpListener) {
        let mut connections = JoinSet::new();
        let mut is_short = false;
        loop {
            // In this order, so that a connection which is over has made room before the next one is judged.
            let accepted = tokio::select! {
                biased;
                () = until(&mut self.stopped) => break,
                Some(_) = connections.join_next() => continue,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if connections.len() < self.limits.connections => {
                    is_short = false;
                    connections.spawn(converse(stream, self.pages.clone(), self.limits, self.stopped.clone()));
                }
                Ok((stream, _)) => {
                    // Counted first, so that whoever sees the connection closed finds it counted.
                    self.metrics.turned_away(self.listener);
                    drop(stream);
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_short, true) {
                        tracing::error!(listener = %self.listener, %error, "nobody new is taken for now");
                    }
                    within(SHORT_OF_DESCRIPTORS, until(&mut self.stopped)).await;
                }
            }
        }
        within(self.limits.stop, async { while connections.join_next().await.is_some() {} }).await;
    }
}

/// Answers the requests of one connection, until the client has enough of it, its time is over, or the listener stops.
async fn converse(stream: TcpStream, pages: Router, limits: Limits, mut stopped: watch::Receiver<bool>) {
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(limits.header_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    let mut http = std::pin::pin!(http);
    tokio::select! {
        // What goes wrong with one connection is the client's affair.
        _ = http.as_mut() => return,
        () = until(&mut stopped) => {}
        () = within(limits.connection, pending::<Infallible>()) => {}
    }
    http.as_mut().graceful_shutdown();
    within(limits.stop, http).await;
}

/// Returns when the listener is to stop.
async fn until(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    drop(stopped.wait_for(|&is_stopped| is_stopped).await);
}

/// Waits for `work`, at most for `time`.
async fn within(time: Duration, work: impl Future) {
    // Whether it was done in time matters to nobody: it is over in any case.
    drop(timeout(time, work).await);
}

#[cfg(test)]
mod tests;
