//! `/api/v1/speakers`: somebody speaks over a loudspeaker, or hears whether it works.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_domain::violation::Language;
use forewarn_domain::{SpeakerId, SpokenText};
use serde::{Deserialize, Serialize};

use super::told::{Played, Texts};
use super::{OPERATOR, Page, ask, one_at_a_time, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::health::words;
use crate::ports::CameraNow;
use crate::refusal::Refusal;

/// The longest text that is spoken: half a minute.
const LONGEST: usize = 300;

/// The largest recording: half a minute of two channels at 48 kHz, and its header.
const TALK_BYTES: usize = 30 * 48_000 * 2 * 2 + 4096;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/speakers", OPERATOR, get(list)),
        page(Method::POST, "/api/v1/speakers/{id}/say", OPERATOR, post(say)),
        page(Method::GET, "/api/v1/speakers/prepared", OPERATOR, get(prepared)),
        page(Method::POST, "/api/v1/speakers/{id}/play", OPERATOR, post(play)),
        page(Method::POST, "/api/v1/speakers/{id}/talk", OPERATOR, post(talk).layer(DefaultBodyLimit::max(TALK_BYTES))),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, say, prepared, play, talk))]
pub(super) struct Described;

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Speakers {
    speakers: Vec<String>,
}

/// The loudspeakers.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/speakers",
    summary = "The loudspeakers",
    responses((status = 200, description = "Their names", body = Speakers))
))]
async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Speakers>, Refusal> {
    ask(move || {
        let speakers = reached(&context, &session).iter().map(ToString::to_string).collect();
        Ok(Json(Speakers { speakers }))
    })
    .await?
}

/// Those that speak at a camera which he reaches.
pub(super) fn reached(context: &Context, session: &Session) -> Vec<SpeakerId> {
    let mut all = context.ports.desk.speakers();
    if !session.cameras.is_all() {
        let cameras = context.ports.cameras.all();
        let near = |camera: &&CameraNow| session.cameras.has(camera.id.as_str());
        all.retain(|speaker| cameras.iter().filter(near).any(|camera| camera.is_spoken_to_by(speaker)));
    }
    all
}

/// What is to be said.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoken {
    #[cfg_attr(test, schema(min_length = 1, max_length = 300))]
    text: String,
    #[cfg_attr(test, schema(value_type = crate::document::Language))]
    language: Language,
}

impl Spoken {
    /// It, if it can be said.
    pub(super) fn checked(self) -> Result<SpokenText, Refusal> {
        let text = self.text.trim().to_owned();
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            let why = both!("say 1 to {LONGEST} characters in one line", "请输入一行 1 至 {LONGEST} 个字符");
            return Err(Refusal::wrong(why));
        }
        Ok(SpokenText { language: self.language, text })
    }
}

/// One speaks at a time.
pub(super) fn alone<T>(context: &Context, say: impl FnOnce() -> T) -> Result<T, Refusal> {
    let busy = both!("somebody is speaking; wait a moment", "有人正在喊话，请稍候");
    one_at_a_time(&context.speaking, busy, say)
}

/// The loudspeaker of a path, for one who reaches it. One that is not there is answered as a camera is that is not there.
fn find(context: &Context, session: &Session, id: &str) -> Result<SpeakerId, Refusal> {
    let found = reached(context, session).into_iter().find(|speaker| speaker.as_str() == id);
    found.ok_or_else(|| Refusal::nothing(words::NO_SPEAKER))
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/speakers/{id}/say",
    summary = "Speak a text over a loudspeaker, and wait until it was said",
    request_body = Spoken,
    responses((status = 200, description = "How long it sounded, and how far that is proven", body = Played))
))]
async fn say(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(spoken): Json<Spoken>,
) -> Result<Json<Played>, Refusal> {
    let text = spoken.checked()?;
    ask(move || {
        let speaker = find(&context, &session, &id)?;
        let said = alone(&context, || context.ports.desk.say(&speaker, &text))?;
        // Who spoke is written down whether or not it was heard.
        context.note(Some(&session.name), Act::Spoke, Some(speaker.as_str()), Some(text.text));
        let played = said.map_err(Refusal::conflict)?;
        Ok(Json(Played { played }))
    })
    .await?
}

/// Something that is ready to be said.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Prepared))]
#[derive(Serialize)]
struct ReadyTold {
    id: String,
    title: Texts,
    text: Texts,
    is_sound: bool,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Ready {
    prepared: Vec<ReadyTold>,
}

/// What is ready to be said.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/speakers/prepared",
    summary = "What is ready to be said: the texts of the site's warnings, and the sound files beside its violations",
    responses((status = 200, description = "All of it", body = Ready))
))]
async fn prepared(State(context): State<Arc<Context>>) -> Result<Json<Ready>, Refusal> {
    ask(move || {
        let all = context.ports.desk.prepared();
        let told = all.iter().map(|one| ReadyTold {
            id: one.id.clone(),
            title: (&one.title).into(),
            text: (&one.text).into(),
            is_sound: one.sound.is_some(),
        });
        Ok(Json(Ready { prepared: told.collect() }))
    })
    .await?
}

/// What of it, and in which language.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// The `id` of one of them.
    prepared: String,
    #[cfg_attr(test, schema(value_type = crate::document::Language))]
    language: Language,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/speakers/{id}/play",
    summary = "Say or play over a loudspeaker what is ready, and wait until it was heard",
    request_body = Chosen,
    responses((status = 200, description = "How long it sounded, and how far that is proven", body = Played))
))]
async fn play(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(asked): Json<Chosen>,
) -> Result<Json<Played>, Refusal> {
    ask(move || {
        let speaker = find(&context, &session, &id)?;
        let found = context.ports.desk.prepared().into_iter().find(|one| one.id == asked.prepared);
        let found = found.ok_or_else(|| Refusal::wrong(words::NOT_PREPARED))?;
        let said = alone(&context, || context.ports.desk.play(&speaker, &found, asked.language))?;
        context.note(Some(&session.name), Act::Played, Some(speaker.as_str()), Some(found.id));
        let played = said.map_err(Refusal::conflict)?;
        Ok(Json(Played { played }))
    })
    .await?
}

/// Plays what somebody said into a microphone. Nothing of it is kept but who spoke, and for how long it sounded.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/speakers/{id}/talk",
    summary = "Have what somebody said into a microphone played by a loudspeaker, before all that the agent says by itself, and wait for it",
    request_body(content = [u8], description = "A WAV file of 16-bit samples, of at most 30 s", content_type = "audio/wav"),
    responses((status = 200, description = "How long it sounded, and how far that is proven", body = Played))
))]
async fn talk(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    headers: HeaderMap,
    wav: Bytes,
) -> Result<Json<Played>, Refusal> {
    let is_wav = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "audio/wav");
    ask(move || {
        let speaker = find(&context, &session, &id)?;
        if !is_wav {
            let why = both!("send a WAV file, as `audio/wav`", "请以 `audio/wav` 发送 WAV 文件");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        let said = alone(&context, || context.ports.desk.talk(&speaker, &wav))?;
        let lasted = said.as_ref().map_or_else(|_| "not heard".to_owned(), Clone::clone);
        context.note(Some(&session.name), Act::Talked, Some(speaker.as_str()), Some(lasted));
        let played = said.map_err(Refusal::conflict)?;
        Ok(Json(Played { played }))
    })
    .await?
}
