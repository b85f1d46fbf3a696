//! `/api/v1/accounts`: who may sign in, and `/api/v1/audit`: who did what.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post, put};
use axum::{Extension, Json};
use forewarn_memory::trail::Line;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ADMIN, Page, VIEWER, ask, page};
use crate::access::{Role, Session, SignInError};
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/accounts", ADMIN, get(list)),
        page(Method::POST, "/api/v1/accounts", ADMIN, post(add)),
        page(Method::DELETE, "/api/v1/accounts/{name}", ADMIN, delete(remove)),
        page(Method::PUT, "/api/v1/accounts/{name}/password", VIEWER, put(set_password)),
        page(Method::GET, "/api/v1/audit", ADMIN, get(audit)),
    ]
}

/// Lines of the audit log that are shown.
const LINES: usize = 500;

async fn list(State(context): State<Arc<Context>>) -> Json<Value> {
    let of = context.access.accounts();
    let told = of.iter().map(|one| json!({ "name": one.name, "role": one.role, "created_at": one.created_at }));
    Json(json!({ "accounts": told.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct New {
    name: String,
    role: Role,
    password: String,
}

async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(new): Json<New>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.add(&new.name, new.role, &new.password)?;
        context.note(Some(&session.name), Act::MadeAccount, Some(&new.name), Some(new.role.as_str().to_owned()));
        Ok(StatusCode::CREATED)
    })
    .await?
}

async fn remove(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.remove(&name)?;
        context.note(Some(&session.name), Act::DeletedAccount, Some(&name), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

#[derive(Deserialize)]
struct Another {
    password: String,
    /// The password until now, of whoever changes his own.
    #[serde(default)]
    former: String,
}

/// Everybody may change his own password, who says the one until now; admins may change all.
async fn set_password(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
    Json(Another { password, former }): Json<Another>,
) -> Result<StatusCode, Refusal> {
    let is_own = session.name == name;
    if !is_own && session.role < Role::Admin {
        let why = both!("only an admin changes the password of somebody else", "只有管理员可以修改他人的密码");
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    ask(move || {
        if is_own {
            // The session stays, so that this is no refusal of who asks.
            let wrong = |error: SignInError| match error {
                SignInError::Wrong => {
                    Refusal::new(StatusCode::FORBIDDEN, both!("the present password is wrong", "当前密码错误"))
                }
                other => other.into(),
            };
            let (token, _) = context.access.sign_in(&name, &former).map_err(wrong)?;
            context.access.sign_out(&token);
        }
        context.access.set_password(&name, &password)?;
        context.note(Some(&session.name), Act::ChangedPassword, Some(&name), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// A line of the audit log, and what was done in Chinese.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    line: Line,
    deed_zh: String,
}

#[derive(Serialize)]
struct Audit {
    lines: Vec<Told>,
}

async fn audit(State(context): State<Arc<Context>>) -> Result<Json<Audit>, Refusal> {
    ask(move || {
        let lines = context.trail.latest(LINES).map_err(Refusal::failed)?;
        let told = |line: Line| Told { deed_zh: Act::in_chinese(&line.deed).to_owned(), line };
        Ok(Json(Audit { lines: lines.into_iter().map(told).collect() }))
    })
    .await?
}
