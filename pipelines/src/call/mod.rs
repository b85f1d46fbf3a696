//! Live video for people over WebRTC: the access units of a ring as they come, in packets, from the latest key picture on.
//!
//! Nothing is coded anew: who offers a session takes the profile of H.264 that the camera sends, or is told why not. Each
//! session has a thread of its own, which takes from a queue of its own as every viewer does, so that nobody who looks holds
//! the stream up.

mod profile;
mod session;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, Orientation, StreamId, Timestamp};

use self::profile::Profile;
use self::session::{Session, Wire};
use crate::described::Described;
use crate::viewing::Next;
use crate::webrtc::offer::{self, Format};
use crate::{Codec, MissingElement, PreRollRing};

/// Why somebody is not shown a camera over WebRTC.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is no offer.
    #[error("this is no offer of a session: {0}")]
    NoOffer(String),
    /// The camera shows nothing now.
    #[error("the camera gives no picture now")]
    NoPicture,
    /// Another coding.
    #[error("the camera sends {sent}, and this browser takes {} over WebRTC", if takes.is_empty() { "no H.264" } else { takes })]
    Coding {
        /// What the camera sends, such as `H.264 High`.
        sent: String,
        /// What the browser takes of H.264; empty where it takes none.
        takes: String,
    },
    /// Its pictures are not in order.
    #[error("the camera sends pictures in another order than they are shown (B pictures), which WebRTC does not take")]
    Reordered,
    /// Its pictures are not shown as they are coded.
    #[error(
        "the camera's pictures are turned, or their pixels are not square, of which WebRTC does not tell the browser"
    )]
    Reshaped,
    /// GStreamer lacks something.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// No thread.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// It failed.
    #[error("the session could not be agreed upon: {0}")]
    Failed(String),
}

/// What is answered.
#[derive(Debug)]
pub struct Answered {
    /// The answer (SDP), with all addresses.
    pub sdp: String,
    /// The instant at which the time of packets is zero; it counts 90,000 a second from there, modulo 2³².
    pub origin: Timestamp,
    /// The session.
    pub call: Call,
}

/// A session with somebody who looks. Dropping it ends it, and waits for that.
#[derive(Debug)]
pub struct Call {
    thread: Thread,
    shared: Arc<Told>,
    news: SyncSender<()>,
}

/// What a session and its thread tell each other.
#[derive(Debug, Default)]
struct Told {
    is_unwanted: AtomicBool,
    given_up: AtomicU64,
}

/// Shows a stream by WebRTC to whoever asks.
pub struct Callee {
    pub(crate) stream: StreamId,
    pub(crate) ring: Arc<PreRollRing>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Callee {
    /// Takes an offer of a session (SDP), which takes a moment. Packets go and come at an address of this box alone where one
    /// is named.
    pub fn take(&self, offer: &str, at: Option<IpAddr>) -> Result<Answered, CallError> {
        let Self { stream, ring, clock } = self;
        let no_offer = |declined: offer::Declined| CallError::NoOffer(declined.0);
        offer::check_looker(offer).map_err(no_offer)?;
        let formats = offer::formats_of(offer).map_err(no_offer)?;
        let (news, wait) = sync_channel(1);
        let poke = news.clone();
        let wake = Arc::new(move || {
            let _ = poke.try_send(());
        });
        let mut units = ring.units(wake.clone());
        let format = match units.take() {
            Some(Next::Unit(unit, format)) => {
                let bytes = unit.buffer.map_readable().map_err(|error| CallError::Failed(error.to_string()))?;
                let is_square = format.pixel_aspect().is_none_or(|(width, height)| width == height);
                if format.orientation != Orientation::UPRIGHT || !is_square {
                    return Err(CallError::Reshaped);
                }
                let size_px = (format.width, format.height);
                let described = Described::of(format.codec, &bytes, size_px).ok_or(CallError::NoPicture)?;
                chosen(&formats, format.codec, &described.name)?
            }
            Some(Next::Over) | None => return Err(CallError::NoPicture),
        };
        if ring.has_reordering() {
            return Err(CallError::Reordered);
        }
        let (wire, sdp) = Wire::agree(offer, format, at, wake.clone())?;
        let shared = Arc::<Told>::default();
        let session = Session { ring: Arc::clone(ring), units, wake, wire, told: Arc::clone(&shared) };
        let origin = session.wire.origin(clock.now());
        let thread = Thread::spawn(format!("call-{stream}"), move || session.run(origin, &wait))?;
        Ok(Answered { sdp, origin, call: Call { thread, shared, news } })
    }
}

impl Call {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.thread.has_ended()
    }

    /// Pictures that were given up because they were not taken in time.
    pub fn given_up(&self) -> u64 {
        self.shared.given_up.load(Ordering::Relaxed)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.is_unwanted.store(true, Ordering::Relaxed);
        let _ = self.news.try_send(());
        if let Err(error) = self.thread.join() {
            tracing::error!(%error, "a session of WebRTC fell");
        }
    }
}

/// The way of those that are offered by which the camera's pictures can go, its constraints the same where there is a choice.
fn chosen<'a>(formats: &'a [Format], codec: Codec, name: &str) -> Result<&'a Format, CallError> {
    let sent = Profile::of_codec(name);
    let fits: Vec<&Format> =
        formats.iter().filter(|format| sent.is_some() && Profile::of_format(format) == sent).collect();
    let id = |format: &Format| format.parameter("profile-level-id").map(str::to_lowercase);
    let constraints = name.strip_prefix("avc1.").and_then(|id| id.get(..4)).map(str::to_lowercase);
    let same = fits.iter().find(|format| id(format).and_then(|id| id.get(..4).map(str::to_owned)) == constraints);
    same.or(fits.first()).copied().ok_or_else(|| {
        let mut takes: Vec<Profile> = formats.iter().filter_map(Profile::of_format).collect();
        takes.sort_unstable();
        takes.dedup();
        let takes: Vec<String> = takes.iter().map(ToString::to_string).collect();
        CallError::Coding {
            sent: sent.map_or_else(|| codec.to_string(), |profile| format!("{codec} {profile}")),
            takes: if takes.is_empty() { String::new() } else { format!("{} {}", Codec::H264, takes.join(", ")) },
        }
    })
}

#[cfg(test)]
mod tests;
