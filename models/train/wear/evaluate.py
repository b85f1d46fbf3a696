"""Judges an exported classifier on the test split, as the agent would run it.

    python -m wear.evaluate --data ROOT --model NAME.onnx [--against NAME.fp32.onnx] [--out FILE.json]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime

from . import augment, layout, metrics, synthetic
from .net_input import to_array
from .samples import load, plain

# Shorter side of the part in the frame, pixels.
SIZES = (16, 24, 32, 48, 96)


class Model:
    """An exported classifier on one thread."""

    def __init__(self, path: str):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        self.about = {key: json.loads(value) for key, value in meta.items()}

    def yes(self, crops: list) -> np.ndarray:
        """Probability of the first label for each crop."""
        parts = [self.session.run(None, {"crops": to_array(crops[i : i + 32])})[0][:, 0] for i in range(0, len(crops), 32)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def uncalibrated(self, p: np.ndarray) -> np.ndarray:
        """What the probability would be without the calibration."""
        p = np.clip(p.astype(np.float64), 1e-9, 1 - 1e-9)
        d = np.log(p / (1 - p)) - (self.about["shift"][0] - self.about["shift"][1])
        return 1 / (1 + np.exp(-d / self.about["scale"]))

    def median_ms(self, batch: int, runs: int = 100) -> float:
        """Median processor time of one call; other programs on the machine lengthen the wall clock, this less."""
        side = self.session.get_inputs()[0].shape[-1]
        crops = np.random.default_rng(1).standard_normal((batch, 3, side, side)).astype(np.float32)
        times = []
        for _ in range(runs):
            began = time.thread_time()
            self.session.run(None, {"crops": crops})
            times.append(time.thread_time() - began)
        return round(statistics.median(times) * 1e3, 2)


def drawn(examples: list) -> dict:
    """Crops of test faces with masks drawn on and hands before the mouth, by kind, and whether they are covered."""
    out = {}
    bare = [e for e in examples if e.row.label == "bare" and e.row.points]
    masked = [e for e in examples if e.row.label == "covered" and e.row.points]
    for name, (_, covered) in synthetic.KINDS.items():
        rng = np.random.default_rng(11)
        out[name] = (covered, [dressed(e, synthetic.with_mask(rng, e.picture, e.row.points, name, masked[i % len(masked)].picture)) for i, e in enumerate(bare)])
    rng = np.random.default_rng(11)
    out["hand_before_mouth"] = (False, [dressed(e, augment.hand(rng, e.picture, e.row.points)) for e in bare])
    out["real_mask_nose_out"] = (False, [dressed(e, synthetic.nose_out(rng, e.picture, e.row.points, bare[i % len(bare)].picture, bare[i % len(bare)].row.points)) for i, e in enumerate(masked)])
    return out


def dressed(example, picture: np.ndarray) -> np.ndarray:
    """The crop of the example's face from another picture."""
    return plain("dust_mask", type(example)(example.row, picture))


def report(model: Model, examples: list, attribute: str, labels: list) -> dict:
    """All figures of a model on test pictures."""
    low, high = model.about["no_at_most"], model.about["yes_at_least"]
    truth = np.array([e.row.label == labels[0] for e in examples])
    out = {"no_at_most": low, "yes_at_least": high, "parts": {}, "sizes": {}}
    names = sorted({name for e in examples for name in e.row.parts or [""]})
    for name in names:
        has = [i for i, e in enumerate(examples) if name in (e.row.parts or [""])]
        p = model.yes([plain(attribute, examples[i], name) for i in has])
        found = metrics.figures(p, truth[has], low, high)
        found["ece_before_calibration"] = metrics.calibration_error(model.uncalibrated(p), truth[has])
        kinds = np.array([examples[i].row.camera for i in has])
        found["by_kind"] = {k: {"n": int((kinds == k).sum()), "accuracy": float(((p >= 0.5) == truth[has])[kinds == k].mean())} for k in sorted(set(kinds))}
        sizes = np.array([examples[i].row.source_px for i in has])
        edges = (0, *SIZES[1:], 10_000)
        found["by_source_px"] = {
            f"{a}-{b}": {"n": int(m.sum()), "accuracy": float(((p >= 0.5) == truth[has])[m].mean())}
            for a, b in zip(edges, edges[1:])
            if (m := (sizes >= a) & (sizes < b)).any()
        }
        out["parts"][name or "crop"] = found
    for size in SIZES:
        has = [i for i, e in enumerate(examples) if e.row.source_px >= size]
        if has:
            p = model.yes([plain(attribute, examples[i], None, size) for i in has])
            out["sizes"][size] = metrics.figures(p, truth[has], low, high)
    if attribute == "dust_mask":
        out["drawn"] = {}
        for kind, (covered, crops) in drawn(examples).items():
            p = model.yes(crops)
            out["drawn"][kind] = {"n": len(p), "covered": covered, "called_covered": float((p >= high).mean()), "called_bare": float((p <= low).mean())}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--against", help="another export, such as the float one, to compare the answers with")
    parser.add_argument("--split", default="test", choices=layout.SPLITS)
    parser.add_argument("--seed", type=int, default=7, help="that of the training")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = Model(args.model)
    attribute, labels = model.about["attribute"], model.about["labels"]
    base, rows = layout.read(args.data, attribute)
    layout.assign_splits(rows, args.seed)
    examples = load(base, [r for r in rows if r.split == args.split and r.label in labels])
    out = report(model, examples, attribute, labels)
    out["ms"] = {"batch_1": model.median_ms(1), "batch_8": model.median_ms(8, 40), "bytes": Path(args.model).stat().st_size}
    if args.against:
        other, crops = Model(args.against), [plain(attribute, e) for e in examples]
        p, q = model.yes(crops), other.yes(crops)
        out["against"] = {"largest_difference": float(np.abs(p - q).max()), "mean_difference": float(np.abs(p - q).mean()), "changed_at_half": int(((p >= 0.5) != (q >= 0.5)).sum())}
    text = json.dumps(out, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
