//! `/api/v1/incidents/{id}/preview`: small copies of an incident's clips, in H.264, for browsers that cannot play the clips.
//! They are looked at, and are no evidence.

use std::fs::File;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_evidence::Deed;

use super::files::served;
use super::take_out::kept;
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::job::Busy;
use crate::redactor::{Hidden, Order, Progress};
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/incidents/{id}/preview", VIEWER, get(so_far)),
        page(Method::POST, "/api/v1/incidents/{id}/preview", VIEWER, post(begin)),
        page(Method::GET, "/api/v1/incidents/{id}/preview/{name}", VIEWER, get(clip)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(so_far, begin, clip))]
pub(super) struct Described;

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/preview",
    summary = "How far the small copies of the incident's clips are",
    responses((status = 200, description = "How far it has come", body = Progress))
))]
async fn so_far(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Json<Progress>, Refusal> {
    ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        Ok(Json(context.previewer.progress(record.id.as_str())))
    })
    .await?
}

/// Begins to make them, unless they are there or being made.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/preview",
    summary = "Make small copies of the incident's clips, in H.264, for browsers that cannot play the clips; they are no evidence",
    responses((status = 200, description = "How far it has come", body = Progress))
))]
async fn begin(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Json<Progress>, Refusal> {
    ask(move || {
        let (record, bundle) = kept(&context, &session, &id)?;
        let incident = record.id.as_str();
        let now = context.previewer.progress(incident);
        if matches!(now, Progress::Running { .. } | Progress::Done { .. }) {
            return Ok(Json(now));
        }
        let setup = &context.setup;
        let order = Order {
            incident,
            bundle: &bundle,
            hidden: Hidden::Nothing,
            who: &session.name,
            site_file: None,
            scratch: &setup.places.scratch,
            program: &setup.program,
        };
        context.previewer.begin(&order).map_err(Refusal::failed)?.map_err(|Busy| {
            let why =
                both!("a preview of another incident is being made; wait a moment", "正在生成另一事件的预览，请稍候");
            Refusal::conflict(why)
        })?;
        context.note_access(&session.name, &record, Deed::Shown, Some("as a preview".to_owned()));
        Ok(Json(context.previewer.progress(incident)))
    })
    .await?
}

/// The preview of one clip.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/preview/{name}",
    summary = "The small copy of a clip, by the clip's name; a part of it where one is asked for",
    responses((status = 200, description = "The file", body = [u8], content_type = "*/*"), (status = 206, description = "A part of it"), (status = 416, description = "No such part", body = crate::refusal::Told))
))]
async fn clip(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (file, bytes) = ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        let nothing = || Refusal::nothing(both!("no preview of this clip is ready", "此录像没有已生成的预览"));
        let is_plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        let stem = name.strip_suffix(".mp4").filter(|_| is_plain).ok_or_else(nothing)?;
        let (folder, _) = context.previewer.done(record.id.as_str()).ok_or_else(nothing)?;
        let file = File::open(folder.join(format!("{stem}-preview.mp4"))).map_err(|_| nothing())?;
        let bytes = file.metadata().map_err(Refusal::failed)?.len();
        Ok::<_, Refusal>((file, bytes))
    })
    .await??;
    served(&headers, "video/mp4", file, bytes)
}
