//! Hot swap: a detector that is exchanged between two frames, while a new one is opened and tried beside it.
//!
//! The detector's own thread does the exchange at the beginning of a call, so no frame sees half of each model and
//! none is lost. Whoever holds the [`SwapHandle`] opens the new model on a thread of its own, puts it on [`trial`] and
//! hands it in; the old one is given back to be dropped there.

mod trial;

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held, lock};
use forewarn_domain::{Class, Detection, Detector, DetectorError, Frame, InputGrid, Window};

pub use trial::{Reference, TrialError, TrialReport, trial};

use crate::frame_copy::own_copy;

/// Least score of a detection by which a frame becomes the reference.
const SURE: f32 = 0.5;
/// A newer frame takes the reference's place after so many frames, so that it shows about the same light.
const RENEW_AFTER: u64 = 256;

/// A detector that can be exchanged.
pub struct SwappableDetector {
    current: Box<dyn Detector>,
    shared: Arc<Shared>,
    frames_since_reference: u64,
}

/// Exchanges the detector.
#[derive(Clone)]
pub struct SwapHandle {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    switched: Condvar,
}

#[derive(Default)]
struct State {
    next: Option<Box<dyn Detector>>,
    old: Option<Box<dyn Detector>>,
    reference: Option<Reference>,
    n_switched: u64,
}

/// The exchange did not take place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no frame came within {} s, so there was no moment between two frames; the old model stays", within.as_secs())]
pub struct NoFrame {
    /// How long was waited.
    pub within: Duration,
}

impl SwappableDetector {
    /// A detector to begin with, and the handle by which it is exchanged.
    pub fn new(first: Box<dyn Detector>) -> (Self, SwapHandle) {
        let shared = Arc::new(Shared { state: Mutex::default(), switched: Condvar::new() });
        let handle = SwapHandle { shared: Arc::clone(&shared) };
        (Self { current: first, shared, frames_since_reference: RENEW_AFTER }, handle)
    }

    /// Takes the new detector's place if one waits.
    fn switch(&mut self) {
        let mut state = self.shared.lock();
        if let Some(next) = state.next.take() {
            state.old = Some(std::mem::replace(&mut self.current, next));
            state.n_switched += 1;
            // What was remembered is what the old model saw.
            state.reference = None;
            self.frames_since_reference = RENEW_AFTER;
            self.shared.switched.notify_all();
        }
    }

    /// Keeps a frame in which something is surely seen, so that a new model can be asked about it.
    fn remember(&mut self, frame: &Frame, found: &[Detection]) {
        self.frames_since_reference = self.frames_since_reference.saturating_add(1);
        if self.frames_since_reference < RENEW_AFTER || !found.iter().any(|detection| detection.score >= SURE) {
            return;
        }
        let Some(copy) = own_copy(frame) else { return };
        self.frames_since_reference = 0;
        self.shared.lock().reference = Some(Reference { frame: copy, expected: found.to_vec() });
    }
}

impl Detector for SwappableDetector {
    fn classes(&self) -> &[Class] {
        self.current.classes()
    }

    fn batch(&self) -> usize {
        self.current.batch()
    }

    fn shortfall(&self) -> Option<String> {
        self.current.shortfall()
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.switch();
        let found = self.current.detect(frames)?;
        if let (Some(frame), Some(found)) = (frames.first(), found.first()) {
            self.remember(frame, found);
        }
        Ok(found)
    }

    /// Where a new model waits the next look is at a whole frame, and that is where it comes in.
    fn input_grid(&self, size: (u32, u32)) -> Option<InputGrid> {
        let is_waited_for = self.shared.lock().next.is_some();
        if is_waited_for { None } else { self.current.input_grid(size) }
    }

    fn detect_in(&mut self, frame: &Frame, windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.current.detect_in(frame, windows)
    }
}

impl SwapHandle {
    /// The latest kept frame in which the present model surely saw something, and what it saw.
    pub fn reference(&self) -> Option<Reference> {
        self.shared.lock().reference.clone()
    }

    /// How many times the detector was exchanged.
    pub fn n_switched(&self) -> u64 {
        self.shared.lock().n_switched
    }

    /// Hands a detector in and waits until it is in use, at most for `within`; gives back the old one.
    ///
    /// If no frame comes in that time the new one is taken back and dropped, so that what is reported is what is so.
    pub fn switch_to(&self, next: Box<dyn Detector>, within: Duration) -> Result<Box<dyn Detector>, NoFrame> {
        let mut state = self.shared.lock();
        state.next = Some(next);
        let waited = self.shared.switched.wait_timeout_while(state, within, |state| state.old.is_none());
        let (mut state, _) = held(waited);
        if let Some(old) = state.old.take() {
            return Ok(old);
        }
        let withdrawn = state.next.take();
        drop(state);
        drop(withdrawn);
        Err(NoFrame { within })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp};

    use super::*;

    /// Says its own name of every frame.
    struct Named(Class);

    impl Named {
        fn boxed(name: &str) -> Box<dyn Detector> {
            Box::new(Self(Class::new(name)))
        }
    }

    impl Detector for Named {
        fn classes(&self) -> &[Class] {
            std::slice::from_ref(&self.0)
        }

        fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
            let seen = Detection { class: self.0.clone(), score: 0.9, bbox: [0.0, 0.0, 4.0, 4.0].into() };
            Ok(vec![vec![seen]; frames.len()])
        }
    }

    fn frame(sequence: u64) -> Frame {
        let stream = StreamId::new("s").unwrap();
        let meta = FrameMeta { stream, sequence, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (8, 8), vec![9; 192]).unwrap()
    }

    fn said(detector: &mut SwappableDetector, sequence: u64) -> String {
        detector.detect(&[&frame(sequence), &frame(sequence + 1)]).unwrap().concat()[1].class.to_string()
    }

    #[test]
    fn the_exchange_lies_between_two_calls_and_loses_no_frame() {
        let (mut detector, handle) = SwappableDetector::new(Named::boxed("old"));
        assert_eq!(said(&mut detector, 0), "old");
        let swapper = {
            let handle = handle.clone();
            let swap = move || handle.switch_to(Named::boxed("new"), Duration::from_mins(1));
            std::thread::Builder::new().spawn(swap).unwrap()
        };
        let mut spoken = Vec::new();
        while spoken.last().is_none_or(|name| name != "new") {
            spoken.push(said(&mut detector, 2));
        }
        let old = swapper.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(old.classes()[0].as_str(), "old");
        assert!(spoken[..spoken.len() - 1].iter().all(|name| name == "old"));
        assert_eq!((detector.classes()[0].as_str(), handle.n_switched()), ("new", 1));
        assert_eq!(handle.reference().unwrap().expected[0].class.as_str(), "new");
    }

    #[test]
    fn without_frames_the_old_model_stays() {
        let (mut detector, handle) = SwappableDetector::new(Named::boxed("old"));
        let refused = handle.switch_to(Named::boxed("new"), Duration::from_millis(1)).err();
        assert_eq!(refused, Some(NoFrame { within: Duration::from_millis(1) }));
        assert_eq!((said(&mut detector, 0).as_str(), handle.n_switched()), ("old", 0));
    }

    #[test]
    fn a_frame_with_something_in_it_is_kept_as_reference() {
        let (mut detector, handle) = SwappableDetector::new(Named::boxed("old"));
        assert!(handle.reference().is_none());
        said(&mut detector, 5);
        let reference = handle.reference().unwrap();
        assert_eq!((reference.frame.meta.sequence, reference.expected[0].class.as_str()), (5, "old"));
        said(&mut detector, 7);
        assert_eq!(handle.reference().unwrap().frame.meta.sequence, 5);
    }
}
