"""Calibrates a trained classifier on the validation split and writes it as ONNX, in floats and with 8-bit weights.

    python -m wear.export --data ROOT --run DIR/hard_hat.pt --out DIR --name hard-hat

Writes `NAME.onnx` (what is shipped), `NAME.fp32.onnx` (to compare with) and `NAME.json` (calibration and band).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch

from . import layout, metrics
from .net import Calibrated, CropClassifier
from .quantise import store_int8
from .samples import load
from .train import logits_of, validation
from .cut import CROPS, Crop

OPSET = 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the .pt file of wear.train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", required=True, help="file name without its ending")
    parser.add_argument("--false-yes", type=float, default=0.01, help="part of the noes that may be called yes, on the validation split")
    parser.add_argument("--false-no", type=float, default=0.01, help="part of the yeses that may be called no, on the validation split")
    parser.add_argument("--seed", type=int, default=7, help="that of the training")
    args = parser.parse_args()
    saved = torch.load(args.run, map_location="cpu", weights_only=True)
    about, labels = saved["about"], saved["about"]["labels"]
    net = CropClassifier(len(labels))
    net.load_state_dict(saved["weights"])
    base, rows = layout.read(args.data, about["attribute"])
    layout.assign_splits(rows, args.seed)
    held = load(base, [r for r in rows if r.split == "val" and r.label in labels])
    crops, truth = validation(about["attribute"], held, labels)
    logits = logits_of(net, crops)
    scale, shift = metrics.fit_platt(logits, truth)
    p, yes = metrics.softmax(logits * scale + np.array(shift))[:, 0], truth == 0
    no_at_most, yes_at_least = metrics.band(p, yes, args.false_yes, args.false_no)
    about |= {"scale": scale, "shift": shift, "no_at_most": no_at_most, "yes_at_least": yes_at_least}
    about["validation"] = metrics.figures(p, yes, no_at_most, yes_at_least)
    about["validation"]["ece_before_calibration"] = metrics.calibration_error(metrics.softmax(logits)[:, 0], yes)

    side = CROPS.get(about["attribute"], Crop(0.0, False)).side
    args.out.mkdir(parents=True, exist_ok=True)
    plain, small = args.out / f"{args.name}.fp32.onnx", args.out / f"{args.name}.onnx"
    model = Calibrated(net, scale, shift).eval().to(memory_format=torch.contiguous_format)
    axes = {"crops": {0: "n"}, "probabilities": {0: "n"}}
    torch.onnx.export(model, torch.zeros(2, 3, side, side), str(plain), opset_version=OPSET, input_names=["crops"], output_names=["probabilities"], dynamic_axes=axes, dynamo=False)
    graph = onnx.load(str(plain))
    for key in ("attribute", "labels", "seed", "scale", "shift", "no_at_most", "yes_at_least"):
        entry = graph.metadata_props.add()
        entry.key, entry.value = key, json.dumps(about[key])
    graph.producer_name, graph.producer_version, graph.doc_string = "forewarn models/train", "", ""
    # Where in the exporter each node came from is of no use to who runs the model.
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(graph, str(plain))
    onnx.save(store_int8(graph), str(small))
    (args.out / f"{args.name}.json").write_text(json.dumps(about, indent=1) + "\n")
    print(json.dumps(about, indent=1))
    print(f"{small}: {small.stat().st_size} bytes; {plain}: {plain.stat().st_size} bytes")


if __name__ == "__main__":
    main()
