//! `/healthz`: 200 while every part works, 503 with the troubles otherwise; and the same for whoever is signed in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::{Page, VIEWER, ask, page};
use crate::context::Context;
use crate::health::{HealthReport, PartTold};
use crate::ports::Health;
use crate::refusal::Refusal;

/// With all that is told, for supervisors on the box.
pub(super) fn whole(health: Arc<dyn Health>) -> Router {
    Router::new().route("/healthz", get(report)).with_state(health)
}

/// Whether all is well and no more, for whoever is not signed in.
pub(super) fn brief(health: Arc<dyn Health>) -> Router {
    Router::new().route("/healthz", get(verdict)).with_state(health)
}

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/health", VIEWER, get(of_context))]
}

#[derive(Serialize)]
struct Verdict {
    is_healthy: bool,
}

fn status(report: &HealthReport) -> StatusCode {
    if report.is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn report(State(health): State<Arc<dyn Health>>) -> Result<(StatusCode, Json<HealthReport>), StatusCode> {
    let report = ask(move || health.report()).await?;
    Ok((status(&report), Json(report)))
}

async fn verdict(State(health): State<Arc<dyn Health>>) -> Result<(StatusCode, Json<Verdict>), StatusCode> {
    let report = ask(move || health.report()).await?;
    Ok((status(&report), Json(Verdict { is_healthy: report.is_healthy })))
}

/// What `/healthz` tells, and every part in both languages.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: HealthReport,
    parts: Vec<PartTold>,
}

async fn of_context(State(context): State<Arc<Context>>) -> Result<Json<Told>, Refusal> {
    let mut report = ask(move || context.ports.health.report()).await?;
    let parts = std::mem::take(&mut report.parts);
    Ok(Json(Told { report, parts }))
}
