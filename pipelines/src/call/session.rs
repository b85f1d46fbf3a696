//! One session: its pipeline, and the thread that feeds it.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use forewarn_base::random::random;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Timestamp, Wake};
use gst::prelude::*;

use super::{CallError, Told};
use crate::plugin::make;
use crate::unit::AccessUnit;
use crate::viewing::{Next, Units};
use crate::webrtc::offer::{self, Format};
use crate::{Codec, PreRollRing, StreamFormat, webrtc};

/// Ports of UDP at which sessions come and go, for firewalls: more than there are sessions and addresses.
const PORTS: RangeInclusive<u32> = 49_200..=49_299;
/// Whoever says nothing for so long is gone, or never comes: browsers report on what they get every second or so.
const SILENCE: Duration = Duration::from_secs(10);
/// It is looked so often whether the session goes on.
const TURN: Duration = Duration::from_millis(200);
/// Bytes that may wait for the network; behind them units wait in their own queue, which gives up what is too old.
const WAITING_BYTES: u64 = 1 << 20;
/// Bytes of one packet, which go through tunnels.
const PACKET_BYTES: u32 = 1200;
/// Where the line of a session begins before its first picture: further than a key picture lies back.
const BEFORE: Duration = Duration::from_hours(1);
/// All pictures are late by so much on the pipeline's own line, so that none waits there.
const LATE: Duration = Duration::from_secs(1);

/// The pipeline of a session. It stops when this goes.
pub(super) struct Wire {
    pipeline: gst::Pipeline,
    feed: gst_app::AppSrc,
    webrtc: gst::Element,
    /// How long ago the pipeline's line began when it was made.
    begun: Duration,
    heard: Arc<Heard>,
}

/// When something last came.
struct Heard {
    since: Stopwatch,
    at_ms: AtomicU64,
}

impl Heard {
    fn now(&self) {
        self.at_ms.store(self.since.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        self.since.elapsed().saturating_sub(Duration::from_millis(self.at_ms.load(Ordering::Relaxed)))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Wire {
    /// Makes the pipeline that sends by one of the ways that are offered, and gives the answer. `wake` is called when its state
    /// changes.
    pub(super) fn agree(
        offer: &str,
        format: &Format,
        at: Option<IpAddr>,
        wake: Wake,
    ) -> Result<(Self, String), CallError> {
        let failed = |why: &dyn std::fmt::Display| CallError::Failed(why.to_string());
        let wire = Self::new(&format.number, at, wake)?;
        // What an element says of its parameters must be the very same; they are put back as they were offered.
        let taken = offer::taken(offer, |number| number == format.number).map_err(|declined| failed(&declined))?;
        wire.pipeline.set_state(gst::State::Playing).map_err(|error| failed(&error))?;
        let mine = format!("a=fmtp:{} ", format.number);
        let bare: String = taken.split_inclusive("\r\n").filter(|line| !is_left_out(line, &mine)).collect();
        let answer = webrtc::agree(&wire.webrtc, &bare).map_err(|error| failed(&error))?;
        let mut sdp = String::new();
        for line in answer.split_inclusive("\r\n").filter(|line| !line.starts_with(&mine)) {
            sdp += line;
            if line.starts_with(&format!("a=rtpmap:{} ", format.number)) && !format.parameters.is_empty() {
                sdp.extend([&mine, format.parameters.as_str(), "\r\n"]);
            }
        }
        Ok((wire, sdp))
    }

    fn new(number: &str, at: Option<IpAddr>, wake: Wake) -> Result<Self, CallError> {
        let failed = |why: &dyn std::fmt::Display| CallError::Failed(why.to_string());
        let pipeline = gst::Pipeline::new();
        let feed = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
        feed.set_max_bytes(2 * WAITING_BYTES);
        let packets = make("rtph264pay")?;
        packets.set_property("timestamp-offset", 0_u32);
        packets.set_property("mtu", PACKET_BYTES);
        packets.set_property_from_str("aggregate-mode", "zero-latency");
        let number: u32 = number.parse().map_err(|error| failed(&error))?;
        packets.set_property("pt", number);
        // Browsers show the one source that the answer names.
        let source = random() as u32;
        packets.set_property("ssrc", source);
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "video")
            .field("encoding-name", "H264")
            .field("clock-rate", 90_000)
            .field("payload", i32::try_from(number).unwrap_or(0))
            .field("ssrc", source)
            .build();
        let filter = make("capsfilter")?;
        filter.set_property("caps", caps);
        let webrtc = webrtc::bin()?;
        let heard = Arc::new(Heard { since: Stopwatch::start(), at_ms: AtomicU64::new(0) });
        listen(&webrtc, &heard);
        if let Some(address) = at {
            webrtc::listen_at(&webrtc, address);
        }
        webrtc::by_datagrams(&webrtc, PORTS);
        webrtc.connect_notify(Some("connection-state"), move |_, _| wake());
        pipeline.add_many([feed.upcast_ref(), &packets, &filter, &webrtc]).map_err(|error| failed(&error))?;
        let chain = [feed.upcast_ref(), &packets, &filter, &webrtc];
        gst::Element::link_many(chain).map_err(|error| failed(&error))?;
        let clock = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let now = clock.time();
        let begun = BEFORE.min(now.into());
        pipeline.set_base_time(now.saturating_sub(gst::ClockTime::try_from(begun).unwrap_or_default()));
        Ok(Self { pipeline, feed, webrtc, begun, heard })
    }

    /// The instant at which its line begins, where it is made `now`.
    pub(super) fn origin(&self, now: Timestamp) -> Timestamp {
        now - self.begun.saturating_sub(LATE)
    }

    fn push(&self, unit: &AccessUnit, format: &StreamFormat, origin: Timestamp) -> bool {
        let mut buffer = unit.buffer.copy();
        {
            let buffer = buffer.make_mut();
            let us = unit.captured_at.micros_since(origin).max(0).unsigned_abs();
            buffer.set_pts(gst::ClockTime::from_useconds(us));
            buffer.set_dts(gst::ClockTime::NONE);
        }
        let sample = gst::Sample::builder().caps(&format.caps).buffer(&buffer).build();
        self.feed.push_sample(&sample).is_ok()
    }
}

/// Notes when anything comes over the network that is no question of ICE.
fn listen(webrtc: &gst::Element, heard: &Arc<Heard>) {
    let heard = Arc::clone(heard);
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    bin.connect_deep_element_added(move |_, _, element| {
        let is_ear = element.factory().is_some_and(|factory| factory.name() == "nicesrc");
        let Some(pad) = is_ear.then(|| element.static_pad("src")).flatten() else { return };
        let heard = Arc::clone(&heard);
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
            heard.now();
            gst::PadProbeReturn::Ok
        });
    });
}

/// What `webrtcbin` is not told of an offer: parameters of the way that is chosen, and names in place of addresses, which
/// nobody but the browser knows.
fn is_left_out(line: &str, mine: &str) -> bool {
    line.starts_with(mine) || (line.starts_with("a=candidate:") && line.contains(".local "))
}

/// Whether a browser that was told of one format cannot show another.
fn is_another(known: &StreamFormat, now: &StreamFormat) -> bool {
    let profile = |format: &StreamFormat| format.caps.structure(0).and_then(|of| of.get::<String>("profile").ok());
    profile(known) != profile(now) || known.orientation != now.orientation
}

/// A session as its thread has it.
pub(super) struct Session {
    pub(super) ring: Arc<PreRollRing>,
    /// Taken from before somebody has connected, so that the end of the stream is not missed.
    pub(super) units: Units,
    pub(super) wake: Wake,
    pub(super) wire: Wire,
    pub(super) told: Arc<Told>,
}

impl Session {
    /// Feeds whoever looks until he is gone or not wanted any more, or the camera sends something else.
    pub(super) fn run(mut self, origin: Timestamp, news: &Receiver<()>) {
        if !self.connects(news) {
            return;
        }
        self.units = self.ring.units(Arc::clone(&self.wake));
        let mut format: Option<Arc<StreamFormat>> = None;
        let mut latest = None;
        while self.goes_on() {
            if self.wire.feed.current_level_bytes() > WAITING_BYTES {
                let _ = news.recv_timeout(TURN);
                continue;
            }
            let Some(next) = self.units.take() else {
                let _ = news.recv_timeout(TURN);
                continue;
            };
            let Next::Unit(unit, of) = next else { return };
            let is_another = format.as_ref().is_some_and(|known| is_another(known, &of)) || of.codec != Codec::H264;
            // What is not in order would be shown so; whoever asks again is told.
            if is_another || latest.is_some_and(|latest| unit.captured_at <= latest) {
                return;
            }
            latest = Some(unit.captured_at);
            if !self.wire.push(&unit, &of, origin) {
                return;
            }
            format = Some(of);
            self.told.given_up.store(self.units.given_up(), Ordering::Relaxed);
        }
    }

    /// Waits until somebody is there.
    fn connects(&mut self, news: &Receiver<()>) -> bool {
        while webrtc::state(&self.wire.webrtc, "connection-state") != "connected" {
            while let Some(next) = self.units.take() {
                if matches!(next, Next::Over) {
                    return false;
                }
            }
            if !self.goes_on() {
                return false;
            }
            let _ = news.recv_timeout(TURN);
        }
        self.wire.heard.now();
        true
    }

    fn goes_on(&self) -> bool {
        !self.told.is_unwanted.load(Ordering::Relaxed)
            && !webrtc::is_over(&self.wire.webrtc)
            && self.wire.heard.silence() < SILENCE
    }
}
