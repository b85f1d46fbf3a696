//! The pages, one file for each port.

mod health;
mod incidents;
mod metrics;

use axum::Router;
use axum::http::StatusCode;

use crate::listener::Listener;
use crate::ports::Ports;

/// The pages of a listener.
pub(crate) fn pages(listener: Listener, ports: &Ports) -> Router {
    let common = health::routes(ports.health.clone()).merge(incidents::routes(ports.incidents.clone()));
    match listener {
        Listener::Metrics => common.merge(metrics::routes(ports.metrics.clone())),
        Listener::Console => common,
    }
}

/// Asks a port on a thread that may wait. A port that panics is an error of the server, and of this request alone.
async fn ask<T: Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Result<T, StatusCode> {
    tokio::task::spawn_blocking(question).await.map_err(|error| {
        tracing::error!(%error, "a page could not be made");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}
