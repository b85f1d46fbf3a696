//! `/api/v1/stats/map`: how orderly the site's places are, where its cameras stand and flew, and what the map of it lies on.

use std::fs;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, Method, header};
use axum::routing::get;
use axum::{Extension, Json};
use forewarn_domain::MapGround;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::numbers::day;
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::ports::CameraNow;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/stats/map", VIEWER, get(map)),
        page(Method::GET, "/api/v1/stats/map/picture", VIEWER, get(picture)),
        page(Method::GET, "/api/v1/stats/map/tiles/{zoom}/{x}/{y}", VIEWER, get(tile)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(map, picture, tile))]
pub(super) struct Described;

/// So many days are told where nobody says from which on.
const DAYS: i64 = 30;
/// The deepest zoom by which maps of the web are cut.
const DEEPEST: u8 = 24;
/// Pictures that browsers show, by the ends of their names; a tile is one of these.
const KINDS: [(&str, &str); 4] =
    [("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp")];

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    #[cfg_attr(test, param(format = Date))]
    from: Option<String>,
    #[cfg_attr(test, param(format = Date))]
    to: Option<String>,
}

/// What the map shows. Places on it are longitude and latitude, or, where `is_plan`, parts of the picture's width and height.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Places {
    from: String,
    to: String,
    ground: Ground,
    /// The narrowest places, each with its score and, where it is known, its outline; docs/civility-index.md tells them.
    #[cfg_attr(test, schema(value_type = Vec<Object>))]
    cells: Vec<Value>,
    cameras: Vec<OnMap>,
    ways: Vec<Way>,
}

/// What it lies on.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Ground {
    has_picture: bool,
    is_plan: bool,
    /// Longitude and latitude of the picture's lower left and upper right corner.
    corners: Option<[[f64; 2]; 2]>,
    /// The coarsest and the finest zoom of its tiles.
    zooms: Option<[u8; 2]>,
}

/// Where a camera stands.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct OnMap {
    id: String,
    at: Option<[f64; 2]>,
    /// Why it gives no picture; null while it does.
    trouble: Option<String>,
    trouble_zh: Option<String>,
}

/// Where one flew, as longitude and latitude.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Way {
    camera: String,
    points: Vec<[f64; 2]>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/stats/map",
    summary = "How orderly the site's places were on some days (the last 30 where none are named), where its cameras stand and flew, and what the map of it lies on",
    params(Asked),
    responses((status = 200, description = "The map", body = Places))
))]
async fn map(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Query(asked): Query<Asked>,
) -> Result<Json<Places>, Refusal> {
    let (from, to) = (day(asked.from)?, day(asked.to)?);
    ask(move || {
        let today = Timestamp::from_microsecond(context.wall_now().as_micros()).unwrap_or_default();
        let zone = TimeZone::get(&context.setup.time_zone).unwrap_or(TimeZone::UTC);
        let to = to.unwrap_or_else(|| today.to_zoned(zone).date());
        let from = from.unwrap_or_else(|| to.saturating_sub((DAYS - 1).days()));
        if from > to {
            return Err(Refusal::wrong(both!("{from} comes after {to}", "{from} 晚于 {to}")));
        }
        let mut cameras = context.ports.cameras.all();
        cameras.retain(|camera| session.cameras.has(camera.id.as_str()));
        let mut now = context.ports.incidents.places(&cameras, (from, to)).map_err(no_places)?;
        now.ways.retain(|(camera, _)| session.cameras.has(camera.as_str()));
        Ok(Json(Places {
            from: from.to_string(),
            to: to.to_string(),
            ground: told_of(&context.ports.cameras.ground()),
            cells: now.cells,
            cameras: cameras.iter().map(stands).collect(),
            ways: now.ways.into_iter().map(|(camera, points)| Way { camera: camera.to_string(), points }).collect(),
        }))
    })
    .await?
}

/// A file of the map was broken since the site file was checked.
fn no_places(why: String) -> Refusal {
    tracing::error!("[map] {why}");
    Refusal::conflict(Bilingual::quoted(why, "无法计算地图，请用 `forewarn check` 检查站点文件"))
}

fn stands(camera: &CameraNow) -> OnMap {
    let (en, zh) = camera.trouble.clone().map(|why| (why.en.into_owned(), why.zh.into_owned())).unzip();
    OnMap { id: camera.id.to_string(), at: camera.at, trouble: en, trouble_zh: zh }
}

fn told_of(ground: &MapGround) -> Ground {
    let zooms = ground.tiles.as_deref().and_then(zooms);
    Ground { has_picture: ground.picture.is_some(), is_plan: ground.is_plan(), corners: ground.corners, zooms }
}

/// The coarsest and the finest zoom for which there are tiles.
fn zooms(folder: &FilePath) -> Option<[u8; 2]> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let zooms: Vec<u8> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|zoom| *zoom <= DEEPEST).collect();
    Some([*zooms.iter().min()?, *zooms.iter().max()?])
}

type Picture = ([(HeaderName, &'static str); 2], Vec<u8>);

/// A picture of the site's; none where it is not there.
fn shown(path: &FilePath) -> Result<Option<Picture>, Refusal> {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default().to_lowercase();
    let kind = KINDS.iter().find(|(end, _)| *end == kind).map_or("application/octet-stream", |(_, kind)| kind);
    match fs::read(path) {
        Ok(bytes) => Ok(Some(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=300")], bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::failed(format_args!("{}: {error}", path.display()))),
    }
}

fn no_map() -> Bilingual {
    both!(
        "the site gives no such map; `[map]` in the site file names one",
        "站点没有此地图；请在站点文件的 `[map]` 中指定"
    )
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/stats/map/picture",
    summary = "The plan of the site that `[map]` names",
    responses((status = 200, description = "The plan", content(([u8] = "image/png"), ([u8] = "image/jpeg"), ([u8] = "image/webp"))))
))]
async fn picture(State(context): State<Arc<Context>>) -> Result<Picture, Refusal> {
    ask(move || {
        let path = context.ports.cameras.ground().picture.ok_or_else(|| Refusal::nothing(no_map()))?;
        shown(&path)?.ok_or_else(|| Refusal::nothing(no_map()))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/stats/map/tiles/{zoom}/{x}/{y}",
    summary = "A tile of the site's map, of those that `[map]` names",
    params(("zoom" = u8, Path, maximum = 24), ("x" = u32, Path, maximum = 16_777_215), ("y" = u32, Path, maximum = 16_777_215)),
    responses((status = 200, description = "The tile", content(([u8] = "image/png"), ([u8] = "image/jpeg"), ([u8] = "image/webp"))))
))]
async fn tile(
    State(context): State<Arc<Context>>,
    Path((zoom, x, y)): Path<(u8, u32, u32)>,
) -> Result<Picture, Refusal> {
    ask(move || {
        let folder = context.ports.cameras.ground().tiles.ok_or_else(|| Refusal::nothing(no_map()))?;
        for (end, _) in KINDS {
            if let Some(picture) = shown(&folder.join(format!("{zoom}/{x}/{y}.{end}")))? {
                return Ok(picture);
            }
        }
        Err(Refusal::nothing(no_map()))
    })
    .await?
}
