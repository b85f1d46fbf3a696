//! `/api/v1/incidents` beside the metrics: the incidents that are not closed, as reports tell them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use forewarn_wire::WireIncident;

use super::ask;
use crate::ports::Incidents;

pub(super) fn routes(incidents: Arc<dyn Incidents>) -> Router {
    Router::new().route("/api/v1/incidents", get(open)).with_state(incidents)
}

async fn open(State(incidents): State<Arc<dyn Incidents>>) -> Result<Json<Vec<WireIncident>>, StatusCode> {
    ask(move || incidents.open()).await.map(Json)
}
