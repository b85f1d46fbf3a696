//! `/api/v1/cameras/{id}/whep`: a camera live over WebRTC, for browsers that play no pieces of MP4. In the manner of WHEP, the
//! IETF's draft for those who look: an offer of a session is posted, its answer holds all addresses of this box, and what
//! `Location` names is deleted.
//!
//! A session ends with whoever wanted it: when he hangs up, is gone, or may not ask any more, for which it is looked every second.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::routing::{delete, post};
use forewarn_base::random::uuid;
use serde::Deserialize;
use tokio::time::interval;

use super::cameras::{camera_of, is_of_the_site};
use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::calls::{CALLS, Held};
use crate::context::Context;
use crate::gate::{may_go_on, reaches};
use crate::ports::{Called, NoCall, Offer};
use crate::refusal::Refusal;

/// It is looked so often whether a session is to end.
const LOOK: Duration = Duration::from_secs(1);
/// The type of an offer and of its answer.
const SDP: &str = "application/sdp";

pub(super) fn pages() -> Vec<Page> {
    vec![
        page(Method::POST, "/api/v1/cameras/{id}/whep", VIEWER, post(call)),
        page(Method::DELETE, "/api/v1/cameras/{id}/whep/{call}", VIEWER, delete(hang_up)),
    ]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(call, hang_up))]
pub(super) struct Described;

#[cfg_attr(test, derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// The smaller stream of a camera that has two.
    is_small: bool,
}

type Answer = (StatusCode, [(HeaderName, String); 3], String);

#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/v1/cameras/{id}/whep",
    summary = "See a camera live over WebRTC: offer a session that takes video and name all that the browser takes; 406 where that is not what the camera sends",
    params(Asked),
    request_body(content = [u8], description = "The offer (SDP)", content_type = "application/sdp"),
    responses((
        status = 201, description = "The answer (SDP), with all addresses",
        body = [u8], content_type = "application/sdp",
        headers(
            ("location" = String, description = "What ends the session when it is deleted"),
            ("x-forewarn-origin-us" = String, description = "When the time of packets is zero, on the time line of what is seen; it counts 90,000 a second, modulo 2³²"),
        ),
    ))
))]
async fn call(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(Asked { is_small }): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Refusal> {
    reaches(&session, &id)?;
    let camera = camera_of(&id)?;
    let is_sdp = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == SDP);
    let of_ports = Arc::clone(&context);
    let (name, sdp, origin) = ask(move || {
        is_of_the_site(&of_ports, &camera)?;
        if !is_sdp {
            let why = both!("an offer of a session is of the type {SDP}", "会话请求的类型应为 {SDP}");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        let place = of_ports.calls.place().ok_or_else(too_many)?;
        let offer = Offer { is_small, sdp: String::from_utf8_lossy(&body).into_owned(), at: of_ports.calls.at };
        let called = of_ports.ports.cameras.call(camera.as_str(), &offer);
        let called =
            called.ok_or_else(|| Refusal::nothing(both!("the site has no such camera", "站点没有此摄像机")))?;
        let Called { sdp, origin, call } = called.map_err(refused)?;
        let name = uuid();
        let held = Held { camera: camera.to_string(), who: session.name, call, place };
        of_ports.ports.metrics.calls(of_ports.calls.keep(&name, held));
        Ok((name, sdp, origin))
    })
    .await??;
    let location = format!("/api/v1/cameras/{id}/whep/{name}");
    tokio::spawn(watch(context, headers, name));
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, location),
        (HeaderName::from_static("x-forewarn-origin-us"), origin.as_micros().to_string()),
    ];
    Ok((StatusCode::CREATED, headers, sdp))
}

fn too_many() -> Refusal {
    let why =
        both!("{CALLS} look over WebRTC already, which is the most", "通过 WebRTC 观看的会话已达上限（{CALLS} 个）");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

fn refused(why: NoCall) -> Refusal {
    match why {
        NoCall::NoOffer(why) => Refusal::wrong(why),
        NoCall::NotTaken(why) => Refusal::new(StatusCode::NOT_ACCEPTABLE, why),
        NoCall::NotNow(why) => Refusal::conflict(why),
        NoCall::Failed(why) => Refusal::failed(why),
    }
}

/// Ends a session when it is over, or when whoever asked for it so may not ask any more.
async fn watch(context: Arc<Context>, headers: HeaderMap, name: String) {
    let mut ticks = interval(LOOK);
    while context.calls.has(&name) {
        ticks.tick().await;
        let may_go_on = may_go_on(&context, &headers);
        if let Some(ended) = context.calls.take(&name, |held| held.call.is_over() || !may_go_on) {
            end(&context, ended).await;
        }
    }
}

async fn end(context: &Arc<Context>, (held, left): (Held, usize)) {
    context.ports.metrics.given_up(held.call.given_up());
    context.ports.metrics.calls(left);
    // A port that panics has ended it, too.
    let _ = ask(move || drop(held)).await;
}

#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/v1/cameras/{id}/whep/{call}",
    summary = "End a session of WebRTC",
    responses((status = 204, description = "It has ended"))
))]
async fn hang_up(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    Path((id, call)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    reaches(&session, &id)?;
    let is_his = |held: &Held| held.camera == id && held.who == session.name;
    let why = || Refusal::nothing(both!("there is no such session; it has ended", "没有此会话，可能已结束"));
    let held = context.calls.take(&call, is_his).ok_or_else(why)?;
    end(&context, held).await;
    Ok(StatusCode::NO_CONTENT)
}
