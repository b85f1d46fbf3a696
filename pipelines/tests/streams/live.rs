//! Live cameras over loopback.

use std::sync::Arc;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::secret::Credentials;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ClipSpan, Clock as _, Frame, StreamId, SystemClock, Timestamp};
use forewarn_pipelines::{
    ClipEnd, Codec, Decode, EpochEnd, FrameTap, LiveStream, RtspTransport, SimCamera, SimConfig, SimError, SourceUrl,
    StreamConfig, StreamEvent, StreamFault, Wakeup,
};

use crate::replay::all_frames;
use crate::support::{
    B_FRAMES, Events, H265, JPEG_AVI, LARGER, PLAIN, Recipe, TRANSPORT, WAIT, clips, luma_of, number_of,
};

pub(crate) fn config(source: &str) -> StreamConfig {
    let backoff = BackoffLimits {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(400),
        ..BackoffLimits::USUAL
    };
    let source = source.parse().unwrap();
    StreamConfig { backoff, ..StreamConfig::new(StreamId::new("cam").unwrap(), source) }
}

pub(crate) fn start(config: StreamConfig) -> (LiveStream, Events) {
    let (events, sink) = Events::new();
    (LiveStream::start(config, Arc::new(SystemClock), sink).unwrap(), events)
}

fn camera(recipe: &Recipe) -> SimCamera {
    SimCamera::start(&SimConfig::new(clips().get(recipe).path)).unwrap()
}

pub(crate) fn is_connected(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Connected { .. })
}

pub(crate) fn is_interrupted(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Interrupted { .. })
}

pub(crate) fn is_resumed(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Resumed { .. })
}

pub(crate) fn next(live: &LiveStream) -> Frame {
    live.slot().wait(WAIT).expect("a frame in time")
}

#[test]
fn tcp_and_udp_with_digest_authentication() {
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        let login = Credentials::new("viewer", "s3cret/pass@word");
        let clip = clips().get(&PLAIN).path;
        let camera = SimCamera::start(&SimConfig { credentials: Some(login.clone()), ..SimConfig::new(clip) }).unwrap();
        let (live, events) = start(StreamConfig { transport, credentials: Some(login), ..config(camera.url()) });
        let connected = events.wait_for(is_connected);
        let StreamEvent::Connected { width: 320, height: 240, codec: Some(Codec::H264), .. } = connected else {
            panic!("{connected:?}")
        };
        let frames: Vec<Frame> = (0..20).map(|_| next(&live)).collect();
        let mut off_ms = Vec::new();
        for pair in frames.windows(2) {
            let frames_apart = pair[1].meta.sequence - pair[0].meta.sequence;
            assert_eq!((number_of(&pair[0]) + frames_apart) % 100, number_of(&pair[1]) % 100, "{transport:?}");
            let apart_ms = pair[1].meta.captured_at.since(pair[0].meta.captured_at).as_millis() as u64;
            off_ms.push(apart_ms as i64 - frames_apart as i64 * 40);
        }
        // A machine that was busy at first moves the clock back as it sees less delayed pictures, and never forward.
        let exact = off_ms.iter().filter(|off| off.abs() <= 10).count();
        assert!(off_ms.iter().all(|&off| off <= 10) && exact >= 12, "{transport:?}: {off_ms:?}");
    }
}

#[test]
fn a_wrong_password_is_told_from_other_faults_and_never_shown() {
    let login = Credentials::new("viewer", "right");
    let clip = clips().get(&PLAIN).path;
    let camera = SimCamera::start(&SimConfig { credentials: Some(login), ..SimConfig::new(clip) }).unwrap();
    let url = camera.url().replace("rtsp://", "rtsp://viewer:wr0ngpass@");
    let (live, events) = start(config(&url));
    let failed = events.wait_for(is_interrupted);
    let StreamEvent::Interrupted { reason: StreamFault::Unauthorized, .. } = &failed else { panic!("{failed:?}") };
    assert!(!format!("{failed:?}").contains("wr0ngpass"));
    let retried = events.wait_for(|event| matches!(event, StreamEvent::RetryFailed { attempt: 3, .. }));
    assert!(matches!(retried, StreamEvent::RetryFailed { reason: StreamFault::Unauthorized, .. }), "{retried:?}");
    assert!(live.stats().failed_attempts >= 3 && live.stats().gaps == 0);
}

#[test]
fn a_wrong_path_is_told_from_a_dead_host() {
    let camera = camera(&PLAIN);
    let (_live, events) = start(config(&camera.url().replace("/stream", "/nothing")));
    let failed = events.wait_for(is_interrupted);
    assert!(matches!(&failed, StreamEvent::Interrupted { reason: StreamFault::NotFound { .. }, .. }), "{failed:?}");
    let port = camera.port();
    drop(camera);
    let (_live, events) = start(config(&format!("rtsp://127.0.0.1:{port}/stream")));
    let failed = events.wait_for(is_interrupted);
    assert!(matches!(&failed, StreamEvent::Interrupted { reason: StreamFault::Unreachable { .. }, .. }), "{failed:?}");
}

#[test]
fn a_camera_that_comes_back_is_one_counted_gap() {
    let first = camera(&PLAIN);
    let port = first.port();
    let (live, events) = start(config(first.url()));
    events.wait_for(is_connected);
    let before = next(&live);
    let recorder = {
        let at = before.meta.captured_at;
        live.ring().record(ClipSpan { from: at, to: at + Duration::from_mins(10) }).unwrap()
    };
    drop(first);
    events.wait_for(is_interrupted);
    assert!(recorder.wait(WAIT));
    let second = SimCamera::start(&SimConfig { port, ..SimConfig::new(clips().get(&PLAIN).path) }).unwrap();
    events.wait_for(is_connected);
    let resumed = events.wait_for(is_resumed);
    let StreamEvent::Resumed { gap } = resumed else { panic!("{resumed:?}") };
    assert!(gap > Duration::from_millis(100) && gap < WAIT, "{gap:?}");
    let stats = live.stats();
    assert_eq!((stats.gaps, stats.connections, stats.reconnects), (1, 2, 1));
    assert!(stats.gap_ms >= 100);
    let info = recorder.finish(&clips().path("interrupted.mp4")).unwrap();
    assert_eq!(info.end, ClipEnd::Epoch(EpochEnd::Interrupted));
    // The frame in the slot may be one from before the outage.
    let mut after = next(&live);
    while after.meta.captured_at <= info.last_unit_at {
        after = next(&live);
    }
    assert!(after.meta.captured_at > before.meta.captured_at);
    assert_eq!(all_frames(&clips().path("interrupted.mp4"), Timestamp::ZERO).len(), info.units);
    drop(second);
}

#[test]
fn a_camera_that_hangs_is_noticed() {
    let camera = camera(&PLAIN);
    let (live, events) = start(StreamConfig { stall_after: Duration::from_millis(2500), ..config(camera.url()) });
    events.wait_for(is_connected);
    camera.set_paused(true);
    let stalled = events.wait_for(is_interrupted);
    assert!(matches!(&stalled, StreamEvent::Interrupted { reason: StreamFault::Stalled { .. }, .. }), "{stalled:?}");
    camera.set_paused(false);
    events.wait_for(is_resumed);
    assert!(live.stats().gap_ms >= 2000);
}

#[test]
fn a_camera_that_ends_the_stream_is_connected_to_again() {
    let clip = clips().get(&PLAIN).path;
    let camera = SimCamera::start(&SimConfig { is_looped: false, ..SimConfig::new(clip) }).unwrap();
    let (_live, events) = start(config(camera.url()));
    events.wait_for(is_connected);
    let ended = events.wait_for(is_interrupted);
    assert!(matches!(&ended, StreamEvent::Interrupted { reason: StreamFault::EndOfStream, .. }), "{ended:?}");
    events.wait_for(is_resumed);
}

#[test]
fn a_change_of_format_is_reported_and_ends_clips() {
    let paths = vec![clips().get(&PLAIN).path, clips().get(&LARGER).path];
    let camera = SimCamera::start(&SimConfig { clips: paths, ..SimConfig::new("") }).unwrap();
    let (live, events) = start(config(camera.url()));
    events.wait_for(is_connected);
    let at = next(&live).meta.captured_at;
    let recorder = live.ring().record(ClipSpan { from: at, to: at + Duration::from_mins(10) }).unwrap();
    let changed = events.wait_for(|event| matches!(event, StreamEvent::FormatChanged { .. }));
    assert_eq!(changed, StreamEvent::FormatChanged { width: 480, height: 360 });
    assert!(recorder.is_complete());
    let out = clips().path("changed.mp4");
    let info = recorder.finish(&out).unwrap();
    assert_eq!(info.end, ClipEnd::Epoch(EpochEnd::FormatChanged));
    let shown = all_frames(&out, info.first_unit_at);
    assert_eq!(shown.len(), info.units);
    assert!(shown.iter().all(|frame| frame.width == 320));
    let watch = Stopwatch::start();
    while next(&live).width != 480 {
        assert!(watch.elapsed() < WAIT);
    }
    assert_eq!((live.stats().format_changes, live.stats().reconnects), (1, 0));
}

/// Takes frames of a live camera, records a clip around one of them, and looks for it in the clip.
fn check_live_clip(recipe: &Recipe, transport: RtspTransport) {
    let camera = camera(recipe);
    let (live, events) = start(StreamConfig { transport, ..config(camera.url()) });
    events.wait_for(is_connected);
    let snapshots: Vec<Frame> = (0..30).map(|_| next(&live)).collect();
    let at = snapshots[15].meta.captured_at;
    let span = ClipSpan { from: at - Duration::from_millis(500), to: at + Duration::from_secs(1) };
    let recorder = live.ring().record(span).unwrap();
    assert!(recorder.wait(WAIT));
    let out = clips().path(&format!("live-{transport:?}-{}", recipe.name));
    let info = recorder.finish(&out).unwrap();
    assert_eq!(info.end, ClipEnd::Complete);
    assert!(info.first_unit_at <= span.from && info.last_unit_at < span.to);
    let shown = all_frames(&out, info.first_unit_at);
    assert_eq!(shown.len(), info.units);
    for snapshot in snapshots.iter().filter(|s| s.meta.captured_at < span.to) {
        let distance =
            |frame: &&Frame| frame.meta.captured_at.as_micros().abs_diff(snapshot.meta.captured_at.as_micros());
        let nearest = shown.iter().min_by_key(distance).unwrap();
        if snapshot.meta.captured_at < info.first_unit_at {
            continue;
        }
        assert!(distance(&nearest) < 20_000, "{} us off", distance(&nearest));
        assert_eq!(number_of(nearest), number_of(snapshot));
        assert!(luma_of(nearest) == luma_of(snapshot), "the pictures at {} differ", snapshot.meta.captured_at);
    }
    // The first report comes at a random time within a few seconds: RFC 3550, section 6.3.1.
    let watch = Stopwatch::start();
    while live.stats().clocks_from_sender_reports == 0 {
        next(&live);
        assert!(watch.elapsed() < WAIT, "{:?}", live.stats());
    }
}

#[test]
fn snapshot_and_clip_of_a_live_camera_agree() {
    check_live_clip(&PLAIN, RtspTransport::Tcp);
    check_live_clip(&H265, RtspTransport::Udp);
}

#[test]
fn a_dead_stream_delays_no_other() {
    let camera = camera(&PLAIN);
    let wakeup = Arc::new(Wakeup::default());
    // Nothing answers at this address of the block for documentation (RFC 5737).
    let (dead, _dead_events) =
        start(StreamConfig { wakeup: Some(wakeup.clone()), ..config("rtsp://192.0.2.1:554/stream") });
    let (live, events) = start(StreamConfig { wakeup: Some(wakeup.clone()), ..config(camera.url()) });
    events.wait_for(is_connected);
    let (mut seen, mut frames) = (wakeup.count(), 0);
    let watch = Stopwatch::start();
    while frames < 25 {
        seen = wakeup.wait_past(seen, WAIT);
        frames += usize::from(live.slot().take().is_some());
        assert!(dead.slot().take().is_none() && watch.elapsed() < WAIT);
    }
    assert_eq!(live.stats().gaps, 0);
    for stream in [dead, live] {
        let watch = Stopwatch::start();
        stream.stop();
        assert!(watch.elapsed() < Duration::from_secs(1), "stopping took {:?}", watch.elapsed());
        assert!(stream.slot().is_closed());
    }
}

#[test]
fn a_stream_that_waits_to_retry_stops_at_once() {
    let backoff = BackoffLimits { first: Duration::from_secs(30), longest: Duration::from_secs(30), jitter: 0.0 };
    let (live, events) = start(StreamConfig { backoff, ..config("rtsp://127.0.0.1:1/stream") });
    events.wait_for(is_interrupted);
    let watch = Stopwatch::start();
    live.stop();
    assert!(watch.elapsed() < Duration::from_secs(1));
    events.wait_for(|event| *event == StreamEvent::Ended);
}

#[test]
fn a_file_can_stand_for_a_camera() {
    let clip = clips().get(&TRANSPORT);
    let source = SourceUrl::file(&clip.path).to_string();
    let watch = Stopwatch::start();
    let (live, events) = start(config(&source));
    events.wait_for(is_connected);
    events.wait_for(|event| *event == StreamEvent::Ended);
    assert!(watch.elapsed() > Duration::from_millis(3500), "it plays in real time");
    assert_eq!((live.stats().frames_decoded, live.stats().units_in), (100, 100));
    let (_live, events) = start(config(&clips().path("gone.mp4").display().to_string()));
    let failed = events.wait_for(is_interrupted);
    assert!(matches!(&failed, StreamEvent::Interrupted { reason: StreamFault::NotFound { .. }, .. }), "{failed:?}");
    let (_live, events) = start(config(&clips().get(&JPEG_AVI).path.display().to_string()));
    let failed = events.wait_for(is_interrupted);
    let StreamEvent::Interrupted { reason: StreamFault::UnsupportedCodec { .. }, .. } = failed else {
        panic!("{failed:?}")
    };
}

/// A sender from the air: a transport stream with sound, through `sink`.
fn sender(sink: &str) -> crate::support::Player {
    crate::support::Player::start(&format!(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! x264enc tune=zerolatency \
         threads=1 speed-preset=ultrafast key-int-max=25 ! h264parse ! mpegtsmux alignment=7 name=mux ! {sink} \
         audiotestsrc is-live=true ! avenc_aac ! aacparse ! mux."
    ))
}

pub(crate) fn free_port() -> u16 {
    forewarn_base::port::free_port().unwrap()
}

/// A second one at the port of a stream is told why it hears nothing, and takes nothing from it.
fn refused_beside(live: &LiveStream, source: &str, port: u16) {
    let taken = format!("another program listens at port {port}");
    let is_told = |event: &StreamEvent| match event {
        StreamEvent::Interrupted { reason, .. } => reason.to_string().contains(&taken),
        _ => false,
    };
    let (_second, refused) = start(config(source));
    refused.wait_for(is_told);
    next(live);
}

#[test]
fn a_camera_over_srt_is_watched_whichever_side_calls() {
    for (ours, theirs) in [("caller", "listener"), ("listener", "caller")] {
        let port = free_port();
        let uri = |mode: &str| format!("srt://127.0.0.1:{port}?mode={mode}");
        let sink = format!("srtsink uri={} passphrase=0123456789abcdef", uri(theirs));
        let sent = (theirs == "listener").then(|| sender(&sink));
        let (live, events) = start(config(&format!("{}&passphrase=0123456789abcdef", uri(ours))));
        let sent = sent.unwrap_or_else(|| sender(&sink));
        events.wait_for(is_connected);
        let (a, b) = (next(&live), next(&live));
        assert!(b.meta.captured_at > a.meta.captured_at);
        if ours == "listener" {
            refused_beside(&live, &uri(ours), port);
        }
        drop(sent);
        events.wait_for(is_interrupted);
        let _again = sender(&sink);
        events.wait_for(is_resumed);
    }
}

#[test]
fn a_camera_that_sends_datagrams_is_watched_before_and_after_a_black_out() {
    let port = free_port();
    let sink = format!("udpsink host=127.0.0.1 port={port}");
    let stall_after = Duration::from_secs(1);
    let (live, events) = start(StreamConfig { stall_after, ..config(&format!("udp://127.0.0.1:{port}")) });
    let sent = sender(&sink);
    events.wait_for(is_connected);
    let (a, b) = (next(&live), next(&live));
    assert!(b.meta.captured_at > a.meta.captured_at);
    refused_beside(&live, &format!("udp://127.0.0.1:{port}"), port);
    drop(sent);
    events.wait_for(is_interrupted);
    let _again = sender(&sink);
    events.wait_for(is_resumed);
    assert!(next(&live).meta.captured_at > b.meta.captured_at);
}

#[test]
fn a_simulated_camera_says_what_it_cannot_serve() {
    let refused = SimCamera::start(&SimConfig::new(clips().get(&JPEG_AVI).path)).err().unwrap();
    assert!(matches!(refused, SimError::Clip(_)), "{refused}");
    let mixed = vec![clips().get(&PLAIN).path, clips().get(&H265).path];
    let refused = SimCamera::start(&SimConfig { clips: mixed, ..SimConfig::new("") }).err().unwrap();
    assert!(matches!(refused, SimError::Codec { .. }), "{refused}");
    let camera = camera(&PLAIN);
    let taken = SimConfig { port: camera.port(), ..SimConfig::new(clips().get(&PLAIN).path) };
    let refused = SimCamera::start(&taken).err().unwrap();
    assert!(matches!(refused, SimError::Listen { .. }), "{refused}");
}

/// Frames of a looped clip of 100 with a key frame every 25, until `is_enough` says so of the last one.
fn frames_until(live: &LiveStream, mut is_enough: impl FnMut(&Frame) -> bool) {
    let in_vain = (0..2000).all(|_| !is_enough(&next(live)));
    assert!(!in_vain, "{:?}", live.stats());
}

#[test]
fn only_key_frames_are_decoded_on_demand_and_given_at_once() {
    for recipe in [PLAIN, B_FRAMES, H265] {
        let camera = camera(&recipe);
        let (live, events) = start(config(camera.url()));
        events.wait_for(is_connected);
        live.decode(Decode::Part(0.0));
        let mut in_a_row = 0;
        frames_until(&live, |frame| {
            in_a_row = if number_of(frame).is_multiple_of(25) { in_a_row + 1 } else { 0 };
            in_a_row == 3
        });
        let before = live.stats();
        let key = next(&live);
        let held_for = SystemClock.now().since(key.meta.captured_at);
        assert!(held_for < Duration::from_millis(900), "{}: held back for {held_for:?}", recipe.name);
        let after = live.stats();
        assert!(after.units_in - before.units_in > 15 && after.frames_decoded - before.frames_decoded <= 2);
        assert!(after.units_thinned > before.units_thinned, "{after:?}");
        assert!(after.keys_decoded > 2 && after.decode_key_us > 0, "{after:?}");

        live.decode(Decode::Part(1.0));
        let (mut last, mut in_a_row) = (None, 0);
        frames_until(&live, |frame| {
            let number = number_of(frame);
            in_a_row = if last.is_some_and(|last| (last + 1) % 100 == number) { in_a_row + 1 } else { 0 };
            last = Some(number);
            in_a_row == 10
        });
        let reports = || live.stats().failed_attempts;
        assert_eq!(reports(), 0, "{}: a thinned stream is no broken one", recipe.name);
    }
}

#[test]
fn a_stream_that_dozed_gives_all_since_the_key_frame_before_the_last() {
    for recipe in [PLAIN, B_FRAMES, H265] {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (camera, in_tap) = (camera(&recipe), seen.clone());
        let tap = FrameTap::new(move |frame| in_tap.lock().unwrap().push(number_of(frame)));
        let (live, events) = start(StreamConfig { tap: Some(tap), ..config(camera.url()) });
        events.wait_for(is_connected);
        live.decode(Decode::Doze);
        let mut in_a_row = 0;
        frames_until(&live, |frame| {
            in_a_row = if number_of(frame).is_multiple_of(25) { in_a_row + 1 } else { 0 };
            in_a_row == 3
        });
        let (asleep, units) = (seen.lock().unwrap().len(), live.stats());
        frames_until(&live, |frame| number_of(frame).is_multiple_of(25));
        assert!(live.stats().units_thinned > units.units_thinned + 15, "{}", recipe.name);
        assert_eq!(live.stats().frames_decoded, units.frames_decoded + 1, "{}", recipe.name);

        live.decode(Decode::Part(1.0));
        frames_until(&live, |_| seen.lock().unwrap().len() >= asleep + 60);
        let seen = seen.lock().unwrap().clone();
        let woken = seen[asleep + 1..].iter().position(|number| !number.is_multiple_of(25)).unwrap() + asleep + 1;
        assert_eq!(seen[woken] % 25, 1, "{}: the key frame itself was seen: {seen:?}", recipe.name);
        assert_eq!(
            seen[woken] + 24,
            if seen[woken - 1] == 0 { 100 } else { seen[woken - 1] },
            "{}: {seen:?}",
            recipe.name
        );
        // Pictures that are shown in another order than they are sent may come to lie behind the one before, awake or not.
        let steps: Vec<u64> = seen[woken..].windows(2).map(|pair| (pair[1] + 100 - pair[0]) % 100).collect();
        let left_out: u64 = steps.iter().map(|step| step - 1).sum();
        let most = live.stats().frames_dropped_backwards;
        assert!(steps.iter().all(|step| *step < 4) && left_out <= most, "{}: {:?}", recipe.name, &seen[woken..]);
    }
}

#[test]
fn a_tap_is_shown_every_decoded_frame() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let camera = camera(&PLAIN);
    let in_tap = seen.clone();
    let tap = FrameTap::new(move |frame| in_tap.lock().unwrap().push(number_of(frame)));
    let (live, events) = start(StreamConfig { tap: Some(tap), ..config(camera.url()) });
    events.wait_for(is_connected);
    frames_until(&live, |_| seen.lock().unwrap().len() >= 30);
    let seen = seen.lock().unwrap().clone();
    assert!(seen.windows(2).all(|pair| (pair[0] + 1) % 100 == pair[1]), "{seen:?}");
}
