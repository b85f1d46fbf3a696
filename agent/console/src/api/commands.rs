//! `/api/v1/commands`: a signed command, as the broker takes it, for whoever speaks HTTP alone.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::routing::post;
use axum::{Extension, Json};
use serde_json::Value;

use super::{OPERATOR, Page, ask, one_at_a_time, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::POST, "/api/v1/commands", OPERATOR, post(command))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(command))]
pub(super) struct Described;

/// One is done at a time. Who asked is in the audit log of
/// commands, by the name that is signed.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/commands",
    summary = "Have a signed command done, as the broker takes it, and wait for its reply",
    request_body(content = String, description = "The signature, a space, and the command as JSON; docs/commands.md tells more", content_type = "text/plain"),
    responses((status = 200, description = "It was done; the reply says what was found", body = Object), (status = 403, description = "It was refused; the reply says why", body = Object), (status = 409, description = "It could not be done, or nobody has looked at it", body = Object))
))]
async fn command(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    message: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    // What a command is about is known when its signature was judged, by a key that is for the whole site.
    if !session.cameras.is_all() {
        let why = both!(
            "commands are for the whole site, and this account or token is limited to cameras",
            "命令作用于整个站点，而此账户或令牌仅限部分摄像机"
        );
        return Err(Refusal::new(StatusCode::FORBIDDEN, why));
    }
    ask(move || {
        let busy = both!("another command is being done; send it again in a moment", "正在执行另一条命令，请稍候重试");
        let reply = one_at_a_time(&context.commanding, busy, || context.ports.desk.command(message.to_vec()))?;
        let reply = reply.map_err(Refusal::conflict)?;
        let status = match reply["outcome"].as_str() {
            Some("done") => StatusCode::OK,
            Some("refused") => StatusCode::FORBIDDEN,
            _ => StatusCode::CONFLICT,
        };
        Ok((status, Json(reply)))
    })
    .await?
}
