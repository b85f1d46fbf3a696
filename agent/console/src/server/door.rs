//! Who is let in at a listener, over TLS or without, and that nobody stays for longer than he may.

use std::convert::Infallible;
use std::future::pending;
use std::future::ready;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use forewarn_base::tls::server::{HTTP2, TlsServer};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;

use super::many::Open;
use super::{Limits, SHORT_OF_DESCRIPTORS, until, within};
use crate::api;
use crate::bilingual::both;
use crate::context::Context;
use crate::hosts::{Hosts, without_port};
use crate::listener::Listener;
use crate::ports::{Health, Metrics};
use crate::refusal::Refusal;

/// How often it is looked whether the certificate was renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// Questions that may be open at once over one connection of HTTP/2: a page's files, its news, and pictures of a wall.
const AT_ONCE: u32 = 64;
/// Bytes of one answer that wait for the client.
const SEND_BYTES: usize = 256 * 1024;
/// What a client's hello begins with: a record of a handshake.
const HANDSHAKE: u8 = 22;

/// What is shown to whom.
pub(super) struct Pages {
    /// To those who are let in.
    pub open: Router,
    /// To those from other machines while there is no account.
    pub strangers: Option<Strangers>,
    /// The names of the box.
    pub hosts: Hosts,
}

/// Those from other machines while there is no account: a link that makes the first one is for the box itself.
pub(super) struct Strangers {
    refusing: Router,
    /// An account is there; the last one is never deleted while the agent runs.
    is_set_up: AtomicBool,
    context: Arc<Context>,
}

impl Pages {
    /// Those of the console.
    pub(super) fn of_console(context: &Arc<Context>) -> Self {
        // Behind a proxy nobody knows who comes from where.
        let strangers = (!context.setup.is_behind_proxy).then(|| Strangers {
            refusing: Router::new().fallback(no_account),
            is_set_up: AtomicBool::new(false),
            context: Arc::clone(context),
        });
        Self { open: api::of_console(context), strangers, hosts: context.setup.hosts.clone() }
    }

    fn of(&self, peer: IpAddr) -> &Router {
        match &self.strangers {
            Some(strangers) if !peer.to_canonical().is_loopback() && !strangers.are_let_in() => &strangers.refusing,
            _ => &self.open,
        }
    }
}

impl Strangers {
    fn are_let_in(&self) -> bool {
        // Once there is one, nobody waits for the file of accounts.
        self.is_set_up.load(Ordering::Relaxed) || {
            let is_set_up = !self.context.access.is_new();
            self.is_set_up.store(is_set_up, Ordering::Relaxed);
            is_set_up
        }
    }
}

async fn no_account() -> Response {
    let why = both!(
        "there is no account yet; make the first one on the box itself, by the link that the agent prints, or through \
         `ssh -L PORT:127.0.0.1:PORT` with the port of this page",
        "尚无账户；请在设备本机上通过程序输出的链接创建首个账户，或使用 `ssh -L 端口:127.0.0.1:端口`（即本页面的端口）"
    );
    let mut answer = Refusal::new(StatusCode::FORBIDDEN, why).into_response();
    // The next connection may be let in.
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Where somebody who speaks no TLS finds who does: by the name by which he asked, where that is one of the box, else at the
/// address that he reached, for whatever else stands there he may have been made to send.
fn over_tls(request: &Request, is_own: impl Fn(&str) -> bool, reached: SocketAddr) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_own(host));
    let host = host.map_or_else(|| reached.to_string(), str::to_owned);
    let path = request.uri().path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let mut answer = Redirect::temporary(&format!("https://{host}{path}")).into_response();
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Takes a renewed certificate up.
pub(super) async fn renew(tls: TlsServer, health: Arc<dyn Health>) {
    let mut ticks = interval(RENEWAL);
    loop {
        ticks.tick().await;
        let of_files = tls.clone();
        match spawn_blocking(move || of_files.refresh()).await {
            Ok(Ok(false)) | Err(_) => {}
            Ok(Ok(true)) => {
                tracing::info!(sha256 = tls.fingerprint(), "the console shows the renewed certificate");
                health.certificate(None);
            }
            Ok(Err(error)) => {
                tracing::error!("[console] {}; the former certificate is shown on", error.line());
                health.certificate(Some(error.line()));
            }
        }
    }
}

/// Lets connections in.
pub(super) struct Door {
    pub limits: Limits,
    pub listener: Listener,
    pub stopped: watch::Receiver<bool>,
    pub pages: Pages,
    pub metrics: Arc<dyn Metrics>,
    /// Where it speaks TLS.
    pub tls: Option<TlsServer>,
}

impl Door {
    pub(super) async fn serve(mut self, socket: &TcpListener) {
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
                Ok((stream, peer)) if connections.len() < self.limits.connections => {
                    is_short = false;
                    let pages = self.pages.of(peer.ip()).clone();
                    let guest = Guest { pages, limits: self.limits, stopped: self.stopped.clone() };
                    let hosts = self.pages.hosts.clone();
                    connections.spawn(guest.come_in(stream, self.tls.clone().map(|tls| (tls, hosts))));
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

/// What carries a conversation; one kind of it, because the machinery for each would be there twice.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection that was taken.
struct Guest {
    pages: Router,
    limits: Limits,
    stopped: watch::Receiver<bool>,
}

impl Guest {
    /// Agrees on TLS where it is spoken, and answers what is asked.
    async fn come_in(mut self, stream: TcpStream, tls: Option<(TlsServer, Hosts)>) {
        let (Some((tls, hosts)), Ok(reached)) = (tls, stream.local_addr()) else {
            return self.converse(Box::new(stream)).await;
        };
        let acceptor = TlsAcceptor::from(tls.config());
        let secured = tokio::select! {
            secured = timeout(self.limits.header, secured(&acceptor, stream)) => secured,
            () = until(&mut self.stopped) => return,
        };
        match secured {
            Ok(Ok((wire, Speech::Http2))) => self.converse_at_once(wire).await,
            Ok(Ok((wire, Speech::Http1))) => self.converse(wire).await,
            Ok(Ok((wire, Speech::Plain))) => {
                let is_own = move |host: &str| hosts.lists(host) || tls.is_for(without_port(host));
                let elsewhere = move |request: Request| ready(over_tls(&request, &is_own, reached));
                self.pages = Router::new().fallback(elsewhere);
                self.converse(wire).await;
            }
            // What goes wrong with one connection is the client's affair: browsers close those whose certificate they refuse.
            Ok(Err(error)) => tracing::debug!(%error, "a client did not agree on TLS"),
            Err(_) => {}
        }
    }

    /// Answers what is asked at once over one connection, until none of it is open for a while, its time is over, or the listener
    /// stops.
    async fn converse_at_once(mut self, wire: Box<dyn Wire>) {
        let open = Open::none();
        let pages = open.counting(self.pages);
        let http = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(AT_ONCE)
            .max_header_list_size(u32::try_from(self.limits.header_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BYTES)
            .keep_alive_interval(self.limits.header)
            .keep_alive_timeout(self.limits.header)
            .serve_connection(TokioIo::new(wire), TowerToHyperService::new(pages));
        let mut http = std::pin::pin!(http);
        tokio::select! {
            // Clients end connections as they like.
            _ = http.as_mut() => return,
            () = until(&mut self.stopped) => {}
            () = open.idle(self.limits.header) => {}
            () = within(self.limits.connection, pending::<Infallible>()) => {}
        }
        http.as_mut().graceful_shutdown();
        within(self.limits.stop, http).await;
    }

    /// Answers the requests of one connection, until the client has enough of it, its time is over, or the listener stops.
    async fn converse(mut self, wire: Box<dyn Wire>) {
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header)
            .max_buf_size(self.limits.header_bytes)
            .serve_connection(TokioIo::new(wire), TowerToHyperService::new(self.pages))
            .with_upgrades();
        let mut http = std::pin::pin!(http);
        tokio::select! {
            // As above.
            _ = http.as_mut() => return,
            () = until(&mut self.stopped) => {}
            () = within(self.limits.connection, pending::<Infallible>()) => {}
        }
        http.as_mut().graceful_shutdown();
        within(self.limits.stop, http).await;
    }
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// HTTP/1.1 without TLS.
    Plain,
    Http1,
    Http2,
}

/// TLS over a connection, or the connection as it is where the client speaks none.
async fn secured(acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<(Box<dyn Wire>, Speech)> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first[0] != HANDSHAKE {
        return Ok((Box::new(stream), Speech::Plain));
    }
    let stream = acceptor.accept(stream).await?;
    let agreed = stream.get_ref().1.alpn_protocol();
    let speech = if agreed == Some(HTTP2) { Speech::Http2 } else { Speech::Http1 };
    Ok((Box::new(stream), speech))
}
