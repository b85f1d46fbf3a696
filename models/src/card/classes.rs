//! What the class numbers mean and which detections are kept.

use std::collections::BTreeMap;

use forewarn_domain::Class;
use serde::Deserialize;

use crate::coco::{COCO80, COCO91};

/// What the class numbers mean.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected \"coco80\", \"coco91\" or a list of class names")]
pub enum Classes {
    /// A well-known list.
    Named(ClassList),
    /// The names in the order of their numbers; an empty one is a number without a meaning, never reported.
    List(Vec<String>),
}

/// A well-known list of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassList {
    /// The 80 classes of COCO 2017.
    Coco80,
    /// The same classes under their numbers in COCO's annotations, 0 to 90 with gaps, as TensorFlow's models have them.
    Coco91,
}

impl Default for Classes {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Classes {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Named(ClassList::Coco80) => COCO80.to_vec(),
            Self::Named(ClassList::Coco91) => COCO91.to_vec(),
            Self::List(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// The classes that can be reported, in the order of their numbers.
    pub fn to_vec(&self) -> Vec<Class> {
        self.by_number().into_iter().flatten().collect()
    }

    /// The class of each number of the model; `None` where a number has no meaning.
    pub fn by_number(&self) -> Vec<Option<Class>> {
        self.names().iter().map(|name| (!name.is_empty()).then(|| Class::new(name))).collect()
    }
}

/// Which detections are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Thresholds {
    /// Least score, above 0 and up to 1.
    pub score: f32,
    /// Boxes of one class that overlap by more than this intersection over union are one, 0 to 1; 1 leaves all.
    #[serde(default = "no_merging")]
    pub nms_iou: f32,
    /// Least scores of single classes, instead of `score`.
    #[serde(default)]
    pub classes: BTreeMap<String, f32>,
}

fn no_merging() -> f32 {
    1.0
}

impl Default for Thresholds {
    /// What a card without the table has; no detector may.
    fn default() -> Self {
        Self { score: 0.0, nms_iou: no_merging(), classes: BTreeMap::new() }
    }
}

impl Thresholds {
    /// The least score of a class.
    pub fn of(&self, class: &Class) -> f32 {
        self.classes.get(class.as_str()).copied().unwrap_or(self.score)
    }

    /// The least score of any class, below which nothing needs to be decoded.
    pub fn least(&self) -> f32 {
        self.classes.values().copied().fold(self.score, f32::min)
    }
}
