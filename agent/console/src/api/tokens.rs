//! `/api/v1/tokens`: what programs ask by, in place of a name and a password.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::{ADMIN, Page, ask, page};
use crate::access::{Session, WantedToken};
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

async fn list(State(context): State<Arc<Context>>) -> Json<Value> {
    let now_s = context.wall_now().as_secs_f64() as i64;
    let of = context.access.tokens();
    let told = of.iter().map(|one| {
        let left_days = (one.ends_at_s - now_s).max(0) / 86_400;
        json!({ "name": one.name, "role": one.role, "scopes": one.scopes, "made_by": one.made_by,
            "created_at": one.created_at, "ends_at_s": one.ends_at_s, "left_days": left_days, "has_ended": one.ends_at_s <= now_s,
            "cameras": one.cameras })
    });
    Json(json!({ "tokens": told.collect::<Vec<_>>() }))
}

async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(wanted): Json<WantedToken>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    ask(move || {
        let name = wanted.name.clone();
        let scopes: Vec<String> = wanted.scopes.iter().map(ToString::to_string).collect();
        context.has_all_of(&wanted.cameras)?;
        let secret = context.access.add_token(wanted, &session.name)?;
        context.note(Some(&session.name), Act::MadeToken, Some(&name), Some(scopes.join(" ")));
        Ok((StatusCode::CREATED, Json(json!({ "name": name, "token": secret }))))
    })
    .await?
}

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
