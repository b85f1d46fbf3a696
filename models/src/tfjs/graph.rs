//! The `model.json` of a TensorFlow.js graph model, as far as the converter reads it.
//!
//! Source: `GraphDef` of TensorFlow in its JSON form, and the weights manifest of TensorFlow.js.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GraphModel {
    pub(crate) model_topology: Topology,
    pub(crate) weights_manifest: Vec<WeightGroup>,
    pub(crate) signature: Option<Signature>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Topology {
    pub(crate) node: Vec<Node>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) input: Vec<String>,
    #[serde(default)]
    pub(crate) attr: BTreeMap<String, Attr>,
}

/// One attribute; a protobuf union, of which one field is set.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Attr {
    pub(crate) s: Option<String>,
    pub(crate) b: Option<bool>,
    pub(crate) f: Option<f32>,
    pub(crate) list: Option<AttrList>,
    pub(crate) shape: Option<Shape>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AttrList {
    #[serde(default)]
    pub(crate) i: Vec<Int>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Shape {
    #[serde(default)]
    pub(crate) dim: Vec<Dim>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dim {
    #[serde(default)]
    pub(crate) size: Int,
}

/// A 64-bit integer, which JSON made of protobuf carries as a string.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Int {
    Number(i64),
    Text(String),
}

impl Default for Int {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Int {
    pub(crate) fn get(&self) -> Option<i64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct WeightGroup {
    pub(crate) paths: Vec<String>,
    pub(crate) weights: Vec<WeightSpec>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WeightSpec {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: String,
    pub(crate) quantization: Option<Quantization>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Quantization {
    pub(crate) dtype: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    pub(crate) outputs: BTreeMap<String, SignatureTensor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignatureTensor {
    pub(crate) tensor_shape: Option<Shape>,
}

impl Node {
    /// The data inputs, without control edges.
    pub(crate) fn data_inputs(&self) -> impl Iterator<Item = &str> {
        self.input.iter().map(String::as_str).filter(|name| !name.starts_with('^'))
    }

    /// A list of integers, empty if absent.
    pub(crate) fn ints(&self, key: &str) -> Vec<i64> {
        let list = self.attr.get(key).and_then(|attr| attr.list.as_ref());
        list.map(|list| list.i.iter().filter_map(Int::get).collect()).unwrap_or_default()
    }

    /// Whether a word attribute has the given value. The JSON form carries words in base64.
    pub(crate) fn has_word(&self, key: &str, plain: &str, base64: &str) -> bool {
        self.attr.get(key).and_then(|attr| attr.s.as_deref()).is_some_and(|s| s == plain || s == base64)
    }

    /// A flag, false if absent.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.attr.get(key).and_then(|attr| attr.b).unwrap_or(false)
    }
}

impl Shape {
    /// The sizes, -1 where unknown.
    pub(crate) fn sizes(&self) -> Vec<i64> {
        self.dim.iter().map(|dim| dim.size.get().unwrap_or(-1)).collect()
    }
}

/// Splits `node:2` into the node's name and the number of its output.
pub(crate) fn node_of(tensor: &str) -> (&str, usize) {
    match tensor.rsplit_once(':') {
        Some((node, port)) => port.parse().map_or((tensor, 0), |port| (node, port)),
        None => (tensor, 0),
    }
}

/// The same tensor under one spelling: output 0 has no suffix.
pub(crate) fn canonical(tensor: &str) -> &str {
    tensor.strip_suffix(":0").unwrap_or(tensor)
}
