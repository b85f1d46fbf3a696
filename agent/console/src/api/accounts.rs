//! `/api/v1/accounts`: who may sign in, and `/api/v1/audit`: who did what.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post, put};
use axum::{Extension, Json};
use forewarn_memory::trail::Line;
use serde::{Deserialize, Serialize};

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

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    list,
    add,
    set_cameras,
    remove,
    begin_totp,
    set_totp,
    remove_own_totp,
    remove_totp,
    set_password,
    audit
))]
pub(super) struct Described;

/// Lines of the audit log that are shown.
const LINES: usize = 500;

/// One that may sign in.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Account {
    name: String,
    role: Role,
    /// When it was made, RFC 3339 in UTC.
    created_at: String,
    /// Whether it asks for the code of an authenticator app.
    has_totp: bool,
    /// The cameras that it reaches; all if null.
    cameras: Reach,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Accounts {
    accounts: Vec<Account>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/accounts",
    summary = "Who may sign in",
    responses((status = 200, description = "The accounts", body = Accounts))
))]
async fn list(State(context): State<Arc<Context>>) -> Json<Accounts> {
    let told = |one: crate::access::Account| {
        let has_totp = one.totp.is_some();
        Account { name: one.name, role: one.role, created_at: one.created_at, has_totp, cameras: one.cameras }
    };
    Json(Accounts { accounts: context.access.accounts().into_iter().map(told).collect() })
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = NewAccount))]
#[derive(Deserialize)]
struct New {
    name: String,
    role: Role,
    password: String,
    /// The cameras that he reaches; all where nothing is said.
    #[serde(default)]
    cameras: Reach,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/accounts",
    summary = "Make an account",
    request_body = New,
    responses((status = 201, description = "It is made"))
))]
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

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    /// All of them if null.
    cameras: Reach,
}

#[cfg_attr(test, utoipa::path(
    put,
    path = "/api/v1/accounts/{name}/cameras",
    summary = "Choose the cameras that an account reaches; whoever is signed in by it is signed out",
    request_body = Limited,
    responses((status = 204, description = "It reaches these from now on"))
))]
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

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/accounts/{name}",
    summary = "Delete an account; its sessions end",
    responses((status = 204, description = "It is deleted"))
))]
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

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = NewPassword))]
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

/// What an authenticator app is given.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Secret {
    secret: String,
    /// An address that opens an app.
    uri: String,
}

/// A secret for an authenticator app. Nothing is kept until a code of it comes back.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/session/totp",
    summary = "A new secret for an authenticator app; nothing is kept of it",
    responses((status = 200, description = "The secret, and an address that opens an app", body = Secret))
))]
async fn begin_totp(State(context): State<Arc<Context>>, Extension(session): Extension<Session>) -> Json<Secret> {
    let (secret, site) = (new_secret(), &context.setup.site);
    let uri =
        format!("otpauth://totp/Forewarn%20{site}:{}?secret={secret}&issuer=Forewarn%20{site}", in_uri(&session.name));
    Json(Secret { secret, uri })
}

/// A text as it stands in an address.
fn in_uri(text: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escaped).collect()
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Totp {
    secret: String,
    code: String,
    password: String,
}

#[cfg_attr(test, utoipa::path(
    put,
    path = "/api/v1/session/totp",
    summary = "Ask for the code of an authenticator app (RFC 6238) at each sign-in from now on; one of its codes is given",
    request_body = Totp,
    responses((status = 204, description = "It is changed; the account's sessions end"))
))]
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

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/session/totp",
    summary = "Ask for the password alone",
    responses((status = 204, description = "No code is asked for any more"))
))]
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
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/accounts/{name}/totp",
    summary = "Have an account ask for its password alone, for whoever has lost his telephone",
    responses((status = 204, description = "It asks for no code any more"))
))]
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
#[cfg_attr(test, utoipa::path(
    put,
    path = "/api/v1/accounts/{name}/password",
    summary = "Change a password; one's own with the former one, another's as admin",
    request_body = Another,
    responses((status = 204, description = "It is changed; the account's sessions end"))
))]
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

/// A line of the audit log.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AuditLine))]
#[derive(Serialize)]
struct Told {
    /// When, RFC 3339 in UTC.
    at: String,
    /// Who: an account, or whoever gave a command; none where nobody is known.
    who: Option<String>,
    /// What was done.
    deed: String,
    /// The same in Chinese.
    deed_zh: String,
    /// To what: an incident, a camera, an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Audit {
    lines: Vec<Told>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/audit",
    summary = "Who did what, the latest first",
    responses((status = 200, description = "Lines", body = Audit))
))]
async fn audit(State(context): State<Arc<Context>>) -> Result<Json<Audit>, Refusal> {
    ask(move || {
        let lines = context.trail.latest(LINES).map_err(Refusal::failed)?;
        let told = |Line { at, who, deed, about, detail }: Line| {
            let deed_zh = Act::in_chinese(&deed).to_owned();
            Told { at, who, deed, deed_zh, about, detail }
        };
        Ok(Json(Audit { lines: lines.into_iter().map(told).collect() }))
    })
    .await?
}
