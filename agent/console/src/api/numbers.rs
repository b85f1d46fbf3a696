//! `/api/v1/stats`: how well warnings work; `/api/v1/cameras/ID/heat`: where people stayed, over the camera's scene.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, Method, header};
use axum::routing::get;
use axum::{Extension, Json};
use forewarn_domain::StreamId;
use forewarn_memory::heat;
use image::codecs::jpeg::JpegEncoder;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::incidents::is_known;
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::gate::reaches;
use crate::ports::StatsAsked;
use crate::refusal::Refusal;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/stats", VIEWER, get(stats)),
        page(Method::GET, "/api/v1/cameras/{id}/heat", VIEWER, get(heat_map)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(stats, heat_map))]
pub(super) struct Described;

/// As good as smooth colours need.
const QUALITY: u8 = 82;

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    camera: Option<String>,
    violation: Option<String>,
    #[cfg_attr(test, param(format = Date))]
    from: Option<String>,
    #[cfg_attr(test, param(format = Date))]
    to: Option<String>,
}

/// A field that a form leaves empty says nothing.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// A day as it is written, `2026-11-30`.
pub(super) fn day(text: Option<String>) -> Result<Option<Date>, Refusal> {
    let wrong = |_| Refusal::wrong(both!("a day is written like 2026-11-30", "日期格式为 2026-11-30"));
    given(text).map(|text| text.parse().map_err(wrong)).transpose()
}

/// How well warnings work.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/stats",
    summary = "How well warnings work: given, heard, heeded and how soon; docs/statistics.md tells the figures",
    params(Asked),
    responses((status = 200, description = "The figures", body = Object))
))]
async fn stats(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refusal> {
    let days = (day(asked.from)?, day(asked.to)?);
    if let (Some(from), Some(to)) = days
        && from > to
    {
        return Err(Refusal::wrong(both!("{from} comes after {to}", "{from} 晚于 {to}")));
    }
    ask(move || {
        let cameras = match given(asked.camera) {
            Some(camera) => is_known(&context, &session, &camera).map(|()| Some(vec![camera]))?,
            None => session.cameras.names(),
        };
        let asked = StatsAsked { cameras, violation: given(asked.violation), days };
        context.ports.incidents.stats(asked).map(Json).map_err(Refusal::failed)
    })
    .await?
}

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Heat {
    #[cfg_attr(test, param(format = Date))]
    from: Option<String>,
    #[cfg_attr(test, param(format = Date))]
    to: Option<String>,
    /// An hour of the day at the site; all of them if absent.
    #[cfg_attr(test, param(minimum = 0, maximum = 23))]
    hour: Option<i8>,
}

type Picture = ([(HeaderName, &'static str); 2], Vec<u8>);

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras/{id}/heat",
    summary = "Where people stayed on some days, in one hour of the day where one is named, over the camera's scene; needs `[heat_map]`",
    params(Heat),
    responses((status = 200, description = "The map", body = [u8], content_type = "image/jpeg"))
))]
async fn heat_map(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(Heat { from, to, hour }): Query<Heat>,
) -> Result<Picture, Refusal> {
    let camera = StreamId::new(&id).map_err(|error| Refusal::nothing(Bilingual::quoted(error, "摄像机名称有误")))?;
    reaches(&session, &id)?;
    let days = (day(from)?, day(to)?);
    if hour.is_some_and(|hour| !(0..24).contains(&hour)) {
        return Err(Refusal::wrong(both!("an hour is 0 to 23", "小时为 0 至 23")));
    }
    ask(move || {
        let (dir, zone) = (context.setup.places.heat.clone(), &context.setup.time_zone);
        let drawn = heat::over_scene(dir, zone, &camera, days, hour).map_err(Refusal::failed)?;
        let drawn = drawn.ok_or_else(|| {
            Refusal::nothing(both!(
                "no heat is kept of that time; `[heat_map]` in the site file keeps it from then on",
                "该时段没有热力图数据；在站点文件中加入 `[heat_map]` 后开始记录"
            ))
        })?;
        let mut jpeg = Vec::new();
        drawn.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY)).map_err(Refusal::failed)?;
        Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")], jpeg))
    })
    .await?
}
