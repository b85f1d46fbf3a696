//! Whether a model of any family fits its card.

use std::path::Path;

use crate::card::{Card, DecoderSpec, DictionaryError};
use crate::decode::{ClassDecoder, DecodeError, Decoder, Outputs, PoseDecoder, Shot, TextDecoder};
use crate::open_error::OpenError;
use crate::preprocess::Preprocessor;
use crate::runtime::Runtime;
use crate::session::ModelSession;

/// A model does not fit its card.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It cannot be opened or run, or its inputs or outputs are others.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its characters cannot be read.
    #[error("failed to open model `{model}`: {source}")]
    Dictionary {
        /// The card's name.
        model: String,
        /// Why.
        source: DictionaryError,
    },
}

/// Opens a model, runs it once on an empty input and compares inputs and outputs with what its card promises.
/// `folder` is the store's, where the dictionary of a text model may lie.
pub fn check(card: &Card, weights: &Path, folder: &Path, runtime: &Runtime) -> Result<(), CheckError> {
    card.validate().map_err(OpenError::from)?;
    let characters = match &card.decoder {
        DecoderSpec::Ctc { dictionary, .. } => dictionary.characters(folder),
        _ => Ok(Vec::new()),
    };
    let characters = characters.map_err(|source| CheckError::Dictionary { model: card.name.clone(), source })?;
    let mut session = ModelSession::open(card, weights, runtime, 1)?;
    let preprocessor = Preprocessor::new(&card.input);
    let empty = vec![0.0; preprocessor.tensor_len()];
    let outputs = session.run(&preprocessor.tensor_shape(), &empty).map_err(|source| OpenError::Session {
        model: card.name.clone(),
        path: weights.to_owned(),
        source,
    })?;
    let read = read(card, characters, &outputs, Shot::single(preprocessor.size()));
    Ok(read.map_err(|source| OpenError::Decode { model: card.name.clone(), source })?)
}

/// Decodes by whichever decoder the card asks for.
fn read(card: &Card, characters: Vec<String>, outputs: &impl Outputs, shot: Shot) -> Result<(), DecodeError> {
    if let Some(decoder) = Decoder::new(card) {
        decoder.decode(outputs, shot, card.thresholds.least())?;
    }
    if let Some(decoder) = PoseDecoder::new(card) {
        decoder.decode(outputs, shot)?;
    }
    if let Some(decoder) = ClassDecoder::new(card) {
        decoder.decode(outputs, shot)?;
    }
    if let Some(decoder) = TextDecoder::new(card, characters) {
        decoder.decode(outputs, shot)?;
    }
    Ok(())
}
