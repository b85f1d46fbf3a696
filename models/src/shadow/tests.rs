//! The shadow's thread, with detectors made up for the purpose.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use forewarn_domain::{ColourMatrix, PixelFormat, StreamId, Timestamp};

use super::*;

/// Finds one person; waits for a permit before each frame if it is given a queue of them.
struct Made {
    permits: Option<Receiver<()>>,
    fails: bool,
}

impl Detector for Made {
    fn classes(&self) -> &[Class] {
        &[]
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        if let Some(permits) = &self.permits {
            permits.recv().map_err(|error| DetectorError { message: error.to_string() })?;
        }
        if self.fails {
            return Err(DetectorError { message: "made to fail".to_owned() });
        }
        let person = Detection { class: Class::new("person"), score: 0.9, bbox: [0.0, 0.0, 4.0, 8.0].into() };
        Ok(vec![vec![person]; frames.len()])
    }
}

fn frame(sequence: u64) -> Frame {
    let stream = StreamId::new("s").unwrap();
    let meta = FrameMeta { stream, sequence, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (16, 16), vec![7; 768]).unwrap()
}

fn start(shadow: Made, sample: f64) -> (ShadowedDetector, Receiver<Shadowed>) {
    let (sender, told): (SyncSender<Shadowed>, _) = sync_channel(100);
    let main = Box::new(Made { permits: None, fails: false });
    let tell = move |shadowed, _: &ShadowStats| sender.try_send(shadowed).unwrap();
    (ShadowedDetector::start(main, Box::new(shadow), sample, 0.4, tell).unwrap(), told)
}

#[test]
fn a_part_of_the_frames_is_compared() {
    let (permit, permits) = sync_channel(100);
    let (mut detector, told) = start(Made { permits: Some(permits), fails: false }, 0.25);
    let mut sequences = Vec::new();
    for sequence in 0..20 {
        let found = detector.detect(&[&frame(sequence)]).unwrap();
        assert_eq!(found[0].len(), 1);
        if sequence % 4 == 3 {
            permit.send(()).unwrap();
            let Shadowed::Compared { meta, comparison } = told.recv().unwrap() else { panic!("it failed") };
            assert!(comparison.agrees());
            sequences.push(meta.sequence);
        }
    }
    assert_eq!(sequences, [3, 7, 11, 15, 19]);
    assert_eq!((detector.stats().sampled(), detector.stats().dropped()), (5, 0));
}

#[test]
fn a_busy_shadow_costs_frames_of_the_sample_and_never_time() {
    let (permit, permits) = sync_channel(100);
    let (mut detector, told) = start(Made { permits: Some(permits), fails: false }, 1.0);
    // Without a permit the shadow never ends its first frame; one more waits in the queue, the rest is dropped.
    for sequence in 0..50 {
        detector.detect(&[&frame(sequence)]).unwrap();
    }
    let stats = detector.stats();
    assert_eq!(stats.sampled() + stats.dropped(), 50);
    assert!((1..=2).contains(&stats.sampled()), "{}", stats.sampled());
    for _ in 0..stats.sampled() {
        permit.send(()).unwrap();
    }
    drop(permit);
    drop(detector);
    assert_eq!(told.iter().count() as u64, stats.sampled());
}

#[test]
fn a_failing_shadow_is_told_and_does_not_touch_the_main_model() {
    let (mut detector, told) = start(Made { permits: None, fails: true }, 1.0);
    assert_eq!(detector.detect(&[&frame(4)]).unwrap()[0].len(), 1);
    let Shadowed::Failed { meta, error } = told.recv().unwrap() else { panic!("it did not fail") };
    assert_eq!((meta.sequence, error.message.as_str()), (4, "made to fail"));
}
