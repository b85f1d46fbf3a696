//! What an incident rests on is seen in its evidence.

use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::{
    Answer, AttributeId, BBox, Class, ColourMatrix, Detection, DetectorError, FrameMeta, Look, PixelFormat, Reader,
    Reading,
};
use forewarn_incident::Output;

use super::*;
use crate::config::resolve;
use crate::config::source::Source;
use crate::engine::Engine;

const SITE: &str = r#"
    [site]
    id = "yard"
    [[camera]]
    id = "gate"
    url = "rtsp://cam/1"
    [[camera.rule]]
    violation = "no_hard_hat"
"#;

/// Sees a bare head at the top of everybody, best in the sixth frame.
struct Bare;

impl Reader for Bare {
    fn attributes(&self) -> &[AttributeId] {
        &[]
    }

    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        let reading = |(frame, look): &(&Frame, &Look)| Reading {
            track: look.track,
            attribute: look.attribute.clone(),
            at: frame.meta.captured_at,
            bbox: BBox::new(220.0, 100.0, 260.0, 150.0),
            quality: if frame.meta.sequence == 5 { 0.9 } else { 0.6 },
            answer: Answer::Probability(0.02),
        };
        Ok(looks.iter().map(reading).collect())
    }
}

/// A grey picture, the lighter the later.
fn frame(n: u32) -> Frame {
    let at = Timestamp::from_secs_f64(f64::from(n) / 5.0);
    let stream = StreamId::new("gate").unwrap();
    let meta = FrameMeta { stream, sequence: u64::from(n), captured_at: at, arrived_at: at };
    let rgb = vec![n as u8; 640 * 480 * 3];
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (640, 480), rgb).unwrap()
}

/// The bundle after a person was in the picture for 50 seconds, and the looks are kept in `watched`.
fn bundle(root: &Path, watched: &Closeups, handed_over: Closeups) -> PathBuf {
    let site = resolve(&Source::new("site.toml", SITE)).unwrap_or_else(|errors| panic!("{errors}"));
    let store = open_store(root, Limits { min_free_bytes: 0, ..Limits::default() }, TimeLine::Clip).unwrap();
    let civil = SiteTime::replay(site.header.time_zone.clone(), None);
    let scratch = root.join(".scratch");
    let mut keeper = EvidenceKeeper::new(store, scratch, &site, civil).unwrap().with_closeups(handed_over);
    let mut reader = watched.watching(Box::new(Bare));
    let mut engine = Engine::new(&site, Arc::new(UnknownCivilTime));
    let stream = StreamId::new("gate").unwrap();
    for n in 0..250 {
        let frame = frame(n);
        let at = frame.meta.captured_at;
        while let Some(due) = engine.poll_timeout().filter(|due| *due < at) {
            engine.timeout(due);
        }
        let bbox = BBox::new(200.0, 100.0, 280.0, 300.0);
        engine.analysed(&frame, &[Detection { class: Class::new("person"), score: 0.9, bbox }], None, at);
        let wanted = engine.take_looks(&stream);
        let wanted: Vec<_> = wanted.iter().map(|look| (&frame, look)).collect();
        engine.read(&stream, &reader.read(&wanted).unwrap());
        while let Some(output) = engine.poll_output() {
            if let Output::Capture(request) = output {
                keeper.capture(&request, Some(&frame));
            }
        }
    }
    assert!(keeper.take_happenings().is_empty(), "nothing failed");
    keeper.store().bundles().unwrap().remove(0).path
}

fn record(bundle: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(bundle.join("incident.json")).unwrap()).unwrap()
}

#[test]
fn the_best_look_lies_beside_the_snapshots() {
    let (dir, closeups) = (tempfile::tempdir().unwrap(), Closeups::default());
    let bundle = bundle(dir.path(), &closeups, closeups.clone());
    let picture = image::open(bundle.join("confirmed-look-hard_hat.jpg")).unwrap().to_rgb8();
    let record = record(&bundle);
    let closeup = &record["closeups"][0];
    assert_eq!((&closeup["moment"], &closeup["attribute"]), (&"confirmed".into(), &"hard_hat".into()));
    assert_eq!(closeup["at"]["seconds"], 1.0, "the sixth frame was the best");
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
