//! Opening the models of attributes, each once however many attributes need it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{AttributeId, ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};

use super::error::ReaderError;
use super::model::CropModel;
use super::scale::{Scale, search_at};
use crate::card::{Card, CardError};
use crate::detector::OnnxDetector;
use crate::providers::Execution;
use crate::runtime::Runtime;
use crate::store::Store;

/// How a model fares: what one crop through it takes, smoothed over calls, and what its last call failed at.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    item: Option<Duration>,
    failing: Option<String>,
}

impl Record {
    /// Share of a new measurement in the smoothed figure.
    const NEW: f64 = 0.2;

    pub(super) fn item(&self) -> Option<Duration> {
        self.item
    }

    /// A call of so many crops went well.
    pub(super) fn learn(&mut self, total: Duration, items: usize) {
        self.failing = None;
        let Ok(items @ 1..) = u32::try_from(items) else { return };
        let new = total / items;
        self.item = Some(self.item.map_or(new, |old| old.mul_f64(1.0 - Self::NEW) + new.mul_f64(Self::NEW)));
    }

    /// A call failed.
    pub(super) fn failed(&mut self, error: &dyn fmt::Display) {
        self.failing = Some(error.to_string());
    }
}

/// Finders and judges, each open once however many attributes need it.
#[derive(Default)]
pub(super) struct OpenModels {
    pub(super) detectors: Vec<(OnnxDetector, Record)>,
    pub(super) crop_models: Vec<(CropModel, Record)>,
}

impl OpenModels {
    /// What the first model that does not do as asked does otherwise: it fails, or it left its provider.
    pub(super) fn shortfall(&self, execution: &Execution) -> Option<String> {
        let finders = self.detectors.iter().map(|(model, record)| (&model.card().name, model.provider(), record));
        let of_crops = self.crop_models.iter().map(|(model, record)| (&model.card().name, model.provider(), record));
        finders.chain(of_crops).find_map(|(name, provider, record)| {
            let failing = record.failing.as_ref().map(|why| format!("`{name}` fails at what it is to read: {why}"));
            failing.or_else(|| execution.shortfall(name, provider))
        })
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
pub(super) struct Opener<'a> {
    pub(super) card_of: &'a dyn Fn(&str) -> Result<Card, CardError>,
    pub(super) store: &'a Store,
    pub(super) runtime: &'a Runtime,
    pub(super) threads: usize,
    /// Whether an attribute without a judge is an error.
    pub(super) is_judge_needed: bool,
}

impl Opener<'_> {
    pub(super) fn card(&self, id: &AttributeId, name: &str) -> Result<Card, ReaderError> {
        (self.card_of)(name).map_err(|source| ReaderError::Card { attribute: id.clone(), source })
    }

    pub(super) fn mismatch(id: &AttributeId, model: &str, problem: &'static str) -> ReaderError {
        ReaderError::Mismatch { attribute: id.clone(), model: model.to_owned(), problem }
    }

    /// The place of a detector, opened with that least score unless it is open.
    pub(super) fn detector(
        &self,
        id: &AttributeId,
        name: &str,
        (min_score, scale): (f32, Scale),
        models: &mut OpenModels,
    ) -> Result<usize, ReaderError> {
        let mut card = self.card(id, name)?;
        card.thresholds.score = min_score;
        card.thresholds.classes.clear();
        search_at(&mut card, scale);
        if let Some(open) = models.detectors.iter().position(|(model, _)| *model.card() == card) {
            return Ok(open);
        }
        let weights = self.weights(id, &card)?;
        let open = OnnxDetector::open(&card, &weights, self.runtime, self.threads);
        let mut model = open.map_err(|source| ReaderError::Finder { attribute: id.clone(), source })?;
        let mut record = Record::default();
        let watch = Stopwatch::start();
        if blank_crop(&card).is_some_and(|crop| model.find(&[&crop]).is_ok()) {
            record.learn(watch.elapsed(), 1);
        }
        models.detectors.push((model, record));
        Ok(models.detectors.len() - 1)
    }

    /// The place of a model that looks at crops, opened unless it is open.
    pub(super) fn crop_model(
        &self,
        id: &AttributeId,
        name: &str,
        models: &mut OpenModels,
    ) -> Result<usize, ReaderError> {
        let card = self.card(id, name)?;
        if let Some(open) = models.crop_models.iter().position(|(model, _)| *model.card() == card) {
            return Ok(open);
        }
        let weights = self.weights(id, &card)?;
        let open = CropModel::open(&card, &weights, self.store.root(), (self.runtime, self.threads));
        let mut model = open.map_err(|source| ReaderError::Judge { attribute: id.clone(), source })?;
        let mut record = Record::default();
        let watch = Stopwatch::start();
        if blank_crop(&card).is_some_and(|crop| model.look(&[&crop]).is_ok()) {
            record.learn(watch.elapsed(), 1);
        }
        models.crop_models.push((model, record));
        Ok(models.crop_models.len() - 1)
    }

    fn weights(&self, id: &AttributeId, card: &Card) -> Result<PathBuf, ReaderError> {
        self.store.weights(card).map_err(|source| ReaderError::Weights { attribute: id.clone(), source })
    }
}
