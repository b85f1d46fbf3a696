//! `/api/v1/incidents/{id}/said/{number}`: what a loudspeaker said for an incident, to be heard again. The words stand in the answer
//! of the incident itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::routing::get;
use forewarn_domain::SpokenText;
use forewarn_evidence::Said;

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
