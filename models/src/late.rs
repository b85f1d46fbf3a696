//! A detector whose model is not there yet: a box that is set up begins before its models are fetched.

use std::cell::RefCell;

use forewarn_domain::{Class, Detection, Detector, DetectorError, Frame, InputGrid, Window};

/// Opens its model as soon as that is there, and says until then what is missing.
pub struct LateDetector<Open> {
    classes: Vec<Class>,
    state: RefCell<State<Open>>,
}

enum State<Open> {
    Missing { why: String, open: Open },
    Open(Box<dyn Detector>),
}

impl<Open: FnMut() -> Result<Box<dyn Detector>, String>> LateDetector<Open> {
    /// One that will know these classes; `why` the model could not be opened at first, and what opens it.
    pub fn new(classes: Vec<Class>, why: String, open: Open) -> Self {
        Self { classes, state: RefCell::new(State::Missing { why, open }) }
    }
}

impl<Open: FnMut() -> Result<Box<dyn Detector>, String> + Send> Detector for LateDetector<Open> {
    fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn batch(&self) -> usize {
        match &*self.state.borrow() {
            State::Open(detector) => detector.batch(),
            State::Missing { .. } => 1,
        }
    }

    /// What is missing. Who asks, as is done again and again, has it looked for once more.
    fn shortfall(&self) -> Option<String> {
        let state = &mut *self.state.borrow_mut();
        if let State::Missing { why, open } = state {
            match open() {
                Ok(detector) => *state = State::Open(detector),
                Err(still) => *why = still,
            }
        }
        match state {
            State::Open(detector) => detector.shortfall(),
            State::Missing { why, .. } => Some(why.clone()),
        }
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        match self.state.get_mut() {
            State::Open(detector) => detector.detect(frames),
            State::Missing { why, .. } => Err(DetectorError { message: why.clone() }),
        }
    }

    fn input_grid(&self, size: (u32, u32)) -> Option<InputGrid> {
        match &*self.state.borrow() {
            State::Open(detector) => detector.input_grid(size),
            State::Missing { .. } => None,
        }
    }

    fn detect_in(&mut self, frame: &Frame, windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        match self.state.get_mut() {
            State::Open(detector) => detector.detect_in(frame, windows),
            State::Missing { why, .. } => Err(DetectorError { message: why.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Nothing([Class; 1]);

    impl Detector for Nothing {
        fn classes(&self) -> &[Class] {
            &self.0
        }

        fn batch(&self) -> usize {
            4
        }

        fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
            Ok(vec![Vec::new(); frames.len()])
        }
    }

    #[test]
    fn it_says_what_is_missing_until_that_is_there_and_looks_from_then_on() {
        let is_there = Arc::new(AtomicBool::new(false));
        let (of_disk, person) = (Arc::clone(&is_there), Class::new("person"));
        let class = person.clone();
        let open = move || {
            let found =
                of_disk.load(Ordering::Relaxed).then(|| Box::new(Nothing([class.clone()])) as Box<dyn Detector>);
            found.ok_or_else(|| "still no library".to_owned())
        };
        let mut late = LateDetector::new(vec![person.clone()], "no library".to_owned(), open);
        assert_eq!((late.classes(), late.batch()), (&[person][..], 1));
        assert_eq!(late.detect(&[]).unwrap_err().message, "no library");
        assert_eq!(late.shortfall().as_deref(), Some("still no library"));
        is_there.store(true, Ordering::Relaxed);
        assert!(late.detect(&[]).is_err(), "a frame is not held up by looking for it");
        assert_eq!((late.shortfall(), late.batch()), (None, 4));
        assert_eq!(late.detect(&[]).unwrap(), Vec::<Vec<Detection>>::new());
    }
}
