//! One connection over which a camera is talked to.
//!
//! `rtspsrc` makes no pad for a backchannel: its number comes from `select-stream`, and whole RTP packets go into an action.
//! Before the camera has begun to play, the action says that all is well and throws the packet away, and it does not pace:
//! so the first packet of the picture is waited for, and then each packet goes out when it sounds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use super::Called;
use super::coding::{Coding, Sound};
use super::error::OnvifError;
use crate::speaker::error::PlayError;
use crate::speaker::programme::{Codec, samples_to_duration};
use crate::speaker::run::{Limits, describe, element, pause};
use forewarn_base::random::random;

/// How often it is looked whether the camera plays.
const LOOK_MS: u64 = 20;
/// A camera that plays and sends no picture is talked to all the same after this.
const WITHOUT_PICTURE: Duration = Duration::from_secs(1);
/// What the last packets take to be heard.
const DRAIN: Duration = Duration::from_millis(200);

/// A backchannel as the camera describes it.
#[derive(Debug, Clone)]
struct Offer {
    stream: u32,
    encoding: String,
    payload_type: u8,
    coding: Option<Coding>,
    caps: gst::Caps,
}

impl Offer {
    /// The stream, if it is one to the camera.
    fn of(stream: u32, caps: &gst::Caps) -> Option<Self> {
        let structure = caps.structure(0).filter(|structure| structure.has_field("a-sendonly"))?;
        let encoding = structure.get::<String>("encoding-name").unwrap_or_default().to_ascii_uppercase();
        let payload_type = structure.get::<i32>("payload").unwrap_or_default() as u8;
        let coding = Coding::of(&encoding, structure);
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "audio")
            .field("payload", i32::from(payload_type))
            .field("clock-rate", coding.map_or(Codec::RATE_HZ, Coding::rate_hz) as i32)
            .field("encoding-name", encoding.as_str())
            .build();
        Some(Self { stream, encoding, payload_type, coding, caps })
    }
}

/// What is heard from `rtspsrc` on its threads.
#[derive(Default)]
struct Heard {
    offers: Mutex<Vec<Offer>>,
    has_picture: AtomicBool,
}

/// A camera that plays. It is hung up on when this is dropped.
pub(super) struct Talk {
    pipeline: gst::Pipeline,
    source: gst::Element,
    offer: Offer,
    coding: Coding,
    peer: String,
}

/// Stops a pipeline however it goes.
struct Stopping(Option<gst::Pipeline>);

impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(pipeline) = self.0.take() {
            let _ = pipeline.set_state(gst::State::Null);
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Talk {
    /// Calls the camera and waits until it plays.
    pub(super) fn open(camera: &Called<'_>, within: Duration) -> Result<Self, PlayError> {
        let broken = |error: gst::glib::BoolError| PlayError::Broken { reason: error.to_string() };
        let watch = Stopwatch::start();
        let source = source(camera, within)?;
        let heard = Arc::new(Heard::default());
        listen(&source, &heard);
        let pipeline = gst::Pipeline::new();
        pipeline.add(&source).map_err(broken)?;
        let bus = pipeline.bus().ok_or_else(|| PlayError::Broken { reason: "the pipeline has no bus".to_owned() })?;
        let mut stopping = Stopping(Some(pipeline.clone()));
        let _ = pipeline.set_state(gst::State::Playing);
        let (peer, mut playing): (_, Option<Stopwatch>) = (camera.peer(), None);
        while !heard.has_picture.load(Ordering::Relaxed)
            && playing.is_none_or(|since| since.elapsed() < WITHOUT_PICTURE)
        {
            let after_s = watch.elapsed().as_secs_f64();
            if watch.elapsed() >= within {
                return Err(OnvifError::Silent { peer, after_s }.into());
            }
            let kinds = [gst::MessageType::Error, gst::MessageType::Progress];
            let message = bus.timed_pop_filtered(gst::ClockTime::from_mseconds(LOOK_MS), &kinds);
            match message.as_ref().map(|message| message.view()) {
                Some(gst::MessageView::Error(error)) => return Err(OnvifError::of(error, peer, after_s).into()),
                Some(gst::MessageView::Progress(progress)) => {
                    let (kind, code, _) = progress.get();
                    if kind == gst::ProgressType::Complete && code == "request" {
                        playing.get_or_insert_with(Stopwatch::start);
                    }
                }
                _ => {}
            }
        }
        let offers = lock(&heard.offers).clone();
        let names: Vec<String> = offers.iter().map(|offer| offer.encoding.clone()).collect();
        let usable = offers.into_iter().find_map(|offer| offer.coding.map(|coding| (offer, coding)));
        let Some((offer, coding)) = usable else {
            let none = names.is_empty();
            let offered = names.join(", ");
            let error = if none { OnvifError::NoSpeaker { peer } } else { OnvifError::OtherCoding { peer, offered } };
            return Err(error.into());
        };
        stopping.0 = None;
        Ok(Self { pipeline, source, offer, coding, peer })
    }

    /// The coding that the camera takes.
    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// The same in words.
    pub(super) fn encoding(&self) -> &str {
        &self.offer.encoding
    }

    /// Sends sound as fast as it sounds, unless it is cut.
    pub(super) fn say(&self, sound: &Sound, limits: &Limits) -> Result<(), PlayError> {
        let (ssrc, first) = (random() as u32, random());
        let watch = Stopwatch::start();
        let cut = |why: String, after: Duration| {
            let (peer, after_s) = (self.peer.clone(), after.as_secs_f64());
            PlayError::from(OnvifError::Cut { peer, after_s, why })
        };
        for (n, payload) in sound.payloads.iter().enumerate() {
            let samples = n as u64 * u64::from(sound.samples_each);
            let due = samples_to_duration(samples, self.coding.rate_hz());
            pause(due.saturating_sub(watch.elapsed()));
            limits.go_on()?;
            let message = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
            if let Some(gst::MessageView::Error(error)) = message.as_ref().map(|message| message.view()) {
                return Err(cut(describe(error), due));
            }
            let mut packet = Vec::with_capacity(12 + payload.len());
            // RFC 3550: version 2; the marker on the first packet of the talk-spurt (RFC 3551, 4.1), and on every one that ends an
            // access unit (RFC 3640, 3.1).
            let is_marked = n == 0 || matches!(self.coding, Coding::Aac { .. });
            packet.extend([0x80, self.offer.payload_type | if is_marked { 0x80 } else { 0 }]);
            packet.extend(((first as u16).wrapping_add(n as u16)).to_be_bytes());
            packet.extend(((first >> 32) as u32).wrapping_add(samples as u32).to_be_bytes());
            packet.extend(ssrc.to_be_bytes());
            packet.extend_from_slice(payload);
            let flow = self.push(packet);
            if flow != gst::FlowReturn::Ok {
                return Err(cut(format!("the packet was not taken: {flow:?}"), due));
            }
        }
        pause((sound.lasts + DRAIN).saturating_sub(watch.elapsed()));
        Ok(())
    }

    fn push(&self, packet: Vec<u8>) -> gst::FlowReturn {
        let buffer = gst::Buffer::from_mut_slice(packet);
        let sample = gst::Sample::builder().buffer(&buffer).caps(&self.offer.caps).build();
        // The action gives back a reference that it was not given.
        std::mem::forget(sample.clone());
        self.source.emit_by_name::<gst::FlowReturn>("push-backchannel-sample", &[&self.offer.stream, &sample])
    }
}

fn source(camera: &Called<'_>, within: Duration) -> Result<gst::Element, PlayError> {
    let source = element("rtspsrc", "gstreamer1.0-plugins-good")?;
    source.set_property("location", camera.url.as_str());
    source.set_property_from_str("backchannel", "onvif");
    // Interleaved, so that what a network loses is sent again and no port need be open.
    source.set_property_from_str("protocols", "tcp");
    source.set_property("tcp-timeout", within.as_micros() as u64);
    source.set_property("latency", 0_u32);
    source.set_property("user-agent", camera.user_agent);
    if let Some(login) = camera.login {
        source.set_property("user-id", login.user.as_str());
        source.set_property("user-pw", login.password.expose());
    }
    Ok(source)
}

/// Takes the backchannel and the picture, and hears when the latter comes.
fn listen(source: &gst::Element, heard: &Arc<Heard>) {
    let at = heard.clone();
    source.connect("select-stream", false, move |values| {
        let (stream, caps) = (values.get(1)?.get::<u32>().ok()?, values.get(2)?.get::<gst::Caps>().ok()?);
        let is_picture = caps.structure(0).and_then(|s| s.get::<String>("media").ok()).is_some_and(|m| m == "video");
        let offer = Offer::of(stream, &caps);
        let is_usable = offer.as_ref().is_some_and(|offer| offer.coding.is_some());
        // A camera may offer several codings; the first that can be spoken is taken, and the others are left alone.
        let has_one = lock(&at.offers).iter().any(|offer| offer.coding.is_some());
        lock(&at.offers).extend(offer);
        Some((is_picture || (is_usable && !has_one)).to_value())
    });
    let at = heard.clone();
    source.connect_pad_added(move |source, pad| {
        let Ok(sink) = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()
        else {
            return;
        };
        let Some(pipeline) = source.parent().and_downcast::<gst::Pipeline>() else { return };
        let Some(target) = sink.static_pad("sink") else { return };
        let is_linked =
            pipeline.add(&sink).is_ok() && sink.sync_state_with_parent().is_ok() && pad.link(&target).is_ok();
        if is_linked {
            let at = at.clone();
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                at.has_picture.store(true, Ordering::Relaxed);
                gst::PadProbeReturn::Remove
            });
        }
    });
}
