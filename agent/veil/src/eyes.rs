//! What looks for what is hidden.

use forewarn_domain::detection::HEAD_CLASSES;
use forewarn_domain::{BBox, Detection, DetectorError, Frame};
use forewarn_evidence::ModelUsed;
use forewarn_models::reader::faces::{FACE_CARD, Faces, FacesError};
use forewarn_models::{CardError, DetectError, OnnxDetector, OpenError, Runtime, Store, StoreError, cards};

/// What is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Faces, and the heads of people.
    Faces,
    /// Everybody but the subject of the incident.
    PersonsButSubject,
    /// Number plates, and the part of vehicles that bears them.
    Plates,
}

impl What {
    /// The word on the command line and in the paper of a copy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Faces => "faces",
            Self::PersonsButSubject => "persons-but-subject",
            Self::Plates => "plates",
        }
    }

    /// What is covered, for people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Faces => "faces that the face model finds, heads, and the upper part of everybody",
            Self::PersonsButSubject => "everybody but the subject of the incident",
            Self::Plates => "plates that the plate model finds, and the lower part of every vehicle",
        }
    }
}

/// The card of the detector of people and vehicles.
const DETECTOR: &str = cards::DEFAULT_DETECTOR;
/// The card of the detector of plates.
const PLATES: &str = "clp-detector";
/// Least score of what is covered: what may be somebody is covered, and what is nobody loses nothing of worth.
const MIN_SCORE: f32 = 0.2;
/// Classes that bear plates.
const VEHICLES: [&str; 4] = ["car", "truck", "bus", "motorcycle"];

/// Nothing can be looked for.
#[derive(Debug, thiserror::Error)]
pub enum EyesError {
    /// A card is unknown.
    #[error("failed to prepare hiding: {0}")]
    Card(#[from] CardError),
    /// Weights are missing.
    #[error("failed to prepare hiding: {0}")]
    Weights(#[from] StoreError),
    /// A model does not open.
    #[error("failed to prepare hiding: {0}")]
    Open(#[from] OpenError),
    /// The face model does not open.
    #[error(transparent)]
    Faces(#[from] FacesError),
}

/// What is seen in one picture, by kind; kinds are joined to tracks by themselves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Faces or plates.
    pub small: Vec<BBox>,
    /// Heads, also of people who look away, whose faces nobody could find.
    pub heads: Vec<BBox>,
    /// People or vehicles.
    pub large: Vec<BBox>,
}

/// Who looks.
pub trait Sight {
    /// What is hidden.
    fn what(&self) -> What;
    /// By which models it is found.
    fn models(&self) -> Vec<ModelUsed>;
    /// Looks at one picture.
    fn look(&mut self, picture: &Frame) -> Result<Seen, DetectorError>;
}

/// The models.
pub struct Eyes {
    what: What,
    detector: OnnxDetector,
    faces: Option<Faces>,
    plates: Option<OnnxDetector>,
    models: Vec<ModelUsed>,
}

impl Eyes {
    /// Opens the models that are needed, each with so many threads.
    pub fn open(what: What, store: &Store, (runtime, threads): (&Runtime, usize)) -> Result<Self, EyesError> {
        let mut models = Vec::new();
        let mut open = |name: &str, score: Option<f32>| -> Result<OnnxDetector, EyesError> {
            let mut card = cards::builtin(name)?;
            if let Some(score) = score {
                // Heads have a higher least score of their own, as a false one would lead a tracker astray; here it hides little.
                card.thresholds.score = score;
                card.thresholds.classes.clear();
            }
            let weights = store.weights(&card)?;
            models.push(ModelUsed { card: card.name.clone(), sha256: card.weights.sha256.clone().unwrap_or_default() });
            Ok(OnnxDetector::open(&card, &weights, runtime, threads)?)
        };
        let detector = open(DETECTOR, Some(MIN_SCORE))?;
        let plates = (what == What::Plates).then(|| open(PLATES, None)).transpose()?;
        let faces = if what == What::Faces {
            let sha256 = cards::builtin(FACE_CARD)?.weights.sha256.unwrap_or_default();
            models.push(ModelUsed { card: FACE_CARD.to_owned(), sha256 });
            Some(Faces::open(&|name| cards::builtin(name), store, (runtime, threads))?)
        } else {
            None
        };
        Ok(Self { what, detector, faces, plates, models })
    }
}

impl Sight for Eyes {
    fn what(&self) -> What {
        self.what
    }

    fn models(&self) -> Vec<ModelUsed> {
        self.models.clone()
    }

    fn look(&mut self, picture: &Frame) -> Result<Seen, DetectorError> {
        let failed = |error: DetectError| DetectorError { message: error.to_string() };
        let mut small = match &mut self.faces {
            Some(faces) => faces.find(picture)?,
            None => Vec::new(),
        };
        if let Some(plates) = &mut self.plates {
            let found = plates.detect_frame(picture).map_err(failed)?;
            small.extend(found.into_iter().map(|plate| plate.bbox));
        }
        let is_sought = |d: &Detection| match self.what {
            What::Plates => VEHICLES.contains(&d.class.as_str()),
            What::Faces | What::PersonsButSubject => d.class.as_str() == "person",
        };
        let found = self.detector.detect_frame(picture).map_err(failed)?;
        let is_head = |d: &&Detection| self.what == What::Faces && HEAD_CLASSES.contains(&d.class.as_str());
        let heads = found.iter().filter(is_head).map(|d| d.bbox).collect();
        Ok(Seen { small, heads, large: found.into_iter().filter(is_sought).map(|d| d.bbox).collect() })
    }
}

/// The part of what was found at large that is covered.
pub(crate) fn part(what: What, bbox: &BBox) -> BBox {
    match what {
        What::PersonsButSubject => *bbox,
        // Somebody who stands is about three times as high as wide; the less, the more of him may be head.
        What::Faces => {
            let tallness = bbox.height() / bbox.width().max(1.0);
            let head = (0.28 + (2.0 - tallness).max(0.0) * 0.4).min(1.0);
            BBox { y1: bbox.y0 + bbox.height() * head, ..*bbox }
        }
        What::Plates => BBox { y0: bbox.y0 + bbox.height() * 0.4, ..*bbox },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_those_who_stand_the_head_is_hidden_and_of_those_who_lie_or_are_cut_more() {
        let lower_edge = |w: f32, h: f32| part(What::Faces, &BBox::new(0.0, 0.0, w, h)).y1 / h;
        assert!((lower_edge(100.0, 300.0) - 0.28).abs() < 1e-6);
        assert!((lower_edge(100.0, 150.0) - 0.48).abs() < 1e-6);
        assert!(lower_edge(200.0, 100.0) > 0.85);
        let car = part(What::Plates, &BBox::new(10.0, 100.0, 90.0, 150.0));
        assert_eq!(car, BBox::new(10.0, 120.0, 90.0, 150.0));
    }
}
