//! `/healthz`: 200 while every part works, 503 with the troubles otherwise.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use super::ask;
use crate::health::HealthReport;
use crate::ports::Health;

pub(super) fn routes(health: Arc<dyn Health>) -> Router {
    Router::new().route("/healthz", get(report)).with_state(health)
}

async fn report(State(health): State<Arc<dyn Health>>) -> Result<(StatusCode, Json<HealthReport>), StatusCode> {
    let report = ask(move || health.report()).await?;
    let status = if report.is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(report)))
}
