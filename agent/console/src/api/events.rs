//! `/api/v1/events`: what is new, as it happens, as server-sent events. A connection lives for some minutes only; a browser
//! comes back by itself, and reads anew what it may have missed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::{Page, VIEWER, page, stream};
use crate::context::Context;
use crate::refusal::Refusal;
use crate::store::News;

/// A line without meaning is sent after so long without news, so that a client which is gone is noticed.
const PULSE: Duration = Duration::from_secs(15);
/// Events that wait for a client's connection.
const WAITING: usize = 16;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/events", VIEWER, get(events))]
}

async fn events(State(context): State<Arc<Context>>) -> Result<Response, Refusal> {
    let mut news = context.news.listen();
    let (feed, body) = stream::body(WAITING);
    tokio::spawn(async move {
        let mut text = "retry: 2000\nevent: hello\ndata: {}\n\n".to_owned();
        loop {
            if feed.send(Ok::<_, io::Error>(Bytes::from(text))).await.is_err() {
                return;
            }
            text = match timeout(PULSE, news.recv()).await {
                Ok(Ok(News { topic, data })) => format!("event: {topic}\ndata: {data}\n\n"),
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
