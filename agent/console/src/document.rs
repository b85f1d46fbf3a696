//! `openapi.json`, made of the types that the pages take and answer with. Only tests are built with this: they write the file, and
//! see that it is still what the types say.
//!
//! `UPDATE_EXPECT=1 cargo test -p forewarn-console the_document` writes it.

mod mirrors;

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

pub(crate) use mirrors::*;

use crate::access::SUBJECTS;
use crate::api::{self, Page};
use crate::gate::{CSRF, Need};
use crate::refusal;
use crate::server::cookie_of;

/// The types beside those that the pages themselves name.
#[derive(OpenApi)]
#[openapi(components(schemas(refusal::Told)))]
struct Types;

/// The document: each page's own description, and what is so of all of them.
pub(crate) fn document() -> Value {
    let mut told = Types::openapi();
    for of in api::described() {
        told.merge(of);
    }
    let mut told = serde_json::to_value(told).unwrap();
    for page in api::all() {
        let method = page.method.as_str().to_lowercase();
        let operation = &mut told["paths"][page.path][&method];
        assert!(operation.is_object(), "nothing describes {} {}", page.method, page.path);
        finish(operation.as_object_mut().unwrap(), &page);
    }
    let schemas = told["components"]["schemas"].take();
    told["components"] = json!({
        "securitySchemes": {
            "session": { "type": "apiKey", "in": "cookie", "name": cookie_of("PORT") },
            "token": {
                "type": "http", "scheme": "bearer",
                "description": format!("A token of /api/v1/tokens, for what its scopes say: {}, each with `:read` or `:write`; needs no csrf", SUBJECTS.join(", ")),
            },
        },
        "parameters": {
            "csrf": {
                "name": CSRF, "in": "header", "required": true, "description": "The session's `csrf`", "schema": { "type": "string" },
            },
        },
        "responses": {
            "refusal": {
                "description": "Why not",
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } },
            },
        },
        "schemas": schemas,
    });
    told["info"] = json!({
        "title": "Forewarn console", "version": "1",
        "description": "What the console's page does, and nothing that it cannot. `x-role` is the least role; docs/console.md has examples.",
    });
    told
}

/// Who may, what stands in the path and beside it, and how it is refused.
fn finish(operation: &mut Map<String, Value>, page: &Page) {
    for key in ["tags", "operationId"] {
        operation.remove(key);
    }
    let mut given: Vec<Value> =
        operation.remove("parameters").and_then(|of| of.as_array().cloned()).unwrap_or_default();
    for one in &mut given {
        // What is left out of a query is none of it; there is no word for null.
        if let Some(kinds) = one["schema"]["type"].as_array() {
            one["schema"]["type"] = kinds.iter().find(|kind| **kind != "null").cloned().unwrap();
        }
    }
    for name in page.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        if !given.iter().any(|one| one["name"] == name) {
            given.push(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        }
    }
    let mut ways = Vec::new();
    if let Need::Role(role) = page.need {
        operation.insert("x-role".to_owned(), role.as_str().into());
        ways.push(json!({ "session": [] }));
        let of = page.path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
        ways.extend(SUBJECTS.contains(&of).then(|| json!({ "token": [] })));
        if page.method != Method::GET {
            given.push(json!({ "$ref": "#/components/parameters/csrf" }));
        }
    }
    operation.insert("security".to_owned(), ways.into());
    if !given.is_empty() {
        operation.insert("parameters".to_owned(), given.into());
    }
    for one in ["/requestBody", "/responses/200"] {
        if let Some(of) = operation_at(operation, one) {
            are_bytes(of);
        }
    }
    operation["responses"]["default"] = json!({ "$ref": "#/components/responses/refusal" });
}

fn operation_at<'o>(operation: &'o mut Map<String, Value>, path: &str) -> Option<&'o mut Map<String, Value>> {
    let mut parts = path.split('/').skip(1);
    let first = operation.get_mut(parts.next()?)?;
    let last = parts.try_fold(first, |of, part| of.get_mut(part))?;
    last.get_mut("content")?.as_object_mut()
}

/// What is neither JSON nor text is bytes.
fn are_bytes(content: &mut Map<String, Value>) {
    for (kind, of) in content {
        if !kind.starts_with("text/") && !kind.starts_with("application/json") {
            of["schema"] = json!({ "type": "string", "format": "binary" });
        }
    }
}

#[test]
fn the_document_is_what_the_types_say() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    expect_test::expect_file!["api/openapi.json"].assert_eq(&text);
}
