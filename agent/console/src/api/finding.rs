//! `/api/v1/site/cameras` and `/api/v1/site/hear`: what is there to be added: cameras that answer on the network, the streams of
//! one, and how a loudspeaker sounds before it is saved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use axum::routing::post;
use axum::{Extension, Json};
use forewarn_domain::found_camera::{AskedCamera, FoundCamera, FoundStream};
use forewarn_domain::site_change::NewSpeaker;
use serde::{Deserialize, Serialize};

use super::site::refused;
use super::speakers::{Spoken, alone};
use super::told::Played;
use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::POST, "/api/v1/site/cameras", ADMIN, post(cameras)),
        page(Method::POST, "/api/v1/site/streams", ADMIN, post(streams)),
        page(Method::POST, "/api/v1/site/hear", ADMIN, post(hear)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(cameras, streams, hear))]
pub(super) struct Described;

/// The cameras that answered.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Answered {
    #[cfg_attr(test, schema(value_type = Vec<crate::document::FoundCamera>))]
    cameras: Vec<FoundCamera>,
}

/// The streams of one, the largest first.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Offered {
    #[cfg_attr(test, schema(value_type = Vec<crate::document::FoundStream>))]
    streams: Vec<FoundStream>,
}

/// Asked by `POST`, because everybody on the network is asked anew each time.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/cameras",
    summary = "The cameras that answer on the network by WS-Discovery; it takes 3 s",
    responses((status = 200, description = "They are told, each with the address at which it is asked", body = Answered))
))]
async fn cameras(State(context): State<Arc<Context>>) -> Result<Json<Answered>, Refusal> {
    ask(move || Ok(Json(Answered { cameras: context.ports.site.find().map_err(refused)? }))).await?
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/streams",
    summary = "The streams that a camera offers by ONVIF, the largest first",
    request_body = crate::document::AskedCamera,
    responses((status = 200, description = "They are told", body = Offered))
))]
async fn streams(
    State(context): State<Arc<Context>>,
    Json(camera): Json<AskedCamera>,
) -> Result<Json<Offered>, Refusal> {
    ask(move || Ok(Json(Offered { streams: context.ports.site.streams(&camera).map_err(refused)? }))).await?
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    #[cfg_attr(test, schema(value_type = crate::document::NewSpeaker))]
    speaker: NewSpeaker,
    say: Spoken,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/hear",
    summary = "Say a text over a loudspeaker that is to be added; nothing is saved",
    request_body = Heard,
    responses((status = 200, description = "It was played", body = Played))
))]
async fn hear(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(Heard { speaker, say }): Json<Heard>,
) -> Result<Json<Played>, Refusal> {
    let text = say.checked()?;
    ask(move || {
        let said = alone(&context, || context.ports.site.hear(&speaker, &text))?;
        context.note(Some(&session.name), Act::Spoke, Some(speaker.id.as_str()), Some(text.text));
        Ok(Json(Played { played: said.map_err(refused)? }))
    })
    .await?
}
