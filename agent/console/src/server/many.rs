//! HTTP/2: many questions over one connection. Whoever has none open is kept for no longer than one who asks by HTTP/1.1.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::bilingual::Bilingual;
use crate::refusal::Refusal;

/// So much of a question is taken before it is answered.
const TAKEN_FIRST_BYTES: usize = 64 * 1024;
/// For so long.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);

/// What is said where it does not come.
const LATE: Bilingual = Bilingual::fixed("the question did not come in time", "请求内容未在规定时间内到达");

/// Questions that are open on one connection.
#[derive(Clone)]
pub(super) struct Open(Arc<watch::Sender<usize>>);

/// One of them, until its answer is sent.
struct One(Arc<watch::Sender<usize>>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

impl Open {
    pub(super) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    fn one(&self) -> One {
        self.0.send_modify(|n| *n += 1);
        One(Arc::clone(&self.0))
    }

    /// Returns when none has been open for so long.
    pub(super) async fn idle(self, time: Duration) {
        let mut open = self.0.subscribe();
        loop {
            // The other end is here.
            drop(open.wait_for(|n| *n == 0).await);
            if timeout(time, open.wait_for(|n| *n > 0)).await.is_err() {
                return;
            }
        }
    }

    /// Pages that count who asks for them, and that are told the name by which he asks where HTTP/1.1 has it.
    pub(super) fn counting(&self, pages: Router) -> Router {
        let open = self.clone();
        pages.layer(from_fn(move |mut request: Request, next: Next| {
            let one = open.one();
            async move {
                let name = request.uri().authority().and_then(|of| HeaderValue::from_str(of.as_str()).ok());
                if let Some(name) = name {
                    request.headers_mut().insert(header::HOST, name);
                }
                let answer: Response = match taken(request).await {
                    Some(request) => next.run(request).await,
                    None => Refusal::new(StatusCode::REQUEST_TIMEOUT, LATE).into_response(),
                };
                answer.map(|body| Body::new(Sending { body, _one: one }))
            }
        }))
    }
}

/// A question whose body is here, where it says beforehand that it is short. What is refused before all of it was read is reset,
/// and some clients then take the answer for broken. None where it does not come.
async fn taken(request: Request) -> Option<Request> {
    let (head, body) = request.into_parts();
    let is_short = body.size_hint().upper().is_some_and(|bytes| bytes <= TAKEN_FIRST_BYTES as u64);
    if !is_short {
        return Some(Request::from_parts(head, body));
    }
    let whole = timeout(TAKEN_WITHIN, to_bytes(body, TAKEN_FIRST_BYTES)).await.ok()?.ok()?;
    Some(Request::from_parts(head, Body::from(whole)))
}

/// An answer on its way.
struct Sending {
    body: Body,
    _one: One,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
