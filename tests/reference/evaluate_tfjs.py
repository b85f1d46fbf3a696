"""Evaluates a TensorFlow.js graph model with NumPy alone and writes samples of a few tensors.

    python evaluate_tfjs.py model.json --out golden/nanodet-layers.json

The input is value i = ((i * 7919) mod 1021) / 255 - 2, in the order of the tensor, so that the Rust test of the
converter can make the same one. For each tensor: its shape and the values at 24 evenly spread indices.
"""

import argparse
import base64
import json
import pathlib

import numpy as np

TENSORS = [
    "PartitionedCall/Add",
    "PartitionedCall/MaxPool2d",
    "PartitionedCall/onnx_tf_prefix_Concat_12",
    "PartitionedCall/resize/ResizeBilinear",
    "PartitionedCall/onnx_tf_prefix_Add_149",
    "Identity",
    "Identity_1",
    "Identity_2",
    "Identity_3",
    "Identity_4",
    "Identity_5",
]
SAMPLES = 24


def read_weights(path, manifest):
    weights = {}
    for group in manifest:
        data = b"".join((path.parent / shard).read_bytes() for shard in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"], dtype=int))
            values = np.frombuffer(data, stored, count, offset)
            offset += values.nbytes
            weights[entry["name"]] = values.astype(np.float64 if stored.kind == "f" else np.int64).reshape(entry["shape"])
    return weights


def windows(x, height, width, stride):
    """All windows of an NHWC tensor: N, rows, columns, C, height, width."""
    view = np.lib.stride_tricks.sliding_window_view(x, (height, width), axis=(1, 2))
    return view[:, :: stride[1], :: stride[2]]


def resize(x, size):
    for axis, out in zip((1, 2), size):
        source = x.shape[axis]
        position = np.clip((np.arange(out) + 0.5) * source / out - 0.5, 0, source - 1)
        low = np.floor(position).astype(int)
        weight = (position - low).reshape([-1 if a == axis else 1 for a in range(4)])
        x = x.take(low, axis) * (1 - weight) + x.take(np.minimum(low + 1, source - 1), axis) * weight
    return x


def evaluate(node, x, attr):
    """The outputs of one node as a list."""
    strides = [int(i) for i in attr.get("strides", {}).get("list", {}).get("i", [])]
    if "padding" in attr and base64.b64decode(attr["padding"]["s"]) != b"VALID":
        raise ValueError(f"{node['name']} pads by itself")
    match node["op"]:
        case "Conv2D":
            height, width, channels, filters = x[1].shape
            cut = windows(x[0], height, width, strides)
            flat = cut.transpose(0, 1, 2, 4, 5, 3).reshape(*cut.shape[:3], height * width * channels)
            return [flat @ x[1].reshape(-1, filters)]
        case "MaxPool":
            size = [int(i) for i in attr["ksize"]["list"]["i"]]
            return [windows(x[0], size[1], size[2], strides).max(axis=(-1, -2))]
        case "Pad":
            return [np.pad(x[0], x[1])]
        case "PadV2":
            return [np.pad(x[0], x[1], constant_values=x[2])]
        case "Transpose":
            return [x[0].transpose(x[1])]
        case "Add" | "AddV2":
            return [x[0] + x[1]]
        case "LeakyRelu":
            return [np.where(x[0] < 0, x[0] * attr["alpha"]["f"], x[0])]
        case "Sigmoid":
            return [1 / (1 + np.exp(-x[0]))]
        case "ConcatV2":
            return [np.concatenate(x[:-1], int(x[-1]))]
        case "SplitV":
            return np.split(x[0], np.cumsum(x[1])[:-1], int(x[2]))
        case "Reshape":
            return [x[0].reshape(x[1])]
        case "ResizeBilinear":
            return [resize(x[0], x[1])]
        case "SparseToDense":
            dense = np.full(x[1], x[3])
            dense[x[0].reshape(-1)] = x[2]
            return [dense]
        case "Identity":
            return [x[0]]
    raise ValueError(f"{node['name']} is of unknown kind {node['op']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    model = json.loads(options.model.read_text())
    values = {name: [value] for name, value in read_weights(options.model, model["weightsManifest"]).items()}
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}

    def value(tensor):
        name, _, port = tensor.partition(":")
        if name not in values:
            node = nodes[name]
            if node["op"] == "Placeholder":
                shape = [int(dim["size"]) for dim in node["attr"]["shape"]["shape"]["dim"]]
                numbers = (np.arange(np.prod(shape)) * 7919 % 1021) / 255 - 2
                values[name] = [numbers.reshape(shape)]
            else:
                inputs = [value(i) for i in node.get("input", []) if not i.startswith("^")]
                values[name] = evaluate(node, inputs, node["attr"])
        return values[name][int(port or 0)]

    lines = []
    for name in TENSORS:
        tensor = value(name)
        indices = np.linspace(0, tensor.size - 1, SAMPLES).astype(int)
        samples = [float(f"{v:.6g}") for v in tensor.reshape(-1)[indices]]
        shape = [int(side) for side in tensor.shape]
        lines.append(f"{json.dumps(name)}: " + json.dumps({"shape": shape, "indices": indices.tolist(), "values": samples}))
    options.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
