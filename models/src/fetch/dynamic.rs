//! Frees the declared sides of an ONNX model whose layers take pictures of any size.
//!
//! Some models were exported with the shape of a toy input written into them. What the file declares of its inputs
//! and outputs is rewritten, and everything else is copied byte for byte: batch, height and width of the picture become
//! unknown, outputs lose their sizes, shapes noted of values in between go. Constants that older exports list as inputs
//! are taken off that list, so that the runtime may fold them.

use std::collections::BTreeSet;

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::tfjs::onnx::{TensorProto, ValueInfoProto};

/// Fields of `ModelProto` and `GraphProto` in `onnx.proto`.
const GRAPH: u32 = 7;
const INITIALIZER: u32 = 5;
const INPUT: u32 = 11;
const OUTPUT: u32 = 12;
const VALUE_INFO: u32 = 13;

/// The model cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum DynamicError {
    /// It is no ONNX file.
    #[error("it is not an ONNX model: {0}")]
    Broken(#[from] prost::DecodeError),
    /// It ends too early, or holds what no such file does.
    #[error("it is not an ONNX model: it breaks off in the middle of a message")]
    Cut,
    /// It is one of another kind.
    #[error("it has {0} inputs of pictures instead of one of rank 4")]
    Inputs(usize),
}

/// One field of a message: its number, and all of its bytes, the key included.
struct Field<'a> {
    number: u32,
    whole: &'a [u8],
    /// What a field with a length holds.
    content: &'a [u8],
}

/// The model with free sides.
pub(crate) fn with_free_sides(model: &[u8]) -> Result<Vec<u8>, DynamicError> {
    let mut out = Vec::with_capacity(model.len());
    let mut has_graph = false;
    for field in fields(model)? {
        if field.number == GRAPH {
            has_graph = true;
            put(&mut out, GRAPH, &free_graph(field.content)?);
        } else {
            out.extend_from_slice(field.whole);
        }
    }
    if has_graph { Ok(out) } else { Err(DynamicError::Inputs(0)) }
}

fn free_graph(graph: &[u8]) -> Result<Vec<u8>, DynamicError> {
    let fields = fields(graph)?;
    let mut constants = BTreeSet::new();
    for field in fields.iter().filter(|field| field.number == INITIALIZER) {
        constants.insert(TensorProto::decode(field.content)?.name);
    }
    let mut out = Vec::with_capacity(graph.len());
    let mut n_pictures = 0;
    for field in &fields {
        match field.number {
            INPUT => {
                let mut input = ValueInfoProto::decode(field.content)?;
                if constants.contains(&input.name) {
                    continue;
                }
                n_pictures += 1;
                if !free_input(&mut input) {
                    return Err(DynamicError::Inputs(0));
                }
                put(&mut out, INPUT, &input.encode_to_vec());
            }
            OUTPUT => {
                let mut output = ValueInfoProto::decode(field.content)?;
                if let Some(tensor) = output.value_type.as_mut().and_then(|kind| kind.tensor_type.as_mut()) {
                    tensor.shape = None;
                }
                put(&mut out, OUTPUT, &output.encode_to_vec());
            }
            VALUE_INFO => {}
            _ => out.extend_from_slice(field.whole),
        }
    }
    if n_pictures == 1 { Ok(out) } else { Err(DynamicError::Inputs(n_pictures)) }
}

/// Frees batch, height and width of a picture; false if it is none. Three sides are freed besides the channels, which
/// are second or last.
fn free_input(input: &mut ValueInfoProto) -> bool {
    let tensor = input.value_type.as_mut().and_then(|kind| kind.tensor_type.as_mut());
    let Some(shape) = tensor.and_then(|tensor| tensor.shape.as_mut()) else { return false };
    let channels = match shape.dim.as_slice() {
        [_, channels, _, _] if channels.dim_value == Some(3) => 1,
        [_, _, _, channels] if channels.dim_value == Some(3) => 3,
        _ => return false,
    };
    for (axis, side) in shape.dim.iter_mut().enumerate() {
        if axis != channels {
            side.dim_value = None;
        }
    }
    true
}

fn put(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

/// The fields of a message in their order.
fn fields(mut bytes: &[u8]) -> Result<Vec<Field<'_>>, DynamicError> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let start = bytes;
        let (number, wire) = decode_key(&mut bytes)?;
        let n = match wire {
            WireType::Varint => {
                decode_varint(&mut bytes)?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut bytes)?).unwrap_or(usize::MAX),
            WireType::StartGroup | WireType::EndGroup => return Err(DynamicError::Cut),
        };
        let (content, rest) = bytes.split_at_checked(n).ok_or(DynamicError::Cut)?;
        bytes = rest;
        fields.push(Field { number, whole: &start[..start.len() - rest.len()], content });
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tfjs::onnx::{GraphProto, ModelProto, NodeProto, float_value, tensor_f32};

    fn model(inputs: &[(&str, &[i64])]) -> Vec<u8> {
        let node = NodeProto { op_type: "Conv".to_owned(), ..Default::default() };
        let graph = GraphProto {
            node: vec![node],
            initializer: vec![tensor_f32("w", &[1], &[2.0])],
            input: inputs.iter().map(|(name, shape)| float_value(name, shape)).collect(),
            output: vec![float_value("y", &[10, 1, 8, 8])],
            ..Default::default()
        };
        ModelProto { ir_version: 4, graph: Some(graph), ..Default::default() }.encode_to_vec()
    }

    #[test]
    fn sides_are_freed_and_the_rest_stays() {
        let before = model(&[("x", &[10, 3, 32, 32]), ("w", &[1])]);
        let after = ModelProto::decode(with_free_sides(&before).unwrap().as_slice()).unwrap();
        let before = ModelProto::decode(before.as_slice()).unwrap();
        let (old, new) = (before.graph.unwrap(), after.graph.unwrap());
        assert_eq!((after.ir_version, &new.node, &new.initializer), (4, &old.node, &old.initializer));
        assert_eq!(new.input, [float_value("x", &[-1, 3, -1, -1])]);
        let shape = new.output[0].value_type.as_ref().unwrap().tensor_type.as_ref().unwrap().shape.as_ref();
        assert_eq!(shape, None);
    }

    #[test]
    fn what_is_no_picture_model_is_refused() {
        let cases: [&[(&str, &[i64])]; 3] = [&[], &[("x", &[1, 4, 32, 32])], &[("x", &[1, 3]), ("y", &[1])]];
        for inputs in cases {
            assert!(matches!(with_free_sides(&model(inputs)), Err(DynamicError::Inputs(_))), "{inputs:?}");
        }
        let whole = model(&[("x", &[10, 3, 32, 32])]);
        assert!(with_free_sides(&whole[..whole.len() - 1]).is_err());
        assert!(with_free_sides(&[]).is_err() && with_free_sides(b"not a model").is_err());
    }
}
