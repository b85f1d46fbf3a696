//! `/api/v1/tokens`: what programs ask by, in place of a name and a password.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use serde::Serialize;

use super::{ADMIN, Page, ask, page};
use crate::access::{Reach, Role, Session, WantedToken};
use crate::act::Act;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/tokens", ADMIN, get(list)),
        page(Method::POST, "/api/v1/tokens", ADMIN, post(add)),
        page(Method::DELETE, "/api/v1/tokens/{name}", ADMIN, delete(remove)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, add, remove))]
pub(super) struct Described;

/// A token, without what makes it one.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Token {
    name: String,
    role: Role,
    /// What it is for, such as `incidents:read`.
    scopes: Vec<String>,
    made_by: String,
    /// When it was made, RFC 3339 in UTC.
    created_at: String,
    /// When it ends, in seconds since 1970.
    ends_at_s: i64,
    left_days: i64,
    has_ended: bool,
    /// The cameras that it reaches; all if null.
    cameras: Reach,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Tokens {
    tokens: Vec<Token>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/tokens",
    summary = "The tokens of programs, without what makes them tokens",
    responses((status = 200, description = "They are told", body = Tokens))
))]
async fn list(State(context): State<Arc<Context>>) -> Json<Tokens> {
    let now_s = context.wall_now().as_secs_f64() as i64;
    let told = |one: crate::access::Token| Token {
        scopes: one.scopes.iter().map(ToString::to_string).collect(),
        left_days: (one.ends_at_s - now_s).max(0) / 86_400,
        has_ended: one.ends_at_s <= now_s,
        name: one.name,
        role: one.role,
        made_by: one.made_by,
        created_at: one.created_at,
        ends_at_s: one.ends_at_s,
        cameras: one.cameras,
    };
    Json(Tokens { tokens: context.access.tokens().into_iter().map(told).collect() })
}

/// What makes it a token is told once.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Made {
    name: String,
    token: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/tokens",
    summary = "Make a token; it is told once",
    request_body = WantedToken,
    responses((status = 201, description = "The token", body = Made))
))]
async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(wanted): Json<WantedToken>,
) -> Result<(StatusCode, Json<Made>), Refusal> {
    ask(move || {
        let name = wanted.name.clone();
        let scopes: Vec<String> = wanted.scopes.iter().map(ToString::to_string).collect();
        context.has_all_of(&wanted.cameras)?;
        let secret = context.access.add_token(wanted, &session.name)?;
        context.note(Some(&session.name), Act::MadeToken, Some(&name), Some(scopes.join(" ")));
        Ok((StatusCode::CREATED, Json(Made { name, token: secret })))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/tokens/{name}",
    summary = "Delete a token; nothing can be asked by it any more",
    responses((status = 204, description = "It is gone"))
))]
async fn remove(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.remove_token(&name)?;
        context.note(Some(&session.name), Act::DeletedToken, Some(&name), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}
