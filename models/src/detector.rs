//! A detector that runs an ONNX model as its card says.

mod windows;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::card::{Card, Resize};
use crate::decode::{DecodeError, Decoder, RawBox, RawBoxes, Shot};
use crate::nms::{Candidate, Kept};
use crate::open_error::OpenError;
use crate::preprocess::{Mapping, PreprocessError, Preprocessor};
use crate::providers::Provider;
use crate::runtime::Runtime;
use crate::session::ModelSession;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{BBox, Class, Detection, Detector, DetectorError, Frame, InputGrid, Point, Window};

/// A frame was not analysed.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The frame cannot be fed.
    #[error("failed to prepare frame {frame} for model `{model}`: {source}")]
    Preprocess {
        /// Stream and number of the frame.
        frame: String,
        /// The card's name.
        model: String,
        /// Why.
        source: PreprocessError,
    },
    /// The runtime failed.
    #[error("failed to run model `{model}` on frame {frame}: {source}")]
    Run {
        /// Stream and number of the frame.
        frame: String,
        /// The card's name.
        model: String,
        /// What the runtime said.
        source: ort::Error,
    },
    /// The outputs cannot be read.
    #[error("failed to read what model `{model}` says of frame {frame}: {source}")]
    Decode {
        /// Stream and number of the frame.
        frame: String,
        /// The card's name.
        model: String,
        /// Why.
        source: DecodeError,
    },
}

/// How long each stage of the last call to `detect` took, summed over its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// Filling the input tensor.
    pub preprocess: Duration,
    /// Running the model.
    pub inference: Duration,
    /// Decoding and non-maximum suppression.
    pub decode: Duration,
}

impl Timings {
    /// All stages together.
    pub fn total(&self) -> Duration {
        self.preprocess + self.inference + self.decode
    }
}

/// Something that a model found, with the landmarks that its family gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it is.
    pub class: Class,
    /// The model's confidence, 0 to 1.
    pub score: f32,
    /// Where it is, in pixels of the frame.
    pub bbox: BBox,
    /// Points in pixels of the frame, in the order of the family: five or six of a face, the four corners of a plate;
    /// none where the family gives none.
    pub landmarks: Vec<Point>,
}

/// Most frames that one run takes, so that memory stays bounded.
const MOST_AT_ONCE: usize = 8;

/// An open model. The same frame gives the same bits, given the same library, processor, number of threads and
/// number of frames in a call.
pub struct OnnxDetector {
    card: Card,
    classes: Vec<Class>,
    by_number: Vec<Option<Class>>,
    session: ModelSession,
    /// One for each picture of a run, so that each place in the tensor keeps its padding.
    preprocessors: Vec<Preprocessor>,
    tensor: Vec<f32>,
    windows: windows::Feed,
    /// Shape of the last run's tensor.
    shape: [usize; 4],
    decoder: Decoder,
    timings: Timings,
    /// What was claimed of each frame of the last call, and memory for more.
    claims: Vec<Claims>,
    /// How the frames of the last run lie in the input.
    mappings: Vec<Mapping>,
}

/// What a run claims of one frame. Its memory is used again by the next call.
struct Claims {
    raw: RawBoxes,
    mapping: Mapping,
    candidates: Vec<Candidate>,
    kept: Kept,
}

impl Claims {
    /// None yet.
    fn none() -> Self {
        let (raw, kept) = (RawBoxes::default(), Kept::default());
        Self { raw, mapping: Mapping::IDENTITY, candidates: Vec::new(), kept }
    }

    /// Height of a claimed box in pixels of the model's input.
    fn height_px(&self, index: usize) -> f32 {
        let [_, top, _, bottom] = self.raw.boxes[index].corners;
        bottom - top
    }
}

impl OnnxDetector {
    /// Opens the weights of a card on the runtime's provider with `threads` threads (0 counts as 1).
    ///
    /// The model runs once on an empty input, so that a card that does not fit is an error here and the first
    /// frame is as fast as the others. Where the model leaves the number of pictures open, it runs on two as well:
    /// some graphs say so and yet take only one.
    pub fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenError> {
        card.validate()?;
        let family = card.decoder.family();
        let decoder = Decoder::new(card).ok_or_else(|| OpenError::NotDetector { model: card.name.clone(), family })?;
        let session = ModelSession::open(card, weights, runtime, threads)?;
        let card = as_run_by(session.provider(), card);
        let preprocessor = Preprocessor::new(&card.input);
        let mut detector = Self {
            classes: card.classes.to_vec(),
            by_number: card.classes.by_number(),
            tensor: vec![0.0; preprocessor.tensor_len()],
            windows: windows::Feed::new(&card.input),
            shape: preprocessor.tensor_shape(),
            decoder,
            card,
            session,
            preprocessors: vec![preprocessor],
            timings: Timings::default(),
            claims: Vec::new(),
            mappings: Vec::new(),
        };
        match detector.infer(0, &[Mapping::IDENTITY]) {
            Ok(()) => {}
            Err(InferError::Run(source)) => {
                return Err(OpenError::Session { model: detector.card.name, path: weights.to_owned(), source });
            }
            Err(InferError::Decode(source)) => {
                return Err(OpenError::Decode { model: detector.card.name, source });
            }
        }
        if detector.session.takes_batches() && detector.infer(0, &[Mapping::IDENTITY; 2]).is_ok() {
            detector.preprocessors.resize_with(MOST_AT_ONCE, || Preprocessor::new(&detector.card.input));
        }
        detector.tensor.truncate(detector.preprocessors[0].tensor_len());
        detector.timings = Timings::default();
        Ok(detector)
    }

    /// The card by which the model was opened.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What runs the model now.
    pub fn provider(&self) -> Provider {
        self.session.provider()
    }

    /// How long the stages of the last call took.
    pub fn last_timings(&self) -> Timings {
        self.timings
    }

    /// Most frames that one run of the model takes; more are run one lot after the other.
    pub fn most_at_once(&self) -> usize {
        self.preprocessors.len()
    }

    /// Detections of one frame, best score first, boxes in the frame's own pixels as the model says them.
    ///
    /// A box may reach beyond the frame where the model takes the subject to go on; this is what evaluations score.
    /// [`Detector::detect`] cuts boxes off at the frame's edge. Boxes without an area are left out.
    pub fn detect_frame(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        self.claim(&[frame])?;
        Ok(self.claims.first().map(|claims| self.detections(claims)).unwrap_or_default())
    }

    /// As [`OnnxDetector::detect_frame`], each with the height of its box in pixels of the model's input.
    pub fn detect_measured(&mut self, frame: &Frame) -> Result<Vec<(Detection, f32)>, DetectError> {
        self.claim(&[frame])?;
        let of = |claims: &Claims| -> Vec<(Detection, f32)> {
            self.kept(claims).map(|(index, detection)| (detection, claims.height_px(index))).collect()
        };
        Ok(self.claims.first().map(of).unwrap_or_default())
    }

    /// As [`OnnxDetector::detect_frame`] for several frames, with the landmarks of each finding.
    pub fn find(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Found>>, DetectError> {
        self.claim(frames)?;
        let found = |claims: &Claims| {
            let with_landmarks = self.kept(claims).map(|(index, Detection { class, score, bbox })| {
                let landmarks = claims.raw.landmarks(index).iter().map(|&point| claims.mapping.point_to_frame(point));
                Found { class, score, bbox, landmarks: landmarks.collect() }
            });
            with_landmarks.collect()
        };
        Ok(self.claims.iter().take(frames.len()).map(found).collect())
    }

    /// Runs the model on the tensor of the last frame once more and leaves the outputs unread; for measuring what
    /// inference alone takes.
    pub fn run_again(&mut self) -> Result<(), DetectError> {
        let failed = |source| DetectError::Run { frame: "again".to_owned(), model: self.card.name.clone(), source };
        let n = self.shape.iter().product();
        self.session.run(&self.shape, &self.tensor[..n]).map(drop).map_err(failed)
    }

    /// Has the model claim what is in each frame, the first frame's at the first place of `claims`. Neighbours of the same
    /// input size go into one run where the model can.
    fn claim(&mut self, frames: &[&Frame]) -> Result<(), DetectError> {
        self.timings = Timings::default();
        let mut rest = frames;
        while let Some(first) = rest.first() {
            let size = self.card.input.size_for(first.width, first.height);
            let is_like = |frame: &&&Frame| self.card.input.size_for(frame.width, frame.height) == size;
            let n = rest.iter().take(self.preprocessors.len()).take_while(is_like).count().max(1);
            let (lot, later) = rest.split_at(n);
            let mut mappings = std::mem::take(&mut self.mappings);
            let claimed = self.claim_lot(frames.len() - rest.len(), lot, &mut mappings);
            self.mappings = mappings;
            claimed?;
            rest = later;
        }
        Ok(())
    }

    fn claim_lot(&mut self, at: usize, lot: &[&Frame], mappings: &mut Vec<Mapping>) -> Result<(), DetectError> {
        let watch = Stopwatch::start();
        self.make_room(lot);
        let model = || self.card.name.clone();
        let item = self.preprocessors[0].tensor_len();
        let places = self.preprocessors.iter_mut().zip(self.tensor.chunks_exact_mut(item));
        mappings.clear();
        for (&frame, (preprocessor, tensor)) in lot.iter().zip(places) {
            let failed = |source| DetectError::Preprocess { frame: name(&[frame]), model: model(), source };
            mappings.push(preprocessor.fill(frame, tensor).map_err(failed)?);
        }
        self.timings.preprocess += watch.elapsed();
        self.infer(at, mappings).map_err(|error| self.failed(lot, error))
    }

    /// The model failed on frames.
    fn failed(&self, lot: &[&Frame], error: InferError) -> DetectError {
        let (frame, model) = (name(lot), self.card.name.clone());
        match error {
            InferError::Run(source) => DetectError::Run { frame, model, source },
            InferError::Decode(source) => DetectError::Decode { frame, model, source },
        }
    }

    /// Lays the tensor out for a lot of frames of one input size. Padding stays where it is while the size does.
    fn make_room(&mut self, lot: &[&Frame]) {
        let Some(first) = lot.first() else { return };
        let old_size = self.preprocessors[0].size();
        for preprocessor in &mut self.preprocessors {
            preprocessor.prepare(first.width, first.height);
        }
        if self.preprocessors[0].size() != old_size {
            self.preprocessors.iter_mut().for_each(Preprocessor::forget);
        }
        let len = self.preprocessors[0].tensor_len() * lot.len();
        if self.tensor.len() < len {
            self.tensor.resize(len, 0.0);
        }
    }

    /// Runs the model on the tensor as it is and reads the outputs.
    fn infer(&mut self, at: usize, mappings: &[Mapping]) -> Result<(), InferError> {
        self.shape = self.preprocessors[0].tensor_shape();
        self.shape[0] = mappings.len();
        let len: usize = self.shape.iter().product();
        if self.tensor.len() < len {
            self.tensor.resize(len, 0.0);
        }
        let tensor = std::mem::take(&mut self.tensor);
        let claimed = self.infer_on(&tensor[..len], self.shape, self.preprocessors[0].size(), (at, mappings));
        self.tensor = tensor;
        claimed
    }

    /// Runs the model on the values of pictures of `size` and reads the outputs, from the place `at` of the claims on.
    fn infer_on(
        &mut self,
        values: &[f32],
        shape: [usize; 4],
        size: [u32; 2],
        (at, mappings): (usize, &[Mapping]),
    ) -> Result<(), InferError> {
        if self.claims.len() < at + mappings.len() {
            self.claims.resize_with(at + mappings.len(), Claims::none);
        }
        let watch = Stopwatch::start();
        let outputs = self.session.run(&shape, values)?;
        self.timings.inference += watch.elapsed();
        let watch = Stopwatch::start();
        let thresholds = &self.card.thresholds;
        let least = self.card.calibration.as_ref().map_or(thresholds.least(), |c| c.least_score(thresholds.least()));
        let mut shot = Shot { batch: mappings.len(), index: 0, size };
        for (index, (&mapping, claims)) in mappings.iter().zip(&mut self.claims[at..]).enumerate() {
            shot.index = index;
            self.decoder.decode_into(&outputs, shot, least, &mut claims.raw).map_err(InferError::Decode)?;
            let candidate = |b: &RawBox| Candidate {
                class: b.class,
                score: b.score.clamp(0.0, 1.0),
                bbox: mapping.to_frame(b.corners),
            };
            claims.mapping = mapping;
            claims.candidates.clear();
            claims.candidates.extend(claims.raw.boxes.iter().map(candidate));
            claims.kept.choose(&claims.candidates, thresholds.nms_iou);
        }
        self.timings.decode += watch.elapsed();
        Ok(())
    }

    /// What stays of a run's claims, surest first, with the index of each claim. Their scores are calibrated, where the
    /// card says how.
    fn kept(&self, claims: &Claims) -> impl Iterator<Item = (usize, Detection)> + use<> {
        let strong = claims.kept.indices.iter().filter_map(|&index| {
            let Candidate { class, score, bbox } = claims.candidates[index];
            let class = self.by_number.get(class)?.clone()?;
            let score = match &self.card.calibration {
                Some(calibration) => calibration.of(class.as_str()).probability(score, claims.height_px(index)),
                None => score,
            };
            let is_strong = score >= self.card.thresholds.of(&class) && is_usable(&bbox);
            is_strong.then_some((index, Detection { class, score, bbox }))
        });
        let mut all: Vec<(usize, Detection)> = Vec::with_capacity(claims.kept.indices.len());
        all.extend(strong);
        // A larger box may be worth more than a smaller one with a higher score; without calibration they are in order.
        if self.card.calibration.is_some() {
            all.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        }
        all.into_iter()
    }

    fn detections(&self, claims: &Claims) -> Vec<Detection> {
        self.kept(claims).map(|(_, detection)| detection).collect()
    }
}

/// The card as `provider` is fed: TensorRT compiles each size of input for minutes, and padding costs a GPU next to
/// nothing, so there a letterboxed picture is always padded out to the whole input.
fn as_run_by(provider: Provider, card: &Card) -> Card {
    let mut card = card.clone();
    if provider == Provider::TensorRt && matches!(card.input.resize, Resize::Letterbox { .. }) {
        card.input.dynamic = None;
    }
    card
}

/// Stream and number of the first frame of a lot, and how many others there are.
fn name(lot: &[&Frame]) -> String {
    let Some((first, others)) = lot.split_first() else { return "none".to_owned() };
    let name = format!("{} #{}", first.meta.stream, first.meta.sequence);
    if others.is_empty() { name } else { format!("{name} and {} others", others.len()) }
}

impl Detector for OnnxDetector {
    fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// What the model takes at once on a GPU; one on a processor, to which several at once are no cheaper.
    fn batch(&self) -> usize {
        match self.provider() {
            Provider::Cuda | Provider::TensorRt => self.most_at_once(),
            Provider::Cpu | Provider::OpenVino => 1,
        }
    }

    /// As [`OnnxDetector::detect_frame`], but with boxes cut off at the frame's edge and without those that lie
    /// beyond it, because zones, crops and evidence know nothing outside the frame.
    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.claim(frames).map_err(|error| DetectorError { message: error.to_string() })?;
        let inside = |(claims, frame): (&Claims, &&Frame)| {
            let mut detections = self.detections(claims);
            cut_off(&mut detections, frame.width, frame.height);
            detections
        };
        Ok(self.claims.iter().zip(frames).map(inside).collect())
    }

    fn input_grid(&self, size: (u32, u32)) -> Option<InputGrid> {
        self.grid(size)
    }

    fn detect_in(&mut self, frame: &Frame, windows: &[Window]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.find_in(frame, windows).map_err(|error| DetectorError { message: error.to_string() })
    }
}

/// Whether a box is finite and has an area.
fn is_usable(bbox: &BBox) -> bool {
    bbox.is_valid() && bbox.area() > 0.0
}

/// Cuts boxes off at the edge of a frame of that size and drops those of which nothing is left.
fn cut_off(detections: &mut Vec<Detection>, width: u32, height: u32) {
    for detection in &mut *detections {
        detection.bbox = detection.bbox.clamped(width, height);
    }
    detections.retain(|detection| is_usable(&detection.bbox));
}

impl fmt::Debug for OnnxDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxDetector").field("card", &self.card.name).finish_non_exhaustive()
    }
}

enum InferError {
    Run(ort::Error),
    Decode(DecodeError),
}

impl From<ort::Error> for InferError {
    fn from(error: ort::Error) -> Self {
        Self::Run(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_cut_off_at_the_edge_and_those_beyond_it_dropped() {
        let person = |bbox: [f32; 4]| Detection { class: Class::new("person"), score: 0.5, bbox: bbox.into() };
        let mut detections =
            vec![person([-5.0, 2.0, 8.0, 30.0]), person([20.0, 3.0, 28.0, 9.0]), person([1.0, 1.0, 2.0, 2.0])];
        cut_off(&mut detections, 20, 10);
        assert_eq!(detections, [person([0.0, 2.0, 8.0, 10.0]), person([1.0, 1.0, 2.0, 2.0])]);
    }

    #[test]
    fn tensorrt_sees_letterboxed_pictures_in_one_size() {
        let size = |name: &str, provider: Provider| {
            let card = crate::cards::builtin(name).unwrap();
            as_run_by(provider, &card).input.size_for(1920, 1080)
        };
        assert_eq!(size("site-nano-416", Provider::Cpu), [416, 256]);
        assert_eq!(size("site-nano-416", Provider::TensorRt), [416, 416]);
        assert_eq!(size("centerface", Provider::TensorRt), size("centerface", Provider::Cpu));
    }

    #[test]
    fn boxes_that_are_infinite_or_empty_are_not_usable() {
        assert!(is_usable(&BBox::new(-3.0, -3.0, 900.0, 900.0)));
        for edge in [f32::NAN, f32::INFINITY, -3.0, -4.0] {
            assert!(!is_usable(&BBox::new(-3.0, -3.0, edge, 9.0)), "{edge}");
        }
    }
}
