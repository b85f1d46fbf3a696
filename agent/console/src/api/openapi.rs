//! `/api/v1/openapi.json`: this interface, for programs that write programs.

use axum::http::{HeaderName, Method, header};
use axum::routing::get;

use super::{Page, page};
use crate::gate::Need;

/// Written by hand; a test compares it with the pages.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/openapi.json", Need::Nobody, get(document))]
}

async fn document() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
