//! Convolutions in 8 bits: weights per channel, activations per tensor, between QuantizeLinear and DequantizeLinear.
//!
//! The scheme is that of Jacob et al. 2018 as ONNX Runtime's static quantisation lays it out: activations unsigned with
//! a zero point, weights signed and symmetric, biases in 32 bits with the product of both scales. Everything but
//! convolutions keeps computing in 32-bit floats, unless the runtime finds an 8-bit kernel between two of these nodes.

use std::collections::{BTreeMap, BTreeSet};

use super::{FLOAT, INT8, INT32, INT64, Ranges, UINT8, VariantError, floats};
use crate::tfjs::onnx::{GraphProto, NodeProto, TensorProto, attr_i};

/// Quantises every convolution but those whose output is named in `skip`.
pub(super) fn quantise(graph: &mut GraphProto, ranges: &Ranges, skip: &[String]) -> Result<(), VariantError> {
    if let Some(unknown) = skip.iter().find(|name| !graph.node.iter().any(|node| node.output.contains(name))) {
        return Err(VariantError::Graph { tensor: unknown.clone(), problem: "is to be skipped but not there" });
    }
    name_all_sides(graph)?;
    let is_wanted = |node: &NodeProto| node.op_type == "Conv" && !skip.contains(&node.output[0]);
    let convolutions: Vec<NodeProto> = graph.node.iter().filter(|node| is_wanted(node)).cloned().collect();
    let rim: BTreeSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut work = Work { initializer: Vec::new(), weights: BTreeMap::new(), scales: BTreeMap::new() };
    let activations: BTreeSet<&String> =
        convolutions.iter().flat_map(|node| [&node.input[0], &node.output[0]]).filter(|t| !rim.contains(*t)).collect();
    for tensor in activations {
        work.activation(tensor, ranges)?;
    }
    for node in &convolutions {
        work.convolution(graph, node)?;
    }
    work.rewire(graph, &convolutions);
    Ok(())
}

/// What is added to the graph.
struct Work {
    initializer: Vec<TensorProto>,
    /// New inputs of a convolution by its output: weights, and the bias if it has one.
    weights: BTreeMap<String, Vec<(String, NodeProto)>>,
    /// Scale of each quantised activation.
    scales: BTreeMap<String, f32>,
}

impl Work {
    fn constant(&mut self, name: String, dims: Vec<i64>, data_type: i32, raw_data: Vec<u8>) {
        self.initializer.push(TensorProto { dims, data_type, name, raw_data });
    }

    /// Scale and zero point of an activation; its range always holds zero, which padding needs exact.
    fn activation(&mut self, tensor: &str, ranges: &Ranges) -> Result<(), VariantError> {
        let Some(&[low, high]) = ranges.get(tensor) else {
            return Err(VariantError::Graph { tensor: tensor.to_owned(), problem: "has no range; calibrate again" });
        };
        let (low, high) = (low.min(0.0), high.max(0.0));
        if !(high - low).is_normal() {
            return Err(VariantError::Graph { tensor: tensor.to_owned(), problem: "has a range without extent" });
        }
        let scale = (high - low) / 255.0;
        let zero = (-low / scale).round().clamp(0.0, 255.0) as u8;
        self.constant(format!("{tensor}/scale"), Vec::new(), FLOAT, scale.to_le_bytes().to_vec());
        self.constant(format!("{tensor}/zero"), Vec::new(), UINT8, vec![zero]);
        self.scales.insert(tensor.to_owned(), scale);
        Ok(())
    }

    /// Weights and bias of one convolution as integers behind DequantizeLinear.
    fn convolution(&mut self, graph: &GraphProto, node: &NodeProto) -> Result<(), VariantError> {
        let fail = |tensor: &str, problem| VariantError::Graph { tensor: tensor.to_owned(), problem };
        let (weight, output) = (&node.input[1], &node.output[0]);
        let (dims, values) = floats(graph, weight).ok_or_else(|| fail(weight, "is not a constant of 32-bit floats"))?;
        let channels = dims.first().map_or(0, |n| *n as usize);
        if channels == 0 || values.len() % channels != 0 {
            return Err(fail(weight, "has no output channels"));
        }
        let (mut scales, mut integers) = (Vec::new(), Vec::new());
        for channel in values.chunks(values.len() / channels) {
            let greatest = channel.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let scale = if greatest > 0.0 { greatest / 127.0 } else { 1.0 };
            integers.extend(channel.iter().map(|value| (value / scale).round().clamp(-127.0, 127.0) as i8 as u8));
            scales.push(scale);
        }
        // The source has names such as `convolution/weights` of its own.
        let name = format!("{output}/int8-weights");
        self.per_channel(&name, dims, INT8, integers, &scales);
        let mut inputs = vec![(format!("{name}/float"), dequantise(&name, 0))];
        if let Some(bias) = node.input.get(2).filter(|bias| !bias.is_empty()) {
            let (dims, values) = floats(graph, bias).ok_or_else(|| fail(bias, "is not a constant of 32-bit floats"))?;
            let input = self.scales.get(&node.input[0]).copied().ok_or_else(|| fail(&node.input[0], "has no scale"))?;
            let scales: Vec<f32> = scales.iter().map(|scale| scale * input).collect();
            let integers = values.iter().zip(&scales).map(|(value, scale)| (value / scale).round() as i32);
            let name = format!("{output}/int32-bias");
            self.per_channel(&name, dims, INT32, integers.flat_map(i32::to_le_bytes).collect(), &scales);
            inputs.push((format!("{name}/float"), dequantise(&name, 0)));
        }
        self.weights.insert(output.clone(), inputs);
        Ok(())
    }

    fn per_channel(&mut self, name: &str, dims: Vec<i64>, data_type: i32, raw: Vec<u8>, scales: &[f32]) {
        let n = scales.len();
        let zeros = if data_type == INT8 { n } else { 4 * n };
        self.constant(
            format!("{name}/scale"),
            vec![n as i64],
            FLOAT,
            scales.iter().flat_map(|s| s.to_le_bytes()).collect(),
        );
        self.constant(format!("{name}/zero"), vec![n as i64], data_type, vec![0; zeros]);
        self.constant(name.to_owned(), dims, data_type, raw);
    }

    /// Puts the new nodes where they belong and makes every reader of a quantised activation read what comes back.
    fn rewire(mut self, graph: &mut GraphProto, convolutions: &[NodeProto]) {
        let replaced: BTreeSet<&String> =
            convolutions.iter().flat_map(|node| node.input[1..].iter()).filter(|name| !name.is_empty()).collect();
        let mut nodes = Vec::new();
        let quantised: BTreeSet<String> = self.scales.keys().cloned().collect();
        let through = |tensor: &String, nodes: &mut Vec<NodeProto>| nodes.extend(quantise_and_back(tensor));
        for input in graph.input.iter().filter(|input| quantised.contains(&input.name)) {
            through(&input.name, &mut nodes);
        }
        for mut node in std::mem::take(&mut graph.node) {
            if let Some(inputs) = self.weights.remove(&node.output[0]) {
                for (slot, (name, dequantise)) in node.input[1..].iter_mut().zip(inputs) {
                    *slot = name;
                    nodes.push(dequantise);
                }
            }
            for input in node.input.iter_mut().filter(|input| quantised.contains(*input)) {
                *input = format!("{input}/back");
            }
            let outputs: Vec<String> = node.output.iter().filter(|name| quantised.contains(*name)).cloned().collect();
            nodes.push(node);
            for output in outputs {
                through(&output, &mut nodes);
            }
        }
        graph.node = nodes;
        let read: BTreeSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
        graph.initializer.retain(|tensor| !replaced.contains(&tensor.name) || read.contains(&tensor.name));
        graph.initializer.append(&mut self.initializer);
    }
}

fn dequantise(name: &str, axis: i64) -> NodeProto {
    NodeProto {
        input: vec![name.to_owned(), format!("{name}/scale"), format!("{name}/zero")],
        output: vec![format!("{name}/float")],
        name: format!("{name}/dequantise"),
        op_type: "DequantizeLinear".to_owned(),
        attribute: vec![attr_i("axis", axis)],
    }
}

fn quantise_and_back(tensor: &str) -> [NodeProto; 2] {
    let set = |from: &str| vec![from.to_owned(), format!("{tensor}/scale"), format!("{tensor}/zero")];
    let node = |op: &str, input: Vec<String>, output: String| NodeProto {
        name: format!("{tensor}/{op}"),
        input,
        output: vec![output],
        op_type: op.to_owned(),
        attribute: Vec::new(),
    };
    let integer = format!("{tensor}/integer");
    [
        node("QuantizeLinear", set(tensor), integer.clone()),
        node("DequantizeLinear", set(&integer), format!("{tensor}/back")),
    ]
}

/// Gives every `Resize` its full output size in place of two axes of it, because ONNX Runtime 1.31 mixes axes up when it
/// moves 8-bit convolutions to channels last.
fn name_all_sides(graph: &mut GraphProto) -> Result<(), VariantError> {
    let mut nodes = std::mem::take(&mut graph.node);
    let mut sizes = Vec::new();
    for index in 0..nodes.len() {
        if nodes[index].op_type != "Resize" || !nodes[index].attribute.iter().any(|a| a.name == "axes") {
            continue;
        }
        let fail = |problem| VariantError::Graph { tensor: nodes[index].name.clone(), problem };
        let channels =
            channels(&nodes, graph, &nodes[index].input[0], 0).ok_or_else(|| fail("has unknown channels"))?;
        let old = nodes[index].input.get(3).cloned().ok_or_else(|| fail("has no sizes"))?;
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == old && tensor.data_type == INT64);
        let sides = tensor.ok_or_else(|| fail("has sizes that are no constant"))?.raw_data.clone();
        let mut raw = [1_i64.to_le_bytes(), channels.to_le_bytes()].concat();
        raw.extend(sides);
        let name = format!("{old}/full");
        sizes.push(TensorProto {
            dims: vec![raw.len() as i64 / 8],
            data_type: INT64,
            name: name.clone(),
            raw_data: raw,
        });
        nodes[index].input[3] = name;
        nodes[index].attribute.retain(|attribute| attribute.name != "axes");
    }
    graph.node = nodes;
    graph.initializer.extend(sizes);
    let read: BTreeSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    graph.initializer.retain(|tensor| read.contains(&tensor.name));
    Ok(())
}

/// Channels of a tensor, followed back to the convolution that it comes from.
fn channels(nodes: &[NodeProto], graph: &GraphProto, tensor: &str, depth: usize) -> Option<i64> {
    /// Longer than any chain between a convolution and a resize.
    const DEEPEST: usize = 64;
    let node = nodes.iter().find(|node| node.output.iter().any(|name| name == tensor))?;
    match node.op_type.as_str() {
        _ if depth > DEEPEST => None,
        "Conv" => graph.initializer.iter().find(|tensor| tensor.name == node.input[1])?.dims.first().copied(),
        "Concat" => node.input.iter().map(|input| channels(nodes, graph, input, depth + 1)).sum(),
        _ => channels(nodes, graph, node.input.first()?, depth + 1),
    }
}
