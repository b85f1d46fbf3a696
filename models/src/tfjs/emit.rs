//! The state of a conversion: what each TensorFlow tensor is in ONNX, and the nodes written so far.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Node, canonical};
use super::onnx::{
    AttributeProto, GraphProto, INT32, IR_VERSION, ModelProto, NodeProto, OPSET, OperatorSetIdProto, TensorProto,
    ValueInfoProto, attr_ints, float_value, tensor_f32, tensor_i64, value_info,
};
use super::weights::ConstData;
use super::{Const, ConvertError, op_error};

/// A TensorFlow tensor as the ONNX value that it is a permutation of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    /// Name of the ONNX value.
    pub(crate) name: String,
    /// Axis `i` of the TensorFlow tensor is axis `perm[i]` of the ONNX value.
    pub(crate) perm: Vec<usize>,
    /// Padding that was not written yet, so that a convolution or a pool can take it in.
    pub(crate) pad: Option<Pad>,
}

/// Constant padding, in the order of the ONNX value's axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pad {
    pub(crate) before: Vec<i64>,
    pub(crate) after: Vec<i64>,
    pub(crate) value: f32,
}

impl Value {
    /// A value in TensorFlow's own order of axes.
    pub(crate) fn plain(name: &str, rank: usize) -> Self {
        Self { name: name.to_owned(), perm: (0..rank).collect(), pad: None }
    }
}

/// Collects the ONNX graph.
pub(crate) struct Emitter {
    pub(crate) consts: BTreeMap<String, Const>,
    values: BTreeMap<String, Value>,
    uses: BTreeMap<String, usize>,
    graph: GraphProto,
    temporaries: usize,
    /// Size of the last axis of tensors of which it is known.
    last_sides: BTreeMap<String, usize>,
    /// Tensors that are the shape of another.
    shapes: BTreeSet<String>,
    /// Pictures in a run, if the input says so.
    batch: Option<i64>,
}

impl Emitter {
    pub(crate) fn new(consts: BTreeMap<String, Const>, uses: BTreeMap<String, usize>) -> Self {
        let graph = GraphProto { name: "graph".to_owned(), ..Default::default() };
        let (values, last_sides, shapes) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { consts, values, uses, graph, temporaries: 0, last_sides, shapes, batch: None }
    }

    /// The value of a tensor that an earlier node made.
    pub(crate) fn value(&self, node: &str, tensor: &str) -> Result<Value, ConvertError> {
        let found = self.values.get(canonical(tensor)).cloned();
        found.ok_or_else(|| op_error(node, "wants a tensor where there is a constant"))
    }

    /// The constant of that name, if it is one.
    pub(crate) fn constant(&self, tensor: &str) -> Option<&Const> {
        self.consts.get(canonical(tensor))
    }

    /// A constant that a node cannot do without.
    pub(crate) fn require_const(&self, node: &str, tensor: &str) -> Result<&Const, ConvertError> {
        self.constant(tensor).ok_or_else(|| op_error(node, "wants a constant that is computed at run time"))
    }

    /// Says what a tensor is.
    pub(crate) fn define(&mut self, tensor: &str, value: Value) {
        self.values.insert(canonical(tensor).to_owned(), value);
    }

    /// Whether nothing but one node reads the tensor.
    pub(crate) fn is_read_once(&self, tensor: &str) -> bool {
        self.uses.get(canonical(tensor)) == Some(&1)
    }

    /// Appends a node with one output.
    pub(crate) fn emit(&mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) {
        self.emit_many(op, inputs, vec![output.to_owned()], attribute);
    }

    /// Appends a node with several outputs.
    pub(crate) fn emit_many(&mut self, op: &str, inputs: &[&str], output: Vec<String>, attribute: Vec<AttributeProto>) {
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        let name = output.first().cloned().unwrap_or_default();
        self.graph.node.push(NodeProto { input, output, name, op_type: op.to_owned(), attribute });
    }

    /// Adds a constant under a name derived from the node's.
    pub(crate) fn floats(&mut self, node: &str, role: &str, shape: &[usize], data: &[f32]) -> String {
        self.initializer(tensor_f32(&format!("{node}/{role}"), shape, data))
    }

    /// Adds integers under a name derived from the node's.
    pub(crate) fn ints(&mut self, node: &str, role: &str, data: &[i64]) -> String {
        self.initializer(tensor_i64(&format!("{node}/{role}"), &[data.len()], data))
    }

    /// Adds a constant of the graph as it is, under a name derived from the node's.
    pub(crate) fn constant_value(&mut self, node: &str, role: &str, constant: &Const) -> String {
        let name = format!("{node}/{role}");
        self.initializer(match &constant.data {
            ConstData::F32(data) => tensor_f32(&name, &constant.shape, data),
            ConstData::I64(data) => tensor_i64(&name, &constant.shape, data),
        })
    }

    /// A tensor that an earlier node made, or a constant made one, in TensorFlow's own order of axes.
    pub(crate) fn operand(&mut self, node: &str, role: &str, tensor: &str) -> Result<Value, ConvertError> {
        let Some(constant) = self.constant(tensor).cloned() else {
            let value = self.value(node, tensor)?;
            return Ok(self.plain(value));
        };
        let name = self.constant_value(node, role, &constant);
        Ok(Value::plain(&name, constant.shape.len()))
    }

    /// Says how long the last axis of a tensor is.
    pub(crate) fn set_last_side(&mut self, tensor: &str, side: usize) {
        self.last_sides.insert(canonical(tensor).to_owned(), side);
    }

    /// How long the last axis of a tensor is, where that is known.
    pub(crate) fn last_side(&self, tensor: &str) -> Option<usize> {
        let of_constant = self.constant(tensor).and_then(|constant| constant.shape.last().copied());
        of_constant.or_else(|| self.last_sides.get(canonical(tensor)).copied())
    }

    /// Notes that a tensor is the shape of a batch of pictures.
    pub(crate) fn note_shape(&mut self, tensor: &str) {
        self.shapes.insert(canonical(tensor).to_owned());
    }

    /// The number of pictures, if the tensor is the shape of a batch of them.
    pub(crate) fn batch_of(&self, shape: &str) -> Option<i64> {
        self.batch.filter(|_| self.shapes.contains(canonical(shape)))
    }

    /// Adds a graph input of 32-bit integers.
    pub(crate) fn int_input(&mut self, name: &str, shape: &[i64]) {
        self.note_batch(shape);
        self.graph.input.push(value_info(name, INT32, shape));
    }

    fn note_batch(&mut self, shape: &[i64]) {
        self.batch = shape.first().copied().filter(|&n| n > 0);
    }

    fn initializer(&mut self, tensor: TensorProto) -> String {
        let name = tensor.name.clone();
        self.graph.initializer.push(tensor);
        name
    }

    /// Adds a graph input.
    pub(crate) fn input(&mut self, name: &str, shape: &[i64]) {
        self.note_batch(shape);
        self.graph.input.push(float_value(name, shape));
    }

    /// The node that makes an ONNX value.
    pub(crate) fn producer(&mut self, value: &str) -> Option<&mut NodeProto> {
        self.graph.node.iter_mut().rev().find(|node| node.output.iter().any(|out| out == value))
    }

    fn temporary(&mut self, of: &str) -> String {
        self.temporaries += 1;
        format!("{of}/layout_{}", self.temporaries)
    }

    /// Writes padding that is still pending.
    pub(crate) fn padded(&mut self, mut value: Value) -> Value {
        let Some(pad) = value.pad.take() else { return value };
        let name = self.temporary(&value.name);
        let pads: Vec<i64> = pad.before.iter().chain(&pad.after).copied().collect();
        let pads = self.ints(&name, "pads", &pads);
        let fill = self.floats(&name, "fill", &[], &[pad.value]);
        self.emit("Pad", &[&value.name, &pads, &fill], &name, Vec::new());
        value.name = name;
        value
    }

    /// The ONNX value whose axis `i` is axis `want[i]` of the TensorFlow tensor; padding stays pending if no
    /// transpose is needed.
    pub(crate) fn arranged(&mut self, value: Value, want: &[usize]) -> Value {
        let axes: Vec<usize> = want.iter().map(|&axis| value.perm[axis]).collect();
        if axes.iter().enumerate().all(|(i, &axis)| i == axis) {
            return value;
        }
        let value = self.padded(value);
        let name = self.temporary(&value.name);
        let attribute = attr_ints("perm", axes.iter().map(|&axis| axis as i64).collect());
        self.emit("Transpose", &[&value.name], &name, vec![attribute]);
        Value { name, perm: inverse(want), pad: None }
    }

    /// The value with the axes in the same order as `like`.
    pub(crate) fn arranged_like(&mut self, value: Value, like: &[usize]) -> Value {
        let arranged = self.arranged(value, &inverse(like));
        self.padded(arranged)
    }

    /// The value in TensorFlow's own order of axes.
    pub(crate) fn plain(&mut self, value: Value) -> Value {
        let identity: Vec<usize> = (0..value.perm.len()).collect();
        let arranged = self.arranged(value, &identity);
        self.padded(arranged)
    }

    /// Gives an ONNX value another name wherever it occurs.
    fn rename(&mut self, old: &str, new: &str) {
        for node in &mut self.graph.node {
            let names = node.input.iter_mut().chain(&mut node.output).chain([&mut node.name]);
            names.filter(|name| *name == old).for_each(|name| new.clone_into(name));
        }
        self.values.values_mut().filter(|value| value.name == old).for_each(|value| new.clone_into(&mut value.name));
    }

    /// Makes a tensor an output of the graph under its own name.
    pub(crate) fn output(&mut self, tensor: &str, shape: &[i64]) -> Result<(), ConvertError> {
        if self.producer(tensor).is_some() {
            // The value inside has the tensor's name but may have its axes in another order.
            self.rename(tensor, &format!("{tensor}/inner"));
        }
        let value = self.value(tensor, tensor)?;
        let value = self.plain(value);
        self.emit("Identity", &[&value.name], tensor, Vec::new());
        let info = if shape.is_empty() {
            ValueInfoProto { name: tensor.to_owned(), ..float_value(tensor, &vec![-1; value.perm.len()]) }
        } else {
            float_value(tensor, shape)
        };
        self.graph.output.push(info);
        Ok(())
    }

    /// Folds a node whose inputs are all constant. Returns whether it was one.
    pub(crate) fn fold(&mut self, node: &Node) -> Result<bool, ConvertError> {
        let inputs: Option<Vec<&Const>> = node.data_inputs().map(|input| self.constant(input)).collect();
        let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else { return Ok(false) };
        let folded = match node.op.as_str() {
            "Pack" => super::weights::fold_pack(node, &inputs),
            op => super::weights::fold(&node.name, op, &inputs)?,
        };
        let Some(folded) = folded else { return Ok(false) };
        self.consts.insert(node.name.clone(), folded);
        Ok(true)
    }

    pub(crate) fn into_model(self) -> ModelProto {
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "forewarn".to_owned(),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        }
    }
}

/// The permutation that undoes `perm`.
pub(crate) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; perm.len()];
    for (i, &axis) in perm.iter().enumerate() {
        inverse[axis] = i;
    }
    inverse
}
