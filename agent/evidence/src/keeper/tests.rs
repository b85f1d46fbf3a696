//! What an incident rests on is seen in its evidence, and what is missing is stated.

use std::fs;
use std::sync::Mutex;

use forewarn_domain::{
    About, Answer, AttributeId, BBox, BestCrop, Class, Clip, ClipRecording, ClipSourceError, ClipSpan, ColourMatrix,
    DetectorError, FrameMeta, Look, Moment, PixelFormat, Reader, Reading, TrackId, Verdict,
};

use super::*;
use crate::testing::{T0, closed, confirmed, frame};
use crate::{Limits, StoreOptions, TimeLine, verify};

/// Sees a bare head at one place of each frame.
struct Bare;

const HEAD: BBox = BBox { x0: 220.0, y0: 100.0, x1: 260.0, y1: 150.0 };

impl Reader for Bare {
    fn attributes(&self) -> &[AttributeId] {
        &[]
    }

    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        let reading = |(frame, look): &(&Frame, &Look)| Reading {
            track: look.track,
            attribute: look.attribute.clone(),
            at: frame.meta.captured_at,
            bbox: HEAD,
            quality: 0.9,
            answer: Answer::Probability(0.02),
        };
        Ok(looks.iter().map(reading).collect())
    }
}

fn hard_hat() -> AttributeId {
    AttributeId::new("hard_hat").unwrap()
}

/// A finding that rests on the look at `HEAD` at T0.
fn bare_head() -> Finding {
    Finding {
        about: About::Attribute(hard_hat()),
        verdict: Verdict::No,
        unclear: None,
        confidence: 0.9,
        votes: 3,
        looks: 3,
        first_at: Some(T0),
        last_at: Some(T0),
        text: None,
        fly_within_m: None,
        best: Some(BestCrop { at: T0, bbox: HEAD, quality: 0.9 }),
    }
}

/// A clip of ten bytes that begins and ends as it is told to.
#[derive(Clone)]
struct Tape {
    begins_late_s: f64,
    cut_short: Option<&'static str>,
    is_complete: Arc<Mutex<bool>>,
}

struct Recording(Tape, ClipSpan);

impl ClipSource for Tape {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        Ok(Box::new(Recording(self.clone(), span)))
    }
}

impl ClipRecording for Recording {
    fn span(&self) -> ClipSpan {
        self.1
    }

    fn is_complete(&self) -> bool {
        *self.0.is_complete.lock().unwrap()
    }

    fn finish(self: Box<Self>, path: &Path) -> Result<Clip, ClipSourceError> {
        fs::write(path, b"ten bytes!").unwrap();
        let ClipSpan { from, to } = self.1;
        let from = from + Duration::from_secs_f64(self.0.begins_late_s);
        let cut_short = self.0.cut_short.map(str::to_owned);
        Ok(Clip { from, to, codec: "H.264".to_owned(), width: 64, height: 48, pictures: 9, cut_short })
    }
}

fn keeper(root: &Path) -> EvidenceKeeper {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let options = StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() };
    let store = EvidenceStore::open(root.join("evidence"), options).unwrap();
    let setup = KeeperSetup {
        scratch: root.join(".scratch"),
        scenes: BTreeMap::new(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    EvidenceKeeper::new(store, setup).unwrap()
}

fn request(finding: Option<Finding>, clip: Option<ClipSpan>) -> EvidenceRequest {
    let mut incident = confirmed(1);
    incident.findings.extend(finding);
    EvidenceRequest { incident, moment: Moment::Confirmed, at: T0, clip }
}

/// The bundle of an incident that rests on a look that was kept in `watched`.
fn bundle(root: &Path, watched: &Closeups, handed_over: Closeups) -> PathBuf {
    let meta = FrameMeta { stream: confirmed(1).rule.stream, sequence: 5, captured_at: T0, arrived_at: T0 };
    let rgb = vec![5; 640 * 480 * 3];
    let seen = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (640, 480), rgb).unwrap();
    let bbox = BBox::new(200.0, 100.0, 280.0, 300.0);
    let look =
        Look { track: TrackId(3), class: Class::new("person"), bbox, attribute: hard_hat(), of: None, head: None };
    watched.watching(Box::new(Bare)).read(&[(&seen, &look)]).unwrap();
    let mut keeper = keeper(root).with_closeups(handed_over);
    keeper.capture(&request(Some(bare_head()), None), Some(&seen));
    assert_eq!(keeper.take_news(), [], "nothing failed");
    keeper.store().bundles().unwrap().remove(0).path
}

fn record(bundle: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(bundle.join("incident.json")).unwrap()).unwrap()
}

#[test]
fn the_best_look_lies_beside_the_snapshots() {
    let (dir, closeups) = (tempfile::tempdir().unwrap(), Closeups::default());
    let bundle = bundle(dir.path(), &closeups, closeups.clone());
    let picture = image::open(bundle.join("confirmed-look-hard_hat.jpg")).unwrap().to_rgb8();
    let record = record(&bundle);
    let closeup = &record["closeups"][0];
    assert_eq!((&closeup["moment"], &closeup["attribute"]), (&"confirmed".into(), &"hard_hat".into()));
    assert_eq!((picture.dimensions(), picture.get_pixel(20, 20).0[0].abs_diff(5) <= 1), ((64, 80), true));
}

#[test]
fn a_best_look_that_is_gone_is_stated_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path(), &Closeups::default(), Closeups::default());
    assert!(!bundle.join("confirmed-look-hard_hat.jpg").exists());
    let record = record(&bundle);
    let missing = record["missing"].as_array().unwrap();
    assert!(missing.iter().any(|gap| gap["what"] == "confirmed-look-hard_hat.jpg"), "{missing:?}");
}

#[test]
fn what_no_look_told_misses_no_look_whatever_it_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    let place = BestCrop { at: T0, bbox: HEAD, quality: 1.0 };
    let sensor = About::Sensor(forewarn_domain::SensorId::new("hard_hat").unwrap());
    for about in [About::Brought, About::Fell, About::Signs, sensor] {
        let told = Finding::told(about, Some(T0), 1.0, "floor 3".to_owned());
        keeper.capture(&request(Some(Finding { best: Some(place), ..told }), None), Some(&frame(64, 48)));
    }
    assert_eq!(keeper.take_news(), [], "nothing failed");
    let bundle = keeper.store().bundles().unwrap().remove(0).path;
    assert!(record(&bundle)["missing"].as_array().is_none_or(Vec::is_empty));
}

/// A main stream with a picture twice as large as any that is watched.
struct Main(Tape);

impl ClipSource for Main {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        self.0.record(span)
    }

    fn larger(&self, of: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        Ok(Some(frame(2 * of.width, 2 * of.height)))
    }
}

#[test]
fn the_snapshot_is_of_the_main_stream_where_the_sub_stream_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    let tape = Tape { begins_late_s: 0.0, cut_short: None, is_complete: Arc::default() };
    keeper.add_source(confirmed(1).rule.stream, Arc::new(Main(tape)));
    keeper.capture(&request(None, None), Some(&frame(160, 120)));
    assert_eq!(keeper.take_news(), [], "nothing failed");
    let bundle = keeper.store().bundles().unwrap().remove(0).path;
    let snapshot = &record(&bundle)["snapshots"][0];
    assert_eq!((&snapshot["width"], &snapshot["height"]), (&320.into(), &240.into()));
    assert_eq!(snapshot["boxes_of"], serde_json::json!([160, 120]));
    let marked = image::open(bundle.join("confirmed-marked.jpg")).unwrap().to_rgb8();
    let is_marked = |x, y| marked.get_pixel(x, y).0[0] > 150 && marked.get_pixel(x, y).0[2] < 120;
    // The subject's box is 40 to 90 by 30 to 60 where it was seen.
    assert!((78..=82).any(|x| is_marked(x, 90)) && (178..=182).any(|x| is_marked(x, 90)));
    assert!(!(38..=42).any(|x| is_marked(x, 90)));
}

/// What the confirmation lacks in the sealed bundle of an incident whose clip comes from `tape`.
fn gaps_with(tape: &Tape) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    keeper.add_source(confirmed(1).rule.stream, Arc::new(tape.clone()));
    let span = ClipSpan { from: T0, to: T0 + Duration::from_secs(8) };
    keeper.capture(&request(None, Some(span)), Some(&frame(64, 48)));
    keeper.seal_soon(closed(1), T0 + Duration::from_secs(9));
    assert_eq!(keeper.take_news(), [], "it waits for the clip");
    *tape.is_complete.lock().unwrap() = true;
    keeper.advance(T0 + Duration::from_secs(10));
    let news = keeper.take_news();
    let [KeeperNews::Sealed { path, .. }] = news.as_slice() else { panic!("{news:?}") };
    assert!(verify(path).unwrap().problems.is_empty());
    assert_eq!(fs::read(path.join("confirmed.mp4")).unwrap(), b"ten bytes!");
    let record = record(path);
    let gaps = record["missing"].as_array().into_iter().flatten();
    // The end of the incident was never captured here.
    let of_confirmation = gaps.filter(|gap| gap["what"].as_str().is_some_and(|what| what.contains("confirmed")));
    of_confirmation.map(|gap| format!("{}: {}", gap["what"].as_str().unwrap(), gap["why"].as_str().unwrap())).collect()
}

#[test]
fn a_bundle_is_sealed_when_its_clip_is_whole_and_says_what_the_clip_lacks() {
    let tape = Tape { begins_late_s: 0.0, cut_short: None, is_complete: Arc::default() };
    let part = "part of confirmed.mp4";
    assert_eq!(gaps_with(&tape), [""; 0]);
    let late = Tape { begins_late_s: 3.0, is_complete: Arc::default(), ..tape.clone() };
    assert_eq!(gaps_with(&late), [format!("{part}: the video before was not kept; the clip begins 3.0 s late")]);
    let cut = Tape { cut_short: Some("the stream was interrupted"), is_complete: Arc::default(), ..late };
    assert_eq!(gaps_with(&cut), [format!("{part}: the stream was interrupted")]);
}

#[test]
fn a_stream_without_video_has_its_clip_stated_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    let span = ClipSpan { from: T0, to: T0 + Duration::from_secs(8) };
    keeper.capture(&request(None, Some(span)), None);
    keeper.finish([confirmed(1)], T0);
    let news = keeper.take_news();
    let [KeeperNews::Sealed { path, .. }] = news.as_slice() else { panic!("{news:?}") };
    let record = record(path);
    let gaps: Vec<_> = record["missing"].as_array().unwrap().iter().map(|gap| gap["what"].clone()).collect();
    assert!(gaps.contains(&"confirmed.mp4".into()) && gaps.contains(&"confirmed.jpg".into()), "{gaps:?}");
}

/// A folder in the way of the store's root, as a disk that refuses.
fn refuse(root: &Path) {
    fs::rename(root.join("evidence"), root.join("away")).unwrap();
    fs::write(root.join("evidence"), "in the way").unwrap();
}

fn take_again(root: &Path) {
    fs::remove_file(root.join("evidence")).unwrap();
    fs::rename(root.join("away"), root.join("evidence")).unwrap();
}

fn at(s: u64) -> Timestamp {
    T0 + Duration::from_secs(s)
}

#[test]
fn what_a_disk_does_not_take_waits_and_is_kept_sealed_and_whole_when_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    let tape = Tape { begins_late_s: 0.0, cut_short: None, is_complete: Arc::new(Mutex::new(true)) };
    keeper.add_source(confirmed(1).rule.stream, Arc::new(tape));
    refuse(dir.path());
    let span = ClipSpan { from: T0, to: at(8) };
    keeper.capture(&request(None, Some(span)), Some(&frame(64, 48)));
    keeper.seal_soon(closed(1), at(9));
    keeper.advance(at(30));
    assert!(keeper.failing().is_some_and(|why| why.contains("wait in memory")));
    assert_eq!(keeper.unkept(), Unkept { waiting: 2, lost: 0 });
    assert_eq!(keeper.take_news(), [], "it is told as a lasting trouble, not one by one");

    take_again(dir.path());
    keeper.advance(at(31));
    assert!(keeper.failing().is_some(), "it is not tried at every turn");
    keeper.advance(at(36));
    assert_eq!((keeper.failing(), keeper.unkept()), (None, Unkept::default()));
    let news = keeper.take_news();
    let [KeeperNews::Sealed { path, .. }] = news.as_slice() else { panic!("{news:?}") };
    assert!(verify(path).unwrap().problems.is_empty());
    for file in ["confirmed.jpg", "confirmed-marked.jpg", "confirmed.mp4"] {
        assert!(path.join(file).is_file(), "{file}");
    }
}

#[test]
fn clips_that_a_disk_does_not_take_are_given_up_beyond_the_bound_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    let tape = Tape { begins_late_s: 0.0, cut_short: None, is_complete: Arc::new(Mutex::new(true)) };
    keeper.add_source(confirmed(1).rule.stream, Arc::new(tape));
    refuse(dir.path());
    for n in 1..=12 {
        let incident = confirmed(n);
        let clip = Some(ClipSpan { from: T0, to: at(8) });
        keeper.capture(&EvidenceRequest { incident, moment: Moment::Confirmed, at: T0, clip }, Some(&frame(64, 48)));
        keeper.advance(at(9));
    }
    assert_eq!(keeper.unkept().lost, 4);
    take_again(dir.path());
    keeper.advance(at(60));
    assert_eq!((keeper.failing(), keeper.unkept().waiting), (None, 0));
    let bundles = keeper.store().bundles().unwrap();
    assert_eq!(bundles.iter().filter(|bundle| bundle.path.join("confirmed.jpg").is_file()).count(), 12);
    assert_eq!(bundles.iter().filter(|bundle| bundle.path.join("confirmed.mp4").is_file()).count(), 8);
}

#[test]
fn a_folder_that_refuses_for_itself_holds_no_other_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeper = keeper(dir.path());
    // A file lies where the folder of incident 1 would be made.
    let place = keeper.store().bundle_path(&confirmed(1)).unwrap();
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, "in the way").unwrap();
    keeper.capture(&request(None, None), Some(&frame(64, 48)));
    let second = EvidenceRequest { incident: confirmed(2), moment: Moment::Confirmed, at: T0, clip: None };
    keeper.capture(&second, Some(&frame(64, 48)));
    (1..4).for_each(|n| keeper.advance(at(10 * n)));
    assert_eq!((keeper.failing(), keeper.unkept()), (None, Unkept { waiting: 0, lost: 1 }));
    assert!(keeper.store().bundle_path(&confirmed(2)).unwrap().join("confirmed.jpg").is_file());
    let news = keeper.take_news();
    assert!(
        matches!(news.as_slice(), [KeeperNews::Trouble { what, .. }] if what.ends_with("it was given up")),
        "{news:?}"
    );
}
