//! Arithmetic on tensors of any rank, and what takes them apart and joins them.

use super::emit::{Emitter, Value};
use super::graph::Node;
use super::onnx::{FLOAT, INT64, attr_i};
use super::weights::{Const, ConstData};
use super::{ConvertError, op_error};

impl Emitter {
    /// Rank of a tensor or constant.
    pub(super) fn rank(&self, node: &str, tensor: &str) -> Result<usize, ConvertError> {
        match self.constant(tensor) {
            Some(constant) => Ok(constant.shape.len()),
            None => Ok(self.value(node, tensor)?.perm.len()),
        }
    }

    /// An operation on two tensors that broadcast; ONNX does that as TensorFlow does.
    pub(super) fn binary(&mut self, node: &Node, op: &str, a: &str, b: &str) -> Result<(), ConvertError> {
        if let Some((value, constant)) = self.scalar_operand(node, a, b)? {
            let names = if self.constant(a).is_some() {
                [constant, value.name.clone()]
            } else {
                [value.name.clone(), constant]
            };
            self.emit(op, &[&names[0], &names[1]], &node.name, Vec::new());
            self.define(&node.name, Value { name: node.name.clone(), ..value });
            return Ok(());
        }
        let (x, y) = (self.operand(&node.name, "left", a)?, self.operand(&node.name, "right", b)?);
        self.emit(op, &[&x.name, &y.name], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, x.perm.len().max(y.perm.len())));
        Ok(())
    }

    /// Where one of two operands is a constant of one number or of one for each channel, the tensor keeps its order
    /// of axes: the tensor and the name of the constant.
    fn scalar_operand(&mut self, node: &Node, a: &str, b: &str) -> Result<Option<(Value, String)>, ConvertError> {
        let (tensor, constant) = match (self.constant(a).cloned(), self.constant(b).cloned()) {
            (None, Some(constant)) => (a, constant),
            (Some(constant), None) => (b, constant),
            _ => return Ok(None),
        };
        let value = self.value(&node.name, tensor)?;
        let rank = value.perm.len();
        let n: usize = constant.shape.iter().product();
        if n != 1 && (rank != 4 || constant.shape.last() != Some(&n)) {
            return Ok(None);
        }
        let value = self.padded(value);
        let mut shape = vec![1; if n == 1 { 0 } else { rank }];
        if n != 1 {
            shape[value.perm[rank - 1]] = n;
        }
        let name = self.constant_value(&node.name, "operand", &Const { shape, ..constant });
        Ok(Some((value, name)))
    }

    /// The sum of tensors of one shape.
    pub(super) fn add_n(&mut self, node: &Node, first: &str, rest: &[&str]) -> Result<(), ConvertError> {
        let first = self.value(&node.name, first)?;
        let first = self.padded(first);
        let mut names = vec![first.name.clone()];
        for part in rest {
            let part = self.value(&node.name, part)?;
            if part.perm.len() != first.perm.len() {
                return Err(op_error(&node.name, "adds tensors of different rank"));
            }
            names.push(self.arranged_like(part, &first.perm).name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.emit("Sum", &names, &node.name, Vec::new());
        self.define(&node.name, Value { name: node.name.clone(), ..first });
        Ok(())
    }

    pub(super) fn squared_difference(&mut self, node: &Node, a: &str, b: &str) -> Result<(), ConvertError> {
        let (x, y) = (self.operand(&node.name, "left", a)?, self.operand(&node.name, "right", b)?);
        let difference = format!("{}/difference", node.name);
        self.emit("Sub", &[&x.name, &y.name], &difference, Vec::new());
        self.emit("Mul", &[&difference, &difference], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, x.perm.len().max(y.perm.len())));
        Ok(())
    }

    /// Integers divided and rounded down. ONNX rounds integers towards zero, so it is done in floats, which are exact
    /// for the sizes of pictures.
    pub(super) fn floor_div(&mut self, node: &Node, a: &str, b: &str) -> Result<(), ConvertError> {
        if !node.has_type("T", "DT_INT32", 3) {
            return Err(op_error(&node.name, "divides something else than 32-bit integers"));
        }
        let (x, y) = (self.operand(&node.name, "left", a)?, self.operand(&node.name, "right", b)?);
        let step = |role: &str| format!("{}/{role}", node.name);
        let (left, right, quotient, floor) = (step("left_float"), step("right_float"), step("quotient"), step("floor"));
        self.emit("Cast", &[&x.name], &left, vec![attr_i("to", i64::from(FLOAT))]);
        self.emit("Cast", &[&y.name], &right, vec![attr_i("to", i64::from(FLOAT))]);
        self.emit("Div", &[&left, &right], &quotient, Vec::new());
        self.emit("Floor", &[&quotient], &floor, Vec::new());
        self.emit("Cast", &[&floor], &node.name, vec![attr_i("to", i64::from(INT64))]);
        self.define(&node.name, Value::plain(&node.name, x.perm.len().max(y.perm.len())));
        Ok(())
    }

    pub(super) fn cast(&mut self, node: &Node, x: &str) -> Result<(), ConvertError> {
        // All integers of the graph are 64-bit ones.
        let to = if node.has_type("DstT", "DT_FLOAT", 1) {
            FLOAT
        } else if node.has_type("DstT", "DT_INT32", 3) || node.has_type("DstT", "DT_INT64", 9) {
            INT64
        } else {
            return Err(op_error(&node.name, "casts to a type that the converter does not know"));
        };
        self.unary(node, "Cast", x, vec![attr_i("to", i64::from(to))])
    }

    pub(super) fn arg_max(&mut self, node: &Node, x: &str, axis: &str) -> Result<(), ConvertError> {
        let value = self.operand(&node.name, "of", x)?;
        let rank = value.perm.len();
        let axis = self.whole_axis(node, axis, rank)?;
        let attributes = vec![attr_i("axis", axis as i64), attr_i("keepdims", 0)];
        self.emit("ArgMax", &[&value.name], &node.name, attributes);
        self.define(&node.name, Value::plain(&node.name, rank - 1));
        Ok(())
    }

    pub(super) fn gather(&mut self, node: &Node, x: &str, indices: &str) -> Result<(), ConvertError> {
        let depth = self.last_side(indices);
        let depth = depth.ok_or_else(|| op_error(&node.name, "gathers by indices of unknown depth"))?;
        let (value, indices) = (self.operand(&node.name, "of", x)?, self.operand(&node.name, "indices", indices)?);
        let rank = (indices.perm.len() + value.perm.len()).checked_sub(depth + 1);
        let rank = rank.ok_or_else(|| op_error(&node.name, "gathers by indices deeper than its input"))?;
        self.emit("GatherND", &[&value.name, &indices.name], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, rank));
        Ok(())
    }

    pub(super) fn expand_dims(&mut self, node: &Node, x: &str, axis: &str) -> Result<(), ConvertError> {
        let value = self.operand(&node.name, "of", x)?;
        let rank = value.perm.len() + 1;
        let axis = self.whole_axis(node, axis, rank)?;
        let axes = self.ints(&node.name, "axes", &[axis as i64]);
        self.emit("Unsqueeze", &[&value.name, &axes], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, rank));
        Ok(())
    }

    pub(super) fn squeeze(&mut self, node: &Node, x: &str) -> Result<(), ConvertError> {
        let value = self.operand(&node.name, "of", x)?;
        let axes = node.ints("squeeze_dims");
        let rank = value.perm.len().checked_sub(axes.len());
        let rank = rank.filter(|_| !axes.is_empty());
        let rank = rank.ok_or_else(|| op_error(&node.name, "does not say which axes it drops"))?;
        let axes = self.ints(&node.name, "axes", &axes);
        self.emit("Squeeze", &[&value.name, &axes], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, rank));
        Ok(())
    }

    pub(super) fn pack(&mut self, node: &Node, parts: &[&str]) -> Result<(), ConvertError> {
        let rank = self.rank(&node.name, parts[0])? + 1;
        let axis = node.int("axis").unwrap_or(0);
        let axis = within(axis, rank).ok_or_else(|| op_error(&node.name, "joins along an axis beyond its rank"))?;
        if axis == rank - 1 {
            self.set_last_side(&node.name, parts.len());
        }
        let axes = self.ints(&node.name, "axes", &[axis as i64]);
        let mut names = Vec::new();
        for (k, part) in parts.iter().enumerate() {
            let value = self.operand(&node.name, &format!("part_{k}"), part)?;
            if value.perm.len() + 1 != rank {
                return Err(op_error(&node.name, "joins tensors of different rank"));
            }
            let name = format!("{}/unsqueezed_{k}", node.name);
            self.emit("Unsqueeze", &[&value.name, &axes], &name, Vec::new());
            names.push(name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.emit("Concat", &names, &node.name, vec![attr_i("axis", axis as i64)]);
        self.define(&node.name, Value::plain(&node.name, rank));
        Ok(())
    }

    pub(super) fn unpack(&mut self, node: &Node, x: &str) -> Result<(), ConvertError> {
        let value = self.operand(&node.name, "of", x)?;
        let rank = value.perm.len();
        let axis = within(node.int("axis").unwrap_or(0), rank);
        let n = node.int("num").and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
        let (Some(axis), Some(n)) = (axis, n) else {
            return Err(op_error(&node.name, "does not say into how many parts it splits"));
        };
        let axes = self.ints(&node.name, "axes", &[axis as i64]);
        let parts: Vec<String> = (0..n).map(|k| format!("{}/part_{k}", node.name)).collect();
        let attributes = vec![attr_i("axis", axis as i64), attr_i("num_outputs", n as i64)];
        self.emit_many("Split", &[&value.name], parts.clone(), attributes);
        for (k, part) in parts.iter().enumerate() {
            let name = if k == 0 { node.name.clone() } else { format!("{}:{k}", node.name) };
            self.emit("Squeeze", &[part, &axes], &name, Vec::new());
            self.define(&name, Value::plain(&name, rank - 1));
        }
        Ok(())
    }

    /// The number of pictures, taken out of a shape. No operation that the converter knows changes that number
    /// between the input and where a graph asks for it, so it is that of the input.
    pub(super) fn batch_side(&mut self, node: &Node, x: &str, bounds: [&str; 3]) -> Result<(), ConvertError> {
        let mut is_first = node.int("shrink_axis_mask") == Some(1);
        for (bound, wanted) in bounds.into_iter().zip([0, 1, 1]) {
            is_first &= self.require_const(&node.name, bound)?.ints(&node.name)? == [wanted];
        }
        let batch = self.batch_of(x).filter(|_| is_first);
        let batch = batch.ok_or_else(|| op_error(&node.name, "slices something else than the batch out of a shape"))?;
        self.consts.insert(node.name.clone(), Const { shape: Vec::new(), data: ConstData::I64(vec![batch]) });
        Ok(())
    }

    fn whole_axis(&self, node: &Node, axis: &str, rank: usize) -> Result<usize, ConvertError> {
        let found = match self.require_const(&node.name, axis)?.ints(&node.name)? {
            &[axis] => within(axis, rank),
            _ => None,
        };
        found.ok_or_else(|| op_error(&node.name, "names an axis that its input does not have"))
    }
}

/// An axis of that rank; negative ones count from the end.
fn within(axis: i64, rank: usize) -> Option<usize> {
    let rank = rank as i64;
    (-rank..rank).contains(&axis).then(|| axis.rem_euclid(rank) as usize)
}
