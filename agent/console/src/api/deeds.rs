//! What operators do with an incident: judge it, hold or release its evidence, pass over the one that it is about.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use forewarn_domain::{CaseCommand, CaseStage, IncidentRecord};
use forewarn_evidence::{Custody, EvidenceError, EvidenceStore, system_user};
use forewarn_memory::feedback::{Feedback, Opinion, append};
use forewarn_memory::suppressions;
use serde::{Deserialize, Serialize};

use super::{OPERATOR, Page, VIEWER, ask, incidents, page};
use crate::access::Session;
use crate::act::Act;
use crate::bilingual::{Bilingual, both};
use crate::context::Context;
use crate::health::words;
use crate::ports::Passing;
use crate::refusal::Refusal;
use crate::store::Found;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::POST, "/api/v1/incidents/{id}/opinion", OPERATOR, post(judge)),
        page(Method::POST, "/api/v1/incidents/{id}/hold", OPERATOR, post(hold)),
        page(Method::POST, "/api/v1/incidents/{id}/release", OPERATOR, post(release)),
        page(Method::POST, "/api/v1/incidents/{id}/suppress", OPERATOR, post(suppress)),
        page(Method::POST, "/api/v1/incidents/{id}/case", OPERATOR, post(tell)),
        page(Method::GET, "/api/v1/suppressions", VIEWER, get(suppressed)),
        page(Method::DELETE, "/api/v1/suppressions/{number}", OPERATOR, delete(unsuppress)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(judge, tell, hold, release, suppress, suppressed, unsuppress))]
pub(super) struct Described;

/// The longest note that is kept.
const NOTE: usize = 2000;
/// The longest time for which one instance is passed over.
const DAYS: u32 = 3650;

/// As it is listed from now on.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Kept {
    found: Option<Found>,
}

/// How far the case is.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Reached {
    #[cfg_attr(test, schema(value_type = crate::document::Stage))]
    stage: CaseStage,
}

/// Whether the evidence is kept from being deleted.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Held {
    is_held: bool,
}

/// One that is passed over from now on.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Passed {
    /// By which it can be ended.
    number: u32,
}

/// One that is passed over.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Suppression {
    number: u32,
    camera: String,
    /// Of every violation if null.
    violation: Option<String>,
    class: String,
    /// Until when, microseconds since the Unix epoch.
    until_us: i64,
    is_over: bool,
    note: String,
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Suppressions {
    suppressions: Vec<Suppression>,
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Judgement))]
#[derive(Deserialize)]
struct Said {
    #[cfg_attr(test, schema(value_type = crate::document::Opinion))]
    opinion: Opinion,
    #[serde(default)]
    note: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/opinion",
    summary = "Say whether it was true",
    request_body = Said,
    responses((status = 200, description = "It is kept", body = Kept))
))]
async fn judge(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(said): Json<Said>,
) -> Result<Json<Kept>, Refusal> {
    let note = short(said.note)?;
    ask(move || {
        let (incident, _) = incidents::find(&context, &session, &id)?;
        let found = keep_opinion(&context, incident, said.opinion, note)?;
        context.note(Some(&session.name), Act::Judged, Some(&id), Some(said.opinion.as_str().to_owned()));
        Ok(Json(Kept { found }))
    })
    .await?
}

/// Keeps what somebody thinks of an incident, and tells the pages that are open.
pub(super) fn keep_opinion(
    context: &Context,
    incident: IncidentRecord,
    opinion: Opinion,
    note: String,
) -> Result<Option<Found>, Refusal> {
    let (id, said_at) = (incident.id.clone(), context.wall_now().to_rfc3339());
    append(&context.setup.places.feedback, &Feedback { said_at, opinion, note, incident }).map_err(Refusal::failed)?;
    let found = context.index.judge(id.as_str(), opinion.as_str())?;
    if let Some(found) = &found {
        context.news.tell_incident(found);
    }
    Ok(found)
}

#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Step))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[cfg_attr(test, schema(value_type = crate::document::Stage))]
    stage: CaseStage,
    #[serde(default)]
    note: String,
}

/// Takes a step of the incident's case.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/case",
    summary = "Tell a step of the case: what people do about it",
    request_body = Told,
    responses((status = 200, description = "It is kept", body = Reached))
))]
async fn tell(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(Told { stage, note }): Json<Told>,
) -> Result<Json<Reached>, Refusal> {
    let note = short(note)?;
    ask(move || {
        let (record, _) = incidents::find(&context, &session, &id)?;
        let command = CaseCommand { incident: record.id, stage, by: session.name.clone(), note };
        context.ports.desk.case(command).map_err(|why| Refusal::conflict(words::no_step(why)))?;
        context.note(Some(&session.name), Act::ToldCase, Some(&id), Some(stage.to_string()));
        Ok(Json(Reached { stage }))
    })
    .await?
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
struct Why {
    why: String,
}

type Leave = fn(&EvidenceStore, Custody, forewarn_domain::WallTime) -> Result<(), EvidenceError>;

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/hold",
    summary = "Keep the evidence from being deleted",
    request_body = Why,
    responses((status = 200, description = "It is held", body = Held))
))]
async fn hold(
    context: State<Arc<Context>>,
    session: Extension<Session>,
    id: Path<String>,
    why: Json<Why>,
) -> Result<Json<Held>, Refusal> {
    leave((context, session, id, why), Act::Held, EvidenceStore::hold).await
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/release",
    summary = "Let the evidence go",
    request_body = Why,
    responses((status = 200, description = "It is released", body = Held))
))]
async fn release(
    context: State<Arc<Context>>,
    session: Extension<Session>,
    id: Path<String>,
    why: Json<Why>,
) -> Result<Json<Held>, Refusal> {
    leave((context, session, id, why), Act::Released, EvidenceStore::release).await
}

/// Leaves a word that the agent makes a link of the chain.
async fn leave(
    (State(context), Extension(session), Path(id), Json(Why { why })): (
        State<Arc<Context>>,
        Extension<Session>,
        Path<String>,
        Json<Why>,
    ),
    act: Act,
    leave: Leave,
) -> Result<Json<Held>, Refusal> {
    let why = short(why)?;
    if why.trim().is_empty() {
        let why =
            both!("say why; it stands in the chain of the evidence for good", "请说明原因，原因将永久记录在证据链中");
        return Err(Refusal::wrong(why));
    }
    ask(move || {
        incidents::find(&context, &session, &id)?;
        let custody =
            Custody { incident: id.clone(), who: session.name.clone(), why: why.clone(), user: Some(system_user()) };
        leave(&context.store(), custody, context.wall_now()).map_err(|error| match error {
            EvidenceError::NoBundle { .. } => Refusal::conflict(Bilingual::quoted(error, "没有可保全的证据")),
            EvidenceError::NotHeld { .. } => Refusal::conflict(Bilingual::quoted(error, "证据未被保全")),
            other => Refusal::failed(other),
        })?;
        context.note(Some(&session.name), act, Some(&id), Some(why));
        Ok(Json(Held { is_held: act == Act::Held }))
    })
    .await?
}

#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Deserialize)]
struct Pass {
    #[cfg_attr(test, schema(minimum = 1, maximum = 3650))]
    days: u32,
    #[serde(default)]
    every_violation: bool,
    #[serde(default)]
    note: String,
}

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/incidents/{id}/suppress",
    summary = "Pass over the one that it is about",
    request_body = Pass,
    responses((status = 200, description = "The number of the suppression", body = Passed))
))]
async fn suppress(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Json(asked): Json<Pass>,
) -> Result<Json<Passed>, Refusal> {
    let asked = Passing { days: asked.days, every_violation: asked.every_violation, note: short(asked.note)? };
    if !(1..=DAYS).contains(&asked.days) {
        return Err(Refusal::wrong(both!("`days` is 1 to {DAYS}", "`days` 为 1 至 {DAYS}")));
    }
    ask(move || {
        let (record, _) = incidents::find(&context, &session, &id)?;
        let refused = |why| Refusal::conflict(Bilingual::quoted(why, "无法忽略此对象"));
        let number = context.ports.desk.suppress(&record, &asked).map_err(refused)?;
        context.note(Some(&session.name), Act::Suppressed, Some(&id), Some(format!("for {} days", asked.days)));
        Ok(Json(Passed { number }))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/suppressions",
    summary = "Who is passed over",
    responses((status = 200, description = "The list", body = Suppressions))
))]
async fn suppressed(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
) -> Result<Json<Suppressions>, Refusal> {
    ask(move || {
        let mut list = suppressions::read(&context.setup.places.suppressions).map_err(Refusal::failed)?;
        list.retain(|one| session.cameras.has(one.camera.as_str()));
        let now = context.wall_now().as_micros();
        let told = list.into_iter().map(|one| Suppression {
            number: one.id,
            camera: one.camera.to_string(),
            violation: one.violation.map(|violation| violation.to_string()),
            class: one.class.to_string(),
            until_us: one.until.as_micros(),
            is_over: one.until.as_micros() <= now,
            note: one.note,
        });
        Ok(Json(Suppressions { suppressions: told.collect() }))
    })
    .await?
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/suppressions/{number}",
    summary = "Pass over one no longer",
    params(("number" = u32, Path)),
    responses((status = 204, description = "It is ended"))
))]
async fn unsuppress(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(number): Path<u32>,
) -> Result<StatusCode, Refusal> {
    ask(move || {
        let path = &context.setup.places.suppressions;
        let list = suppressions::read(path).map_err(Refusal::failed)?;
        let is_reached = list.iter().any(|one| one.id == number && session.cameras.has(one.camera.as_str()));
        if !is_reached || !suppressions::remove(path, number).map_err(Refusal::failed)? {
            return Err(Refusal::nothing(both!("there is no suppression {number}", "没有忽略项 {number}")));
        }
        context.note(Some(&session.name), Act::EndedSuppression, Some(&number.to_string()), None);
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

fn short(note: String) -> Result<String, Refusal> {
    if note.chars().count() > NOTE {
        return Err(Refusal::wrong(both!("a note has at most {NOTE} characters", "备注最多 {NOTE} 个字符")));
    }
    Ok(note)
}
