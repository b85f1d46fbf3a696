"""Writes the range of every tensor that a convolution reads or writes, over frames of the demo clip.

    python calibrate.py CARD.toml WEIGHTS.onnx CLIP --out ../../models/variants/NAME.ranges.json

The ranges make the 8-bit variant of a model: see `models/src/variant/`. The card is that of the model in 32 bits.
"""

import argparse
import json
import pathlib
import tomllib

import cv2
import numpy as np
import onnx
import onnxruntime

from detect import feed


def frames(path, every):
    clip = cv2.VideoCapture(path)
    number = 0
    while True:
        is_there, frame = clip.read()
        if not is_there:
            return
        if number % every == 0:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        number += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("card")
    parser.add_argument("weights")
    parser.add_argument("clip")
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--percentile", type=float, default=100.0)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    card = tomllib.loads(pathlib.Path(arguments.card).read_text())
    model = onnx.load(arguments.weights)
    source = model.graph.input[0].name
    wanted = {source}
    for node in model.graph.node:
        if node.op_type == "Conv":
            wanted |= {node.input[0], node.output[0]}
    known = {output.name for output in model.graph.output}
    for name in sorted(wanted - {source} - known):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs() if output.name in wanted]
    ranges = {}
    count = 0
    for frame in frames(arguments.clip, arguments.every):
        fed = feed(card, frame)
        tensor = (fed[0] if isinstance(fed, tuple) else fed).astype(np.float32)
        for name, value in [(source, tensor), *zip(names, session.run(names, {source: tensor}))]:
            tail = (100.0 - arguments.percentile) / 2.0
            low, high = np.percentile(value, [tail, 100.0 - tail]) if tail else (value.min(), value.max())
            seen = ranges.get(name, [float(low), float(high)])
            ranges[name] = [min(seen[0], float(low)), max(seen[1], float(high))]
        count += 1
    text = {name: [float(f"{value:.6g}") for value in ranges[name]] for name in sorted(ranges)}
    pathlib.Path(arguments.out).write_text(json.dumps(text, indent=0) + "\n")
    print(f"{len(text)} tensors over {count} frames")


if __name__ == "__main__":
    main()
