//! `/api/v1/site`: the site is changed: cameras are added after a look at what they show, violations are chosen for zones, and
//! loudspeakers for cameras; and the last change is taken back. Each change is seen as lines of the site file before it is saved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_domain::site_change::{NewCamera, SiteChange};
use serde::{Deserialize, Serialize};

use super::told::Texts;
use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::ports::{DraftNow, DraftTold, Refused};
use crate::refusal::Refusal;
use crate::still::jpeg;

/// Changes in one request.
const MOST: usize = 50;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/site/choices", ADMIN, get(choices)),
        page(Method::POST, "/api/v1/site/look", ADMIN, post(look)),
        page(Method::POST, "/api/v1/site/changes", ADMIN, post(change)),
        page(Method::POST, "/api/v1/site/undo", ADMIN, post(undo)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(choices, look, change, undo))]
pub(super) struct Described;

/// A violation that can be looked for.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Violation {
    id: String,
    title: Texts,
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Choices))]
#[derive(Serialize)]
struct ChoicesTold {
    violations: Vec<Violation>,
    speakers: Vec<String>,
}

/// What can be chosen.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/site/choices",
    summary = "The violations and loudspeakers that can be chosen",
    responses((status = 200, description = "They are told", body = ChoicesTold))
))]
async fn choices(State(context): State<Arc<Context>>) -> Result<Json<ChoicesTold>, Refusal> {
    ask(move || {
        let choices = context.ports.site.choices().map_err(refused)?;
        let violations =
            choices.violations.iter().map(|(id, title)| Violation { id: id.to_string(), title: title.into() });
        let speakers = choices.speakers.iter().map(ToString::to_string).collect();
        Ok(Json(ChoicesTold { violations: violations.collect(), speakers }))
    })
    .await?
}

type Picture = ([(HeaderName, &'static str); 1], Vec<u8>);

/// What a camera shows that somebody means to add.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/look",
    summary = "What a camera shows that is to be added; nothing is saved",
    request_body = crate::document::NewCamera,
    responses((status = 200, description = "Its picture", body = [u8], content_type = "image/jpeg"))
))]
async fn look(State(context): State<Arc<Context>>, Json(camera): Json<NewCamera>) -> Result<Picture, Refusal> {
    ask(move || {
        let frame = context.ports.site.look(&camera).map_err(refused)?;
        Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg(&frame).map_err(Refusal::failed)?))
    })
    .await?
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = SiteChanges))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[cfg_attr(test, schema(value_type = Vec<crate::document::SiteChange>, min_items = 1, max_items = 50))]
    changes: Vec<SiteChange>,
    /// The file that was seen, to save it; none to see it.
    #[serde(default)]
    base: Option<String>,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/changes",
    summary = "What the site file would be with cameras, rules and loudspeakers changed so; with `base` of that answer it is saved and taken up",
    request_body = Asked,
    responses((status = 200, description = "The lines that change, and what works and is hardly meant", body = DraftTold))
))]
async fn change(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(Asked { changes, base }): Json<Asked>,
) -> Result<Json<DraftTold>, Refusal> {
    if !(1..=MOST).contains(&changes.len()) {
        return Err(Refusal::wrong(both!("ask for 1 to {MOST} changes", "一次可作 1 至 {MOST} 项更改")));
    }
    ask(move || {
        let draft = context.ports.site.change(&changes, base.as_deref()).map_err(refused)?;
        if base.is_some() {
            for change in &changes {
                let (act, about, detail) = act_of(change);
                context.note(Some(&session.name), act, Some(&about), detail);
            }
        }
        Ok(told(draft, base.is_some()))
    })
    .await?
}

/// What the audit log says of a change.
fn act_of(change: &SiteChange) -> (Act, String, Option<String>) {
    match change {
        SiteChange::Draw { camera, drawn } => (Act::Drew, camera.to_string(), Some(drawn.id.clone())),
        SiteChange::AddCamera(camera) => (Act::AddedCamera, camera.id.to_string(), None),
        SiteChange::AddSpeaker(speaker) => (Act::AddedSpeaker, speaker.id.to_string(), None),
        SiteChange::AddRule(rule) => {
            (Act::AddedRule, rule.camera.to_string(), Some(format!("{}@{}", rule.violation, rule.zone)))
        }
        SiteChange::RemoveRule { camera, violation, zone } => {
            (Act::RemovedRule, camera.to_string(), Some(format!("{violation}@{zone}")))
        }
        SiteChange::SetSpeakers { camera, speakers } => {
            let names: Vec<&str> = speakers.iter().map(forewarn_domain::SpeakerId::as_str).collect();
            (Act::ChoseSpeakers, camera.to_string(), Some(names.join(", ")))
        }
    }
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/site/undo",
    summary = "Bring the site file as it was before the last change back",
    responses((status = 200, description = "It is back, and taken up", body = DraftTold))
))]
async fn undo(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<DraftTold>, Refusal> {
    ask(move || {
        let draft = context.ports.site.undo().map_err(refused)?;
        context.note(Some(&session.name), Act::TookBack, None, None);
        Ok(told(draft, true))
    })
    .await?
}

pub(super) fn refused(why: Refused) -> Refusal {
    match why {
        Refused::Incorrect(why) => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        Refused::Stale => {
            let why = both!(
                "somebody changed the site file meanwhile; look at the changes again",
                "站点文件已被他人修改，请重新查看更改"
            );
            Refusal::conflict(why)
        }
        Refused::Failed(why) => Refusal::failed(why),
    }
}

pub(super) fn told(draft: DraftNow, is_saved: bool) -> Json<DraftTold> {
    Json(draft.told(is_saved))
}
