//! `/metrics` in Prometheus' text form.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;

use super::ask;
use crate::ports::Metrics;

pub(super) fn routes(metrics: Arc<dyn Metrics>) -> Router {
    Router::new().route("/metrics", get(text)).with_state(metrics)
}

type Page = ([(HeaderName, &'static str); 1], String);

async fn text(State(metrics): State<Arc<dyn Metrics>>) -> Result<Page, StatusCode> {
    let text = ask(move || metrics.text()).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
