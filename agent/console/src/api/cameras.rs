//! `/api/v1/cameras`: the cameras with their zones and what is looked for, and a picture of now.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, Method, header};
use axum::routing::get;
use axum::{Extension, Json};
use forewarn_base::sync::lock;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::told::Texts;
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::gate::reaches;
use crate::health::words;
use crate::ports::CameraNow;
use crate::refusal::Refusal;
use crate::still::{PREVIEW_PX, Still, jpeg, within};

/// A picture so old serves everybody who asks meanwhile.
const FRESH: Duration = Duration::from_secs(1);
/// The same of a preview, where a browser cannot play what the camera sends.
const FRESH_PREVIEW: Duration = Duration::from_millis(150);

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/cameras", VIEWER, get(list)),
        page(Method::GET, "/api/v1/cameras/{id}/still", VIEWER, get(still)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, still))]
pub(super) struct Described;

/// A zone or line of a camera.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct ZoneTold {
    id: String,
    is_area: bool,
    #[cfg_attr(test, schema(value_type = crate::document::Unit))]
    unit: ZoneUnit,
    points: Vec<[f32; 2]>,
}

/// What is looked for at one.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct RuleTold {
    violation: String,
    zone: String,
    title: Texts,
}

/// A camera.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Camera {
    id: String,
    /// Why it gives no picture; null while it does.
    #[cfg_attr(test, schema(required))]
    trouble: Option<String>,
    #[cfg_attr(test, schema(required))]
    trouble_zh: Option<String>,
    zones: Vec<ZoneTold>,
    rules: Vec<RuleTold>,
    /// Over whom it is spoken there, the first is tried first.
    speakers: Vec<String>,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Cameras {
    cameras: Vec<Camera>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras",
    summary = "The cameras with their zones and what is looked for",
    responses((status = 200, description = "The cameras", body = Cameras))
))]
async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Cameras>, Refusal> {
    let mut cameras = ask(move || context.ports.cameras.all()).await?;
    cameras.retain(|camera| session.cameras.has(camera.id.as_str()));
    Ok(Json(Cameras { cameras: cameras.iter().map(told).collect() }))
}

fn told(camera: &CameraNow) -> Camera {
    let rules = camera.rules.iter().map(|(key, title)| RuleTold {
        violation: key.violation.to_string(),
        zone: key.zone.to_string(),
        title: title.into(),
    });
    // The whole picture is a zone, too, and nobody draws it.
    let zones = camera.zones.iter().filter(|zone| zone.id.as_str() != "whole").map(|zone| ZoneTold {
        id: zone.id.to_string(),
        is_area: matches!(zone.shape, ZoneShape::Polygon(_)),
        unit: zone.unit,
        points: zone.shape.points().iter().map(|point| [point.x, point.y]).collect(),
    });
    let (trouble, trouble_zh) = camera.trouble.clone().map(|why| (why.en.into_owned(), why.zh.into_owned())).unzip();
    Camera {
        id: camera.id.to_string(),
        trouble,
        trouble_zh,
        zones: zones.collect(),
        rules: rules.collect(),
        speakers: camera.speakers.iter().map(ToString::to_string).collect(),
    }
}

/// Asks the camera for a picture.
fn take(context: &Context, id: &str, is_preview: bool, now: Timestamp) -> Result<Still, Refusal> {
    let frame = context.ports.cameras.still(id);
    let frame = frame.ok_or_else(|| Refusal::nothing(words::NO_PICTURE))?;
    let jpeg = if is_preview { within(&frame, PREVIEW_PX) } else { jpeg(&frame) };
    let jpeg = jpeg.map_err(Refusal::failed)?.into();
    let still = Still { at: now, captured_at: frame.meta.captured_at, size: (frame.width, frame.height), jpeg };
    let mut stills = lock(&context.stills);
    stills.retain(|_, still| now.since(still.at) < FRESH);
    stills.insert((id.to_owned(), is_preview), still.clone());
    Ok(still)
}

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// A small one of which several a second are asked for.
    is_preview: bool,
}

type Picture = ([(HeaderName, String); 5], Bytes);

/// The camera of a path.
pub(super) fn camera_of(id: &str) -> Result<StreamId, Refusal> {
    StreamId::new(id).map_err(|error| Refusal::nothing(Bilingual::quoted(error, "摄像机名称有误")))
}

/// Whether the site has it.
pub(super) fn is_of_the_site(context: &Context, camera: &StreamId) -> Result<(), Refusal> {
    if context.ports.cameras.all().iter().any(|one| one.id == *camera) {
        return Ok(());
    }
    Err(Refusal::nothing(both!("the site has no such camera", "站点没有此摄像机")))
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras/{id}/still",
    summary = "A picture of now",
    params(Asked),
    responses((status = 200, description = "The picture", body = [u8], content_type = "image/jpeg"))
))]
async fn still(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(Asked { is_preview }): Query<Asked>,
) -> Result<Picture, Refusal> {
    reaches(&session, &id)?;
    let camera = camera_of(&id)?;
    ask(move || {
        is_of_the_site(&context, &camera)?;
        let now = context.setup.clock.now();
        let fresh = if is_preview { FRESH_PREVIEW } else { FRESH };
        let key = (id, is_preview);
        let kept = lock(&context.stills).get(&key).filter(|still| now.since(still.at) < fresh).cloned();
        let still = kept.map_or_else(|| take(&context, &key.0, is_preview, now), Ok)?;
        let header = |name, number: String| (HeaderName::from_static(name), number);
        let headers = [
            (header::CONTENT_TYPE, "image/jpeg".to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            // Of the picture in which zones in pixels are drawn; the still may be smaller.
            header("x-forewarn-width", still.size.0.to_string()),
            header("x-forewarn-height", still.size.1.to_string()),
            // On the time line of what is seen, as `/api/v1/live` tells it.
            header("x-forewarn-at-us", still.captured_at.as_micros().to_string()),
        ];
        Ok((headers, still.jpeg))
    })
    .await?
}
