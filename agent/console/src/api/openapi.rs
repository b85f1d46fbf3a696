//! `/api/v1/openapi.json`: this interface, for programs that write programs.

use axum::http::{HeaderName, Method, header};
use axum::routing::get;

use super::{Page, page};
use crate::gate::Need;

/// Made of the pages' types by a test, which sees that it is still what they say.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/openapi.json", Need::Nobody, get(document))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(document))]
pub(super) struct Described;

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    summary = "This document",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json"))
))]
async fn document() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
