//! What is chosen of an offer, and a session with GStreamer's own `webrtcbin` as the one who looks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::SystemClock;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use super::*;
use crate::plugin::make;
use crate::{LiveStream, SimCamera, SimConfig, StreamConfig, StreamEvent, webrtc};

fn format(number: &str, id: &str) -> Format {
    let parameters = format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={id}");
    Format { number: number.to_owned(), parameters }
}

#[test]
fn a_way_of_the_cameras_own_profile_is_chosen_or_it_is_said_which_there_are() {
    let chromium = [("103", "42001f"), ("107", "42e01f"), ("115", "4d001f"), ("119", "f4001f")];
    let formats = chromium.map(|(number, id)| format(number, id));
    let number = |name| chosen(&formats, Codec::H264, name).map(|format| format.number.as_str());
    assert_eq!(number("avc1.42e01e").unwrap(), "107");
    assert_eq!(number("avc1.42c01e").unwrap(), "103", "the first of its profile");
    assert_eq!(number("avc1.4d4028").unwrap(), "115");
    let why = number("avc1.640028").unwrap_err().to_string();
    assert!(why.contains("sends H.264 High,") && why.contains("takes H.264 Baseline, Main, High 4:4:4 over"), "{why}");
    let why = chosen(&formats, Codec::H265, "hvc1.1.6.L93.B0").unwrap_err().to_string();
    assert!(why.contains("sends H.265,"), "{why}");
    let why = chosen(&[], Codec::H264, "avc1.42e01e").unwrap_err().to_string();
    assert!(why.contains("takes no H.264"), "{why}");
}

/// Four seconds of 25 pictures a second whose brightness says their number.
fn clip(folder: &Path, profile: &str, more: &str) -> PathBuf {
    let path = folder.join(format!("{profile}.mp4"));
    let line = format!(
        "appsrc name=src format=time block=true caps=video/x-raw,format=GRAY8,width=320,height=240,framerate=25/1 ! videoconvert \
         ! x264enc threads=1 key-int-max=25 pass=quant quantizer=18 speed-preset=veryfast {more} \
         ! video/x-h264,profile={profile} ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for n in 0..100_u64 {
        let mut buffer = gst::Buffer::from_mut_slice(vec![30 + 2 * n as u8; 320 * 240]);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40) * n);
        src.push_buffer(buffer).unwrap();
    }
    src.end_of_stream().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(30), &kinds).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
    path
}

const BASELINE: &str = "constrained-baseline";
/// Longest wait for anything.
const WAIT: Duration = Duration::from_secs(20);

/// A camera that shows such a clip, watched.
struct Watched {
    live: LiveStream,
    _camera: SimCamera,
    _folder: tempfile::TempDir,
}

impl Watched {
    fn of(profile: &str, more: &str) -> Self {
        Self::mounted(Orientation::UPRIGHT, profile, more)
    }

    fn mounted(turned: Orientation, profile: &str, more: &str) -> Self {
        crate::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let camera = SimCamera::start(&SimConfig::new(clip(folder.path(), profile, more))).unwrap();
        let (told, events) = sync_channel(64);
        let sink = Arc::new(move |event| {
            let _ = told.try_send(event);
        });
        let config = StreamConfig::new(StreamId::new("cam").unwrap(), camera.url().parse().unwrap());
        let config = StreamConfig { turned, ..config };
        let live = LiveStream::start(config, Arc::new(SystemClock), sink).unwrap();
        await_connection(&events);
        // Until a key picture has come there is nothing to be shown.
        live.slot().next(WAIT).unwrap();
        Self { live, _camera: camera, _folder: folder }
    }
}

fn await_connection(events: &Receiver<StreamEvent>) {
    while !matches!(events.recv_timeout(WAIT).unwrap(), StreamEvent::Connected { .. }) {}
}

/// Somebody who looks by `webrtcbin`, and decodes.
struct Looker {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    offer: String,
    /// When packets that end a picture say that it was taken, in their order.
    times: Arc<Mutex<Vec<u32>>>,
    pictures: Receiver<u8>,
}

impl Looker {
    fn new(id: &str) -> Self {
        crate::init().unwrap();
        let pipeline = gst::Pipeline::new();
        let webrtc = webrtc::bin().unwrap();
        webrtc::listen_at(&webrtc, std::net::Ipv4Addr::LOCALHOST.into());
        // A busy machine is late, and what is late is not lost.
        webrtc.set_property("latency", 2000_u32);
        pipeline.add(&webrtc).unwrap();
        let times = Arc::<Mutex<Vec<u32>>>::default();
        let (told, pictures) = sync_channel(1000);
        let (of_pad, pipe) = (Arc::clone(&times), pipeline.downgrade());
        webrtc.connect_pad_added(move |_, pad| {
            if pad.direction() == gst::PadDirection::Src {
                decode(&pipe.upgrade().unwrap(), pad, &of_pad, &told);
            }
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "video")
            .field("encoding-name", "H264")
            .field("clock-rate", 90_000)
            .field("payload", 102)
            .field("packetization-mode", "1")
            .field("profile-level-id", id)
            .build();
        let offer = webrtc::offer_to_see(&webrtc, &caps);
        Self { pipeline, webrtc, offer, times, pictures }
    }

    fn call(&self, watched: &Watched) -> Result<Answered, CallError> {
        watched.live.callee(false).take(&self.offer, Some(std::net::Ipv4Addr::LOCALHOST.into()))
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn decode(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    times: &Arc<Mutex<Vec<u32>>>,
    told: &std::sync::mpsc::SyncSender<u8>,
) {
    let chain = ["rtph264depay", "h264parse", "avdec_h264"].map(|name| make(name).unwrap());
    chain[2].set_property("max-threads", 1);
    let told = told.clone();
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let bytes = sample.buffer().unwrap().map_readable().unwrap();
        let _ = told.try_send(bytes[320 * 120 + 160]);
        Ok(gst::FlowSuccess::Ok)
    };
    let sink = gst_app::AppSink::builder().sync(false).build();
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
    pipeline.add_many(&chain).unwrap();
    pipeline.add(&sink).unwrap();
    gst::Element::link_many(chain.iter().chain([sink.upcast_ref()])).unwrap();
    let times = Arc::clone(times);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let packet = info.buffer().unwrap().map_readable().unwrap();
        // RFC 3550, 5.1: the mark of a picture's last packet, and the time.
        if packet[1] & 0x80 != 0 {
            lock(&times).push(u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]));
        }
        gst::PadProbeReturn::Ok
    });
    for element in chain.iter().chain([sink.upcast_ref()]) {
        element.sync_state_with_parent().unwrap();
    }
    pad.link(&chain[0].static_pad("sink").unwrap()).unwrap();
}

#[test]
fn whoever_looks_by_webrtc_sees_each_picture_with_the_instant_at_which_it_was_taken() {
    let watched = Watched::of(BASELINE, "");
    let looker = Looker::new("42e01f");
    let Answered { sdp, origin, mut call } = looker.call(&watched).unwrap();
    assert!(sdp.contains("profile-level-id=42e01f") && sdp.contains("a=sendonly"), "{sdp}");
    let candidates: Vec<&str> = sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect();
    let is_told = |line: &&str| line.contains(" UDP ") && line.contains(" 127.0.0.1 492") && line.contains("typ host");
    assert!(!candidates.is_empty() && candidates.iter().all(is_told), "{candidates:?}");
    webrtc::take_answer(&looker.webrtc, &sdp);
    let seen: Vec<u8> = (0..60).map(|_| looker.pictures.recv_timeout(WAIT).unwrap()).collect();
    let number = |luma: u8| (i32::from(luma) - 30 + 1) / 2;
    let steps = seen.windows(2).map(|pair| (number(pair[1]) - number(pair[0])).rem_euclid(100));
    assert!(steps.clone().all(|step| step == 1), "{seen:?}");
    // The agent's own frames say when each was taken.
    let mut taken = BTreeMap::new();
    for _ in 0..20 {
        let frame = watched.live.slot().next(WAIT).unwrap();
        let grey = frame.to_rgb8()[3 * (320 * 120 + 160)];
        taken.insert(frame.meta.captured_at.micros_since(origin), grey);
    }
    let last = *taken.keys().next_back().unwrap();
    let watch = Stopwatch::start();
    let us = |ticks: &u32| i64::from(*ticks) * 100 / 9;
    while lock(&looker.times).last().is_none_or(|ticks| us(ticks) < last) {
        assert!(watch.elapsed() < WAIT, "the last picture does not come");
        let _ = looker.pictures.recv_timeout(Duration::from_millis(20));
    }
    let times: Vec<i64> = lock(&looker.times).iter().map(us).collect();
    for at in taken.keys() {
        assert!(times.iter().any(|time| (at - time).abs() <= 12), "{at} is not among {times:?}");
    }
    assert!(!call.is_over() && call.given_up() == 0);
    // Whoever hangs up is not waited for.
    looker.pipeline.set_state(gst::State::Null).unwrap();
    call.thread.join().unwrap();
}

#[test]
fn who_cannot_be_shown_the_camera_is_told_why() {
    let high = Watched::of("high", "bframes=0");
    let why = |watched: &Watched, id: &str| Looker::new(id).call(watched).unwrap_err().to_string();
    let told = why(&high, "42e01f");
    assert_eq!(told, "the camera sends H.264 High, and this browser takes H.264 Baseline over WebRTC");
    assert!(Looker::new("640c1f").call(&high).is_ok(), "as Safari offers it");
    let reordered = Watched::of("main", "bframes=2 b-adapt=false");
    let told = why(&reordered, "4d001f");
    assert!(told.contains("B pictures"), "{told}");
    let turned = Watched::mounted(Orientation::clockwise(90).unwrap(), BASELINE, "");
    assert!(why(&turned, "42e01f").contains("turned"));
    let told = high.live.callee(false).take("hello", None).unwrap_err().to_string();
    assert!(told.contains("no session description"), "{told}");
    let head = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    let transport = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 00:11\r\n";
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\na=rtpmap:96 H264/90000\r\n";
    let refused = [
        (head.to_owned(), "it offers no video"),
        (format!("{head}{video}"), "it has no ice-ufrag"),
        (format!("{head}{}{video}", transport.replace("fingerprint", "other")), "it has no fingerprint"),
        (format!("{head}{transport}{}", video.replace("recvonly", "sendonly")), "must be recvonly"),
    ];
    for (offer, why) in refused {
        let told = high.live.callee(false).take(&offer, None).unwrap_err();
        assert!(matches!(told, CallError::NoOffer(_)) && told.to_string().contains(why), "{why}: {told}");
    }
}

#[test]
fn a_session_ends_with_its_stream_and_with_whoever_wanted_it() {
    let watched = Watched::of(BASELINE, "");
    let looker = Looker::new("42e01f");
    let Answered { sdp, call, .. } = looker.call(&watched).unwrap();
    webrtc::take_answer(&looker.webrtc, &sdp);
    looker.pictures.recv_timeout(WAIT).unwrap();
    // Waits for it.
    drop(call);
    let mut never_came = Looker::new("42e01f").call(&watched).unwrap().call;
    watched.live.stop();
    never_came.thread.join().unwrap();
    assert!(matches!(looker.call(&watched), Err(CallError::NoPicture)));
}
