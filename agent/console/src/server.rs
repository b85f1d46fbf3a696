//! One listener: a thread that takes a bounded number of connections, each for a bounded time.
//!
//! The agent must not suffer from its listeners. So no more than [`Limits::connections`] are open at a time and what
//! comes beyond is closed at once; a client that does not finish its request, or does not read its answer, is cut off;
//! and when the agent stops, every connection has one second. While the process is out of descriptors, nobody new is
//! taken.

mod door;
mod many;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_base::tls::server::TlsServer;
use forewarn_memory::trail::Trail;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::access::Access;
use crate::again::Comparisons;
use crate::api;
use crate::api::live::SOCKETS;
use crate::calls::Calls;
use crate::context::Context;
use crate::hosts::Hosts;
use crate::listener::Listener;
use crate::ports::Ports;
use crate::redactor::Redactor;
use crate::rehearsals::Rehearsals;
use crate::setup::{Found, Setup};
use crate::store::{Follower, Index, Newsroom, Sources};
use door::{Door, Pages, renew};

/// A listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The address can be reached from outside.
    #[error(
        "[{listener}] listen: failed to listen on {address}: only loopback is allowed, because what is said there is \
         not encrypted; use 127.0.0.1, or for [console] `tls = true`"
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
    /// The console's own files cannot be read.
    #[error("failed to start the console: {0}")]
    Files(String),
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

impl Limits {
    fn of(listener: Listener) -> Self {
        Self {
            connections: 32,
            header: Duration::from_secs(5),
            header_bytes: 16 * 1024,
            // A page listens for news, and a clip is watched for longer than a number is scraped.
            connection: Duration::from_mins(if listener == Listener::Console { 10 } else { 1 }),
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
    found: Found,
    /// Follows what the console shows; the listener of metrics has none.
    follower: Option<Follower>,
    /// What is tried ends with the console.
    rehearsals: Rehearsals,
}

impl Server {
    /// Serves metrics, health and open incidents on `address` (port 0 takes a free one) until dropped.
    pub fn of_metrics(address: SocketAddr, ports: &Ports, hosts: Hosts) -> Result<Self, ConsoleError> {
        let pages = api::of_metrics(ports, hosts);
        let pages = |_| Pages { open: pages, strangers: None, hosts: Hosts::default() };
        Self::within(Limits::of(Listener::Metrics), Listener::Metrics, address, ports, (None, pages))
    }

    /// Serves the console on `address` until dropped.
    pub fn of_console(address: SocketAddr, ports: &Ports, setup: Setup) -> Result<Self, ConsoleError> {
        if !address.ip().is_loopback() && !setup.is_behind_proxy && setup.tls.is_none() {
            return Err(ConsoleError::NotLoopback { listener: Listener::Console, address });
        }
        let files = |error: &dyn std::fmt::Display| ConsoleError::Files(error.to_string());
        let tls = setup.open_tls(address).map_err(|error| files(&error))?;
        let access = Access::open(&setup.places.accounts, &setup.places.tokens, Arc::clone(&setup.clock))
            .map_err(|error| files(&error))?;
        let index = Arc::new(Index::open(&setup.places.index).map_err(|error| files(&error))?);
        let (news, trail) = (Newsroom::default(), Trail::at(&setup.places.audit));
        let link = if setup.has_guest {
            Some(format!("guest={}", access.new_guest()))
        } else {
            access.new_set_up().map(|token| format!("setup={token}"))
        };
        let sources = Sources::of(&setup, ports.health.clone());
        let follower = Follower::start(sources, Arc::clone(&index), news.clone()).map_err(|error| files(&error))?;
        let rehearsals = Rehearsals::default();
        let of_pages = rehearsals.clone();
        let (to, limits) = (ports.clone(), Limits::of(Listener::Console));
        let found = setup.found(tls.as_ref(), link);
        let pages = move |port: u16| {
            let (cookie, looks, stills) = (cookie_of(port), Mutex::default(), Mutex::default());
            let sockets = Arc::new(Semaphore::new(SOCKETS));
            let (redactor, previewer) = (Redactor::default(), Redactor::default());
            let rehearsals = of_pages;
            let context = Context {
                setup,
                ports: to,
                access,
                index,
                news,
                trail,
                cookie,
                looks,
                sockets,
                calls: Calls::at(address.ip()),
                speaking: Mutex::default(),
                redactor,
                previewer,
                comparisons: Comparisons::default(),
                rehearsals,
                commanding: Mutex::default(),
                stills,
            };
            Pages::of_console(&Arc::new(context))
        };
        let mut server = Self::within(limits, Listener::Console, address, ports, (tls, pages))?;
        server.found = found(server.address);
        server.follower = Some(follower);
        server.rehearsals = rehearsals;
        Ok(server)
    }

    fn within(
        limits: Limits,
        listener: Listener,
        address: SocketAddr,
        ports: &Ports,
        (tls, pages): (Option<TlsServer>, impl FnOnce(u16) -> Pages),
    ) -> Result<Self, ConsoleError> {
        if listener == Listener::Metrics && !address.ip().is_loopback() {
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
        let metrics = ports.metrics.clone();
        let health = ports.health.clone();
        let door = Door { limits, listener, stopped, pages: pages(bound.port()), metrics, tls: tls.clone() };
        let serve = move || {
            runtime.block_on(async {
                if let Some(tls) = tls {
                    tokio::spawn(renew(tls, health));
                }
                match TcpListener::from_std(socket) {
                    Ok(socket) => door.serve(&socket).await,
                    Err(error) => tracing::error!(%listener, %error, "failed to take over a socket"),
                }
            });
            // A page that still waits for its port is left behind.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(listener.name().to_owned()).spawn(serve).map_err(start)?;
        Ok(Self {
            address: bound,
            stop,
            thread: Some(thread),
            found: Found::default(),
            follower: None,
            rehearsals: Rehearsals::default(),
        })
    }

    /// Where people find it; the listener of metrics tells nobody.
    pub fn found(&self) -> &Found {
        &self.found
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
        drop(self.follower.take());
        self.rehearsals.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a listener panicked");
        }
    }
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

/// The name of the cookie of whoever signs in at a port: several boxes may be reached by one name.
pub(crate) fn cookie_of(port: impl fmt::Display) -> String {
    format!("forewarn_{port}")
}

#[cfg(test)]
mod tests;
