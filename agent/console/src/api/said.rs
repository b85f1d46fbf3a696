//! `/api/v1/incidents/{id}/said/{number}`: what a loudspeaker said for an incident, to be heard again. The words stand in the answer
//! of the incident itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::routing::get;
use forewarn_domain::SpokenText;
use forewarn_domain::violation::Language;
use forewarn_evidence::Said;
use serde::Serialize;

use super::{Page, VIEWER, ask, incidents, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/incidents/{id}/said/{number}", VIEWER, get(sound))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(sound))]
pub(super) struct Described;

/// An announcement that was played.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Said))]
#[derive(Serialize)]
pub(super) struct Told {
    /// When it had been played, RFC 3339 in UTC.
    at: String,
    /// Which warning of the incident it was, from 1.
    attempt: u32,
    /// Over which loudspeaker.
    speaker: String,
    #[cfg_attr(test, schema(value_type = crate::document::Language))]
    language: Language,
    /// Word for word; empty where a sound alone was played.
    text: String,
    /// The sound file that was played in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
}

impl From<Said> for Told {
    fn from(Said { at, attempt, speaker, language, text, sound }: Said) -> Self {
        Self { at, attempt, speaker: speaker.to_string(), language, text, sound }
    }
}

type Wav = ([(HeaderName, &'static str); 2], Vec<u8>);

/// One of them, counted from 1, made again from its words in the voice of its loudspeaker.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/said/{number}",
    summary = "An announcement as a sound, counted from 1",
    params(("number" = u32, Path, minimum = 1)),
    responses((status = 200, description = "A WAV file", body = [u8], content_type = "audio/wav"))
))]
async fn sound(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Wav, Refusal> {
    ask(move || {
        let nothing = || Refusal::nothing(both!("nothing else was said", "没有该条播报"));
        let (record, _) = incidents::find(&context, &session, &id)?;
        let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)).ok_or_else(nothing)?;
        let bundle = context.bundle(&record).ok_or_else(nothing)?;
        let said = Said::read(&bundle).map_err(Refusal::failed)?.into_iter().nth(at).ok_or_else(nothing)?;
        context.note_look(&session.name, &record, &headers);
        let text = SpokenText { language: said.language, text: said.text };
        let wav = context.ports.desk.wav(&said.speaker, text, said.sound).map_err(Refusal::conflict)?;
        Ok(([(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "private, max-age=600")], wav))
    })
    .await?
}
