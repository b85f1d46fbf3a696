//! A model that looks at crops: a classifier, a reader of text or one of key points.

use std::path::Path;

use forewarn_domain::Frame;
use ort::Error as RunError;

use super::part::KeyPoint;
use crate::card::{Card, DecoderSpec, DictionaryError, Resize};
use crate::crop::shrink;
use crate::decode::{Character, ClassDecoder, DecodeError, PoseDecoder, Shot, TextDecoder};
use crate::open_error::OpenError;
use crate::preprocess::{Mapping, PreprocessError, Preprocessor};
use crate::providers::Provider;
use crate::runtime::Runtime;
use crate::session::ModelSession;

/// Most crops that one run takes, so that memory stays bounded.
const MOST_AT_ONCE: usize = 16;

/// A model that looks at crops cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenCropModelError {
    /// As for a detector.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The text model has no characters.
    #[error("failed to open model `{model}`: {source}")]
    Dictionary {
        /// The card's name.
        model: String,
        /// Why.
        source: DictionaryError,
    },
    /// The card's family finds boxes.
    #[error(
        "model `{model}` is of the family `{family}`, which finds boxes; a classifier, a reader of text or a model of \
         key points is needed here"
    )]
    Family {
        /// The card's name.
        model: String,
        /// Its family.
        family: &'static str,
    },
}

/// A crop was not judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CropError {
    #[error("failed to prepare a crop: {0}")]
    Preprocess(#[from] PreprocessError),
    #[error("failed to run: {0}")]
    Run(#[from] RunError),
    #[error("failed to read the outputs: {0}")]
    Decode(#[from] DecodeError),
}

/// What a model says of one crop.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// The probability of each class.
    Classes(Vec<f32>),
    /// The characters from left to right.
    Text(Vec<Character>),
    /// Key points in pixels of the crop.
    Points(Vec<KeyPoint>),
}

enum Decoder {
    Classes(ClassDecoder),
    Text(TextDecoder),
    Points(PoseDecoder),
}

/// An open model that looks at crops, several in one run where it can.
pub(crate) struct CropModel {
    card: Card,
    session: ModelSession,
    /// One for each crop of a run, so that each place in the tensor keeps its padding.
    preprocessors: Vec<Preprocessor>,
    tensor: Vec<f32>,
    decoder: Decoder,
}

impl CropModel {
    /// Opens the weights of a card; `folder` holds the dictionary of a text model.
    ///
    /// The model runs once on an empty input, so that a card that does not fit is an error here; and on two, because
    /// some graphs leave the number of pictures open and yet take only one.
    pub(crate) fn open(
        card: &Card,
        weights: &Path,
        folder: &Path,
        (runtime, threads): (&Runtime, usize),
    ) -> Result<Self, OpenCropModelError> {
        card.validate().map_err(OpenError::from)?;
        let decoder = decoder(card, folder)?;
        let session = ModelSession::open(card, weights, runtime, threads)?;
        let preprocessors = vec![Preprocessor::new(&card.input)];
        let mut model = Self { card: card.clone(), session, preprocessors, tensor: Vec::new(), decoder };
        let name = || card.name.clone();
        model.infer(&[Mapping::IDENTITY]).map_err(|error| match error {
            CropError::Run(source) => OpenError::Session { model: name(), path: weights.to_owned(), source },
            CropError::Decode(source) => OpenError::Decode { model: name(), source },
            CropError::Preprocess(_) => unreachable!("nothing is prepared for an empty input"),
        })?;
        if model.session.takes_batches() && model.infer(&[Mapping::IDENTITY; 2]).is_ok() {
            model.preprocessors.resize_with(MOST_AT_ONCE, || Preprocessor::new(&card.input));
        }
        Ok(model)
    }

    /// The card by which the model was opened.
    pub(crate) fn card(&self) -> &Card {
        &self.card
    }

    /// What runs the model now.
    pub(crate) fn provider(&self) -> Provider {
        self.session.provider()
    }

    /// What the model says of each crop. Neighbours of one input size go into one run.
    pub(crate) fn look(&mut self, crops: &[&Frame]) -> Result<Vec<Said>, CropError> {
        let mut all = Vec::with_capacity(crops.len());
        let mut rest = crops;
        while let Some(first) = rest.first() {
            let size = self.card.input.size_for(first.width, first.height);
            let is_like = |crop: &&&Frame| self.card.input.size_for(crop.width, crop.height) == size;
            let n = rest.iter().take(self.preprocessors.len()).take_while(is_like).count().max(1);
            let (lot, later) = rest.split_at(n);
            all.extend(self.look_at_lot(lot)?);
            rest = later;
        }
        Ok(all)
    }

    fn look_at_lot(&mut self, lot: &[&Frame]) -> Result<Vec<Said>, CropError> {
        let Some(first) = lot.first() else { return Ok(Vec::new()) };
        let old_size = self.preprocessors[0].size();
        for preprocessor in &mut self.preprocessors {
            preprocessor.prepare(first.width, first.height);
        }
        if self.preprocessors[0].size() != old_size {
            self.preprocessors.iter_mut().for_each(Preprocessor::forget);
        }
        let item = self.preprocessors[0].tensor_len();
        self.tensor.resize(self.tensor.len().max(item * lot.len()), 0.0);
        let places = self.preprocessors.iter_mut().zip(self.tensor.chunks_exact_mut(item));
        let mappings = lot.iter().zip(places).map(|(crop, (preprocessor, tensor))| preprocessor.fill(crop, tensor));
        let mappings = mappings.collect::<Result<Vec<_>, _>>()?;
        self.infer(&mappings)
    }

    /// Runs the model on the tensor as it is and reads the outputs.
    fn infer(&mut self, mappings: &[Mapping]) -> Result<Vec<Said>, CropError> {
        let mut shape = self.preprocessors[0].tensor_shape();
        shape[0] = mappings.len();
        let len: usize = shape.iter().product();
        self.tensor.resize(self.tensor.len().max(len), 0.0);
        let outputs = self.session.run(&shape, &self.tensor[..len])?;
        let size = self.preprocessors[0].size();
        let said = |(index, mapping): (usize, &Mapping)| {
            let shot = Shot { batch: mappings.len(), index, size };
            Ok(match &self.decoder {
                Decoder::Classes(decoder) => Said::Classes(decoder.decode(&outputs, shot)?),
                Decoder::Text(decoder) => Said::Text(decoder.decode(&outputs, shot)?),
                Decoder::Points(decoder) => {
                    let points = decoder.decode(&outputs, shot)?.into_iter();
                    let point = |p: crate::decode::RawPoint| KeyPoint {
                        at: mapping.point_to_frame(p.position),
                        score: p.score,
                    };
                    Said::Points(points.map(point).collect())
                }
            })
        };
        mappings.iter().enumerate().map(said).collect()
    }
}

fn decoder(card: &Card, folder: &Path) -> Result<Decoder, OpenCropModelError> {
    let model = || card.name.clone();
    if let DecoderSpec::Ctc { dictionary, .. } = &card.decoder {
        let characters = dictionary.characters(folder);
        let characters = characters.map_err(|source| OpenCropModelError::Dictionary { model: model(), source })?;
        if let Some(decoder) = TextDecoder::new(card, characters) {
            return Ok(Decoder::Text(decoder));
        }
    }
    let classes = ClassDecoder::new(card).map(Decoder::Classes);
    let decoder = classes.or_else(|| PoseDecoder::new(card).map(Decoder::Points));
    decoder.ok_or_else(|| OpenCropModelError::Family { model: model(), family: card.decoder.family() })
}

/// A crop as a classifier of that card was trained on it: averaged down where it is larger than a fixed input, as it is
/// where it is smaller, for the input to stretch it.
pub(crate) fn as_trained(crop: Frame, card: &Card) -> Frame {
    let input = &card.input;
    let is_stretched = input.dynamic.is_none() && input.resize == Resize::Stretch;
    if !is_stretched || crop.width.min(crop.height) < input.width.max(input.height) {
        return crop;
    }
    shrink(&crop, (input.width, input.height)).unwrap_or(crop)
}
