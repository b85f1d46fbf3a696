//! Who is signed in: `/api/v1/session`, and the first account by the link that the agent printed: `/api/v1/setup`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{Page, VIEWER, ask, page};
use crate::access::{LONGEST, Reach, Role, Session, SignInError};
use crate::act::Act;
use crate::context::Context;
use crate::gate::{Need, cookie};
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    const SESSION: &str = "/api/v1/session";
    vec![
        page(Method::GET, "/api/v1/setup", Need::Nobody, get(is_new)),
        page(Method::POST, "/api/v1/setup", Need::Nobody, post(set_up)),
        page(Method::GET, SESSION, VIEWER, get(who)),
        page(Method::POST, SESSION, Need::Nobody, post(sign_in)),
        page(Method::DELETE, SESSION, VIEWER, delete(sign_out)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(is_new, set_up, sign_in, who, sign_out))]
pub(super) struct Described;

/// Who is signed in.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Session))]
#[derive(Serialize)]
struct Who {
    name: String,
    role: Role,
    /// The cameras that he reaches; all if null.
    cameras: Reach,
    csrf: String,
    /// Whether it asks for the code of an authenticator app.
    has_totp: bool,
    site: String,
    time_zone: String,
    version: String,
}

impl Who {
    fn of(session: Session, context: &Context) -> Self {
        let (site, version) = (context.setup.site.clone(), context.setup.version.clone());
        let time_zone = context.setup.time_zone.clone();
        let has_totp = context.access.accounts().iter().any(|one| one.name == session.name && one.totp.is_some());
        let Session { name, role, cameras, csrf, .. } = session;
        Self { name, role, cameras, csrf, has_totp, site, time_zone, version }
    }
}

type SignedIn = ([(HeaderName, String); 1], Json<Who>);

fn signed_in(context: &Context, token: &str, session: Session) -> SignedIn {
    let secure = if context.setup.is_secure() { "; Secure" } else { "" };
    let (name, longest) = (&context.cookie, LONGEST.as_secs());
    let cookie = format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={longest}{secure}");
    ([(header::SET_COOKIE, cookie)], Json(Who::of(session, context)))
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct New {
    is_new: bool,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/setup",
    summary = "Whether there is no account yet",
    responses((status = 200, description = "It is said", body = New))
))]
async fn is_new(State(context): State<Arc<Context>>) -> Json<New> {
    Json(New { is_new: context.access.is_new() })
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
struct First {
    token: String,
    name: String,
    password: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/setup",
    summary = "Make the first account by the link that the agent printed",
    request_body = First,
    responses((status = 200, description = "Signed in; the cookie is set", body = Who))
))]
async fn set_up(State(context): State<Arc<Context>>, Json(first): Json<First>) -> Result<SignedIn, Refusal> {
    ask(move || {
        let (token, session) = context.access.set_up(&first.token, &first.name, &first.password)?;
        context.note(Some(&first.name), Act::SetUp, None, None);
        Ok(signed_in(&context, &token, session))
    })
    .await?
}

/// A name and a password, or the token of a guest's link.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(untagged)]
enum Credentials {
    Password {
        name: String,
        password: String,
        /// Of the authenticator app, for an account that asks for it.
        #[serde(default)]
        code: Option<String>,
    },
    Link {
        token: String,
    },
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/session",
    summary = "Sign in by name and password, or by the token of a guest's link",
    request_body = Credentials,
    responses((status = 200, description = "Signed in; the cookie is set", body = Who))
))]
async fn sign_in(State(context): State<Arc<Context>>, Json(given): Json<Credentials>) -> Result<SignedIn, Refusal> {
    ask(move || {
        let (name, outcome) = match &given {
            Credentials::Password { name, password, code } => {
                (Some(name.as_str()), context.access.sign_in(name, password, code.as_deref()))
            }
            Credentials::Link { token } => (None, context.access.sign_in_by_link(token)),
        };
        match outcome {
            Ok((token, session)) => {
                context.note(Some(&session.name), Act::SignedIn, None, None);
                Ok(signed_in(&context, &token, session))
            }
            // The page asks for the code, and nothing has failed.
            Err(error @ SignInError::NoCode) => Err(error.into()),
            Err(error) => {
                // What is no account may be a password in the wrong field, and is not written down.
                let known = name.filter(|name| context.access.accounts().iter().any(|account| account.name == *name));
                context.note(known, Act::FailedToSignIn, None, None);
                Err(error.into())
            }
        }
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/session",
    summary = "Who is signed in",
    responses((status = 200, description = "Who", body = Who))
))]
async fn who(State(context): State<Arc<Context>>, Extension(session): Extension<Session>) -> Json<Who> {
    Json(Who::of(session, &context))
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/session",
    summary = "Sign out",
    responses((status = 204, description = "Signed out"))
))]
async fn sign_out(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Refusal> {
    if let Some(token) = cookie(&headers, &context.cookie) {
        context.access.sign_out(token);
    }
    let gone = format!("{}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0", context.cookie);
    ask(move || context.note(Some(&session.name), Act::SignedOut, None, None)).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]))
}
