//! A detector that runs an ONNX model as its card says.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::card::{Card, CardError};
use crate::decode::{DecodeError, Decoder};
use crate::nms::{self, Candidate};
use crate::preprocess::{Mapping, PreprocessError, Preprocessor};
use crate::providers::Provider;
use crate::runtime::Runtime;
use crate::session::ModelSession;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{BBox, Class, Detection, Detector, DetectorError, Frame};

/// A model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The card makes no sense.
    #[error(transparent)]
    Card(#[from] CardError),
    /// ONNX Runtime refuses the file.
    #[error("failed to open model `{model}` from `{path}`: {source}")]
    Session {
        /// The card's name.
        model: String,
        /// The weights.
        path: PathBuf,
        /// What the runtime said.
        source: ort::Error,
    },
    /// The model's input is not what the card promises.
    #[error("model `{model}` takes {has}, but its card promises one input of {promised}; correct the card's [input]")]
    Input {
        /// The card's name.
        model: String,
        /// What the model takes.
        has: String,
        /// What the card says.
        promised: String,
    },
    /// The model does something else.
    #[error("model `{model}` finds no boxes: its family is {family}, so it cannot be a detector")]
    NotDetector {
        /// The card's name.
        model: String,
        /// The family of its decoder.
        family: &'static str,
    },
    /// The model ran, but its outputs are not what the card promises.
    #[error("model `{model}` does not fit its card: {source}; correct the card's [decoder] or `classes`")]
    Decode {
        /// The card's name.
        model: String,
        /// What differs.
        source: DecodeError,
    },
}

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

/// An open model. The same frame gives the same bits, given the same library, processor and number of threads.
pub struct OnnxDetector {
    card: Card,
    classes: Vec<Class>,
    by_number: Vec<Option<Class>>,
    session: ModelSession,
    preprocessor: Preprocessor,
    tensor: Vec<f32>,
    decoder: Decoder,
    timings: Timings,
}

impl OnnxDetector {
    /// Opens the weights of a card on the runtime's provider with `threads` threads (0 counts as 1).
    ///
    /// The model runs once on an empty input, so that a card that does not fit is an error here and the first
    /// frame is as fast as the others.
    pub fn open(card: &Card, weights: &Path, runtime: &Runtime, threads: usize) -> Result<Self, OpenError> {
        card.validate()?;
        let family = card.decoder.family();
        let decoder = Decoder::new(card).ok_or_else(|| OpenError::NotDetector { model: card.name.clone(), family })?;
        let preprocessor = Preprocessor::new(&card.input);
        let session = ModelSession::open(card, weights, runtime, threads)?;
        session.check_input(&preprocessor.tensor_shape())?;
        let mut detector = Self {
            classes: card.classes.to_vec(),
            by_number: card.classes.by_number(),
            tensor: vec![0.0; preprocessor.tensor_len()],
            decoder,
            card: card.clone(),
            session,
            preprocessor,
            timings: Timings::default(),
        };
        match detector.infer(Mapping { left: 0.0, top: 0.0, scale_x: 1.0, scale_y: 1.0 }) {
            Ok(_) => Ok(detector),
            Err(InferError::Run(source)) => {
                Err(OpenError::Session { model: card.name.clone(), path: weights.to_owned(), source })
            }
            Err(InferError::Decode(source)) => Err(OpenError::Decode { model: card.name.clone(), source }),
        }
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

    /// Detections of one frame, best score first, boxes in the frame's own pixels as the model says them.
    ///
    /// A box may reach beyond the frame where the model takes the subject to go on; this is what evaluations score.
    /// [`Detector::detect`] cuts boxes off at the frame's edge. Boxes without an area are left out.
    pub fn detect_frame(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        self.timings = Timings::default();
        self.detect_one(frame)
    }

    /// Runs the model on the tensor of the last frame once more and leaves the outputs unread; for measuring what
    /// inference alone takes.
    pub fn run_again(&mut self) -> Result<(), DetectError> {
        let failed = |source| DetectError::Run { frame: "again".to_owned(), model: self.card.name.clone(), source };
        self.session.run(&self.preprocessor.tensor_shape(), &self.tensor).map(drop).map_err(failed)
    }

    fn detect_one(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        let model = || self.card.name.clone();
        let name = || format!("{} #{}", frame.meta.stream, frame.meta.sequence);
        let watch = Stopwatch::start();
        let mapping = self.preprocessor.fill(frame, &mut self.tensor).map_err(|source| DetectError::Preprocess {
            frame: name(),
            model: model(),
            source,
        })?;
        self.timings.preprocess += watch.elapsed();
        let kept = self.infer(mapping).map_err(|error| match error {
            InferError::Run(source) => DetectError::Run { frame: name(), model: self.card.name.clone(), source },
            InferError::Decode(source) => DetectError::Decode { frame: name(), model: self.card.name.clone(), source },
        })?;
        let named = kept.into_iter().filter_map(|Candidate { class, score, bbox }| {
            let class = self.by_number.get(class)?.clone()?;
            (score >= self.card.thresholds.of(&class) && is_usable(&bbox)).then_some(Detection { class, score, bbox })
        });
        Ok(named.collect())
    }

    /// Runs the model on the tensor as it is and reads the outputs.
    fn infer(&mut self, mapping: Mapping) -> Result<Vec<Candidate>, InferError> {
        let watch = Stopwatch::start();
        let outputs = self.session.run(&self.preprocessor.tensor_shape(), &self.tensor)?;
        self.timings.inference += watch.elapsed();
        let watch = Stopwatch::start();
        let thresholds = &self.card.thresholds;
        let boxes = self.decoder.decode(&outputs, thresholds.least()).map_err(InferError::Decode)?;
        let candidates = boxes.iter().map(|b| Candidate {
            class: b.class,
            score: b.score.clamp(0.0, 1.0),
            bbox: mapping.to_frame(b.corners),
        });
        let kept = nms::suppress(candidates.collect(), thresholds.nms_iou);
        self.timings.decode += watch.elapsed();
        Ok(kept)
    }
}

impl Detector for OnnxDetector {
    fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// As [`OnnxDetector::detect_frame`], but with boxes cut off at the frame's edge and without those that lie
    /// beyond it, because zones, crops and evidence know nothing outside the frame.
    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        self.timings = Timings::default();
        let each = frames.iter().map(|frame| {
            let mut detections = self.detect_one(frame)?;
            cut_off(&mut detections, frame.width, frame.height);
            Ok(detections)
        });
        each.collect::<Result<_, _>>().map_err(|error: DetectError| DetectorError { message: error.to_string() })
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
    fn boxes_that_are_infinite_or_empty_are_not_usable() {
        assert!(is_usable(&BBox::new(-3.0, -3.0, 900.0, 900.0)));
        for edge in [f32::NAN, f32::INFINITY, -3.0, -4.0] {
            assert!(!is_usable(&BBox::new(-3.0, -3.0, edge, 9.0)), "{edge}");
        }
    }
}
