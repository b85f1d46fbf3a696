//! Why a model cannot be opened, whatever is made of it.

use std::path::PathBuf;

use crate::card::CardError;
use crate::decode::DecodeError;

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
