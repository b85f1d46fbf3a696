//! `/api/v1/live`: what the cameras show now, over one web socket for all panes of a page.
//!
//! | from | message | says |
//! |---|---|---|
//! | page | `{"is": "watch", "pane": 3, "camera": "gate", "is_small": true, "plays_h265": true}` | show this camera in pane 3 |
//! | page | `{"is": "watch", "pane": 3, "camera": "gate", "sees_only": true}` | tell what the agent sees of this camera, whose pictures come otherwise |
//! | page | `{"is": "leave", "pane": 3}` | no more of it |
//! | page | `{"is": "time", "sent": 12.5}` | asks for the agent's time, at least every [`SILENCE`] |
//! | agent | `{"is": "time", "sent": 12.5, "now_us": 170…}` | the answer |
//! | agent | `{"is": "start", "pane": 3, "codec", "size_px", "origin_us"}` | the header that follows is of pictures coded so |
//! | agent | bytes: pane (2), kind (1), 0, instant in µs (8), fragmented MP4 | kind 0 a header, 1 a picture, 2 a key picture |
//! | agent | `{"is": "seen", "camera", "at_us", …}` | what the agent saw in the picture of that instant |
//! | agent | `{"is": "none", "pane": 3, "why": "H.265"}` | this one is not shown live; over, unknown, or the name of its coding, which the page did not say it plays |
//! | agent | `{"is": "behind", "pane": 3, "pictures": 40}` | so many pictures were given up because they were not taken in time |
//!
//! Pictures wait in the queue of each pane, which gives up what is not taken in time; so a slow line slows nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use forewarn_domain::{ViewPiece, Viewing};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::{Page, VIEWER, ask, page};
use crate::access::Session;
use crate::bilingual::both;
use crate::context::Context;
use crate::gate;
use crate::refusal::Refusal;

/// Sockets at a time.
pub(crate) const SOCKETS: usize = 16;
/// Tiles of one socket.
const PANES: usize = 64;
/// The longest message of a page.
const MESSAGE_BYTES: usize = 4096;
/// Whoever says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(20);
/// Whoever takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// What names of H.265 begin with.
const H265: &str = "hvc1.";
/// Pieces of one pane in a row, before the next pane has its turn.
const IN_A_ROW: usize = 8;

pub(super) fn pages() -> Vec<Page> {
    vec![page(Method::GET, "/api/v1/live", VIEWER, get(live))]
}

/// What each of them takes and answers with.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(paths(live))]
pub(super) struct Described;

#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/live",
    summary = "A web socket on which cameras are seen live: fragmented MP4 and what the agent sees in it, each with its instant; the messages stand in docs/console.md",
    responses((status = 101, description = "Messages, as text and as bytes, until either end closes"))
))]
async fn live(
    State(context): State<Arc<Context>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    // A browser lets any page open a socket to anywhere, with the cookies of there.
    if !gate::is_own_page(&headers) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            both!("another site's page may not look here", "其他网站的页面不可访问此处"),
        ));
    }
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejected) => return Ok(rejected.into_response()),
    };
    let Ok(place) = Arc::clone(&context.sockets).try_acquire_owned() else {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            both!("too many look at cameras already", "观看摄像机的人数已达上限"),
        ));
    };
    let socket = socket.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES).write_buffer_size(0);
    Ok(socket.on_upgrade(move |socket| async move {
        let viewer = Viewer {
            context,
            session,
            headers,
            panes: BTreeMap::new(),
            stills: BTreeMap::new(),
            wake: Arc::default(),
            socket,
        };
        viewer.serve().await;
        drop(place);
    }))
}

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum Wish {
    Watch {
        pane: u16,
        camera: String,
        #[serde(default)]
        is_small: bool,
        #[serde(default)]
        plays_h265: bool,
        #[serde(default)]
        sees_only: bool,
    },
    Leave {
        pane: u16,
    },
    Time {
        sent: f64,
    },
}

struct Pane {
    camera: String,
    view: Box<dyn Viewing>,
    given_up: u64,
    /// The browser said so; few do.
    plays_h265: bool,
}

/// One socket.
struct Viewer {
    context: Arc<Context>,
    session: Session,
    /// By which he asked.
    headers: HeaderMap,
    panes: BTreeMap<u16, Pane>,
    /// The cameras of panes whose pictures do not come by this socket, and of which is told what is seen: stills, or WebRTC.
    stills: BTreeMap<u16, String>,
    wake: Arc<Notify>,
    socket: WebSocket,
}

/// The socket is of no use any more.
struct Gone;

impl Viewer {
    async fn serve(mut self) {
        let mut seen = self.context.ports.onlookers.join();
        let wake = Arc::clone(&self.wake);
        loop {
            let turn = tokio::select! {
                wish = timeout(SILENCE, self.socket.recv()) => match wish {
                    Ok(Some(Ok(message))) => self.take(message).await,
                    Ok(Some(Err(_)) | None) | Err(_) => Err(Gone),
                },
                () = wake.notified() => self.pass_on().await,
                told = seen.recv() => match told {
                    Ok(picture) if self.looks_at(picture.camera.as_str()) => self.say(picture.text.clone()).await,
                    Ok(_) | Err(RecvError::Lagged(_)) => Ok(()),
                    Err(RecvError::Closed) => Err(Gone),
                },
            };
            if turn.is_err() {
                return;
            }
        }
    }

    fn looks_at(&self, camera: &str) -> bool {
        self.panes.values().map(|pane| &pane.camera).chain(self.stills.values()).any(|one| one == camera)
    }

    fn plays_h265(&self, pane: u16) -> bool {
        self.panes.get(&pane).is_some_and(|pane| pane.plays_h265)
    }

    async fn take(&mut self, message: Message) -> Result<(), Gone> {
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Close(_) => return Err(Gone),
            // Pings are answered below this.
            _ => return Ok(()),
        };
        let wish: Wish = serde_json::from_str(text).map_err(|_| Gone)?;
        match wish {
            Wish::Time { sent } => {
                // Whoever was signed out meanwhile sees nothing more.
                if !gate::is_still_known(&self.context, &self.headers) {
                    return Err(Gone);
                }
                let now_us = self.context.setup.clock.now().as_micros();
                self.say(json!({ "is": "time", "sent": sent, "now_us": now_us }).to_string()).await
            }
            Wish::Leave { pane } => {
                self.panes.remove(&pane);
                self.stills.remove(&pane);
                Ok(())
            }
            Wish::Watch { pane, .. } if self.panes.len() + self.stills.len() >= PANES => {
                self.none(pane, "too many panes").await
            }
            Wish::Watch { pane, camera, .. } if !self.session.cameras.has(&camera) => self.none(pane, "unknown").await,
            Wish::Watch { pane, camera, sees_only: true, .. } => {
                self.stills.insert(pane, camera);
                Ok(())
            }
            Wish::Watch { pane, camera, is_small, plays_h265, .. } => {
                self.watch(pane, camera, (is_small, plays_h265)).await
            }
        }
    }

    async fn watch(&mut self, pane: u16, camera: String, (is_small, plays_h265): (bool, bool)) -> Result<(), Gone> {
        let (context, wake, name) = (Arc::clone(&self.context), Arc::clone(&self.wake), camera.clone());
        let view = ask(move || {
            let wake = Arc::new(move || wake.notify_one());
            context.ports.cameras.view(&name, is_small, wake)
        });
        match view.await.map_err(|_| Gone)? {
            Some(view) => {
                self.stills.remove(&pane);
                self.panes.insert(pane, Pane { camera, view, given_up: 0, plays_h265 });
                // What it has already was told to nobody.
                self.wake.notify_one();
                Ok(())
            }
            None => self.none(pane, "unknown").await,
        }
    }

    /// Passes on what the panes have, in turns.
    async fn pass_on(&mut self) -> Result<(), Gone> {
        let mut full: BTreeSet<u16> = self.panes.keys().copied().collect();
        while !full.is_empty() {
            for number in full.clone() {
                for _ in 0..IN_A_ROW {
                    let Some(piece) = self.panes.get_mut(&number).and_then(|pane| pane.view.take()) else {
                        full.remove(&number);
                        break;
                    };
                    self.pass(number, piece).await?;
                }
                self.tell_given_up(number).await?;
            }
        }
        Ok(())
    }

    async fn pass(&mut self, pane: u16, piece: ViewPiece) -> Result<(), Gone> {
        match piece {
            ViewPiece::Start { codec, .. } if codec.starts_with(H265) && !self.plays_h265(pane) => {
                self.stills.extend(self.panes.remove(&pane).map(|of| (pane, of.camera)));
                self.none(pane, "H.265").await
            }
            ViewPiece::Start { codec, size_px, origin, header } => {
                let start =
                    json!({ "is": "start", "pane": pane, "codec": codec, "size_px": size_px, "origin_us": origin });
                self.say(start.to_string()).await?;
                self.send(Message::Binary(framed(pane, 0, origin.as_micros(), &header))).await
            }
            ViewPiece::Picture { captured_at, is_key, fragment } => {
                let kind = if is_key { 2 } else { 1 };
                self.send(Message::Binary(framed(pane, kind, captured_at.as_micros(), &fragment))).await
            }
            ViewPiece::Over => {
                self.panes.remove(&pane);
                self.none(pane, "over").await
            }
        }
    }

    async fn tell_given_up(&mut self, number: u16) -> Result<(), Gone> {
        let Some(pane) = self.panes.get_mut(&number) else { return Ok(()) };
        let all = pane.view.given_up();
        let pictures = all - std::mem::replace(&mut pane.given_up, all);
        if pictures == 0 {
            return Ok(());
        }
        self.context.ports.metrics.given_up(pictures);
        self.say(json!({ "is": "behind", "pane": number, "pictures": pictures }).to_string()).await
    }

    async fn none(&mut self, pane: u16, why: &str) -> Result<(), Gone> {
        self.say(json!({ "is": "none", "pane": pane, "why": why }).to_string()).await
    }

    async fn say(&mut self, text: String) -> Result<(), Gone> {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        timeout(PATIENCE, self.socket.send(message)).await.map_err(|_| Gone)?.map_err(|_| Gone)
    }
}

fn framed(pane: u16, kind: u8, at_us: i64, mp4: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(12 + mp4.len());
    out.extend_from_slice(&pane.to_be_bytes());
    out.extend_from_slice(&[kind, 0]);
    out.extend_from_slice(&at_us.to_be_bytes());
    out.extend_from_slice(mp4);
    out.into()
}
