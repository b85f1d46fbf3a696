//! `/api/v1/site`: the site is changed: cameras are added after a look at what they show, violations are chosen for zones, and
//! loudspeakers for cameras; and the last change is taken back. Each change is seen as lines of the site file before it is saved.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Extension, Json};
use forewarn_domain::site_change::{NewCamera, SiteChange};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ADMIN, Page, ask, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::both;
use crate::context::Context;
use crate::ports::{DraftNow, Refused};
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

/// What can be chosen.
async fn choices(State(context): State<Arc<Context>>) -> Result<Json<Value>, Refusal> {
    ask(move || {
        let choices = context.ports.site.choices().map_err(refused)?;
        let violations = choices
            .violations
            .iter()
            .map(|(id, title)| json!({ "id": id, "title": { "en": title.en, "zh": title.zh } }));
        Ok(Json(json!({ "violations": violations.collect::<Vec<_>>(), "speakers": choices.speakers })))
    })
    .await?
}

type Picture = ([(HeaderName, &'static str); 1], Vec<u8>);

/// What a camera shows that somebody means to add.
async fn look(State(context): State<Arc<Context>>, Json(camera): Json<NewCamera>) -> Result<Picture, Refusal> {
    ask(move || {
        let frame = context.ports.site.look(&camera).map_err(refused)?;
        Ok(([(header::CONTENT_TYPE, "image/jpeg")], jpeg(&frame).map_err(Refusal::failed)?))
    })
    .await?
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    changes: Vec<SiteChange>,
    /// The file that was seen, to save it; none to see it.
    #[serde(default)]
    base: Option<String>,
}

async fn change(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Json(Asked { changes, base }): Json<Asked>,
) -> Result<Json<Value>, Refusal> {
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
        Ok(told(&draft, base.is_some()))
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

async fn undo(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Value>, Refusal> {
    ask(move || {
        let draft = context.ports.site.undo().map_err(refused)?;
        context.note(Some(&session.name), Act::TookBack, None, None);
        Ok(told(&draft, true))
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

pub(super) fn told(draft: &DraftNow, is_saved: bool) -> Json<Value> {
    Json(draft.json(is_saved))
}
