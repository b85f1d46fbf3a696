//! `/api/v1/cameras/{id}/drawing`: zones, lines, masks and exclusions are drawn over a camera's picture. What
//! would become of the site file is seen first; saving names the file that was seen, so that nobody overwrites what somebody
//! else wrote meanwhile. The agent takes it up as at `forewarn reload`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_domain::site_change::{Drawn, Shape, SiteChange};
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Class, Point};
use serde::{Deserialize, Serialize};

use super::cameras::{camera_of, is_of_the_site};
use super::site::{refused, told};
use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::ports::DraftTold;
use crate::refusal::Refusal;

/// Changes in one request.
const MOST: usize = 200;
/// Points of one shape.
const POINTS: usize = 500;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/cameras/{id}/drawing", ADMIN, get(drawn)),
        page(Method::POST, "/api/v1/cameras/{id}/drawing", ADMIN, post(draw)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(drawn, draw))]
pub(super) struct Described;

/// What is drawn now: zones, lines, masks and exclusions.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/cameras/{id}/drawing",
    summary = "Zones, lines, masks and exclusions of a camera, and the zones that rules name",
    responses((status = 200, description = "They are told", body = DrawnNow))
))]
async fn drawn(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Result<Json<DrawnNow>, Refusal> {
    let ports = context.ports.clone();
    let camera = ask(move || ports.cameras.all().into_iter().find(|camera| camera.id.as_str() == id)).await?;
    let camera = camera.ok_or_else(|| Refusal::nothing(both!("the site has no such camera", "站点没有此摄像机")))?;
    let points = |of: &[Point]| of.iter().map(|point| [point.x, point.y]).collect();
    let zones = camera.zones.iter().filter(|zone| zone.id.as_str() != "whole").map(|zone| {
        let shape = if matches!(zone.shape, ZoneShape::Polygon(_)) { Shape::Area } else { Shape::Line };
        let (id, points) = (zone.id.to_string(), points(zone.shape.points()));
        ShapeTold { id, shape, unit: zone.unit, points, classes: Vec::new() }
    });
    let masks = camera.masks.iter().map(|mask| ShapeTold {
        id: mask.id.clone(),
        shape: Shape::Mask,
        unit: mask.unit,
        points: points(&mask.polygon.points),
        classes: Vec::new(),
    });
    let exclusions = camera.exclusions.iter().map(|one| ShapeTold {
        id: one.id.to_string(),
        shape: Shape::Exclusion,
        unit: one.unit,
        points: points(&one.polygon.points),
        classes: one.classes.iter().map(Class::to_string).collect(),
    });
    let classes = context.ports.cameras.classes().iter().map(Class::to_string).collect();
    let used = camera.rules.iter().map(|(key, _)| key.zone.to_string()).collect();
    Ok(Json(DrawnNow { shapes: zones.chain(masks).chain(exclusions).collect(), used, classes }))
}

/// What is drawn.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct ShapeTold {
    id: String,
    #[cfg_attr(test, schema(value_type = crate::document::Shape))]
    shape: Shape,
    #[cfg_attr(test, schema(value_type = crate::document::Unit))]
    unit: ZoneUnit,
    points: Vec<[f32; 2]>,
    /// Of an exclusion: what is not detected there; left out where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct DrawnNow {
    shapes: Vec<ShapeTold>,
    /// The zones that rules watch.
    used: Vec<String>,
    /// What an exclusion may name as not detected in it.
    classes: Vec<String>,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawing {
    #[cfg_attr(test, schema(value_type = Vec<crate::document::Drawn>, min_items = 1, max_items = 200))]
    changes: Vec<Drawn>,
    /// The file that was seen, to save it; none to see it.
    #[serde(default)]
    base: Option<String>,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/cameras/{id}/drawing",
    summary = "What the site file would be with these zones, lines, masks and exclusions; with `base` of that answer it is saved and taken up",
    request_body = Drawing,
    responses((status = 200, description = "The lines that change, and what works and is hardly meant", body = DraftTold))
))]
async fn draw(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Drawing { changes, base }): Json<Drawing>,
) -> Result<Json<DraftTold>, Refusal> {
    let too_many = changes.len() > MOST
        || changes.iter().any(|one| one.points.as_ref().is_some_and(|points| points.len() > POINTS));
    if too_many || changes.is_empty() {
        let why = both!(
            "draw 1 to {MOST} shapes of at most {POINTS} points",
            "一次可绘制 1 至 {MOST} 个图形，每个最多 {POINTS} 个点"
        );
        return Err(Refusal::wrong(why));
    }
    ask(move || {
        let camera = camera_of(&id)?;
        is_of_the_site(&context, &camera)?;
        let of = |drawn: &Drawn| SiteChange::Draw { camera: camera.clone(), drawn: drawn.clone() };
        let asked: Vec<SiteChange> = changes.iter().map(of).collect();
        let draft = context.ports.site.change(&asked, base.as_deref()).map_err(refused)?;
        if base.is_some() {
            let names: Vec<&str> = changes.iter().map(|one| one.id.as_str()).collect();
            context.note(Some(&session.name), Act::Drew, Some(&id), Some(names.join(", ")));
        }
        Ok(told(draft, base.is_some()))
    })
    .await?
}
