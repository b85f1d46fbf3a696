//! Reads what subjects wear and what their plates say: the models of a cascade behind [`forewarn_domain::Reader`].
//!
//! For each look the part that matters is found (a face, a head, a torso, ears, a plate), its crop is measured, and
//! only a crop that is worth it goes to the model that judges. All looks of a call share the runs: crops of different
//! tracks and streams go through each model together. Whatever is missing on the way is a reason why it cannot be
//! told; nothing that was not seen is ever a *no*.

mod attribute;
mod chain;
mod classifier;
pub mod faces;
mod model;
mod part;
mod search;

use std::fmt;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{
    Answer, AttributeId, BBox, ColourMatrix, DetectorError, Frame, FrameMeta, Look, PixelFormat, Reader, Reading,
    StreamId, Timestamp, Unclear,
};

pub use attribute::{Attribute, AttributeError, BUILTIN, CropLimits, Find, FindFace, FindPlate, FindPose};
pub use classifier::{Classifier, ClassifyError};
pub use model::OpenCropModelError;

use crate::card::{Card, CardError};
use crate::detector::{OnnxDetector, OpenError};
use crate::runtime::Runtime;
use crate::store::{Store, StoreError};
use chain::{Chain, Part};
use model::{CropModel, Said};
use search::Searches;

/// Readers cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// A card is unknown or makes no sense.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Card {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: CardError,
    },
    /// Weights are missing or wrong.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Weights {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: StoreError,
    },
    /// The model that finds the part cannot be opened.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Finder {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: OpenError,
    },
    /// The model that judges, or that finds key points, cannot be opened.
    #[error("failed to prepare reading `{attribute}`: {source}")]
    Judge {
        /// The attribute.
        attribute: AttributeId,
        /// Why.
        source: OpenCropModelError,
    },
    /// Attribute and card do not go together.
    #[error("failed to prepare reading `{attribute}` by model `{model}`: {problem}")]
    Mismatch {
        /// The attribute.
        attribute: AttributeId,
        /// The card's name.
        model: String,
        /// What does not fit and what would.
        problem: &'static str,
    },
    /// An attribute is given twice.
    #[error("attribute `{attribute}` is given twice; leave one of the two out")]
    Twice {
        /// The attribute.
        attribute: AttributeId,
    },
}

/// A reading with the parts that were looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailedReading {
    /// What the look said; not looked where there is no judge and nothing speaks against the crop.
    pub reading: Reading,
    /// Where the parts lie in the frame, without margins, also beyond its edges: none if they were not found, two for
    /// two ears.
    pub parts: Vec<BBox>,
}

/// What one crop through a model takes, smoothed over calls.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    item: Option<Duration>,
}

impl Cost {
    /// Share of a new measurement in the smoothed figure.
    const NEW: f64 = 0.2;

    fn learn(&mut self, total: Duration, items: usize) {
        let Ok(items @ 1..) = u32::try_from(items) else { return };
        let new = total / items;
        self.item = Some(self.item.map_or(new, |old| old.mul_f64(1.0 - Self::NEW) + new.mul_f64(Self::NEW)));
    }
}

/// Finders and judges, each open once however many attributes need it.
#[derive(Default)]
struct Models {
    detectors: Vec<(OnnxDetector, Cost)>,
    crop_models: Vec<(CropModel, Cost)>,
}

/// Reads attributes by ONNX models as their files and cards say. The same looks give the same readings, given the
/// same library, processor and number of threads.
pub struct AttributeReader {
    ids: Vec<AttributeId>,
    chains: Vec<Chain>,
    models: Models,
}

impl AttributeReader {
    /// Opens everything that some attributes need, with `threads` threads a model.
    ///
    /// `card_of` gives the card of a name, the site's own or a built-in one ([`crate::cards::builtin`]); weights and
    /// dictionaries come from the store. Each model runs once, so that a card that does not fit is an error here.
    pub fn open(
        attributes: &[Attribute],
        card_of: &dyn Fn(&str) -> Result<Card, CardError>,
        store: &Store,
        (runtime, threads): (&Runtime, usize),
    ) -> Result<Self, ReaderError> {
        let opener = Opener { card_of, store, runtime, threads, is_judge_needed: true };
        Self::open_all(attributes, &opener)
    }

    /// As [`AttributeReader::open`], but an attribute whose judge has no card or no weights yet finds its parts all
    /// the same, by the `part` of its file: so are the crops collected from which a judge is trained.
    pub fn open_for_collecting(
        attributes: &[Attribute],
        card_of: &dyn Fn(&str) -> Result<Card, CardError>,
        store: &Store,
        (runtime, threads): (&Runtime, usize),
    ) -> Result<Self, ReaderError> {
        let opener = Opener { card_of, store, runtime, threads, is_judge_needed: false };
        Self::open_all(attributes, &opener)
    }

    fn open_all(attributes: &[Attribute], opener: &Opener<'_>) -> Result<Self, ReaderError> {
        let mut reader = Self { ids: Vec::new(), chains: Vec::new(), models: Models::default() };
        for attribute in attributes {
            let id = attribute.attribute.clone();
            if reader.ids.contains(&id) {
                return Err(ReaderError::Twice { attribute: id });
            }
            let chain = Chain::open(attribute, opener, &mut reader.models)?;
            reader.chains.push(chain);
            reader.ids.push(id);
        }
        Ok(reader)
    }

    /// Whether an attribute has a model that judges; only one opened for collecting may have none.
    pub fn is_judged(&self, attribute: &AttributeId) -> bool {
        self.ids.iter().zip(&self.chains).any(|(id, chain)| id == attribute && chain.judge.is_some())
    }

    /// As [`Reader::read`], with the parts that were looked at.
    pub fn read_in_detail(&mut self, looks: &[(&Frame, &Look)]) -> Vec<DetailedReading> {
        let chains: Vec<Option<usize>> = looks.iter().map(|(_, look)| self.chain_of(look)).collect();
        let mut searches = Searches::default();
        let wanted: Vec<_> = (looks.iter().zip(&chains))
            .map(|(&(frame, look), chain)| {
                let chain = &self.chains[chain.ok_or(Unclear::NotLooked)?];
                chain.begin(frame, look, &mut searches)
            })
            .collect();
        let found = searches.run(&mut self.models);
        let mut readings: Vec<DetailedReading> = looks.iter().map(|(frame, look)| blank(frame, look)).collect();
        let mut parts = Vec::new();
        let mut places = Vec::new();
        for (place, (&(frame, look), wanted)) in looks.iter().zip(wanted).enumerate() {
            let Some(chain) = chains[place] else { continue };
            let DetailedReading { reading, parts: boxes } = &mut readings[place];
            let others = others(looks, place);
            let part = |search: Option<_>| {
                self.chains[chain].part(frame, (look, others.as_slice()), search.map(|search| found.of(search)))
            };
            match wanted.and_then(part) {
                Ok(mut part) => {
                    (reading.bbox, reading.quality) = (part.bbox, part.quality);
                    *boxes = std::mem::take(&mut part.boxes);
                    if let Some(unclear) = part.unclear {
                        reading.answer = Answer::CannotTell(unclear);
                    } else if self.chains[chain].judge.is_some() {
                        parts.push((chain, part));
                        places.push(place);
                    }
                }
                Err(unclear) => reading.answer = Answer::CannotTell(unclear),
            }
        }
        let said = self.judge(&parts);
        for ((place, (chain, _)), said) in places.into_iter().zip(&parts).zip(said) {
            let failed = Answer::CannotTell(Unclear::ModelFailed);
            readings[place].reading.answer = said.map_or(failed, |said| self.chains[*chain].answer(&said));
        }
        readings
    }

    /// What one look at an attribute takes, as measured lately; what a scheduler plans with. The figure starts with a
    /// run on an empty crop.
    pub fn cost(&self, attribute: &AttributeId) -> Option<Duration> {
        let chain = self.chains.get(self.ids.iter().position(|id| id == attribute)?)?;
        let detector = |index: Option<usize>| index.and_then(|i| self.models.detectors[i].1.item).unwrap_or_default();
        let crop_model =
            |index: Option<usize>| index.and_then(|i| self.models.crop_models[i].1.item).unwrap_or_default();
        let finders = detector(chain.face) + detector(chain.plate) + crop_model(chain.pose);
        Some(finders + crop_model(chain.judge) * chain.crops_per_look())
    }

    /// The place of each look's chain; none for an attribute that was not opened.
    fn chain_of(&self, look: &Look) -> Option<usize> {
        self.ids.iter().position(|id| *id == look.attribute)
    }

    /// What the models say of the crops of all parts, in the order of the parts; `None` where a model failed.
    fn judge(&mut self, parts: &[(usize, Part)]) -> Vec<Option<Vec<Said>>> {
        let mut said: Vec<Option<Vec<Said>>> = parts.iter().map(|_| Some(Vec::new())).collect();
        for (index, (model, cost)) in self.models.crop_models.iter_mut().enumerate() {
            let own = |(_, (chain, _)): &(usize, &(usize, Part))| self.chains[*chain].judge == Some(index);
            let mine: Vec<(usize, &Frame)> = (parts.iter().enumerate().filter(own))
                .flat_map(|(place, (_, part))| part.crops.iter().map(move |crop| (place, crop)))
                .collect();
            if mine.is_empty() {
                continue;
            }
            let watch = Stopwatch::start();
            let crops: Vec<&Frame> = mine.iter().map(|(_, crop)| *crop).collect();
            match model.look(&crops) {
                Ok(all) => {
                    cost.learn(watch.elapsed(), crops.len());
                    for ((place, _), one) in mine.iter().zip(all) {
                        if let Some(list) = &mut said[*place] {
                            list.push(one);
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(model = %model.card().name, crops = crops.len(), %error, "a model failed on crops");
                    for (place, _) in mine {
                        said[place] = None;
                    }
                }
            }
        }
        said
    }
}

impl Reader for AttributeReader {
    fn attributes(&self) -> &[AttributeId] {
        &self.ids
    }

    /// Never fails as a whole: a model that fails on crops makes the readings of these cannot-tell.
    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        Ok(self.read_in_detail(looks).into_iter().map(|detailed| detailed.reading).collect())
    }
}

/// The boxes of the other tracks of a look's frame that are looked at in the same call.
fn others(looks: &[(&Frame, &Look)], place: usize) -> Vec<BBox> {
    let (frame, look) = looks[place];
    let is_other = |(other, beside): &&(&Frame, &Look)| {
        std::ptr::eq(other.plane(0).0, frame.plane(0).0) && beside.track != look.track && beside.bbox.is_valid()
    };
    let boxes = looks.iter().filter(is_other).map(|(_, beside)| beside.bbox);
    boxes.collect()
}

/// The reading of a look before anything is known.
fn blank(frame: &Frame, look: &Look) -> DetailedReading {
    let reading = Reading {
        track: look.track,
        attribute: look.attribute.clone(),
        at: frame.meta.captured_at,
        bbox: clamped(&look.bbox, frame),
        quality: 0.0,
        answer: Answer::CannotTell(Unclear::NotLooked),
    };
    DetailedReading { reading, parts: Vec::new() }
}

/// The part of a box inside a frame.
fn clamped(bbox: &BBox, frame: &Frame) -> BBox {
    if bbox.is_valid() { bbox.clamped(frame.width, frame.height) } else { BBox::new(0.0, 0.0, 0.0, 0.0) }
}

impl fmt::Debug for AttributeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeReader").field("attributes", &self.ids).finish_non_exhaustive()
    }
}

/// Makes a model whose input has dynamic sides see pictures scaled to a longer side of so many pixels.
fn search_at(card: &mut Card, side_px: u32) {
    if let Some(dynamic) = &mut card.input.dynamic {
        (card.input.width, card.input.height, dynamic.enlarge) = (side_px, side_px, true);
    }
}

/// A black crop of the size of a card's input, to measure what a run takes.
fn blank_crop(card: &Card) -> Option<Frame> {
    let (width, height) = (card.input.width, card.input.height);
    let meta = FrameMeta {
        stream: StreamId::new("blank").ok()?,
        sequence: 0,
        captured_at: Timestamp::ZERO,
        arrived_at: Timestamp::ZERO,
    };
    let rgb = vec![0; width as usize * height as usize * 3];
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (width, height), rgb).ok()
}

/// Opens the models of attributes.
struct Opener<'a> {
    card_of: &'a dyn Fn(&str) -> Result<Card, CardError>,
    store: &'a Store,
    runtime: &'a Runtime,
    threads: usize,
    /// Whether an attribute without a judge is an error.
    is_judge_needed: bool,
}

impl Opener<'_> {
    fn card(&self, id: &AttributeId, name: &str) -> Result<Card, ReaderError> {
        (self.card_of)(name).map_err(|source| ReaderError::Card { attribute: id.clone(), source })
    }

    fn mismatch(id: &AttributeId, model: &str, problem: &'static str) -> ReaderError {
        ReaderError::Mismatch { attribute: id.clone(), model: model.to_owned(), problem }
    }

    /// The place of a detector, opened with that least score unless it is open.
    fn detector(
        &self,
        id: &AttributeId,
        name: &str,
        (min_score, side_px): (f32, Option<u32>),
        models: &mut Models,
    ) -> Result<usize, ReaderError> {
        let mut card = self.card(id, name)?;
        card.thresholds.score = min_score;
        card.thresholds.classes.clear();
        if let Some(side_px) = side_px {
            search_at(&mut card, side_px);
        }
        if let Some(open) = models.detectors.iter().position(|(model, _)| *model.card() == card) {
            return Ok(open);
        }
        let weights = self.weights(id, &card)?;
        let open = OnnxDetector::open(&card, &weights, self.runtime, self.threads);
        let mut model = open.map_err(|source| ReaderError::Finder { attribute: id.clone(), source })?;
        let mut cost = Cost::default();
        let watch = Stopwatch::start();
        if blank_crop(&card).is_some_and(|crop| model.find(&[&crop]).is_ok()) {
            cost.learn(watch.elapsed(), 1);
        }
        models.detectors.push((model, cost));
        Ok(models.detectors.len() - 1)
    }

    /// The place of a model that looks at crops, opened unless it is open.
    fn crop_model(&self, id: &AttributeId, name: &str, models: &mut Models) -> Result<usize, ReaderError> {
        let card = self.card(id, name)?;
        if let Some(open) = models.crop_models.iter().position(|(model, _)| *model.card() == card) {
            return Ok(open);
        }
        let weights = self.weights(id, &card)?;
        let open = CropModel::open(&card, &weights, self.store.root(), (self.runtime, self.threads));
        let mut model = open.map_err(|source| ReaderError::Judge { attribute: id.clone(), source })?;
        let mut cost = Cost::default();
        let watch = Stopwatch::start();
        if blank_crop(&card).is_some_and(|crop| model.look(&[&crop]).is_ok()) {
            cost.learn(watch.elapsed(), 1);
        }
        models.crop_models.push((model, cost));
        Ok(models.crop_models.len() - 1)
    }

    fn weights(&self, id: &AttributeId, card: &Card) -> Result<std::path::PathBuf, ReaderError> {
        self.store.weights(card).map_err(|source| ReaderError::Weights { attribute: id.clone(), source })
    }
}
