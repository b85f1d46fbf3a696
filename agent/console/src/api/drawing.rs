//! `/api/v1/cameras/{id}/drawing` and `/api/v1/site/undo`: zones, lines and masks are drawn over a camera's picture. What
//! would become of the site file is seen first; saving names the file that was seen, so that nobody overwrites what somebody
//! else wrote meanwhile. The agent takes it up as at `forewarn reload`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::context::Context;
use crate::ports::{ChangedLine, DraftNow, Drawn, Refused, Shape};
use crate::refusal::Refusal;

/// Changes in one request.
const MOST: usize = 200;
/// Points of one shape.
const POINTS: usize = 500;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/cameras/{id}/drawing", ADMIN, get(drawn)),
        page(Method::POST, "/api/v1/cameras/{id}/drawing", ADMIN, post(draw)),
        page(Method::POST, "/api/v1/site/undo", ADMIN, post(undo)),
    ]
}

/// What is drawn now: zones, lines and masks.
async fn drawn(State(context): State<Arc<Context>>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let camera = ask(move || context.ports.cameras.all().into_iter().find(|camera| camera.id.as_str() == id)).await?;
    let camera = camera.ok_or_else(|| Refusal::nothing("the site has no such camera"))?;
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
    changes: Vec<Wanted>,
    /// The file that was seen, to save it; none to see it.
    #[serde(default)]
    base: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    shape: Shape,
    id: String,
    #[serde(default)]
    points: Option<Vec<[f32; 2]>>,
    is_there: bool,
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
        return Err(Refusal::wrong(format!("draw 1 to {MOST} shapes of at most {POINTS} points")));
    }
    let changes: Vec<Drawn> = changes
        .into_iter()
        .map(|Wanted { shape, id, points, is_there }| Drawn { shape, id, points, is_there })
        .collect();
    ask(move || {
        let draft = context.ports.drawing.draw(&id, &changes, base.as_deref()).map_err(refused)?;
        if base.is_some() {
            let names: Vec<&str> = changes.iter().map(|one| one.id.as_str()).collect();
            context.note(Some(&session.name), "drew", Some(&id), Some(names.join(", ")));
        }
        Ok(told(&draft, base.is_some()))
    })
    .await?
}

async fn undo(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Value>, Refusal> {
    ask(move || {
        let draft = context.ports.drawing.undo().map_err(refused)?;
        context.note(Some(&session.name), "took the last change of the site file back", None, None);
        Ok(told(&draft, true))
    })
    .await?
}

fn refused(why: Refused) -> Refusal {
    match why {
        Refused::Incorrect(why) => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        Refused::Stale(why) => Refusal::new(StatusCode::CONFLICT, why),
        Refused::Failed(why) => Refusal::failed(why),
    }
}

fn told(draft: &DraftNow, is_saved: bool) -> Json<Value> {
    let lines = draft.lines.iter().map(|line| match line {
        ChangedLine::Stays(text) => json!({ "is": "stays", "text": text }),
        ChangedLine::Out(text) => json!({ "is": "out", "text": text }),
        ChangedLine::In(text) => json!({ "is": "in", "text": text }),
        ChangedLine::Gap(lines) => json!({ "is": "gap", "lines": lines }),
    });
    Json(
        json!({ "is_saved": is_saved, "base": draft.base, "doubts": draft.doubts, "lines": lines.collect::<Vec<_>>() }),
    )
}
