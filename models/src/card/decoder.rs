//! How outputs are read: one table for each family of models.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Finds boxes, some with landmarks.
    Detect,
    /// Finds the key points of the one person on a crop.
    Keypoints,
    /// Says to which class a crop belongs.
    Classify,
    /// Reads text on a crop.
    Text,
}

/// How outputs are read. Each variant is one table, such as `[decoder.yolox]`.
///
/// Where a variant has `output` and the card leaves it out, the model's only output is meant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// Single-shot detector with prior boxes (Liu et al. 2016), such as TensorFlow's.
    Ssd {
        /// Output with box offsets, 1 x priors x 4.
        boxes: String,
        /// Output with class scores, 1 x priors x classes, the background counted.
        scores: String,
        /// What turns the scores to 0 to 1.
        activation: Activation,
        /// Number of the class that stands for nothing.
        background: Option<usize>,
        /// Order of the four offsets.
        #[serde(default)]
        order: OffsetOrder,
        /// Factors on the offsets of centre x, centre y, width and height.
        variances: [f32; 4],
        /// The prior boxes, in the order in which they follow each other.
        grids: Vec<AnchorGrid>,
    },
    /// Detection transformer: each query is one box, nothing is to be suppressed (Carion et al. 2020; RT-DETR, D-FINE).
    Queries {
        /// Output with boxes, 1 x queries x 4.
        boxes: String,
        /// Output with scores: 1 x queries x classes, or 1 x queries if `labels` are given.
        scores: String,
        /// Output with class numbers, 1 x queries, of exports that choose the best queries in the graph.
        labels: Option<String>,
        /// What turns the scores to 0 to 1.
        activation: Activation,
        /// Number of the class that stands for nothing, as in the original DETR.
        background: Option<usize>,
        /// What the four numbers of a box are.
        box_format: BoxFormat,
        /// Whether boxes are in parts of the input's sides instead of pixels of the input.
        normalised: bool,
    },
    /// YOLOv8 and its kin, such as YOLO11: boxes in input pixels and class scores for each cell, one output.
    Yolov8 {
        /// Output, 1 x (4 + classes) x cells.
        output: Option<String>,
        /// Whether the output is 1 x cells x (4 + classes) instead.
        #[serde(default)]
        cells_first: bool,
        /// Pixels of input per cell, in the order in which the cells follow each other.
        strides: Vec<u32>,
    },
    /// A graph that suppresses double boxes itself, or needs not to (YOLOv10): rows of corners, score and class number.
    Suppressed {
        /// Output, 1 x rows x 6.
        output: Option<String>,
        /// Whether corners are in parts of the input's sides instead of pixels of the input.
        #[serde(default)]
        normalised: bool,
    },
    /// CenterFace (Xu et al. 2019): heat map, size, offset and five landmarks at one stride.
    Centerface {
        /// Pixels of input per cell.
        stride: u32,
        /// Output with face scores, 1 x 1 x rows x columns, sigmoid already applied.
        heat_map: String,
        /// Output with the logarithms of height and width in cells, 1 x 2 x rows x columns.
        sizes: String,
        /// Output with the offsets of the centre in y and x in cells, 1 x 2 x rows x columns.
        offsets: String,
        /// Output with five points, y and x in parts of the box, 1 x 10 x rows x columns.
        landmarks: String,
    },
    /// BlazeFace (Bazarevsky et al. 2019): anchors that are points, box and six landmarks in input pixels.
    Blazeface {
        /// Output with face scores, 1 x anchors.
        scores: String,
        /// Output with centre, size and landmarks, 1 x anchors x (4 + 2 landmarks).
        regression: String,
        /// What turns the scores to 0 to 1.
        activation: Activation,
        /// Pixels of input per cell, finest first.
        strides: Vec<u32>,
        /// Anchors in each cell, one number for each stride.
        anchors: Vec<u32>,
        /// Landmarks of each face.
        landmarks: u32,
    },
    /// YuNet (Wu et al. 2023): score is the root of class score times objectness; five landmarks.
    Yunet {
        /// Pixels of input per cell, one for each head.
        strides: Vec<u32>,
        /// Outputs with class scores, 1 x cells x 1, in the order of `strides`.
        class_outputs: Vec<String>,
        /// Outputs with objectness, 1 x cells x 1, in the order of `strides`.
        object_outputs: Vec<String>,
        /// Outputs with boxes, 1 x cells x 4, in the order of `strides`.
        box_outputs: Vec<String>,
        /// Outputs with landmarks, 1 x cells x 10, in the order of `strides`.
        landmark_outputs: Vec<String>,
    },
    /// Plates with their corners, as RetinaFace finds faces (Deng et al. 2019): square priors of several sizes.
    Plate {
        /// Output with box offsets, 1 x priors x 4.
        boxes: String,
        /// Output with the scores of background and plate, 1 x priors x 2, softmax already applied.
        scores: String,
        /// Output with landmark offsets, 1 x priors x 2 landmarks.
        landmarks: String,
        /// Landmarks of each plate; 4 are its corners.
        points: u32,
        /// Pixels of input per cell, finest first.
        strides: Vec<u32>,
        /// Sides of the square priors of a cell in input pixels, one list for each stride.
        prior_sides: Vec<Vec<f32>>,
        /// Factors on the offsets of centres and of sizes.
        variances: [f32; 2],
    },
    /// MoveNet for one person (Google 2021): one output, 1 x 1 x points x 3 of y, x (parts of the input) and score.
    Movenet {
        /// The output.
        output: Option<String>,
        /// Names of the points in their order; the 17 of COCO if absent.
        #[serde(default = "coco_points")]
        points: Vec<String>,
    },
    /// Text by connectionist temporal classification (Graves et al. 2006).
    Ctc {
        /// Output, 1 x steps x (1 + characters).
        output: Option<String>,
        /// What turns the scores of a step to 0 to 1.
        #[serde(default)]
        activation: Activation,
        /// Number that stands for no character.
        #[serde(default)]
        blank: usize,
        /// The characters in the order of their numbers, the blank left out.
        dictionary: Dictionary,
    },
    /// One score for each class.
    Classifier {
        /// Output, 1 x classes.
        output: Option<String>,
        /// What turns the scores to probabilities.
        activation: Activation,
        /// What logits are divided by, so that probabilities are honest (Guo et al. 2017); above 0.
        #[serde(default = "no_change")]
        temperature: f32,
    },
}

/// What turns raw scores to 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// The graph has done it.
    #[default]
    None,
    /// Each score on its own.
    Sigmoid,
    /// All scores together.
    Softmax,
}

/// Order of the four offsets of a prior box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffsetOrder {
    /// Centre x, centre y, width, height.
    #[default]
    Xywh,
    /// Centre y, centre x, height, width, as TensorFlow has them.
    Yxhw,
}

/// What the four numbers of a box are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoxFormat {
    /// Centre x, centre y, width, height.
    Cxcywh,
    /// Left, top, right, bottom.
    Xyxy,
}

/// Prior boxes around the centres of a grid of cells that fills the input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AnchorGrid {
    /// Cells in x.
    pub columns: u32,
    /// Cells in y.
    pub rows: u32,
    /// Width and height of each prior of a cell, in parts of the input's sides.
    pub anchors: Vec<[f32; 2]>,
}

/// The characters of a text model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a list of characters or { file = \"…\" }")]
pub enum Dictionary {
    /// The characters themselves.
    List(Vec<String>),
    /// A text file of the store with one character a line.
    File(DictionaryFile),
}

/// A text file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DictionaryFile {
    /// Its name.
    pub file: String,
}

/// A dictionary cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// The file is not there or not text.
    #[error("failed to read the dictionary `{path}`: {source}; put it into the model store, one character a line")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing.
    #[error("the dictionary `{path}` holds no characters; it should have one a line")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Dictionary {
    /// The characters in the order of their numbers; `folder` is the store's.
    pub fn characters(&self, folder: &Path) -> Result<Vec<String>, DictionaryError> {
        let file = match self {
            Self::List(characters) => return Ok(characters.clone()),
            Self::File(DictionaryFile { file }) => file,
        };
        let path = folder.join(file);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(DictionaryError::Io { path, source }),
        };
        let characters: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if characters.is_empty() { Err(DictionaryError::Empty { path }) } else { Ok(characters) }
    }
}

fn no_change() -> f32 {
    1.0
}

/// The 17 key points of COCO, in their order.
const COCO_POINTS: [&str; 17] = [
    "nose",
    "left eye",
    "right eye",
    "left ear",
    "right ear",
    "left shoulder",
    "right shoulder",
    "left elbow",
    "right elbow",
    "left wrist",
    "right wrist",
    "left hip",
    "right hip",
    "left knee",
    "right knee",
    "left ankle",
    "right ankle",
];

fn coco_points() -> Vec<String> {
    COCO_POINTS.map(str::to_owned).to_vec()
}

impl DecoderSpec {
    /// What a model of the family does.
    pub fn task(&self) -> Task {
        match self {
            Self::Nanodet { .. }
            | Self::Yolox { .. }
            | Self::Ssd { .. }
            | Self::Queries { .. }
            | Self::Yolov8 { .. }
            | Self::Suppressed { .. }
            | Self::Centerface { .. }
            | Self::Blazeface { .. }
            | Self::Yunet { .. }
            | Self::Plate { .. } => Task::Detect,
            Self::Movenet { .. } => Task::Keypoints,
            Self::Classifier { .. } => Task::Classify,
            Self::Ctc { .. } => Task::Text,
        }
    }

    /// The family's name, as its table is called.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Nanodet { .. } => "nanodet",
            Self::Yolox { .. } => "yolox",
            Self::Ssd { .. } => "ssd",
            Self::Queries { .. } => "queries",
            Self::Yolov8 { .. } => "yolov8",
            Self::Suppressed { .. } => "suppressed",
            Self::Centerface { .. } => "centerface",
            Self::Blazeface { .. } => "blazeface",
            Self::Yunet { .. } => "yunet",
            Self::Plate { .. } => "plate",
            Self::Movenet { .. } => "movenet",
            Self::Ctc { .. } => "ctc",
            Self::Classifier { .. } => "classifier",
        }
    }
}

impl Task {
    /// The task in a word, as `models list` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Keypoints => "keypoints",
            Self::Classify => "classify",
            Self::Text => "text",
        }
    }
}
