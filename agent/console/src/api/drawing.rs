//! `/api/v1/cameras/{id}/drawing`: zones, lines and masks are drawn over a camera's picture. What
//! would become of the site file is seen first; saving names the file that was seen, so that nobody overwrites what somebody
//! else wrote meanwhile. The agent takes it up as at `forewarn reload`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_domain::site_change::{Drawn, SiteChange};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cameras::{camera_of, is_of_the_site};
use super::site::{refused, told};
use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
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

/// What is drawn now: zones, lines and masks.
async fn drawn(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let camera = ask(move || context.ports.cameras.all().into_iter().find(|camera| camera.id.as_str() == id)).await?;
    let camera = camera.ok_or_else(|| Refusal::nothing(both!("the site has no such camera", "站点没有此摄像机")))?;
    let unit = |unit: forewarn_domain::zone::ZoneUnit| json!(unit);
    let zones = camera.zones.iter().filter(|zone| zone.id.as_str() != "whole").map(|zone| {
        let points: Vec<[f32; 2]> = zone.shape.points().iter().map(|point| [point.x, point.y]).collect();
        let is_area = matches!(zone.shape, forewarn_domain::zone::ZoneShape::Polygon(_));
        json!({ "id": zone.id, "shape": if is_area { "area" } else { "line" }, "unit": unit(zone.unit), "points": points })
    });
    let masks = camera.masks.iter().map(|mask| {
        let points: Vec<[f32; 2]> = mask.polygon.points.iter().map(|point| [point.x, point.y]).collect();
        json!({ "id": mask.id, "shape": "mask", "unit": unit(mask.unit), "points": points })
    });
    let used: Vec<&str> = camera.rules.iter().map(|(key, _)| key.zone.as_str()).collect();
    Ok(Json(json!({ "shapes": zones.chain(masks).collect::<Vec<_>>(), "used": used })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawing {
    changes: Vec<Drawn>,
    /// The file that was seen, to save it; none to see it.
    #[serde(default)]
    base: Option<String>,
}

async fn draw(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Drawing { changes, base }): Json<Drawing>,
) -> Result<Json<Value>, Refusal> {
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
        Ok(told(&draft, base.is_some()))
    })
    .await?
}
