//! The agent's HTTP side: `/metrics` for Prometheus, `/healthz` for supervisors and `/api/v1/incidents` for people.
//!
//! It listens on loopback only, because nothing here asks who is there. It decides nothing and holds nothing: what it
//! shows comes from a [`Source`] that the application gives.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use forewarn_domain::IncidentRecord;
use serde::Serialize;
use tokio::sync::watch;

/// What the console shows.
pub trait Source: Send + Sync + 'static {
    /// All metrics in Prometheus' text form.
    fn metrics(&self) -> String;
    /// The state of the agent's parts.
    fn health(&self) -> Health;
    /// The incidents that are not closed, oldest first.
    fn open_incidents(&self) -> Vec<IncidentRecord>;
}

/// Whether the agent does its work.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Whether every part works.
    pub is_healthy: bool,
    /// What does not, for people.
    pub troubles: Vec<String>,
}

/// The console could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The address can be reached from outside.
    #[error(
        "failed to listen on {0}: only loopback is allowed, because the console asks nobody who he is; \
         use 127.0.0.1 and a reverse proxy that authenticates"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("failed to listen on {address}: {source}; choose another port in `[metrics] listen`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// No thread or runtime could be made.
    #[error("failed to start the console: {0}")]
    Start(std::io::Error),
}

/// A running console; it stops when this is dropped.
#[derive(Debug)]
pub struct Console {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Console {
    /// Listens on `address` (port 0 takes a free one) and serves until dropped.
    pub fn start(address: SocketAddr, source: Arc<dyn Source>) -> Result<Self, ConsoleError> {
        if !address.ip().is_loopback() {
            return Err(ConsoleError::NotLoopback(address));
        }
        let bind = |source| ConsoleError::Bind { address, source };
        let listener = std::net::TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ConsoleError::Start)?;
        let (stop, mut stopped) = watch::channel(false);
        let serve = move || {
            runtime.block_on(async move {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!(%error, "the console failed to take over its socket"),
                };
                let until_stopped = async move {
                    // An error means that the sender is gone, which is a stop as well.
                    let _ = stopped.wait_for(|&is_stopped| is_stopped).await;
                };
                if let Err(error) = axum::serve(listener, router(source)).with_graceful_shutdown(until_stopped).await {
                    tracing::error!(%error, "the console stopped");
                }
            });
        };
        let thread =
            std::thread::Builder::new().name("console".to_owned()).spawn(serve).map_err(ConsoleError::Start)?;
        Ok(Self { address: bound, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the console's thread panicked");
        }
    }
}

fn router(source: Arc<dyn Source>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/api/v1/incidents", get(incidents))
        .with_state(source)
}

async fn metrics(State(source): State<Arc<dyn Source>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], source.metrics()).into_response()
}

async fn health(State(source): State<Arc<dyn Source>>) -> Response {
    let health = source.health();
    let status = if health.is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn incidents(State(source): State<Arc<dyn Source>>) -> Response {
    Json(source.open_incidents()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Source for Fixed {
        fn metrics(&self) -> String {
            "forewarn_frames_total 3\n".to_owned()
        }
        fn health(&self) -> Health {
            Health { is_healthy: false, troubles: vec!["gate: interrupted".to_owned()] }
        }
        fn open_incidents(&self) -> Vec<IncidentRecord> {
            Vec::new()
        }
    }

    fn start(address: &str) -> Result<Console, ConsoleError> {
        Console::start(address.parse().unwrap(), Arc::new(Fixed))
    }

    #[test]
    fn it_serves_metrics_health_and_incidents_on_loopback() {
        let console = start("127.0.0.1:0").unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let get = |path: &str| {
            let mut answer = agent.get(format!("http://{}{path}", console.address())).call().unwrap();
            (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
        };
        assert_eq!(get("/metrics"), (200, "forewarn_frames_total 3\n".to_owned()));
        assert_eq!(get("/healthz"), (503, r#"{"is_healthy":false,"troubles":["gate: interrupted"]}"#.to_owned()));
        assert_eq!(get("/api/v1/incidents"), (200, "[]".to_owned()));
    }

    #[test]
    fn it_refuses_to_be_seen_from_outside() {
        let refused = start("0.0.0.0:0").err().map(|e| e.to_string()).unwrap();
        assert!(refused.contains("only loopback"), "{refused}");
    }
}
