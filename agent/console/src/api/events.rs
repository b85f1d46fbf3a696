//! `/api/v1/events`: what is new, as it happens, as server-sent events. A connection lives for some minutes only; a browser
//! comes back by itself, and reads anew what it may have missed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::{Page, VIEWER, ask, health, page, stream};
use crate::access::Session;
use crate::context::Context;
use crate::gate;
use crate::refusal::Refusal;
use crate::store::News;

/// A line without meaning is sent after so long without news, so that a client which is gone is noticed.
const PULSE: Duration = Duration::from_secs(15);
/// Events that wait for a client's connection.
const WAITING: usize = 16;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/events", VIEWER, get(events))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(events))]
pub(super) struct Described;

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/events",
    summary = "What is new, as server-sent events: `hello`, `incident`, `health`, `missed`",
    responses((status = 200, description = "Events without end", body = String, content_type = "text/event-stream"))
))]
async fn events(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut news = context.news.listen();
    let (feed, body) = stream::body(WAITING);
    tokio::spawn(async move {
        let mut text = "retry: 2000\nevent: hello\ndata: {}\n\n".to_owned();
        loop {
            if feed.send(Ok::<_, io::Error>(Bytes::from(text))).await.is_err() {
                return;
            }
            let next = timeout(PULSE, news.recv()).await;
            // Whoever was signed out meanwhile, or reaches less than before, hears nothing more.
            if !gate::is_still_known(&context, &headers) {
                return;
            }
            text = match next {
                Ok(Ok(News { camera: Some(camera), .. })) if !session.cameras.has(&camera) => {
                    ": still here\n\n".to_owned()
                }
                Ok(Ok(News { topic: "health", .. })) if !session.cameras.is_all() => {
                    let (context, session) = (Arc::clone(&context), session.clone());
                    let report = ask(move || health::reached(&context, &session).without_the_well()).await;
                    let Some(data) = report.ok().and_then(|report| serde_json::to_string(&report).ok()) else { return };
                    format!("event: health\ndata: {data}\n\n")
                }
                Ok(Ok(News { topic, data, .. })) => format!("event: {topic}\ndata: {data}\n\n"),
                Ok(Err(RecvError::Lagged(_))) => "event: missed\ndata: {}\n\n".to_owned(),
                Ok(Err(RecvError::Closed)) => return,
                Err(_) => ": still here\n\n".to_owned(),
            };
        }
    });
    Response::builder()
        .header(header::CONTENT_TYPE, "text/event-stream")
        .header(header::CACHE_CONTROL, "no-store")
        .header("x-accel-buffering", "no")
        .body(body)
        .map_err(Refusal::failed)
}
