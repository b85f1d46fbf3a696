//! `/api/v1/site/cameras` and `/api/v1/site/hear`: what is there to be added: cameras that answer on the network, the streams of
//! one, and how a loudspeaker sounds before it is saved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use axum::routing::post;
use axum::{Extension, Json};
use forewarn_domain::found_camera::AskedCamera;
use forewarn_domain::site_change::NewSpeaker;
use serde::Deserialize;
use serde_json::{Value, json};

use super::site::refused;
use super::speakers::{Spoken, alone};
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

/// Asked by `POST`, because everybody on the network is asked anew each time.
async fn cameras(State(context): State<Arc<Context>>) -> Result<Json<Value>, Refusal> {
    ask(move || Ok(Json(json!({ "cameras": context.ports.site.find().map_err(refused)? })))).await?
}

async fn streams(State(context): State<Arc<Context>>, Json(camera): Json<AskedCamera>) -> Result<Json<Value>, Refusal> {
    ask(move || Ok(Json(json!({ "streams": context.ports.site.streams(&camera).map_err(refused)? })))).await?
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    speaker: NewSpeaker,
    say: Spoken,
}

async fn hear(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(Heard { speaker, say }): Json<Heard>,
) -> Result<Json<Value>, Refusal> {
    let text = say.checked()?;
    ask(move || {
        let said = alone(&context, || context.ports.site.hear(&speaker, &text))?;
        context.note(Some(&session.name), Act::Spoke, Some(speaker.id.as_str()), Some(text.text));
        Ok(Json(json!({ "played": said.map_err(refused)? })))
    })
    .await?
}
