//! `/api/v1/incidents/{id}/again`: an incident's clip decided twice, by the setting of its bundle and by another, and what each
//! sees in every picture.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, Method, header};
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_evidence::Deed;
use serde::{Deserialize, Serialize};

use super::take_out::kept;
use super::{OPERATOR, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::again::{Order, Side, Told};
use crate::bilingual::both;
use crate::context::Context;
use crate::job::Busy;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/incidents/{id}/again", OPERATOR, get(so_far)),
        page(Method::POST, "/api/v1/incidents/{id}/again", OPERATOR, post(begin)),
        page(Method::GET, "/api/v1/incidents/{id}/again/{name}", OPERATOR, get(sights)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(begin, so_far, sights))]
pub(super) struct Described;

/// The longest name of a card.
const CARD_LENGTH: usize = 100;

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = AnotherModel))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// The name of a model card for the second decision.
    model: Option<String>,
}

/// How both decisions stand; null where none was asked for.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Decisions))]
#[derive(Serialize)]
struct Both {
    #[cfg_attr(test, schema(required))]
    again: Option<Told>,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/again",
    summary = "Have the clip of an incident decided twice: by the setting of its bundle, and by the site as it is now or by another model; one clip at a time",
    request_body = Asked,
    responses((status = 200, description = "How both decisions stand; null where none was asked for", body = Both))
))]
async fn begin(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Asked { model }): Json<Asked>,
) -> Result<Json<Both>, Refusal> {
    let model = model.map(|model| model.trim().to_owned()).filter(|model| !model.is_empty());
    ask(move || {
        let (record, bundle) = kept(&context, &session, &id)?;
        let is_card =
            |model: &String| model.len() <= CARD_LENGTH && !model.starts_with('-') && !model.contains(['/', '\0']);
        if model.as_ref().is_some_and(|model| !is_card(model)) {
            return Err(Refusal::wrong(both!("name a model card, such as yolox-s", "请填写模型卡名称，例如 yolox-s")));
        }
        let setup = &context.setup;
        if model.is_none() && setup.site_file.is_none() {
            let why = both!(
                "this run has no site file that could have changed; name another model card",
                "本次运行没有可比较的站点文件，请填写另一个模型卡"
            );
            return Err(Refusal::wrong(why));
        }
        let order = Order {
            incident: record.id.as_str(),
            bundle: &bundle,
            who: &session.name,
            site_file: setup.site_file.as_deref(),
            model,
            scratch: &setup.places.scratch,
            program: &setup.program,
        };
        context.comparisons.begin(&order).map_err(Refusal::failed)?.map_err(|Busy| {
            Refusal::conflict(both!("another clip is being decided again; wait a moment", "正在重放另一段录像，请稍候"))
        })?;
        context.note(Some(&session.name), Act::Evidence(Deed::Replayed), Some(record.id.as_str()), order.model);
        Ok(Json(Both { again: context.comparisons.of(record.id.as_str()) }))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/again",
    summary = "How the clip of an incident comes out by the setting of its bundle, and by the site as it is now or another model",
    responses((status = 200, description = "How both decisions stand; null where none was asked for", body = Both))
))]
async fn so_far(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Json<Both>, Refusal> {
    ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        Ok(Json(Both { again: context.comparisons.of(record.id.as_str()) }))
    })
    .await?
}

type Lines = ([(HeaderName, &'static str); 2], String);

/// What one side sees, a JSON line for each picture.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/again/{name}",
    summary = "What one decision sees in each picture, a line of JSON for each: its time in the clip and its tracks",
    params(("name" = inline(crate::again::Side), Path)),
    responses((status = 200, description = "The lines", body = String, content_type = "application/jsonl"))
))]
async fn sights(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Lines, Refusal> {
    ask(move || {
        let (record, _) = kept(&context, &session, &id)?;
        let lines = Side::named(&name).and_then(|side| context.comparisons.sights(record.id.as_str(), side));
        let nothing = || Refusal::nothing(both!("nothing was decided again here", "此处没有重放结果"));
        let kinds = [(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "no-store")];
        Ok((kinds, lines.ok_or_else(nothing)?))
    })
    .await?
}
