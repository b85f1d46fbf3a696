"""Joins the trained branch with the published network into one file of 8-bit weights.

    python -m sight.export --body yolox_nano.onnx --heads heads.pt --out site-nano.onnx

The output has the published rows first, unchanged but for two more class columns of zero, then the heads' rows with
eighty: what reads YOLOX reads both, with the strides 8, 16, 32, 8, 16, 32. Both sides of the input are open, in steps of 32.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper, version_converter

from wear.quantise import store_int8

from .body import LEVELS
from .net import Heads

CLASSES, KINDS = 80, 2
# Convolutions of fewer weights stay as they are: little would be saved.
LEAST_VALUES = 1024


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--body", type=Path, required=True)
    ask.add_argument("--heads", type=Path, required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--floats", action="store_true", help="keep the weights as floats, for comparison")
    args = ask.parse_args()
    branch = Heads()
    branch.load_state_dict(torch.load(args.heads)["mean"])
    branch.eval()
    model = version_converter.convert_version(onnx.load(str(args.body)), 13)
    one_convolution_at_the_input(model.graph)
    Join(model.graph).add(branch)
    if not args.floats:
        model = store_int8(model, LEAST_VALUES)
    model.graph.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(args.out))
    print(f"{args.out}: {args.out.stat().st_size} bytes")


def one_convolution_at_the_input(graph):
    """YOLOX cuts its input into four of half the size and filters them by 3 x 3: the same as 6 x 6 by steps of two."""
    consumers = {name: node for node in graph.node for name in node.input}
    concat = next(node for node in graph.node if node.op_type == "Concat")
    first = consumers[concat.output[0]]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    old = numpy_helper.to_array(weights[first.input[1]])
    colours = old.shape[1] // 4
    new = np.zeros((old.shape[0], colours, 6, 6), np.float32)
    for quarter, (row, column) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        new[:, :, row::2, column::2] = old[:, quarter * colours : (quarter + 1) * colours]
    weights[first.input[1]].CopyFrom(numpy_helper.from_array(new, first.input[1]))
    picture = graph.input[0].name
    whole = helper.make_node(
        "Conv", [picture, *first.input[1:]], first.output, name=first.name, kernel_shape=[6, 6], pads=[2, 2, 2, 2], strides=[2, 2]
    )
    index = list(graph.node).index(first)
    graph.node.remove(first)
    graph.node.insert(index, whole)
    without_what_nothing_reads(graph)


def without_what_nothing_reads(graph):
    """Takes out nodes and weights whose results are not needed."""
    needed, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in needed]:
        graph.initializer.remove(tensor)


class Join:
    """Adds the branch's nodes to the published graph."""

    def __init__(self, graph):
        self.graph, self.count = graph, 0

    def node(self, operator, inputs, **attributes):
        self.count += 1
        name = f"heads.{self.count}"
        self.graph.node.append(helper.make_node(operator, inputs, [name], name=f"{name}.{operator.lower()}", **attributes))
        return name

    def weight(self, values):
        self.count += 1
        name = f"heads.{self.count}"
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, seen, layer, norm=None):
        """A convolution with its normalisation folded in, and the SiLU that follows a normalisation."""
        with torch.no_grad():
            weight = layer.weight
            bias = layer.bias if layer.bias is not None else torch.zeros(len(weight))
            if norm is not None:
                scale = norm.weight / (norm.running_var + norm.eps).sqrt()
                weight, bias = weight * scale[:, None, None, None], (bias - norm.running_mean) * scale + norm.bias
        sides = list(weight.shape[2:])
        made = self.node(
            "Conv",
            [seen, self.weight(weight.detach().numpy()), self.weight(bias.detach().numpy())],
            kernel_shape=sides,
            pads=[sides[0] // 2] * 4,
            group=layer.groups,
        )
        return made if norm is None else self.node("Mul", [made, self.node("Sigmoid", [made])])

    def chain(self, seen, layers):
        layers = [layer for layer in layers.modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.BatchNorm2d))]
        for layer, norm in zip(layers[0::2], layers[1::2]):
            seen = self.convolution(seen, layer, norm)
        return seen

    def add(self, branch):
        shape = self.weight(np.array([1, 4 + 1 + KINDS, -1], np.int64))
        levels = []
        for name, level in zip(LEVELS, branch.levels):
            seen = self.convolution(self.chain(self.chain(name, level.stem), level.trunk), level.last)
            levels.append(self.node("Reshape", [seen, shape]))
        rows = self.node("Transpose", [self.node("Concat", levels, axis=2)], perm=[0, 2, 1])
        box, there, kind = (self.part(rows, *columns) for columns in [(0, 4), (4, 5), (5, 5 + KINDS)])
        heads = [
            self.with_zeros(self.node("Concat", [box, self.node("Sigmoid", [there])], axis=2), CLASSES),
            self.node("Softmax", [kind], axis=2),
        ]
        answer = self.graph.output[0].name
        published = f"{answer}.published"
        for node in self.graph.node:
            node.output[:] = [published if name == answer else name for name in node.output]
        both = [self.with_zeros(published, KINDS), self.node("Concat", heads, axis=2)]
        self.graph.node.append(helper.make_node("Concat", both, [answer], name="heads.join", axis=1))
        wanted = [1, "rows", 5 + CLASSES + KINDS]
        self.graph.output[0].CopyFrom(helper.make_tensor_value_info(answer, TensorProto.FLOAT, wanted))
        self.take_any_size()

    def take_any_size(self):
        """A picture of 16:9 then needs no padding down to a square, which is not seen for nothing."""
        picture = self.graph.input[0].name
        sides = [1, 3, "height", "width"]
        self.graph.input[0].CopyFrom(helper.make_tensor_value_info(picture, TensorProto.FLOAT, sides))
        # What was worked out for the square no longer holds.
        del self.graph.value_info[:]

    def part(self, rows, first, end):
        starts, ends, axis = (self.weight(np.array([value], np.int64)) for value in (first, end, 2))
        return self.node("Slice", [rows, starts, ends, axis])

    def with_zeros(self, rows, columns):
        """So many columns of zero after those that `rows` has."""
        return self.node("Pad", [rows, self.weight(np.array([0, 0, 0, 0, 0, columns], np.int64))])


if __name__ == "__main__":
    main()
