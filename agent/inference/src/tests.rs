//! The inference thread with recorded detections and readings in place of models.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{
    Answer, AttributeId, BBox, Class, ColourMatrix, Detection, DetectorError, Frame, FrameMeta, Look, PixelFormat,
    Reading, StreamId, SystemClock, Timestamp, TrackId,
};
use forewarn_engine::Analysed;

use forewarn_engine::tiles::{Grid, TileSpec};

use super::*;

/// A detector that says where the brightest corner of a picture lies, and notes the sizes of its batches.
struct Bright {
    classes: Vec<Class>,
    batches: Arc<Mutex<Vec<usize>>>,
}

impl Detector for Bright {
    fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn batch(&self) -> usize {
        4
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.batches.lock().unwrap().push(frames.len());
        if let Some(frame) = frames.iter().find(|frame| frame.meta.sequence == 666) {
            return Err(DetectorError { message: format!("{} is broken", frame.meta.stream) });
        }
        let found = |frame: &&Frame| {
            let bright = (0..frame.height).flat_map(|y| (0..frame.width).map(move |x| (x, y)));
            let bright = bright.filter(|&(x, y)| frame.plane(0).0[y as usize * frame.plane(0).1 + x as usize] > 200);
            let points: Vec<(u32, u32)> = bright.collect();
            let (Some(x0), Some(y0)) = (points.iter().map(|p| p.0).min(), points.iter().map(|p| p.1).min()) else {
                return Vec::new();
            };
            let (x1, y1) = points.iter().fold((0, 0), |(x, y), p| (x.max(p.0), y.max(p.1)));
            let bbox = BBox::new(x0 as f32, y0 as f32, x1 as f32 + 1.0, y1 as f32 + 1.0);
            vec![Detection { class: Class::new("person"), score: 0.9, bbox }]
        };
        Ok(frames.iter().map(found).collect())
    }
}

/// A reader that says yes to everything.
struct Yes(Vec<AttributeId>);

impl Reader for Yes {
    fn attributes(&self) -> &[AttributeId] {
        &self.0
    }

    fn shortfall(&self) -> Option<String> {
        Some("`mask` left cuda for the CPU".to_owned())
    }

    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        let read = |(frame, look): &(&Frame, &Look)| Reading {
            track: look.track,
            attribute: look.attribute.clone(),
            at: frame.meta.captured_at,
            bbox: look.bbox,
            quality: 1.0,
            answer: Answer::Probability(1.0),
        };
        Ok(looks.iter().map(read).collect())
    }
}

fn id(stream: &str) -> StreamId {
    StreamId::new(stream).unwrap()
}

/// A dark frame with a bright subject of ten pixels at (x, y).
fn frame(stream: &str, sequence: u64, x: usize, y: usize) -> Frame {
    let at = Timestamp::from_secs_f64(sequence as f64 * 0.2);
    let arrived_at = SystemClock.now();
    let meta = FrameMeta { stream: id(stream), sequence, captured_at: at, arrived_at };
    let (width, height) = (1280, 720);
    let mut bytes = vec![40_u8; width * height * 3 / 2];
    for row in y..y + 10 {
        bytes[row * width + x..row * width + x + 10].fill(250);
    }
    let size = (width as u32, height as u32);
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, size, bytes).unwrap()
}

struct Rig {
    inference: Inference,
    slots: BTreeMap<StreamId, Arc<FrameSlot>>,
    shared: Shared,
    found: Receiver<Found>,
    batches: Arc<Mutex<Vec<usize>>>,
}

/// Cameras that are looked at fifty times a second.
struct Cameras {
    n: usize,
    is_gated: bool,
    tiles: Option<Tiles>,
}

fn cameras(n: usize) -> Cameras {
    Cameras { n, is_gated: true, tiles: None }
}

/// Decoders that nobody asks.
struct NoDecoders;

impl Decoders for NoDecoders {
    fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        Vec::new()
    }

    fn decode(&self, _stream: &StreamId, _decode: Decode) {}
}

/// Decoders of a camera with two key frames a second, which note what is asked of them.
struct Noting {
    read: AtomicU64,
    asked: SyncSender<Decode>,
}

impl Decoders for Noting {
    fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        // They are read twice a second.
        let n = self.read.fetch_add(1, Ordering::Relaxed);
        let stats = StreamStatsSnapshot {
            units_in: 13 * n,
            keys_in: n,
            keys_decoded: n,
            deltas_decoded: 12 * n,
            decode_key_us: 20_000 * n,
            decode_delta_us: 12 * 4_000 * n,
            ..StreamStatsSnapshot::default()
        };
        vec![(id("c0"), stats)]
    }

    fn decode(&self, _stream: &StreamId, decode: Decode) {
        let _ = self.asked.try_send(decode);
    }
}

impl Rig {
    fn start(cameras: Cameras) -> Self {
        Self::with(cameras, Box::new(NoDecoders))
    }

    fn with(Cameras { n, is_gated, tiles }: Cameras, decoders: Box<dyn Decoders>) -> Self {
        let wakeup = Arc::new(Wakeup::default());
        let slots: BTreeMap<StreamId, Arc<FrameSlot>> =
            (0..n).map(|i| (id(&format!("c{i}")), Arc::new(FrameSlot::new(Some(wakeup.clone()))))).collect();
        let settings = StreamSettings {
            interval: Duration::from_millis(20),
            idle: Duration::from_secs(2),
            empty: Duration::from_secs(2),
            is_gated,
            brief: Duration::from_secs(3),
        };
        let of_stream = |(stream, slot): (&StreamId, &Arc<FrameSlot>)| StreamSetup {
            stream: stream.clone(),
            slot: slot.clone(),
            settings,
            tiles,
            exclusions: Arc::default(),
            is_whole: false,
        };
        let streams = slots.iter().map(of_stream).collect();
        let setup = Setup { streams, input_px: (416, 416), threads: 1, budget: None };
        let (sender, found) = mpsc::sync_channel(64);
        let batches = Arc::new(Mutex::new(Vec::new()));
        let detector = Bright { classes: vec![Class::new("person")], batches: batches.clone() };
        let reader = Yes(vec![AttributeId::new("mask").unwrap()]);
        let models = Models { detector: Box::new(detector), reader: Some(Box::new(reader)) };
        let shared = Shared::new(&[AttributeId::new("mask").unwrap()]);
        let ends = Ends {
            decoders,
            shared: shared.clone(),
            wakeup,
            clock: Arc::new(SystemClock),
            tell: Box::new(move |found| sender.send(found).is_ok()),
        };
        let inference = Inference::start(setup, models, ends).unwrap();
        Self { inference, slots, shared, found, batches }
    }

    fn next(&self) -> Found {
        self.found.recv_timeout(Duration::from_secs(20)).expect("news in time")
    }

    fn analysed(&self) -> (Frame, Vec<Detection>, Option<forewarn_domain::Coverage>) {
        match self.next() {
            Found::Analysed(Analysed { frame, detections, coverage, .. }) => (frame, detections, coverage),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn frames_of_all_streams_are_looked_at_and_the_newest_wins() {
    let mut rig = Rig::start(cameras(3));
    for (i, (_, slot)) in rig.slots.iter().enumerate() {
        slot.put(frame(&format!("c{i}"), 1, 100 * (i + 1), 50));
    }
    let mut seen: Vec<(String, f32)> = (0..3)
        .map(|_| {
            let (frame, detections, coverage) = rig.analysed();
            assert_eq!(coverage, None);
            (frame.meta.stream.to_string(), detections[0].bbox.x0)
        })
        .collect();
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, [("c0".to_owned(), 100.0), ("c1".to_owned(), 200.0), ("c2".to_owned(), 300.0)]);
    assert_eq!(rig.batches.lock().unwrap().iter().sum::<usize>(), 3);
    assert_eq!(rig.inference.analysed().load(Ordering::Relaxed), 3);
    rig.inference.stop().unwrap();
    assert!(rig.inference.has_ended(), "no thread is left");
}

#[test]
fn streams_come_and_go_while_the_thread_runs() {
    let mut rig = Rig::start(Cameras { is_gated: false, ..cameras(1) });
    let gone = rig.slots[&id("c0")].clone();
    gone.put(frame("c0", 1, 100, 50));
    assert_eq!(rig.analysed().0.meta.stream, id("c0"));
    let settings = StreamSettings {
        interval: Duration::from_millis(20),
        idle: Duration::from_secs(2),
        empty: Duration::from_secs(2),
        is_gated: false,
        brief: Duration::from_secs(3),
    };
    let slot = Arc::new(FrameSlot::new(None));
    let late = |slot: &Arc<FrameSlot>| StreamSetup {
        stream: id("late"),
        slot: slot.clone(),
        settings,
        tiles: None,
        exclusions: Arc::default(),
        is_whole: false,
    };
    rig.shared.scenes.tracked(&id("c0"), vec![BBox::new(0.0, 0.0, 9.0, 9.0)]);
    rig.shared.lanes.remove(id("c0"));
    rig.shared.lanes.add(late(&slot));
    slot.put(frame("late", 1, 200, 50));
    assert_eq!(rig.analysed().0.meta.stream, id("late"));
    assert_eq!(rig.shared.scenes.counts(&id("c0")), (0, 0), "nothing is known of it any more");
    gone.put(frame("c0", 2, 100, 50));
    let other = Arc::new(FrameSlot::new(None));
    rig.shared.lanes.add(late(&other));
    other.put(frame("late", 2, 300, 50));
    let (seen, found, _) = rig.analysed();
    assert_eq!((seen.meta.stream, found[0].bbox.x0), (id("late"), 300.0), "it begins anew with another slot");
    rig.inference.stop().unwrap();
    assert!(rig.found.try_recv().is_err(), "nobody looks at the one that is gone");
}

#[test]
fn where_nothing_is_detected_is_drawn_elsewhere_while_the_thread_runs() {
    let mut rig = Rig::start(Cameras { is_gated: false, ..cameras(0) });
    let left = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]].map(forewarn_domain::Point::from);
    let left = Exclusion {
        id: forewarn_domain::ZoneId::new("poster").unwrap(),
        polygon: forewarn_domain::Polygon::new(left.to_vec()),
        unit: forewarn_domain::zone::ZoneUnit::Normalised,
        classes: Arc::default(),
    };
    let slot = Arc::new(FrameSlot::new(None));
    let with = |exclusions: &[Exclusion]| StreamSetup {
        stream: id("gate"),
        slot: slot.clone(),
        settings: StreamSettings {
            interval: Duration::from_millis(20),
            idle: Duration::from_secs(2),
            empty: Duration::from_secs(2),
            is_gated: false,
            brief: Duration::from_secs(3),
        },
        tiles: None,
        exclusions: exclusions.into(),
        is_whole: false,
    };
    let mut sequence = 0;
    // How many are found in the first frame that is looked at of those from now on: one that comes too early is left out.
    let mut look = |x: usize| {
        let before = sequence;
        for _ in 0..400 {
            sequence += 1;
            slot.put(frame("gate", sequence, x, 50));
            match rig.found.recv_timeout(Duration::from_millis(50)) {
                Ok(Found::Analysed(Analysed { frame, detections, .. })) if frame.meta.sequence > before => {
                    return detections.len();
                }
                Ok(Found::Analysed(_)) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                other => panic!("{other:?}"),
            }
        }
        panic!("nothing is looked at")
    };
    // The first may be looked at before the thread has taken up what is new.
    let mut seen_at = |x: usize| [look(x), look(x)][1];
    rig.shared.lanes.add(with(&[]));
    assert_eq!([100, 1000].map(&mut seen_at), [1, 1]);
    rig.shared.lanes.add(with(&[left]));
    assert_eq!([100, 1000].map(&mut seen_at), [0, 1]);
    rig.shared.lanes.add(with(&[]));
    assert_eq!(seen_at(100), 1);
    rig.inference.stop().unwrap();
}

#[test]
fn a_frame_that_breaks_the_detector_takes_no_other_with_it() {
    let mut rig = Rig::start(Cameras { is_gated: false, ..cameras(2) });
    rig.slots[&id("c0")].put(frame("c0", 666, 10, 10));
    rig.slots[&id("c1")].put(frame("c1", 1, 10, 10));
    let (mut troubles, mut analysed) = (0, 0);
    for _ in 0..2 {
        match rig.next() {
            Found::Failed { what, .. } => {
                assert!(what.contains("camera c0, frame 666: c0 is broken"), "{what}");
                troubles += 1;
            }
            Found::Analysed(Analysed { frame, .. }) => {
                assert_eq!(frame.meta.stream, id("c1"));
                analysed += 1;
            }
            other @ Found::Read { .. } => panic!("{other:?}"),
        }
    }
    assert_eq!((troubles, analysed), (1, 1));
    rig.inference.stop().unwrap();
}

#[test]
fn a_still_scene_is_looked_at_seldom_and_motion_wakes_it() {
    let mut rig = Rig::start(cameras(1));
    let slot = rig.slots[&id("c0")].clone();
    slot.put(frame("c0", 1, 100, 100));
    assert_eq!(rig.analysed().0.meta.sequence, 1);
    // The same picture over and over: what counts as motion lingers, then looks become rare.
    let stopwatch = forewarn_domain::clock::Stopwatch::start();
    let (mut sequence, mut looks) = (2, Vec::new());
    while stopwatch.elapsed() < Duration::from_secs(6) {
        slot.put(frame("c0", sequence, 100, 100));
        sequence += 1;
        if let Ok(Found::Analysed(_)) = rig.found.recv_timeout(Duration::from_millis(40)) {
            looks.push(stopwatch.elapsed().as_secs_f64());
        }
    }
    let late = looks.iter().filter(|at| **at > 3.0).count();
    assert!((1..=4).contains(&late), "looks every 2 s once nothing moves: {looks:?}");
    let moved_at = stopwatch.elapsed();
    slot.put(frame("c0", 9999, 600, 300));
    while rig.analysed().0.meta.sequence != 9999 {}
    assert!(stopwatch.elapsed().saturating_sub(moved_at) < Duration::from_millis(1500), "motion is looked at at once");
    rig.inference.stop().unwrap();
}

#[test]
fn tiles_are_looked_at_where_something_moves_and_told() {
    let spec = TileSpec { grid: Grid::Fixed { across: 3, down: 2 }, ..TileSpec::default() };
    let tiles = Tiles { spec, sweep: Duration::from_mins(10), expected_px: None };
    let mut rig = Rig::start(Cameras { tiles: Some(tiles), ..cameras(1) });
    let slot = rig.slots[&id("c0")].clone();
    slot.put(frame("c0", 1, 100, 100));
    rig.analysed();
    rig.shared.scenes.tracked(&id("c0"), vec![BBox::new(100.0, 100.0, 110.0, 110.0)]);
    // While the machine is busy with other things there is no time for tiles; the subject goes on until there is.
    let (detections, coverage) = (2..100)
        .find_map(|sequence: usize| {
            let x = 104 - 4 * (sequence % 2);
            slot.put(frame("c0", sequence as u64, x, 100));
            let (_, detections, coverage) = rig.analysed();
            assert_eq!(detections.len(), 1, "whole frame and tile tell of the subject once: {detections:?}");
            assert_eq!(detections[0].bbox, BBox::new(x as f32, 100.0, x as f32 + 10.0, 110.0));
            let coverage = coverage.unwrap();
            (!coverage.regions.is_empty()).then_some((detections, coverage))
        })
        .expect("a tile in time");
    assert!(coverage.can_have_seen(&detections[0].bbox), "{coverage:?}");
    assert!(coverage.regions.len() < 6, "{coverage:?}");
    rig.inference.stop().unwrap();
}

#[test]
fn wanted_looks_come_back_as_readings() {
    let mut rig = Rig::start(cameras(2));
    let look = |track| Look {
        track: TrackId(track),
        class: Class::new("person"),
        bbox: BBox::new(0.0, 0.0, 20.0, 40.0),
        attribute: AttributeId::new("mask").unwrap(),
        of: None,
        head: None,
    };
    rig.shared.looks.put(&frame("c1", 5, 10, 10), vec![look(7), look(8)]);
    let mut tracks = Vec::new();
    while tracks.len() < 2 {
        let Found::Read { stream, readings } = rig.next() else { panic!("only looks were wanted") };
        assert_eq!(stream, id("c1"));
        tracks.extend(readings.iter().map(|reading| reading.track.0));
        assert!(readings.iter().all(|reading| reading.at == Timestamp::from_secs_f64(1.0)));
    }
    assert_eq!(tracks, [7, 8]);
    rig.inference.stop().unwrap();
}

#[test]
fn what_a_reader_does_otherwise_than_asked_is_told_like_that_of_the_detector() {
    let detector = || Box::new(Bright { classes: Vec::new(), batches: Arc::default() });
    let with_reader = Models { detector: detector(), reader: Some(Box::new(Yes(Vec::new()))) };
    assert_eq!(with_reader.shortfall().as_deref(), Some("`mask` left cuda for the CPU"));
    assert_eq!(Models { detector: detector(), reader: None }.shortfall(), None);
}

#[test]
fn a_dozing_stream_is_woken_by_motion_and_looked_at_from_before_it() {
    let (sender, asked) = mpsc::sync_channel(64);
    let mut rig = Rig::with(cameras(1), Box::new(Noting { read: AtomicU64::new(0), asked: sender }));
    let slot = rig.slots[&id("c0")].clone();
    let mut sequence = 0;
    // It takes a moment until the scene counts as still.
    let is_asked = |wanted: Decode, watch: &Stopwatch| {
        assert!(watch.elapsed() < Duration::from_secs(20), "{wanted:?} was not asked for");
        asked.recv_timeout(Duration::from_millis(20)).is_ok_and(|decode| decode == wanted)
    };
    // What is found must be taken: the queue of it holds the thread up.
    let mut looked_at = Vec::new();
    let watch = Stopwatch::start();
    while !is_asked(Decode::Doze, &watch) {
        looked_at.extend(rig.found.try_iter().filter_map(sequence_of));
        sequence += 1;
        slot.put(frame("c0", sequence, 100, 50));
    }
    // A frame that comes sooner after a glance than looks follow each other is not glanced at.
    let _ = asked.recv_timeout(Duration::from_millis(100));
    let watch = Stopwatch::start();
    slot.put(frame("c0", sequence + 1000, 600, 300));
    while !is_asked(Decode::Part(1.0), &watch) {
        looked_at.extend(rig.found.try_iter().filter_map(sequence_of));
    }
    looked_at.extend(rig.found.try_iter().filter_map(sequence_of));
    assert!(!looked_at.is_empty() && looked_at.iter().all(|looked_at| *looked_at <= sequence), "{looked_at:?}");
    for woken in [sequence + 999, sequence + 1000] {
        slot.put(frame("c0", woken, 600, 300));
        assert_eq!(rig.found.recv_timeout(Duration::from_secs(20)).ok().and_then(sequence_of), Some(woken));
    }
    rig.inference.stop().unwrap();
}

fn sequence_of(found: Found) -> Option<u64> {
    match found {
        Found::Analysed(analysed) => Some(analysed.frame.meta.sequence),
        _ => None,
    }
}
