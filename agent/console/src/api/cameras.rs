//! `/api/v1/cameras`: the cameras with their zones and what is looked for, and a picture of now.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, Method, header};
use axum::routing::get;
use axum::{Extension, Json};
use forewarn_base::sync::lock;
use forewarn_domain::{StreamId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::gate::reaches;
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

async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Value>, Refusal> {
    let mut cameras = ask(move || context.ports.cameras.all()).await?;
    cameras.retain(|camera| session.cameras.has(camera.id.as_str()));
    Ok(Json(json!({ "cameras": cameras.iter().map(told).collect::<Vec<_>>() })))
}

fn told(camera: &CameraNow) -> Value {
    let rules = camera.rules.iter().map(|(key, title)| {
        json!({ "violation": key.violation, "zone": key.zone, "title": { "en": title.en, "zh": title.zh } })
    });
    // The whole picture is a zone, too, and nobody draws it.
    let zones = camera.zones.iter().filter(|zone| zone.id.as_str() != "whole").map(|zone| {
        let points: Vec<[f32; 2]> = zone.shape.points().iter().map(|point| [point.x, point.y]).collect();
        let is_area = matches!(zone.shape, forewarn_domain::zone::ZoneShape::Polygon(_));
        json!({ "id": zone.id, "is_area": is_area, "unit": zone.unit, "points": points })
    });
    json!({ "id": camera.id, "trouble": camera.trouble.as_ref().map(|why| &why.en),
        "trouble_zh": camera.trouble.as_ref().map(|why| &why.zh), "zones": zones.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(), "speakers": camera.speakers })
}

/// Asks the camera for a picture.
fn take(context: &Context, id: &str, is_preview: bool, now: Timestamp) -> Result<Still, Refusal> {
    let frame = context.ports.cameras.still(id);
    let frame =
        frame.ok_or_else(|| Refusal::nothing(both!("the camera gives no picture now", "摄像机目前没有画面")))?;
    let jpeg = if is_preview { within(&frame, PREVIEW_PX) } else { jpeg(&frame) };
    let jpeg = jpeg.map_err(Refusal::failed)?.into();
    let still = Still { at: now, captured_at: frame.meta.captured_at, size: (frame.width, frame.height), jpeg };
    let mut stills = lock(&context.stills);
    stills.retain(|_, still| now.since(still.at) < FRESH);
    stills.insert((id.to_owned(), is_preview), still.clone());
    Ok(still)
}

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
