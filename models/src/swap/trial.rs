//! Whether a new model may take over: it knows the classes, runs, agrees on a reference picture, and sees nothing in
//! a picture of nothing.

use std::collections::BTreeSet;

use forewarn_domain::{
    Class, ColourMatrix, Detection, Detector, DetectorError, Frame, FrameMeta, PixelFormat, StreamId, Timestamp,
};

use crate::shadow::compare;

/// Of a reference picture, the least part of the sure detections that a new model must find again.
const LEAST_AGREEMENT: f64 = 0.5;
/// Score from which a detection on the reference counts as sure, so that its absence speaks against a model.
const SURE: f32 = 0.5;
/// Most detections that a picture of nothing may give at [`SURE`]; a model that sees more is broken.
const MOST_IN_NOTHING: usize = 3;
/// Size of the picture of nothing in pixels.
const NOTHING_PX: (u32, u32) = (640, 480);

/// A picture with what is to be seen in it.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The picture.
    pub frame: Frame,
    /// What is in it.
    pub expected: Vec<Detection>,
}

/// A new model must not take over.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A rule asks for what it does not know.
    #[error("it does not know {missing}, which the site's rules ask for; use a model that does, or change the rules")]
    Classes {
        /// The classes that it lacks.
        missing: String,
    },
    /// It fails on a picture.
    #[error("it fails on {picture}: {source}")]
    Run {
        /// Which picture.
        picture: &'static str,
        /// Why.
        source: DetectorError,
    },
    /// It gives a box or a score that is no number, or beyond its range.
    #[error("it gives {what} on {picture}, which no sound model does")]
    Nonsense {
        /// Which picture.
        picture: &'static str,
        /// What it gives.
        what: String,
    },
    /// It does not find what is there.
    #[error("it finds {found} of {expected} subjects that the present model is sure of on the reference picture")]
    Disagrees {
        /// Found again.
        found: u64,
        /// Of so many.
        expected: u64,
    },
}

/// What a trial showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialReport {
    /// Sure subjects of the reference that were found again, and of how many; `None` without a reference.
    pub agreement: Option<(u64, u64)>,
}

/// Puts a new model on trial. It is run twice at least, so it is warm afterwards.
pub fn trial(
    next: &mut dyn Detector,
    needed: &BTreeSet<Class>,
    reference: Option<&Reference>,
) -> Result<TrialReport, TrialError> {
    let known: BTreeSet<&Class> = next.classes().iter().collect();
    let missing: Vec<String> = needed.iter().filter(|class| !known.contains(class)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Err(TrialError::Classes { missing: missing.join(", ") });
    }
    let nothing = nothing();
    for _ in 0..2 {
        let found = look(next, &nothing, "a picture of nothing")?;
        let n_sure = found.iter().filter(|detection| detection.score >= SURE).count();
        if n_sure > MOST_IN_NOTHING {
            let what = format!("{n_sure} sure detections");
            return Err(TrialError::Nonsense { picture: "a picture of nothing", what });
        }
    }
    let Some(reference) = reference else { return Ok(TrialReport { agreement: None }) };
    let found = look(next, &reference.frame, "the reference picture")?;
    // Classes that the new model does not have and that no rule needs do not count.
    let known: BTreeSet<&Class> = next.classes().iter().collect();
    let is_judged = |detection: &&Detection| detection.score >= SURE && known.contains(&detection.class);
    let expected: Vec<Detection> = reference.expected.iter().filter(is_judged).cloned().collect();
    if expected.is_empty() {
        return Ok(TrialReport { agreement: None });
    }
    let comparison = compare(&expected, &found, SURE);
    let (n_expected, n_missed) = (expected.len() as u64, comparison.only_main.len() as u64);
    let n_found = n_expected - n_missed;
    if (n_found as f64) < LEAST_AGREEMENT * n_expected as f64 {
        return Err(TrialError::Disagrees { found: n_found, expected: n_expected });
    }
    Ok(TrialReport { agreement: Some((n_found, n_expected)) })
}

fn look(next: &mut dyn Detector, frame: &Frame, picture: &'static str) -> Result<Vec<Detection>, TrialError> {
    let mut found = next.detect(&[frame]).map_err(|source| TrialError::Run { picture, source })?;
    let found = found.pop().unwrap_or_default();
    let is_sound = |d: &Detection| d.bbox.is_valid() && (0.0..=1.0).contains(&d.score);
    match found.iter().find(|detection| !is_sound(detection)) {
        Some(bad) => {
            Err(TrialError::Nonsense { picture, what: format!("{} {} at {:?}", bad.class, bad.score, bad.bbox) })
        }
        None => Ok(found),
    }
}

/// A plain grey picture.
fn nothing() -> Frame {
    let stream = StreamId::new("trial").unwrap_or_else(|_| unreachable!("a literal slug"));
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let bytes = vec![114; NOTHING_PX.0 as usize * NOTHING_PX.1 as usize * 3];
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, NOTHING_PX, bytes)
        .unwrap_or_else(|_| unreachable!("as many bytes as pixels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sees the same in every picture but plain ones, in which it sees `in_nothing`.
    struct Made {
        classes: Vec<Class>,
        sees: Vec<Detection>,
        in_nothing: Vec<Detection>,
        fails: bool,
    }

    impl Detector for Made {
        fn classes(&self) -> &[Class] {
            &self.classes
        }

        fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
            if self.fails {
                return Err(DetectorError { message: "out of memory".to_owned() });
            }
            let is_plain = frames[0].width == NOTHING_PX.0;
            Ok(vec![if is_plain { self.in_nothing.clone() } else { self.sees.clone() }])
        }
    }

    fn seen(class: &str, score: f32, x: f32) -> Detection {
        Detection { class: Class::new(class), score, bbox: [x, 0.0, x + 10.0, 10.0].into() }
    }

    fn made(sees: Vec<Detection>) -> Made {
        let classes = ["person", "car"].map(Class::new).to_vec();
        Made { classes, sees, in_nothing: Vec::new(), fails: false }
    }

    fn reference() -> Reference {
        let frame = nothing().part((0, 0), (320, 240));
        Reference { frame, expected: vec![seen("person", 0.9, 0.0), seen("person", 0.8, 50.0), seen("car", 0.2, 90.0)] }
    }

    fn outcome(mut model: Made, needed: &[&str]) -> Result<TrialReport, String> {
        let needed = needed.iter().map(|name| Class::new(name)).collect();
        trial(&mut model, &needed, Some(&reference())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_model_that_finds_half_of_what_is_sure_passes() {
        let found = outcome(made(vec![seen("person", 0.3, 1.0)]), &["person"]).unwrap();
        assert_eq!(found.agreement, Some((1, 2)));
        let mut model = made(Vec::new());
        let without = trial(&mut model, &BTreeSet::new(), None).unwrap();
        assert_eq!(without.agreement, None);
    }

    #[test]
    fn a_model_that_is_blind_broken_or_ignorant_does_not() {
        let says = |model: Made, needed: &[&str]| outcome(model, needed).unwrap_err();
        assert!(says(made(Vec::new()), &[]).contains("0 of 2"));
        assert!(says(made(vec![seen("car", 0.9, 0.0)]), &[]).contains("0 of 2"));
        assert!(says(made(Vec::new()), &["person", "dog"]).contains("does not know dog"));
        assert!(says(Made { fails: true, ..made(Vec::new()) }, &[]).contains("out of memory"));
        assert!(says(made(vec![seen("person", f32::NAN, 0.0)]), &[]).contains("no sound model"));
        assert!(says(made(vec![seen("person", 0.9, f32::INFINITY)]), &[]).contains("no sound model"));
        let dreamer = Made { in_nothing: vec![seen("person", 0.9, 0.0); 9], ..made(Vec::new()) };
        assert!(says(dreamer, &[]).contains("9 sure detections"));
    }
}
