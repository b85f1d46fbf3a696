//! What each kind of TensorFlow node becomes in ONNX.

use super::emit::{Emitter, Pad, Value, inverse};
use super::graph::{Node, Shape, canonical};
use super::onnx::{attr_f, attr_i, attr_ints, attr_s};
use super::weights::{ConstData, permuted};
use super::{ConvertError, op_error};

/// A channels-last tensor seen channels first.
pub(super) const NCHW_OF_NHWC: [usize; 4] = [0, 3, 1, 2];
/// A filter of height, width, input, output seen as ONNX wants it.
const OIHW_OF_HWIO: [usize; 4] = [3, 2, 0, 1];

impl Emitter {
    /// Converts one node.
    pub(crate) fn node(&mut self, node: &Node) -> Result<(), ConvertError> {
        if self.fold(node)? {
            return Ok(());
        }
        let inputs: Vec<&str> = node.data_inputs().collect();
        match (node.op.as_str(), inputs.as_slice()) {
            ("Const", []) => self.require_const(&node.name, &node.name).map(|_| ()),
            ("Placeholder", []) => self.placeholder(node),
            ("Shape", [_]) => {
                self.note_shape(&node.name);
                Ok(())
            }
            ("StridedSlice", [x, begin, end, strides]) => self.batch_side(node, x, [begin, end, strides]),
            ("Identity", [x]) => {
                let value = self.value(&node.name, x)?;
                self.define(&node.name, value);
                Ok(())
            }
            ("Transpose", [x, perm]) => self.transpose(node, x, perm),
            ("Conv2D", [x, filter]) => self.conv(node, x, filter),
            ("_FusedConv2D" | "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative", [x, filter, rest @ ..]) => {
                self.fused_conv(node, x, filter, rest)
            }
            ("FusedBatchNorm" | "FusedBatchNormV3", [x, parameters @ ..]) => self.batch_norm(node, x, parameters),
            ("MaxPool", [x]) => self.max_pool(node, x),
            ("Pad", [x, pads]) => self.pad(node, x, pads, 0.0),
            ("PadV2", [x, pads, fill]) => {
                let &[fill] = self.require_const(&node.name, fill)?.floats(&node.name)? else {
                    return Err(op_error(&node.name, "has no scalar fill value"));
                };
                self.pad(node, x, pads, fill)
            }
            ("LeakyRelu", [x]) => {
                let alpha = node.attr.get("alpha").and_then(|attr| attr.f).unwrap_or(0.2);
                self.unary(node, "LeakyRelu", x, vec![attr_f("alpha", alpha)])
            }
            ("Sigmoid" | "Relu" | "Sqrt", [x]) => self.unary(node, &node.op, x, Vec::new()),
            ("Relu6", [x]) => self.relu6(node, x),
            ("Cast", [x]) => self.cast(node, x),
            ("Add" | "AddV2" | "BiasAdd", [a, b]) => self.add(node, a, b),
            ("AddN", [first, rest @ ..]) => self.add_n(node, first, rest),
            ("Sub", [a, b]) => self.binary(node, "Sub", a, b),
            ("Mul", [a, b]) => self.binary(node, "Mul", a, b),
            ("RealDiv", [a, b]) => self.binary(node, "Div", a, b),
            ("SquaredDifference", [a, b]) => self.squared_difference(node, a, b),
            ("FloorDiv", [a, b]) => self.floor_div(node, a, b),
            ("ArgMax", [x, axis]) => self.arg_max(node, x, axis),
            ("GatherNd", [x, indices]) => self.gather(node, x, indices),
            ("ExpandDims", [x, axis]) => self.expand_dims(node, x, axis),
            ("Squeeze", [x]) => self.squeeze(node, x),
            ("Pack", parts) if !parts.is_empty() => self.pack(node, parts),
            ("Unpack", [x]) => self.unpack(node, x),
            ("ConcatV2", [parts @ .., axis]) if !parts.is_empty() => self.concat(node, parts, axis),
            ("SplitV", [x, sizes, axis]) => self.split(node, x, sizes, axis),
            ("Reshape", [x, shape]) => self.reshape(node, x, shape),
            ("ResizeBilinear", [x, size]) => self.resize(node, x, size),
            _ => Err(ConvertError::UnknownOp { node: node.name.clone(), op: node.op.clone() }),
        }
    }

    fn placeholder(&mut self, node: &Node) -> Result<(), ConvertError> {
        let shape = node.attr.get("shape").and_then(|attr| attr.shape.as_ref()).map(Shape::sizes);
        let shape = shape.ok_or_else(|| op_error(&node.name, "is an input without a shape"))?;
        if node.has_type("dtype", "DT_INT32", 3) {
            self.int_input(&node.name, &shape);
        } else {
            self.input(&node.name, &shape);
        }
        self.define(&node.name, Value::plain(&node.name, shape.len()));
        Ok(())
    }

    fn transpose(&mut self, node: &Node, x: &str, perm: &str) -> Result<(), ConvertError> {
        let mut value = self.value(&node.name, x)?;
        let perm = self.require_const(&node.name, perm)?.ints(&node.name)?;
        let axes: Option<Vec<usize>> = perm.iter().map(|&a| usize::try_from(a).ok()).collect();
        let axes = axes.filter(|axes| is_permutation(axes, value.perm.len()));
        let axes = axes.ok_or_else(|| op_error(&node.name, "permutes axes that its input does not have"))?;
        value.perm = axes.iter().map(|&axis| value.perm[axis]).collect();
        self.define(&node.name, value);
        Ok(())
    }

    /// The input of a spatial operation as channels-first value, and the padding that the operation can take in.
    pub(super) fn spatial_input(
        &mut self,
        node: &Node,
        x: &str,
        fill: f32,
    ) -> Result<(String, Vec<i64>), ConvertError> {
        let is_nhwc = !node.attr.contains_key("data_format") || node.has_word("data_format", "NHWC", "TkhXQw==");
        if !is_nhwc {
            return Err(op_error(&node.name, "is not channels-last"));
        }
        let value = self.value(&node.name, x)?;
        if value.perm.len() != 4 {
            return Err(op_error(&node.name, "wants an input of rank 4"));
        }
        let mut value = self.arranged(value, &NCHW_OF_NHWC);
        let is_spatial = |p: &Pad| p.value == fill && p.before[..2] == [0, 0] && p.after[..2] == [0, 0];
        let pads = match value.pad.take_if(|pad| is_spatial(pad)) {
            Some(pad) => vec![pad.before[2], pad.before[3], pad.after[2], pad.after[3]],
            None => vec![0; 4],
        };
        Ok((self.padded(value).name, pads))
    }

    /// Two spatial numbers of a list in channels-last order; 1 where the list is absent.
    pub(super) fn spatial(node: &Node, key: &str) -> Result<Vec<i64>, ConvertError> {
        match node.ints(key)[..] {
            [] => Ok(vec![1, 1]),
            [1, y, x, 1] if y > 0 && x > 0 => Ok(vec![y, x]),
            _ => Err(op_error(&node.name, "strides over the batch or the channels")),
        }
    }

    fn conv(&mut self, node: &Node, x: &str, filter: &str) -> Result<(), ConvertError> {
        if node.has_word("padding", "SAME", "U0FNRQ==") {
            return self.fused_conv(node, x, filter, &[]);
        }
        if !node.has_word("padding", "VALID", "VkFMSUQ=") {
            return Err(op_error(&node.name, "pads by itself; the converter knows VALID and SAME only"));
        }
        let (input, pads) = self.spatial_input(node, x, 0.0)?;
        let filter = self.require_const(&node.name, filter)?;
        if filter.shape.len() != 4 {
            return Err(op_error(&node.name, "has a filter that is not of rank 4"));
        }
        let (shape, data) = permuted(&filter.shape, filter.floats(&node.name)?, &OIHW_OF_HWIO);
        let weights = self.floats(&node.name, "weights", &shape, &data);
        let attributes = vec![
            attr_ints("kernel_shape", vec![shape[2] as i64, shape[3] as i64]),
            attr_ints("strides", Self::spatial(node, "strides")?),
            attr_ints("dilations", Self::spatial(node, "dilations")?),
            attr_ints("pads", pads),
        ];
        self.emit("Conv", &[&input, &weights], &node.name, attributes);
        self.define(&node.name, Value { perm: inverse(&NCHW_OF_NHWC), ..Value::plain(&node.name, 4) });
        Ok(())
    }

    fn max_pool(&mut self, node: &Node, x: &str) -> Result<(), ConvertError> {
        if !node.has_word("padding", "VALID", "VkFMSUQ=") {
            return Err(op_error(&node.name, "pads by itself; the converter knows VALID after a Pad only"));
        }
        // ONNX pads a maximum with minus infinity, so only such padding may be taken in.
        let (input, pads) = self.spatial_input(node, x, f32::NEG_INFINITY)?;
        let attributes = vec![
            attr_ints("kernel_shape", Self::spatial(node, "ksize")?),
            attr_ints("strides", Self::spatial(node, "strides")?),
            attr_ints("pads", pads),
        ];
        self.emit("MaxPool", &[&input], &node.name, attributes);
        self.define(&node.name, Value { perm: inverse(&NCHW_OF_NHWC), ..Value::plain(&node.name, 4) });
        Ok(())
    }

    fn pad(&mut self, node: &Node, x: &str, pads: &str, fill: f32) -> Result<(), ConvertError> {
        let value = self.value(&node.name, x)?;
        let mut value = self.padded(value);
        let rank = value.perm.len();
        let pads = self.require_const(&node.name, pads)?.ints(&node.name)?;
        let (pairs, rest) = pads.as_chunks::<2>();
        if pairs.len() != rank || !rest.is_empty() || pads.iter().any(|&n| n < 0) {
            return Err(op_error(&node.name, "has padding that does not fit its input"));
        }
        let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
        for (&axis, &[low, high]) in value.perm.iter().zip(pairs) {
            (before[axis], after[axis]) = (low, high);
        }
        value.pad = Some(Pad { before, after, value: fill });
        self.define(&node.name, value);
        Ok(())
    }

    pub(super) fn unary(
        &mut self,
        node: &Node,
        op: &str,
        x: &str,
        attributes: Vec<super::onnx::AttributeProto>,
    ) -> Result<(), ConvertError> {
        let value = self.value(&node.name, x)?;
        let value = self.padded(value);
        self.emit(op, &[&value.name], &node.name, attributes);
        self.define(&node.name, Value { name: node.name.clone(), ..value });
        Ok(())
    }

    fn add(&mut self, node: &Node, a: &str, b: &str) -> Result<(), ConvertError> {
        let (x, y) = if self.constant(a).is_some() { (b, a) } else { (a, b) };
        let value = self.value(&node.name, x)?;
        let value = self.padded(value);
        if self.constant(y).is_some() {
            return self.add_constant(node, (x, value), y);
        }
        let other = self.value(&node.name, y)?;
        if other.perm.len() != value.perm.len() {
            return self.binary(node, "Add", a, b);
        }
        let other = self.arranged_like(other, &value.perm);
        self.emit("Add", &[&value.name, &other.name], &node.name, Vec::new());
        self.define(&node.name, Value { name: node.name.clone(), ..value });
        Ok(())
    }

    fn add_constant(&mut self, node: &Node, (x, value): (&str, Value), y: &str) -> Result<(), ConvertError> {
        let rank = value.perm.len();
        let constant = self.require_const(&node.name, y)?;
        let missing = rank.checked_sub(constant.shape.len());
        let (Some(missing), ConstData::F32(_)) = (missing, &constant.data) else {
            return self.binary(node, "Add", x, y);
        };
        let aligned: Vec<usize> = vec![1; missing].into_iter().chain(constant.shape.iter().copied()).collect();
        let (shape, data) = permuted(&aligned, constant.floats(&node.name)?, &inverse(&value.perm));
        let is_per_channel = rank == 4 && shape[0] == 1 && shape[2..] == [1, 1];
        // The convolution's own output must have no other reader, or that reader would see the bias too.
        let is_own = canonical(x) == value.name && self.is_read_once(x);
        let makes_bias = is_per_channel
            && is_own
            && self.producer(&value.name).is_some_and(|p| p.op_type == "Conv" && p.input.len() == 2);
        if makes_bias {
            let bias = self.floats(&node.name, "bias", &[shape[1]], &data);
            if let Some(conv) = self.producer(&value.name) {
                conv.input.push(bias);
            }
            self.define(&node.name, value);
        } else {
            let addend = self.floats(&node.name, "addend", &shape, &data);
            self.emit("Add", &[&value.name, &addend], &node.name, Vec::new());
            self.define(&node.name, Value { name: node.name.clone(), ..value });
        }
        Ok(())
    }

    /// The axis of the ONNX value that a constant names as an axis of the TensorFlow tensor.
    fn axis(&self, node: &Node, axis: &str, value: &Value) -> Result<i64, ConvertError> {
        let rank = value.perm.len() as i64;
        match self.require_const(&node.name, axis)?.ints(&node.name)? {
            &[axis] if (-rank..rank).contains(&axis) => Ok(value.perm[axis.rem_euclid(rank) as usize] as i64),
            _ => Err(op_error(&node.name, "names an axis that its input does not have")),
        }
    }

    fn concat(&mut self, node: &Node, parts: &[&str], axis: &str) -> Result<(), ConvertError> {
        if let (&[number], Some(sides)) = (
            self.require_const(&node.name, axis)?.ints(&node.name)?,
            parts.iter().map(|part| self.last_side(part)).collect::<Option<Vec<_>>>(),
        ) {
            let rank = self.rank(&node.name, parts[0])?;
            if number == -1 || number == rank as i64 - 1 {
                self.set_last_side(&node.name, sides.iter().sum());
            }
        }
        let first = if self.constant(parts[0]).is_some() {
            self.operand(&node.name, "part_0", parts[0])?
        } else {
            let first = self.value(&node.name, parts[0])?;
            self.padded(first)
        };
        let mut names = vec![first.name.clone()];
        for (k, part) in parts.iter().enumerate().skip(1) {
            let part = if self.constant(part).is_some() {
                self.operand(&node.name, &format!("part_{k}"), part)?
            } else {
                self.value(&node.name, part)?
            };
            if part.perm.len() != first.perm.len() {
                return Err(op_error(&node.name, "joins tensors of different rank"));
            }
            names.push(self.arranged_like(part, &first.perm).name);
        }
        let axis = self.axis(node, axis, &first)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.emit("Concat", &names, &node.name, vec![attr_i("axis", axis)]);
        self.define(&node.name, Value { name: node.name.clone(), ..first });
        Ok(())
    }

    fn split(&mut self, node: &Node, x: &str, sizes: &str, axis: &str) -> Result<(), ConvertError> {
        let value = self.value(&node.name, x)?;
        let value = self.padded(value);
        let axis = self.axis(node, axis, &value)?;
        let sizes = self.require_const(&node.name, sizes)?.ints(&node.name)?.to_vec();
        let names: Vec<String> =
            (0..sizes.len()).map(|k| if k == 0 { node.name.clone() } else { format!("{}:{k}", node.name) }).collect();
        let sizes = self.ints(&node.name, "sizes", &sizes);
        self.emit_many("Split", &[&value.name, &sizes], names.clone(), vec![attr_i("axis", axis)]);
        for name in names {
            self.define(&name, Value { name: name.clone(), ..value.clone() });
        }
        Ok(())
    }

    fn reshape(&mut self, node: &Node, x: &str, shape: &str) -> Result<(), ConvertError> {
        let value = self.value(&node.name, x)?;
        let value = self.plain(value);
        let shape = self.require_const(&node.name, shape)?.ints(&node.name)?.to_vec();
        let rank = shape.len();
        // In TensorFlow a 0 is a size of 0, in ONNX it would mean "as before".
        if shape.iter().any(|&size| size == 0 || size < -1) {
            return Err(op_error(&node.name, "has an impossible shape"));
        }
        let shape = self.ints(&node.name, "shape", &shape);
        self.emit("Reshape", &[&value.name, &shape], &node.name, Vec::new());
        self.define(&node.name, Value::plain(&node.name, rank));
        Ok(())
    }

    fn resize(&mut self, node: &Node, x: &str, size: &str) -> Result<(), ConvertError> {
        if node.flag("align_corners") || !node.flag("half_pixel_centers") {
            return Err(op_error(&node.name, "resizes without half-pixel centres"));
        }
        let (input, pads) = self.spatial_input(node, x, f32::NAN)?;
        debug_assert_eq!(pads, [0; 4], "no padding equals NaN, so none was taken in");
        let size = self.require_const(&node.name, size)?.ints(&node.name)?.to_vec();
        if size.len() != 2 || size.iter().any(|&side| side <= 0) {
            return Err(op_error(&node.name, "has an impossible size"));
        }
        let size = self.ints(&node.name, "size", &size);
        let attributes = vec![
            attr_s("mode", "linear"),
            attr_s("coordinate_transformation_mode", "half_pixel"),
            attr_ints("axes", vec![2, 3]),
        ];
        self.emit("Resize", &[&input, "", "", &size], &node.name, attributes);
        self.define(&node.name, Value { perm: inverse(&NCHW_OF_NHWC), ..Value::plain(&node.name, 4) });
        Ok(())
    }
}

fn is_permutation(axes: &[usize], rank: usize) -> bool {
    let mut seen = vec![false; rank];
    axes.len() == rank && axes.iter().all(|&axis| axis < rank && !std::mem::replace(&mut seen[axis], true))
}
