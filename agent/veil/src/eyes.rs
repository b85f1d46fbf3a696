//! What looks for what is hidden.

use forewarn_domain::detection::HEAD_CLASSES;
use forewarn_domain::{BBox, Detection, DetectorError, Frame, Tile};
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
            Self::Faces => "heads, the upper part of everybody, and in pictures also faces that the face model finds",
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

/// Of the looks at a clip each so-manieth is at the whole picture as well, for those who are larger than a part.
const WHOLE_EVERY: usize = 3;
/// A picture whose shorter side is less is not looked at in parts.
const LEAST_SIDE_PX: u32 = 360;
/// Parts overlap by one so-manieth of their side at least.
const OVERLAP: u32 = 10;
/// Least overlap of what was found in several parts and is one.
const SAME: f32 = 0.6;
/// Most parts of a picture.
const MOST_PARTS: u32 = 6;

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
    /// By which models it was found until now.
    fn models(&self) -> Vec<ModelUsed>;
    /// Those who can look at the same time, each at another picture; at least one, and all see the same in it.
    fn lookers(&mut self) -> Vec<&mut dyn Looker>;
}

/// How closely a picture is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// It stands alone: what is missed in it is shown.
    Alone,
    /// It is looked at as this one of a clip, counted from zero: what is missed in it is seen in its neighbours.
    Among(usize),
}

/// One who looks at pictures.
pub trait Looker: Send {
    /// Looks at one picture.
    fn look(&mut self, picture: &Frame, care: Care) -> Result<Seen, DetectorError>;
}

/// The models, once for each who looks at the same time.
pub struct Eyes {
    what: What,
    models: Vec<ModelUsed>,
    pairs: Vec<Pair>,
}

/// One set of the models. Each works with one thread, so that what is seen does not hang on how many there are.
struct Pair {
    what: What,
    detector: OnnxDetector,
    faces: Option<Faces>,
    /// Whether the face model was asked.
    has_sought_faces: bool,
    plates: Option<OnnxDetector>,
}

/// Most who look at the same time: each takes memory, and more of them wait for the decoder.
const MOST_LOOKERS: usize = 8;

impl Eyes {
    /// Opens the models that are needed, for so many who look at the same time.
    pub fn open(what: What, store: &Store, (runtime, lookers): (&Runtime, usize)) -> Result<Self, EyesError> {
        let cards = match what {
            What::Faces => &[DETECTOR, FACE_CARD][..],
            What::PersonsButSubject => &[DETECTOR],
            What::Plates => &[DETECTOR, PLATES],
        };
        let used = |name: &&str| -> Result<ModelUsed, EyesError> {
            let card = cards::builtin(name)?;
            Ok(ModelUsed { sha256: card.weights.sha256.clone().unwrap_or_default(), card: card.name })
        };
        let models = cards.iter().map(used).collect::<Result<_, _>>()?;
        let pairs = (0..lookers.clamp(1, MOST_LOOKERS)).map(|nth| Pair::open(what, store, (runtime, nth)));
        Ok(Self { what, models, pairs: pairs.collect::<Result<_, _>>()? })
    }
}

impl Pair {
    /// One of several, by its number: pictures that stand alone, in which faces are sought, the first looks at.
    fn open(what: What, store: &Store, (runtime, nth): (&Runtime, usize)) -> Result<Self, EyesError> {
        let open = |name: &str, score: Option<f32>| -> Result<OnnxDetector, EyesError> {
            let mut card = cards::builtin(name)?;
            if let Some(score) = score {
                // Heads have a higher least score of their own, as a false one would lead a tracker astray; here it hides little.
                card.thresholds.score = score;
                card.thresholds.classes.clear();
            }
            Ok(OnnxDetector::open(&card, &store.weights(&card)?, runtime, 1)?)
        };
        let detector = open(DETECTOR, Some(MIN_SCORE))?;
        let plates = (what == What::Plates).then(|| open(PLATES, None)).transpose()?;
        let faces =
            (what == What::Faces && nth == 0).then(|| Faces::open(&|name| cards::builtin(name), store, (runtime, 1)));
        Ok(Self { what, detector, faces: faces.transpose()?, has_sought_faces: false, plates })
    }
}

impl Sight for Eyes {
    fn what(&self) -> What {
        self.what
    }

    fn models(&self) -> Vec<ModelUsed> {
        let has_sought_faces = self.pairs.iter().any(|pair| pair.has_sought_faces);
        self.models.iter().filter(|model| has_sought_faces || model.card != FACE_CARD).cloned().collect()
    }

    fn lookers(&mut self) -> Vec<&mut dyn Looker> {
        self.pairs.iter_mut().map(|pair| pair as &mut dyn Looker).collect()
    }
}

impl Pair {
    /// What the detector finds in a picture, and in parts of it that it sees larger where faces are sought.
    fn detect(&mut self, picture: &Frame, care: Care) -> Result<Vec<Detection>, DetectError> {
        let parts = if self.what == What::Faces { parts(picture.width, picture.height) } else { Vec::new() };
        let is_seen_whole = match care {
            Care::Alone => true,
            Care::Among(number) => parts.is_empty() || number.is_multiple_of(WHOLE_EVERY),
        };
        let mut found = if is_seen_whole { self.detector.detect_frame(picture)? } else { Vec::new() };
        for part in parts {
            found.extend(part.to_frame(self.detector.detect_frame(&part.of(picture))?));
        }
        Ok(found)
    }
}

/// Squares that overlap and together make up a picture: heads are larger in the detector's eyes than in the whole of it. None
/// where it sees the whole nearly as large.
fn parts(width: u32, height: u32) -> Vec<Tile> {
    let (side, long) = (width.min(height), width.max(height));
    if side < LEAST_SIDE_PX {
        return Vec::new();
    }
    let count = (long - side / OVERLAP).div_ceil(side - side / OVERLAP).min(MOST_PARTS);
    if count < 2 {
        return Vec::new();
    }
    let along = |number: u32| ((long - side) * number / (count - 1)) & !1;
    let corner = |number| if width > height { (along(number), 0) } else { (0, along(number)) };
    let tile = |(x, y)| Tile { x, y, width: side, height: side };
    (0..count).map(|number| tile(corner(number))).collect()
}

impl Looker for Pair {
    fn look(&mut self, picture: &Frame, care: Care) -> Result<Seen, DetectorError> {
        let failed = |error: DetectError| DetectorError { message: error.to_string() };
        let mut small = match &mut self.faces {
            // In a clip the detector finds more in parts of the picture, in less time.
            Some(faces) if care == Care::Alone => {
                self.has_sought_faces = true;
                faces.find(picture)?
            }
            _ => Vec::new(),
        };
        if let Some(plates) = &mut self.plates {
            let found = plates.detect_frame(picture).map_err(failed)?;
            small.extend(found.into_iter().map(|plate| plate.bbox));
        }
        let found = self.detect(picture, care).map_err(failed)?;
        let is_sought = |d: &Detection| match self.what {
            What::Plates => VEHICLES.contains(&d.class.as_str()),
            What::Faces | What::PersonsButSubject => d.class.as_str() == "person",
        };
        let is_head = |d: &&Detection| self.what == What::Faces && HEAD_CLASSES.contains(&d.class.as_str());
        let heads = merged(found.iter().filter(is_head).map(|d| d.bbox));
        let large: Vec<BBox> = found.iter().filter(|d| is_sought(d)).map(|d| d.bbox).collect();
        // Of the subject the very box is sought; what is hidden may be a little larger than it is.
        let large = if self.what == What::Faces { merged(large.into_iter()) } else { large };
        Ok(Seen { small, heads, large })
    }
}

/// What was found in several parts of a picture as one box around all that was found of it, so that it makes one track.
fn merged(boxes: impl Iterator<Item = BBox>) -> Vec<BBox> {
    let mut kept: Vec<BBox> = Vec::new();
    for bbox in boxes {
        match kept.iter_mut().find(|other| other.iou(&bbox) >= SAME) {
            Some(other) => *other = other.union(&bbox),
            None => kept.push(bbox),
        }
    }
    kept
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
    fn what_is_found_twice_is_one_box_around_both_and_neighbours_stay_two() {
        let (one, again, other) = ([10., 10., 50., 50.], [12., 8., 54., 50.], [40., 10., 80., 50.]);
        let merged = merged([one, again, other].map(BBox::from).into_iter());
        assert_eq!(merged, [BBox::new(10., 8., 54., 50.), BBox::from(other)]);
    }

    #[test]
    fn parts_are_squares_that_overlap_and_leave_nothing_out() {
        for (width, height) in
            [(1920, 1080), (768, 576), (1080, 1920), (1000, 500), (5000, 400), (640, 640), (352, 288)]
        {
            let parts = parts(width, height);
            let (side, long) = (width.min(height), width.max(height));
            let mut ends = 0;
            for &Tile { x, y, width: part_width, height: part_height } in &parts {
                assert_eq!((part_width, part_height), (side, side));
                assert!(x + side <= width && y + side <= height, "{width}x{height}: {x} {y}");
                let (from, least) = (x.max(y), if long <= 5 * side { side / 10 } else { 0 });
                assert!(
                    from == 0 || from + least <= ends + 2 || long > 5 * side,
                    "{width}x{height}: {from} after {ends}"
                );
                ends = from + side;
            }
            assert!(parts.is_empty() || ends + 1 >= long, "{width}x{height}: {ends}");
        }
        let counts = [(1920, 1080), (1000, 500), (640, 640), (352, 288)].map(|(w, h)| parts(w, h).len());
        assert_eq!(counts, [2, 3, 0, 0]);
    }

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
