//! `/api/v1/incidents`: all incidents, newest first, by pages; one of them; and whether its evidence is what was sealed.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method};
use axum::routing::get;
use axum::{Extension, Json};
use forewarn_domain::{IncidentRecord, IncidentState};
use forewarn_evidence::{Said, VerifyError, show, verify};
use forewarn_wire::WireIncident;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::announced::Told;
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::ports::CameraNow;
use crate::refusal::Refusal;
use crate::store::{Cursor, Filter, Found, Judged};

/// Incidents of a page where nobody says how many.
const USUAL: usize = 50;
/// At most.
const MOST: usize = 500;

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::GET, "/api/v1/incidents", VIEWER, get(list)),
        page(Method::GET, "/api/v1/incidents/{id}", VIEWER, get(one)),
        page(Method::GET, "/api/v1/incidents/{id}/verification", VIEWER, get(verification)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, one, verification))]
pub(super) struct Described;

/// What is asked for.
#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Of this violation.
    violation: Option<String>,
    /// At this camera.
    camera: Option<String>,
    /// In this zone.
    zone: Option<String>,
    /// `open`, a state, or what became of it: `complied`, `escalated`, `lost`, `over`. Another word is refused.
    state: Option<String>,
    /// `no`, `true` or `false_alarm`.
    judged: Option<String>,
    /// Began at this time or later, microseconds since the Unix epoch.
    from_us: Option<i64>,
    /// Began before this time.
    to_us: Option<i64>,
    /// Words that stand in id, camera, zone, violation, class or plate.
    text: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Incidents of a page, 1 to 500; 50 if absent.
    limit: Option<usize>,
}

/// A page of incidents.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Incidents))]
#[derive(Serialize)]
struct Listed {
    incidents: Vec<Found>,
    /// Where the next page goes on; none where this is the last.
    #[cfg_attr(test, schema(required))]
    next: Option<String>,
    /// How many are open, of all whom the one who asks reaches.
    open: u32,
    /// How many of these nobody has judged.
    unjudged: u32,
}

impl Asked {
    /// What is looked for, among these cameras; among all where none is named.
    fn filter(self, cameras: Option<Vec<String>>) -> Result<Filter, Refusal> {
        let judged = match self.judged.as_deref() {
            None | Some("") => None,
            Some("no") => Some(Judged::Not),
            Some("true") => Some(Judged::True),
            Some("false_alarm") => Some(Judged::FalseAlarm),
            Some(_) => {
                return Err(Refusal::wrong(both!(
                    "`judged` is `no`, `true` or `false_alarm`",
                    "`judged` 只能是 `no`、`true` 或 `false_alarm`"
                )));
            }
        };
        let after = self.after.map(|text| {
            Cursor::parse(&text)
                .ok_or_else(|| Refusal::wrong(both!("`after` is no `next`", "`after` 不是有效的 `next`")))
        });
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let state = given(self.state);
        if let Some(state) = state.as_deref().filter(|state| !is_state(state)) {
            let there_are = IncidentState::ALL.map(IncidentState::as_str).join(", ");
            return Err(Refusal::wrong(both!(
                "there is no state {state}; `state` is open or one of {there_are}",
                "没有状态 {state}；`state` 只能是 open 或以下之一：{there_are}"
            )));
        }
        Ok(Filter {
            violation: given(self.violation),
            camera: given(self.camera),
            cameras,
            zone: given(self.zone),
            state,
            judged,
            from_us: self.from_us,
            to_us: self.to_us,
            text: given(self.text).map(|text| text.chars().take(200).collect()),
            after: after.transpose()?,
        })
    }
}

/// Whether incidents can be asked for by this word.
fn is_state(word: &str) -> bool {
    word == "open" || IncidentState::ALL.iter().any(|state| state.as_str() == word)
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents",
    summary = "All incidents, newest first, by pages",
    params(Asked),
    responses((status = 200, description = "A page", body = Listed))
))]
async fn list(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Query(asked): Query<Asked>,
) -> Result<Json<Listed>, Refusal> {
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let filter = asked.filter(session.cameras.names())?;
    ask(move || {
        let (incidents, next) = context.index.page(&filter, limit)?;
        if incidents.is_empty() {
            are_known(&context, &session, &filter)?;
        }
        let (open, unjudged) = context.index.counts(filter.cameras.as_deref())?;
        Ok(Json(Listed { incidents, next: next.map(|next| next.to_text()), open, unjudged }))
    })
    .await?
}

/// Whether what is looked for by its name is there, or was when something happened there: a word that is mistyped would else
/// read as if nothing had happened.
fn are_known(context: &Context, session: &Session, filter: &Filter) -> Result<(), Refusal> {
    if let Some(camera) = &filter.camera {
        is_known(context, session, camera)?;
    }
    if let Some(violation) = &filter.violation {
        let of_site =
            names(context, session, |camera| camera.rules.iter().map(|(rule, _)| rule.violation.to_string()).collect());
        let was_there = Filter { violation: Some(violation.clone()), ..Filter::default() };
        if !is_there(context, session, violation, &of_site, was_there)? {
            let there_are = listed(&of_site);
            return Err(Refusal::nothing(both!(
                "the site watches for no {violation}; it watches for {there_are}",
                "站点没有违规类型 {violation}，现有：{there_are}"
            )));
        }
    }
    if let Some(zone) = &filter.zone {
        let of_site = names(context, session, |camera| {
            let drawn = camera.zones.iter().map(|zone| zone.id.to_string());
            drawn.chain(camera.rules.iter().map(|(rule, _)| rule.zone.to_string())).collect()
        });
        let was_there = Filter { zone: Some(zone.clone()), ..Filter::default() };
        if !is_there(context, session, zone, &of_site, was_there)? {
            let there_are = listed(&of_site);
            return Err(Refusal::nothing(both!(
                "the site has no zone {zone}; it has {there_are}",
                "站点没有区域 {zone}，现有：{there_are}"
            )));
        }
    }
    Ok(())
}

/// Whether a camera is one of the site that he reaches, or was when something happened there.
pub(super) fn is_known(context: &Context, session: &Session, camera: &str) -> Result<(), Refusal> {
    let of_site = names(context, session, |camera| vec![camera.id.to_string()]);
    let was_there = Filter { camera: Some(camera.to_owned()), ..Filter::default() };
    if is_there(context, session, camera, &of_site, was_there)? {
        return Ok(());
    }
    let there_are = listed(&of_site);
    Err(Refusal::nothing(both!(
        "the site has no camera {camera}; it has {there_are}",
        "站点没有摄像机 {camera}，现有：{there_are}"
    )))
}

/// What the cameras that he reaches have of something, each once.
fn names(context: &Context, session: &Session, of: impl Fn(&CameraNow) -> Vec<String>) -> BTreeSet<String> {
    let cameras = context.ports.cameras.all();
    cameras.iter().filter(|camera| session.cameras.has(camera.id.as_str())).flat_map(of).collect()
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "-".to_owned() } else { names.iter().map(String::as_str).collect::<Vec<_>>().join(", ") }
}

/// Whether a name is one of these, or was one when something happened there that he may see.
fn is_there(
    context: &Context,
    session: &Session,
    name: &str,
    of_site: &BTreeSet<String>,
    was_there: Filter,
) -> Result<bool, Refusal> {
    let was_there = Filter { cameras: session.cameras.names(), ..was_there };
    Ok(of_site.contains(name) || !context.index.page(&was_there, 1)?.0.is_empty())
}

/// The incident of a path, for one who reaches its camera; another does not learn that there is one.
pub(super) fn find(context: &Context, session: &Session, id: &str) -> Result<(IncidentRecord, Found), Refusal> {
    let found = context.index.get(id)?.filter(|(_, found)| session.cameras.has(&found.camera));
    found.ok_or_else(|| Refusal::nothing(both!("there is no incident {id}", "没有事件 {id}")))
}

/// One incident with its history and what is kept of it.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Incident))]
#[derive(Serialize)]
struct One {
    /// As in reports.
    #[cfg_attr(test, schema(value_type = Object))]
    incident: WireIncident,
    found: Found,
    /// As `forewarn evidence show --json` tells it; null where nothing is kept.
    #[cfg_attr(test, schema(value_type = Option<Object>, required))]
    evidence: Option<Value>,
    /// What loudspeakers said for it and was played, in order; the words lie in its evidence.
    said: Vec<Told>,
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}",
    summary = "One incident with its history and what is kept of it",
    responses((status = 200, description = "The incident", body = One))
))]
async fn one(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<One>, Refusal> {
    ask(move || {
        let (record, found) = find(&context, &session, &id)?;
        let wire = WireIncident::latest(&record, &context.setup.site);
        let bundle = context.bundle(&record);
        // A bundle that is being written at this moment is shown at the next look.
        let evidence = bundle.as_deref().and_then(|bundle| show(bundle).ok()).map(|shown| shown.to_json());
        if evidence.is_some() {
            context.note_look(&session.name, &record, &headers);
        }
        let said = bundle.as_deref().and_then(|bundle| Said::read(bundle).ok()).unwrap_or_default();
        Ok(Json(One { incident: wire, found, evidence, said: said.into_iter().map(Told::from).collect() }))
    })
    .await?
}

/// What was found.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
enum Verdict {
    #[serde(rename = "intact")]
    Intact,
    #[serde(rename = "not intact")]
    NotIntact,
    #[serde(rename = "unsealed")]
    Unsealed,
    #[serde(rename = "not checked")]
    NotChecked,
    #[serde(rename = "nothing kept")]
    NothingKept,
}

/// Whether the evidence is what was sealed.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Serialize)]
struct Verified {
    verdict: Verdict,
    /// What was found, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
    /// What else `forewarn evidence verify --json` tells.
    #[serde(flatten)]
    #[cfg_attr(test, schema(ignore))]
    found: Map<String, Value>,
}

impl Verified {
    fn without_more(verdict: Verdict, words: Option<String>) -> Json<Self> {
        Json(Self { verdict, words, found: Map::new() })
    }
}

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/incidents/{id}/verification",
    summary = "Whether the evidence is what was sealed",
    responses((status = 200, description = "What was found", body = Verified))
))]
async fn verification(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Json<Verified>, Refusal> {
    ask(move || {
        let (record, _) = find(&context, &session, &id)?;
        let Some(bundle) = context.bundle(&record) else {
            return Ok(Verified::without_more(Verdict::NothingKept, None));
        };
        match verify(&bundle) {
            Ok(found) => {
                let verdict = if found.is_intact() { Verdict::Intact } else { Verdict::NotIntact };
                let words = Some(found.to_string());
                let Value::Object(mut found) = found.to_json() else {
                    return Ok(Verified::without_more(verdict, words));
                };
                found.retain(|name, _| name != "verdict" && name != "words");
                Ok(Json(Verified { verdict, words, found }))
            }
            Err(VerifyError::Unsealed { .. }) => Ok(Verified::without_more(Verdict::Unsealed, None)),
            Err(error) => Ok(Verified::without_more(Verdict::NotChecked, Some(error.to_string()))),
        }
    })
    .await?
}
