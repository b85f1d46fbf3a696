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
use crate::access::{Reach, Role, Session, SignInError, new_secret};
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/accounts", ADMIN, get(list)),
        page(Method::POST, "/api/v1/accounts", ADMIN, post(add)),
        page(Method::DELETE, "/api/v1/accounts/{name}", ADMIN, delete(remove)),
        page(Method::PUT, "/api/v1/accounts/{name}/cameras", ADMIN, put(set_cameras)),
        page(Method::PUT, "/api/v1/accounts/{name}/password", VIEWER, put(set_password)),
        page(Method::DELETE, "/api/v1/accounts/{name}/totp", ADMIN, delete(remove_totp)),
        page(Method::POST, "/api/v1/session/totp", VIEWER, post(begin_totp)),
        page(Method::PUT, "/api/v1/session/totp", VIEWER, put(set_totp)),
        page(Method::DELETE, "/api/v1/session/totp", VIEWER, delete(remove_own_totp)),
        page(Method::GET, "/api/v1/audit", ADMIN, get(audit)),
    ]
}

/// Lines of the audit log that are shown.
const LINES: usize = 500;

async fn list(State(context): State<Arc<Context>>) -> Json<Value> {
    let of = context.access.accounts();
    let told = of.iter().map(|one| json!({ "name": one.name, "role": one.role, "created_at": one.created_at, "has_totp": one.totp.is_some(), "cameras": one.cameras }));
    Json(json!({ "accounts": told.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct New {
    name: String,
    role: Role,
    password: String,
    /// The cameras that he reaches; all where nothing is said.
    #[serde(default)]
    cameras: Reach,
}

async fn add(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(new): Json<New>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.has_all_of(&new.cameras)?;
        context.access.add(&new.name, (new.role, new.cameras), &new.password)?;
        context.note(Some(&session.name), Act::MadeAccount, Some(&new.name), Some(new.role.as_str().to_owned()));
        Ok(StatusCode::CREATED)
    })
    .await?
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    /// All of them if null.
    cameras: Reach,
}

async fn set_cameras(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
    Json(Limited { cameras }): Json<Limited>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        let told = cameras.names().map_or_else(|| "all".to_owned(), |names| names.join(", "));
        context.has_all_of(&cameras)?;
        context.access.set_cameras(&name, cameras)?;
        context.note(Some(&session.name), Act::LimitedAccount, Some(&name), Some(told));
        Ok(StatusCode::NO_CONTENT)
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
        // Whoever may not sign in any more is not told any more, either.
        if let Err(error) = super::push::phones(&context).remove(|_, phone| phone.by == name) {
            tracing::error!(%error, name, "the phones of a deleted account are still told");
        }
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

/// The session stays, so that this is no refusal of who asks.
fn wrong_password(error: SignInError) -> Refusal {
    match error {
        SignInError::Wrong => {
            Refusal::new(StatusCode::FORBIDDEN, both!("the present password is wrong", "当前密码错误"))
        }
        SignInError::WrongCode => {
            let why = both!(
                "the code is not that of this secret now; look at the clocks of telephone and box",
                "验证码与此密钥不符，请检查手机和设备的时钟"
            );
            Refusal::new(StatusCode::FORBIDDEN, why)
        }
        other => other.into(),
    }
}

/// A secret for an authenticator app. Nothing is kept until a code of it comes back.
async fn begin_totp(State(context): State<Arc<Context>>, Extension(session): Extension<Session>) -> Json<Value> {
    let (secret, site) = (new_secret(), &context.setup.site);
    let uri =
        format!("otpauth://totp/Forewarn%20{site}:{}?secret={secret}&issuer=Forewarn%20{site}", in_uri(&session.name));
    Json(json!({ "secret": secret, "uri": uri }))
}

/// A text as it stands in an address.
fn in_uri(text: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escaped).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Totp {
    secret: String,
    code: String,
    password: String,
}

async fn set_totp(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(Totp { secret, code, password }): Json<Totp>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.set_totp(&session.name, &password, (&secret, &code)).map_err(wrong_password)?;
        context.note(Some(&session.name), Act::SetUpTotp, None, None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

async fn remove_own_totp(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.remove_totp(&session.name)?;
        context.note(Some(&session.name), Act::RemovedTotp, None, None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// For whoever has lost his telephone.
async fn remove_totp(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        context.access.remove_totp(&name)?;
        context.note(Some(&session.name), Act::RemovedTotp, Some(&name), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
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
            context.access.check_password(&name, &former).map_err(wrong_password)?;
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
