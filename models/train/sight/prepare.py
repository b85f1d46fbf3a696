"""Writes what the published network sees in many altered photos, so that the heads are learned in minutes on a CPU.

    python -m sight.prepare --photos DATA --body yolox_nano.onnx --out DIR [--count 8000]

`DIR/features.npy` holds one row a sample: the pyramid's three levels, one after another; `DIR/labels.npz` the heads and
the places of which nothing is known: people whom the network finds and nobody labelled a head of.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from . import photos
from .augment import sample
from .body import CHANNELS, SIDE, STRIDES, Body, people

# Sure enough of a person that a head must be there, labelled or not.
SURE_PERSON = 0.25
# The part of a person's box, from above, in which the head is.
HEAD_PART = 0.4
# What one site photo counts for, against one of a street: workers are what is looked for.
REPEATS = {"hard-hat": 2, "ppe-vest-hat": 2, "face-mask-boxes": 1}

SIZES = [channels * (SIDE // stride) ** 2 for channels, stride in zip(CHANNELS, STRIDES)]


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--photos", type=Path, required=True)
    ask.add_argument("--body", type=Path, required=True)
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--count", type=int, default=8000)
    ask.add_argument("--part", default="train")
    ask.add_argument("--seed", type=int, default=1)
    args = ask.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    chosen = [p for p in photos.every(args.photos) if p.part == args.part]
    weighted = [p for p in chosen for _ in range(REPEATS[p.path.relative_to(args.photos).parts[-3]])]
    body = Body(args.body)
    shape = (args.count, sum(SIZES))
    features = np.lib.format.open_memmap(args.out / "features.npy", mode="w+", dtype=np.float16, shape=shape)
    heads, open_places, start = [], [], time.monotonic()
    for number in range(args.count):
        picture, known, small = sample(weighted, np.random.default_rng([args.seed, number]))
        answer, levels = body.look(picture)
        features[number] = np.concatenate([level.ravel() for level in levels]).astype(np.float16)
        heads.append(known)
        open_places.append(np.vstack([small[:, :4], headless(answer, known)]))
        if number % 200 == 199:
            left = (time.monotonic() - start) / (number + 1) * (args.count - number - 1)
            print(f"{number + 1} of {args.count}, about {left:.0f} s left", flush=True)
    features.flush()
    np.savez(
        args.out / "labels.npz",
        heads=np.vstack(heads),
        of_heads=np.repeat(np.arange(args.count), [len(h) for h in heads]),
        open=np.vstack(open_places),
        of_open=np.repeat(np.arange(args.count), [len(o) for o in open_places]),
    )


def headless(answer, heads):
    """The upper parts of the people in a published answer that no labelled head reaches into."""
    boxes, _ = people(answer, SURE_PERSON)
    upper = boxes.copy()
    upper[:, 3] = boxes[:, 1] + HEAD_PART * (boxes[:, 3] - boxes[:, 1])
    has = np.zeros(len(boxes), bool)
    for x0, y0, x1, y1 in heads[:, :4]:
        has |= (upper[:, 0] < x1) & (x0 < upper[:, 2]) & (upper[:, 1] < y1) & (y0 < upper[:, 3])
    return upper[~has]


if __name__ == "__main__":
    main()
