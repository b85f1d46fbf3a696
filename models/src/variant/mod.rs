//! Smaller or faster variants of a converted model, made when it is fetched: 16-bit weights, or 8-bit convolutions.
//!
//! The same source and the same ranges give the same bytes, which the cards pin.

mod fp16;
mod int8;

use std::collections::BTreeMap;

use prost::Message as _;

use crate::card::Variant;
use crate::tfjs::onnx::{GraphProto, ModelProto};

/// A variant cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    /// The model cannot be read.
    #[error("failed to read the model that is to be made smaller: {0}")]
    Model(#[from] prost::DecodeError),
    /// There are no ranges of that name.
    #[error("there are no activation ranges `{name}`; the built-in ones are {known}")]
    NoRanges {
        /// The name in the card.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The ranges are not what they should be.
    #[error("failed to read the activation ranges `{name}`: {source}")]
    Ranges {
        /// The name in the card.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The graph has something that is not known here.
    #[error("failed to make 8-bit convolutions: `{tensor}` {problem}")]
    Graph {
        /// The tensor or node.
        tensor: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Least and greatest value of a tensor over the calibration pictures.
type Ranges = BTreeMap<String, [f32; 2]>;

/// Ranges by the name that cards give them, as `tests/reference/calibrate.py` writes them.
const RANGES: &[(&str, &str)] = &[("nanodet-g-416", include_str!("../../variants/nanodet-g-416.ranges.json"))];

/// Turns an ONNX file to a variant of itself.
pub(crate) fn make(onnx: &[u8], variant: &Variant) -> Result<Vec<u8>, VariantError> {
    let mut model = ModelProto::decode(onnx)?;
    if let Some(graph) = &mut model.graph {
        match variant {
            Variant::Fp16 => fp16::halve(graph),
            Variant::Int8 { ranges, skip } => int8::quantise(graph, &read_ranges(ranges)?, skip)?,
        }
    }
    Ok(model.encode_to_vec())
}

fn read_ranges(name: &str) -> Result<Ranges, VariantError> {
    let Some((_, text)) = RANGES.iter().find(|(known, _)| *known == name) else {
        let known = RANGES.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        return Err(VariantError::NoRanges { name: name.to_owned(), known });
    };
    serde_json::from_str(text).map_err(|source| VariantError::Ranges { name: name.to_owned(), source })
}

/// The 32-bit floats of a constant.
fn floats(graph: &GraphProto, name: &str) -> Option<(Vec<i64>, Vec<f32>)> {
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name && tensor.data_type == FLOAT)?;
    let chunks = tensor.raw_data.as_chunks::<4>().0;
    Some((tensor.dims.clone(), chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
}

/// `TensorProto.DataType` of ONNX.
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;
const INT64: i32 = 7;
const FLOAT16: i32 = 10;

#[cfg(test)]
mod tests;
