//! Who is let through to a page: by the name he calls, the session of his cookie, his role, and that it is the console's
//! own page that asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::access::{Role, Session};
use crate::context::Context;
use crate::hosts::Hosts;
use crate::refusal::Refusal;

/// The header by which the page shows that it is the console's own.
pub(crate) const CSRF: &str = "x-forewarn-csrf";

/// Who may ask for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anybody who reaches the listener.
    Nobody,
    /// Whoever is signed in with this role, or one that may more.
    Role(Role),
}

/// Lets nobody in who calls by another name.
pub(crate) async fn by_name(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| hosts.take(host)) {
        return Ok(next.run(request).await);
    }
    let why = "this listener is not called so; list the name under `hosts` in the site file, or ask by its address";
    Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, why))
}

/// Lets those in whom a page needs, and tells it who they are.
pub(crate) async fn by_role(
    State((context, need)): State<(Arc<Context>, Need)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !is_own_page(request.headers()) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "another site's page may change nothing here"));
    }
    if let Need::Role(least) = need {
        let by_token = bearer(request.headers());
        let session = match by_token {
            Some(secret) => by_its_token(&context, secret, request.uri().path(), changes)?,
            None => signed_in(&context, request.headers())
                .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "sign in first"))?,
        };
        check(&session, least, changes && by_token.is_none(), request.headers())?;
        request.extensions_mut().insert(session);
    }
    Ok(next.run(request).await)
}

/// Whoever is signed in by a cookie.
fn signed_in(context: &Context, headers: &HeaderMap) -> Option<Session> {
    cookie(headers, &context.cookie).and_then(|token| context.access.session(token))
}

/// Whether whoever asked so may still ask.
pub(crate) fn is_still_known(context: &Context, headers: &HeaderMap) -> bool {
    match bearer(headers) {
        Some(secret) => context.access.token(secret).is_some(),
        None => signed_in(context, headers).is_some(),
    }
}

/// The token of a program. It stands in a header that no browser sends by itself, so that no other page can make use of it.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn by_its_token(context: &Context, secret: &str, path: &str, changes: bool) -> Result<Session, Refusal> {
    let Some(token) = context.access.token(secret) else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "the token is wrong, was deleted, or has ended"));
    };
    if !token.lets(path, changes) {
        let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
        let why = format!("the token {} is not for this; it is for {}", token.name, scopes.join(", "));
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    Ok(context.access.session_of(&token))
}

fn check(session: &Session, least: Role, changes: bool, headers: &HeaderMap) -> Result<(), Refusal> {
    if session.role < least {
        let why = format!(
            "this takes the role {}, and {} has the role {}",
            least.as_str(),
            session.name,
            session.role.as_str()
        );
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    if changes && headers.get(CSRF).is_none_or(|sent| sent.as_bytes() != session.csrf.as_bytes()) {
        let why = format!("what changes something carries the session's `csrf` in the header {CSRF}");
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    Ok(())
}

/// Whether a browser says that the console's own page asks, or no browser asks at all.
pub(crate) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    let Some(origin) = text(header::ORIGIN) else { return !headers.contains_key(header::ORIGIN) };
    let of = origin.split_once("://").map(|(_, of)| of);
    of.is_some() && of == text(header::HOST)
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}
