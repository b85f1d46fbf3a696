"""Weights as 8-bit integers, one scale an output channel; the arithmetic stays in floats.

Depthwise layers do not take 8-bit activations (the ranges of their channels differ by orders of magnitude), so only what
is stored shrinks: each large weight becomes int8 -> Cast -> Mul(scale), which ONNX Runtime folds back to floats once,
when it opens the model. The answers differ from the float model's by the rounding of the weights alone.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Smaller weights (depthwise kernels, biases, the head) stay as they are.
LEAST_VALUES = 4096


def store_int8(model: onnx.ModelProto, least_values: int = LEAST_VALUES) -> onnx.ModelProto:
    """The model with the weights of its large convolutions stored as int8."""
    graph = model.graph
    weights = {node.input[1] for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")}
    depthwise = {node.input[1] for node in graph.node if node.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in node.attribute)}
    kept, unpack = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in weights - depthwise or values.size < least_values or values.dtype != np.float32:
            kept.append(tensor)
            continue
        axes = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-12) / 127
        whole = np.clip(np.round(values / scale), -127, 127).astype(np.int8)
        name = tensor.name
        kept.append(numpy_helper.from_array(whole, f"{name}.int8"))
        kept.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        unpack.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT, name=f"{name}.cast"))
        unpack.append(helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name], name=f"{name}.unpack"))
    nodes = unpack + list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model
