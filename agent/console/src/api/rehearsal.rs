//! `/api/v1/cameras/{id}/rehearsal`: what a camera's footage would have raised with changes that are not saved, beside what was
//! raised.

use std::fs;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use forewarn_domain::StreamId;
use forewarn_domain::site_change::SiteChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cameras::{camera_of, is_of_the_site};
use super::site::refused;
use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::health::words;
use crate::job::Busy;
use crate::refusal::Refusal;
use crate::rehearsals::{Order, Row, Standing, compare};
use crate::store::Filter;

/// Changes in one request.
const MOST: usize = 200;
/// Footage that is looked at where nobody says how much, and at most.
const MINUTES: u32 = 60;
/// Incidents of an hour that are told beside.
const INCIDENTS: usize = 500;

pub(super) fn pages() -> Vec<Page> {
    const PATH: &str = "/api/v1/cameras/{id}/rehearsal";
    vec![
        page(Method::GET, PATH, ADMIN, get(so_far)),
        page(Method::POST, PATH, ADMIN, post(begin)),
        page(Method::DELETE, PATH, ADMIN, delete(stop)),
        page(Method::GET, "/api/v1/cameras/{id}/rehearsal/{name}", ADMIN, get(picture)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(so_far, begin, stop, picture))]
pub(super) struct Described;

/// How it stands, and what came of it.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Rehearsal))]
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    standing: Standing,
    /// Whether the camera keeps footage at all.
    has_footage: bool,
    from_us: Option<i64>,
    to_us: Option<i64>,
    until_us: Option<i64>,
    gaps: Vec<[i64; 2]>,
    rows: Vec<Row>,
}

fn told(context: &Context, camera: &StreamId) -> Result<Told, Refusal> {
    let (standing, found) = context.rehearsals.of(camera.as_str());
    let was = match (found.span_us, found.until_us) {
        (Some((from_us, _)), Some(until_us)) => {
            let camera = Some(camera.to_string());
            let filter = Filter { camera, from_us: Some(from_us), to_us: Some(until_us), ..Filter::default() };
            context.index.page(&filter, INCIDENTS)?.0
        }
        _ => Vec::new(),
    };
    Ok(Told {
        standing,
        has_footage: has_footage(context, camera),
        from_us: found.span_us.map(|(from, _)| from),
        to_us: found.span_us.map(|(_, to)| to),
        until_us: found.until_us,
        gaps: found.gaps,
        rows: compare(&found.raised, was),
    })
}

fn has_footage(context: &Context, camera: &StreamId) -> bool {
    let days = fs::read_dir(context.setup.places.footage.join(camera.as_str()));
    days.is_ok_and(|mut days| days.next().is_some())
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras/{id}/rehearsal",
    summary = "What the latest rehearsal of this camera has found so far, beside what was raised",
    responses((status = 200, description = "How it stands", body = Told))
))]
async fn so_far(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Result<Json<Told>, Refusal> {
    let camera = camera_of(&id)?;
    ask(move || {
        is_of_the_site(&context, &camera)?;
        told(&context, &camera).map(Json)
    })
    .await?
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = NewRehearsal))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// As for `/api/v1/site/changes`; none to try the site as it is.
    #[cfg_attr(test, schema(value_type = Vec<Object>, max_items = 200))]
    changes: Vec<Value>,
    #[serde(default)]
    #[cfg_attr(test, schema(minimum = 1, maximum = 60))]
    minutes: Option<u32>,
}

/// Only what is looked for there can be tried by footage.
fn checked(changes: &[Value], camera: &StreamId) -> Result<Vec<SiteChange>, Refusal> {
    if changes.len() > MOST {
        return Err(Refusal::wrong(both!("try at most {MOST} changes", "一次最多试运行 {MOST} 项更改")));
    }
    let read = |change| {
        SiteChange::deserialize(change)
            .map_err(|error| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, Bilingual::quoted(error, "更改的格式有误")))
    };
    let changes = changes.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if changes.iter().any(|change| change.watched_at() != Some(camera)) {
        let why = both!(
            "zones, lines, masks, exclusions and rules of {camera} can be tried; the rest changes nothing of what is seen there",
            "只能试运行 {camera} 的区域、警戒线、遮挡、排除区域和规则，其他更改不影响其识别"
        );
        return Err(Refusal::wrong(why));
    }
    Ok(changes)
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/cameras/{id}/rehearsal",
    summary = "Begin to try changes that are not saved on the camera's footage; one rehearsal goes on at a time",
    request_body = Asked,
    responses((status = 200, description = "It goes on", body = Told))
))]
async fn begin(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Asked { changes, minutes }): Json<Asked>,
) -> Result<Json<Told>, Refusal> {
    let camera = camera_of(&id)?;
    let minutes = minutes.unwrap_or(MINUTES);
    if !(1..=MINUTES).contains(&minutes) {
        return Err(Refusal::wrong(both!("`minutes` is 1 to {MINUTES}", "`minutes` 为 1 至 {MINUTES}")));
    }
    let read = checked(&changes, &camera)?;
    ask(move || {
        is_of_the_site(&context, &camera)?;
        if !has_footage(&context, &camera) {
            let why = both!(
                "no footage is kept of {camera}, so nothing can be tried; write `footage = true` for it in the site file",
                "{camera} 没有保存录像，无法试运行；请在站点文件中为其设置 `footage = true`"
            );
            return Err(Refusal::conflict(why));
        }
        if !read.is_empty() {
            context.ports.site.change(&read, None).map_err(refused)?;
        }
        let setup = &context.setup;
        let site_file = setup.site_file.as_deref().ok_or_else(|| Refusal::conflict(words::NO_SITE_FILE))?;
        let changes = (!changes.is_empty()).then(|| Value::from(changes).to_string());
        let scratch = &setup.places.scratch;
        let order = Order { camera: camera.as_str(), site_file, changes, minutes, scratch, program: &setup.program };
        context.rehearsals.begin(&order).map_err(Refusal::failed)?.map_err(|Busy| {
            Refusal::conflict(both!("something is being tried; wait, or stop it", "正在进行另一次试运行，请等待或停止"))
        })?;
        context.note(Some(&session.name), Act::Rehearsed, Some(camera.as_str()), None);
        told(&context, &camera).map(Json)
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/cameras/{id}/rehearsal",
    summary = "Stop the rehearsal of this camera; what it found stays",
    responses((status = 204, description = "It is being stopped"))
))]
async fn stop(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let camera = camera_of(&id)?;
    if context.rehearsals.stop(camera.as_str()) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::nothing(both!("nothing is being tried of {camera}", "{camera} 没有进行中的试运行")))
}

type Picture = ([(HeaderName, &'static str); 2], Vec<u8>);

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras/{id}/rehearsal/{name}",
    summary = "A picture of what would have been raised",
    responses((status = 200, description = "The picture", body = [u8], content_type = "image/jpeg"))
))]
async fn picture(
    State(context): State<Arc<Context>>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Picture, Refusal> {
    ask(move || {
        let bytes = context.rehearsals.picture(&id, &name).and_then(|path| fs::read(path).ok());
        let bytes = bytes.ok_or_else(|| Refusal::nothing(both!("there is no such picture", "没有此图片")))?;
        Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")], bytes))
    })
    .await?
}
