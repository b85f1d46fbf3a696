//! `/healthz`: 200 while every part works, 503 with the troubles otherwise; and the same for whoever is signed in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Serialize;

use super::{Page, VIEWER, ask, page, speakers};
use crate::access::Session;
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

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(of_context))]
pub(super) struct Described;

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
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Health))]
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: HealthReport,
    parts: Vec<PartTold>,
}

/// The parts that somebody may know of: those of the whole box, of the cameras that he reaches and of their loudspeakers.
pub(super) fn reached(context: &Context, session: &Session) -> HealthReport {
    let report = context.ports.health.report();
    if session.cameras.is_all() {
        return report;
    }
    let speakers = speakers::reached(context, session);
    report.of(|part| match part.split_once(' ') {
        None | Some(("file" | "time", _)) => true,
        Some(("speaker", name)) => speakers.iter().any(|speaker| speaker.as_str() == name),
        Some(("camera" | "decoder" | "footage" | "telemetry", name)) => session.cameras.has(name),
        Some(_) => false,
    })
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/health",
    summary = "How the agent's parts fare",
    responses((status = 200, description = "The parts", body = Told))
))]
async fn of_context(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Told>, Refusal> {
    let mut report = ask(move || reached(&context, &session)).await?;
    let parts = std::mem::take(&mut report.parts);
    Ok(Json(Told { report, parts }))
}
