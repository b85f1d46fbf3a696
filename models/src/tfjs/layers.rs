//! Convolutions with what TensorFlow fuses into them, and normalisation.

use super::emit::{Emitter, Value, inverse};
use super::graph::Node;
use super::onnx::{AttributeProto, attr_f, attr_i, attr_ints, attr_s};
use super::ops::NCHW_OF_NHWC;
use super::weights::permuted;
use super::{ConvertError, op_error};

/// A filter of height, width, input, output (or input, multiplier) with the channels first.
const CHANNELS_FIRST: [usize; 4] = [3, 2, 0, 1];
const DEPTHWISE_FIRST: [usize; 4] = [2, 3, 0, 1];

impl Emitter {
    /// A convolution, by channel or across them, with the bias and the activation that are fused into it.
    pub(super) fn fused_conv(&mut self, node: &Node, x: &str, filter: &str, rest: &[&str]) -> Result<(), ConvertError> {
        let (has_bias, activation) = fused_ops(node, rest.len())?;
        let (input, mut attributes) = self.conv_input(node, x)?;
        let filter = self.require_const(&node.name, filter)?;
        let &[_, _, channels, multiplier] = filter.shape.as_slice() else {
            return Err(op_error(&node.name, "has a filter that is not of rank 4"));
        };
        let is_depthwise = node.op.contains("Depthwise");
        let order = if is_depthwise { &DEPTHWISE_FIRST } else { &CHANNELS_FIRST };
        let (mut shape, data) = permuted(&filter.shape, filter.floats(&node.name)?, order);
        if is_depthwise {
            shape = vec![channels * multiplier, 1, shape[2], shape[3]];
            attributes.push(attr_i("group", channels as i64));
        }
        attributes.push(attr_ints("kernel_shape", vec![shape[2] as i64, shape[3] as i64]));
        let weights = self.floats(&node.name, "weights", &shape, &data);
        let mut inputs = vec![input, weights];
        if has_bias {
            let bias = self.require_const(&node.name, rest[0])?;
            let (shape, data) = (bias.shape.clone(), bias.floats(&node.name)?.to_vec());
            inputs.push(self.floats(&node.name, "bias", &shape, &data));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let inner = format!("{}/conv", node.name);
        match activation {
            Activation::None => self.emit("Conv", &inputs, &node.name, attributes),
            Activation::Relu => {
                self.emit("Conv", &inputs, &inner, attributes);
                self.emit("Relu", &[&inner], &node.name, Vec::new());
            }
            Activation::Relu6 => {
                self.emit("Conv", &inputs, &inner, attributes);
                self.clip6(&inner, &node.name);
            }
        }
        self.define(&node.name, Value { perm: inverse(&NCHW_OF_NHWC), ..Value::plain(&node.name, 4) });
        Ok(())
    }

    /// The input of a convolution and the attributes that say how it is padded and strided.
    fn conv_input(&mut self, node: &Node, x: &str) -> Result<(String, Vec<AttributeProto>), ConvertError> {
        let (strides, dilations) = (Self::spatial(node, "strides")?, Self::spatial(node, "dilations")?);
        let (input, pads) = self.spatial_input(node, x, 0.0)?;
        let mut attributes = vec![attr_ints("strides", strides), attr_ints("dilations", dilations.clone())];
        if node.has_word("padding", "VALID", "VkFMSUQ=") {
            attributes.push(attr_ints("pads", pads));
        } else if node.has_word("padding", "SAME", "U0FNRQ==") && pads == [0; 4] && dilations == [1, 1] {
            // TensorFlow puts the odd pixel of padding behind, as this word of ONNX says.
            attributes.push(attr_s("auto_pad", "SAME_UPPER"));
        } else {
            return Err(op_error(&node.name, "pads in a way that the converter does not know"));
        }
        Ok((input, attributes))
    }

    pub(super) fn batch_norm(&mut self, node: &Node, x: &str, parameters: &[&str]) -> Result<(), ConvertError> {
        let &[_, _, _, _] = parameters else { return Err(op_error(&node.name, "has not four parameters")) };
        if node.flag("is_training") {
            return Err(op_error(&node.name, "normalises as in training"));
        }
        let (input, pads) = self.spatial_input(node, x, f32::NAN)?;
        debug_assert_eq!(pads, [0; 4], "no padding equals NaN, so none was taken in");
        let mut inputs = vec![input];
        for (role, parameter) in ["scale", "offset", "mean", "variance"].into_iter().zip(parameters) {
            let constant = self.require_const(&node.name, parameter)?;
            let (shape, data) = (constant.shape.clone(), constant.floats(&node.name)?.to_vec());
            inputs.push(self.floats(&node.name, role, &shape, &data));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        // TensorFlow's own default.
        let epsilon = node.attr.get("epsilon").and_then(|attr| attr.f).unwrap_or(1e-4);
        self.emit("BatchNormalization", &inputs, &node.name, vec![attr_f("epsilon", epsilon)]);
        self.define(&node.name, Value { perm: inverse(&NCHW_OF_NHWC), ..Value::plain(&node.name, 4) });
        Ok(())
    }

    pub(super) fn relu6(&mut self, node: &Node, x: &str) -> Result<(), ConvertError> {
        let value = self.value(&node.name, x)?;
        let value = self.padded(value);
        self.clip6(&value.name, &node.name);
        self.define(&node.name, Value { name: node.name.clone(), ..value });
        Ok(())
    }

    fn clip6(&mut self, input: &str, output: &str) {
        let least = self.floats(output, "least", &[], &[0.0]);
        let most = self.floats(output, "most", &[], &[6.0]);
        self.emit("Clip", &[input, &least, &most], output, Vec::new());
    }
}

#[derive(Debug, Clone, Copy)]
enum Activation {
    None,
    Relu,
    Relu6,
}

/// Whether a bias is fused, and what activation; `n_rest` inputs follow the filter.
fn fused_ops(node: &Node, n_rest: usize) -> Result<(bool, Activation), ConvertError> {
    let (mut has_bias, mut activation) = (false, Activation::None);
    for word in node.words("fused_ops") {
        if word.is("BiasAdd", "Qmlhc0FkZA==") {
            has_bias = true;
        } else if word.is("Relu", "UmVsdQ==") {
            activation = Activation::Relu;
        } else if word.is("Relu6", "UmVsdTY=") {
            activation = Activation::Relu6;
        } else {
            return Err(op_error(&node.name, "fuses an operation that the converter does not know"));
        }
    }
    if n_rest == usize::from(has_bias) {
        Ok((has_bias, activation))
    } else {
        Err(op_error(&node.name, "has not the inputs that what it fuses needs"))
    }
}
