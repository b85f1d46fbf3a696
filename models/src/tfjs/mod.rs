//! Converts a TensorFlow.js graph model to ONNX.
//!
//! A model that went PyTorch → ONNX → TensorFlow.js carries a transpose before and after every convolution,
//! because TensorFlow wants channels last and ONNX wants them first. The converter keeps every tensor as it
//! came out of an ONNX operation, together with the permutation that would make it TensorFlow's tensor, and
//! emits a transpose only where a permutation cannot be pushed on. What is left of the 83 transposes of
//! NanoDet are the six at its outputs. Zero padding is folded into convolutions, biases too.
//!
//! The output is deterministic: the same input gives the same bytes.

mod emit;
mod graph;
mod layers;
pub(crate) mod onnx;
mod ops;
mod tensors;
mod weights;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use emit::Emitter;
use graph::{GraphModel, Node, canonical, node_of};
use weights::Const;

/// The model cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The file is not a graph model.
    #[error("failed to read the TensorFlow.js graph model: {0}")]
    Json(#[from] serde_json::Error),
    /// A shard named by the manifest was not given.
    #[error("failed to convert the graph model: the weight file `{path}` that its manifest names is missing")]
    MissingShard {
        /// Path in the manifest.
        path: String,
    },
    /// A weight cannot be read.
    #[error("failed to convert the graph model: weight `{name}` {problem}")]
    Weights {
        /// Name in the manifest.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An operation that the converter does not know.
    #[error("failed to convert the graph model: node `{node}` is of kind `{op}`, which the converter does not know")]
    UnknownOp {
        /// The node.
        node: String,
        /// Its kind.
        op: String,
    },
    /// An operation used in a way that the converter does not know.
    #[error("failed to convert the graph model: node `{node}` {problem}")]
    Op {
        /// The node.
        node: String,
        /// What it does or lacks.
        problem: &'static str,
    },
}

pub(crate) fn op_error(node: &str, problem: &'static str) -> ConvertError {
    ConvertError::Op { node: node.to_owned(), problem }
}

/// Converts a graph model to the bytes of an ONNX file.
///
/// `json` is the text of `model.json`; `shard` gives the bytes of a weight file by its path in the manifest.
pub fn onnx_from_graph_model(json: &[u8], shard: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Vec<u8>, ConvertError> {
    convert(&serde_json::from_slice(json)?, shard)
}

/// A part of a graph: what lies between one tensor and others.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The tensor that becomes the input, of 32-bit floats.
    pub input: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// The tensors that become the outputs.
    pub outputs: &'a [String],
}

/// Converts a part of a graph model, as [`onnx_from_graph_model`] does the whole; for graphs that prepare pictures or
/// choose boxes in ways that ONNX does otherwise.
pub fn onnx_from_graph_part(
    json: &[u8],
    part: Part<'_>,
    shard: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, ConvertError> {
    let mut model: GraphModel = serde_json::from_slice(json)?;
    let found = model.model_topology.node.iter_mut().find(|node| node.name == part.input);
    let input = found.ok_or_else(|| op_error(part.input, "is not there to become the input"))?;
    *input = Node::placeholder(part.input, part.shape);
    let outputs = part.outputs.iter().map(|name| (name.clone(), graph::SignatureTensor { tensor_shape: None }));
    model.signature = Some(graph::Signature { outputs: outputs.collect() });
    convert(&model, shard)
}

fn convert(model: &GraphModel, mut shard: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Vec<u8>, ConvertError> {
    let mut consts = BTreeMap::new();
    for group in &model.weights_manifest {
        let mut bytes = Vec::new();
        for path in &group.paths {
            bytes.extend(shard(path).ok_or_else(|| ConvertError::MissingShard { path: path.clone() })?);
        }
        weights::read_group(group, &bytes, &mut consts)?;
    }
    let nodes = &model.model_topology.node;
    let outputs = outputs(model);
    let order = evaluation_order(nodes, &outputs)?;
    let mut emitter = Emitter::new(consts, count_uses(nodes, &order, &outputs));
    for &node in &order {
        emitter.node(&nodes[node])?;
    }
    for (name, shape) in &outputs {
        emitter.output(name, shape)?;
    }
    Ok(emitter.into_model().encode_to_vec())
}

/// Name and shape of each output: those of the signature, else every node that feeds no other.
fn outputs(model: &GraphModel) -> Vec<(String, Vec<i64>)> {
    if let Some(signature) = &model.signature
        && !signature.outputs.is_empty()
    {
        let shape = |t: &graph::SignatureTensor| t.tensor_shape.as_ref().map(graph::Shape::sizes).unwrap_or_default();
        return signature.outputs.iter().map(|(name, tensor)| (name.clone(), shape(tensor))).collect();
    }
    let nodes = &model.model_topology.node;
    let used: BTreeSet<&str> = nodes.iter().flat_map(Node::data_inputs).map(|input| node_of(input).0).collect();
    let is_end = |node: &&Node| !used.contains(node.name.as_str()) && node.op != "Const";
    nodes.iter().filter(is_end).map(|node| (node.name.clone(), Vec::new())).collect()
}

/// The nodes that the outputs need, each after its inputs, otherwise in the order of the file.
fn evaluation_order(nodes: &[Node], outputs: &[(String, Vec<i64>)]) -> Result<Vec<usize>, ConvertError> {
    let by_name: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
    let find = |wanted_by: &str, tensor: &str| {
        let found = by_name.get(node_of(tensor).0).copied();
        found.ok_or_else(|| op_error(wanted_by, "wants an input that the graph does not have"))
    };
    let mut needed = BTreeSet::new();
    let mut open = outputs.iter().map(|(name, _)| find(name, name)).collect::<Result<Vec<_>, _>>()?;
    while let Some(i) = open.pop() {
        if needed.insert(i) {
            for input in nodes[i].data_inputs() {
                open.push(find(&nodes[i].name, input)?);
            }
        }
    }
    let mut waits: BTreeMap<usize, usize> = BTreeMap::new();
    let mut feeds: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &i in &needed {
        waits.insert(i, nodes[i].data_inputs().count());
        for input in nodes[i].data_inputs() {
            feeds.entry(find(&nodes[i].name, input)?).or_default().push(i);
        }
    }
    let mut ready: BTreeSet<usize> = waits.iter().filter(|&(_, &n)| n == 0).map(|(&i, _)| i).collect();
    let mut order = Vec::with_capacity(needed.len());
    while let Some(i) = ready.pop_first() {
        order.push(i);
        for &fed in feeds.get(&i).into_iter().flatten() {
            if let Some(n) = waits.get_mut(&fed) {
                *n -= 1;
                if *n == 0 {
                    ready.insert(fed);
                }
            }
        }
    }
    if let Some(stuck) = needed.iter().find(|i| !order.contains(i)) {
        return Err(op_error(&nodes[*stuck].name, "depends on itself"));
    }
    Ok(order)
}

/// How often each tensor is read, by its canonical name.
fn count_uses(nodes: &[Node], order: &[usize], outputs: &[(String, Vec<i64>)]) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    let read = order.iter().flat_map(|&i| nodes[i].data_inputs()).chain(outputs.iter().map(|(name, _)| name.as_str()));
    for tensor in read {
        *uses.entry(canonical(tensor).to_owned()).or_insert(0) += 1;
    }
    uses
}

#[cfg(test)]
mod tests;
