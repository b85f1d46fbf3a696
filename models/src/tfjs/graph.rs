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
    pub(crate) s: Option<Word>,
    pub(crate) i: Option<Int>,
    pub(crate) b: Option<bool>,
    pub(crate) f: Option<f32>,
    pub(crate) list: Option<AttrList>,
    pub(crate) shape: Option<Shape>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AttrList {
    #[serde(default)]
    pub(crate) i: Vec<Int>,
    #[serde(default)]
    pub(crate) s: Vec<Word>,
}

/// A word: plain or in base64 as JSON made of protobuf carries bytes, or the bytes as numbers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word {
    Text(String),
    Bytes(Vec<u8>),
}

/// An element type, by name or by number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Kind {
    Name(String),
    Number(i64),
}

impl Word {
    /// Whether it is the given one.
    pub(crate) fn is(&self, plain: &str, base64: &str) -> bool {
        match self {
            Self::Text(text) => text == plain || text == base64,
            Self::Bytes(bytes) => bytes == plain.as_bytes(),
        }
    }
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
    /// An input of 32-bit floats.
    pub(crate) fn placeholder(name: &str, shape: &[usize]) -> Self {
        let dim = shape.iter().map(|&side| Dim { size: Int::Number(side as i64) }).collect();
        let shape = Attr { shape: Some(Shape { dim }), ..Attr::default() };
        let attr = BTreeMap::from([("shape".to_owned(), shape)]);
        Self { name: name.to_owned(), op: "Placeholder".to_owned(), input: Vec::new(), attr }
    }

    /// The data inputs, without control edges.
    pub(crate) fn data_inputs(&self) -> impl Iterator<Item = &str> {
        self.input.iter().map(String::as_str).filter(|name| !name.starts_with('^'))
    }

    /// A list of integers, empty if absent.
    pub(crate) fn ints(&self, key: &str) -> Vec<i64> {
        let list = self.attr.get(key).and_then(|attr| attr.list.as_ref());
        list.map(|list| list.i.iter().filter_map(Int::get).collect()).unwrap_or_default()
    }

    /// One integer, if it is there.
    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        self.attr.get(key)?.i.as_ref()?.get()
    }

    /// Whether a word attribute has the given value. The JSON form carries words in base64.
    pub(crate) fn has_word(&self, key: &str, plain: &str, base64: &str) -> bool {
        self.attr.get(key).and_then(|attr| attr.s.as_ref()).is_some_and(|word| word.is(plain, base64))
    }

    /// Whether a type attribute is the given one of TensorFlow's `types.proto`.
    pub(crate) fn has_type(&self, key: &str, name: &str, number: i64) -> bool {
        match self.attr.get(key).and_then(|attr| attr.kind.as_ref()) {
            Some(Kind::Name(found)) => found == name,
            Some(Kind::Number(found)) => *found == number,
            None => false,
        }
    }

    /// A list of words, empty if absent.
    pub(crate) fn words(&self, key: &str) -> &[Word] {
        self.attr.get(key).and_then(|attr| attr.list.as_ref()).map(|list| list.s.as_slice()).unwrap_or_default()
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
