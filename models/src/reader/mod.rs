//! Reads what subjects wear and what their plates say: the models of a cascade behind [`forewarn_domain::Reader`].
//!
//! For each look the part that matters is found (a face, a head, a torso, ears, a plate), its crop is measured, and
//! only a crop that is worth it goes to the model that judges. All looks of a call share the runs: crops of different
//! tracks and streams go through each model together. Whatever is missing on the way is a reason why it cannot be
//! told; nothing that was not seen is ever a *no*.

mod attribute;
mod chain;
mod classifier;
mod error;
pub mod faces;
mod heads;
mod model;
mod opener;
mod part;
mod plate;
mod scale;
mod search;

use std::fmt;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Answer, AttributeId, BBox, DetectorError, Frame, Look, Reader, Reading, Unclear};

pub use attribute::{Attribute, AttributeError, CropLimits, Find, FindFace, FindPlate, FindPose, Need, builtins};
pub use classifier::{Classifier, ClassifyError};
pub use error::ReaderError;
pub use heads::{Heads, Opinion};
pub use model::OpenCropModelError;

use crate::card::{Card, CardError};
use crate::runtime::Runtime;
use crate::store::Store;
use chain::{Chain, Part};
use model::Said;
use opener::{OpenModels, Opener};
use search::Searches;

/// A reading with the parts that were looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailedReading {
    /// What the look said; not looked where there is no judge and nothing speaks against the crop.
    pub reading: Reading,
    /// Where the parts lie in the frame, without margins, also beyond its edges: none if they were not found, two for
    /// two ears.
    pub parts: Vec<BBox>,
}

/// Reads attributes by ONNX models as their files and cards say. The same looks give the same readings, given the
/// same library, processor and number of threads.
pub struct AttributeReader {
    ids: Vec<AttributeId>,
    chains: Vec<Chain>,
    models: OpenModels,
    runtime: Runtime,
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
        let mut reader = Self {
            ids: Vec::new(),
            chains: Vec::new(),
            models: OpenModels::default(),
            runtime: opener.runtime.clone(),
        };
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
            let head = looks[place].1.head.as_ref();
            readings[place].reading.answer = said.map_or(failed, |said| self.chains[*chain].answer(&said, head));
        }
        readings
    }

    /// What one look at an attribute takes, as measured lately; what a scheduler plans with. The figure starts with a
    /// run on an empty crop.
    pub fn cost(&self, attribute: &AttributeId) -> Option<Duration> {
        let chain = self.chains.get(self.ids.iter().position(|id| id == attribute)?)?;
        let detector = |index: Option<usize>| index.and_then(|i| self.models.detectors[i].1.item()).unwrap_or_default();
        let crop_model =
            |index: Option<usize>| index.and_then(|i| self.models.crop_models[i].1.item()).unwrap_or_default();
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
        for (index, (model, record)) in self.models.crop_models.iter_mut().enumerate() {
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
                    record.learn(watch.elapsed(), crops.len());
                    for ((place, _), one) in mine.iter().zip(all) {
                        if let Some(list) = &mut said[*place] {
                            list.push(one);
                        }
                    }
                }
                Err(error) => {
                    record.failed(&error);
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

    /// That a model fails, or that the processor does the work of the provider that the site asks for.
    fn shortfall(&self) -> Option<String> {
        self.models.shortfall(self.runtime.execution())
    }

    /// Never fails as a whole: a model that fails on crops makes the readings of these cannot-tell.
    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError> {
        let zooms: Vec<(f32, f32)> = looks.iter().map(|(frame, look)| look.zoom(frame)).collect();
        let of_pictures: Vec<(&Frame, Look)> =
            looks.iter().zip(&zooms).map(|((frame, look), &zoom)| (*frame, of_picture(look, zoom))).collect();
        let of_pictures: Vec<(&Frame, &Look)> = of_pictures.iter().map(|(frame, look)| (*frame, look)).collect();
        let detailed = self.read_in_detail(&of_pictures);
        let back = |(detailed, (across, down)): (DetailedReading, &(f32, f32))| {
            let reading = detailed.reading;
            Reading { bbox: reading.bbox.scaled(1.0 / across, 1.0 / down), ..reading }
        };
        Ok(detailed.into_iter().zip(&zooms).map(back).collect())
    }
}

/// A look whose box is in pixels of the picture that is looked at.
fn of_picture(look: &Look, (across, down): (f32, f32)) -> Look {
    let mut look = Look { bbox: look.bbox.scaled(across, down), of: None, ..look.clone() };
    if let Some(head) = &mut look.head {
        head.bbox = head.bbox.scaled(across, down);
    }
    look
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
