//! Who is let through to a page: by the name he calls, the session of his cookie, his role, and that it is the console's
//! own page that asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::access::{Role, Session};
use crate::bilingual::{Bilingual, both};
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
    /// Whoever has a link that says itself what it is for, whatever page asks.
    Link,
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
    let why = both!(
        "this listener is not called so; list the name under `hosts` in the site file, or ask by its address",
        "此监听地址不使用该名称；请在站点文件的 `hosts` 中列出该名称，或直接使用地址访问"
    );
    Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, why))
}

/// Lets those in whom a page needs, and tells it who they are.
pub(crate) async fn by_role(
    State((context, need)): State<(Arc<Context>, Need)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && need != Need::Link && !is_own_page(request.headers()) {
        let why = both!("another site's page may change nothing here", "其他网站的页面不可在此更改内容");
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    if let Need::Role(least) = need {
        let by_token = bearer(request.headers());
        let session = match by_token {
            Some(secret) => by_its_token(&context, secret, request.uri().path(), changes)?,
            None => signed_in(&context, request.headers())
                .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, both!("sign in first", "请先登录")))?,
        };
        check(&session, least, changes && by_token.is_none(), request.headers())?;
        request.extensions_mut().insert(session);
    }
    Ok(next.run(request).await)
}

/// Lets nobody know of a camera that he does not reach.
pub(crate) fn reaches(session: &Session, camera: &str) -> Result<(), Refusal> {
    if session.cameras.has(camera) {
        return Ok(());
    }
    Err(Refusal::nothing(both!("the site has no such camera", "站点没有此摄像机")))
}

/// Whoever is signed in by a cookie.
fn signed_in(context: &Context, headers: &HeaderMap) -> Option<Session> {
    cookie(headers, &context.cookie).and_then(|token| context.access.session(token))
}

/// Whether whoever asked so may still ask, which is not to ask anew.
pub(crate) fn may_go_on(context: &Context, headers: &HeaderMap) -> bool {
    match bearer(headers) {
        Some(secret) => context.access.token(secret).is_some(),
        None => cookie(headers, &context.cookie).is_some_and(|token| context.access.has_session(token)),
    }
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
        let why = both!("the token is wrong, was deleted, or has ended", "令牌错误、已删除或已过期");
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, why));
    };
    if !token.lets(path, changes) {
        let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
        let (name, scopes) = (&token.name, scopes.join(", "));
        let why =
            both!("the token {name} is not for this; it is for {scopes}", "令牌 {name} 无此权限，其权限为 {scopes}");
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    Ok(context.access.session_of(&token))
}

fn check(session: &Session, least: Role, changes: bool, headers: &HeaderMap) -> Result<(), Refusal> {
    if session.role < least {
        let (name, takes, has) = (&session.name, least.as_str(), session.role.as_str());
        let (takes_zh, has_zh) = (least.in_chinese(), session.role.in_chinese());
        let why = Bilingual {
            en: format!("this takes the role {takes}, and {name} has the role {has}").into(),
            zh: format!("此操作需要角色“{takes_zh}”，而 {name} 的角色是“{has_zh}”").into(),
        };
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    if changes && headers.get(CSRF).is_none_or(|sent| sent.as_bytes() != session.csrf.as_bytes()) {
        let why = both!(
            "what changes something carries the session's `csrf` in the header {CSRF}",
            "更改内容的请求须在 {CSRF} 头中带上会话的 `csrf`"
        );
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
