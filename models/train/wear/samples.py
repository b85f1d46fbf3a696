"""Training samples: which picture, which part of it, what is done to it and what the answer should be."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import augment, synthetic
from .cut import CROPS, PART_MARGIN, Crop, cut, lowered
from .layout import Row

# What a crop without a face or head is taught to give: the middle of the "cannot tell" band.
NOTHING = 0.5
SMOOTHING = 0.04


@dataclass
class Example:
    """A row with its picture in memory."""

    row: Row
    picture: np.ndarray

    def part(self, name: str | None = None) -> tuple[str, list]:
        """The named part or the first; the whole picture where the row names none."""
        if not self.row.parts:
            return "", [0.0, 0.0, float(self.picture.shape[1]), float(self.picture.shape[0])]
        name = name if name in self.row.parts else next(iter(self.row.parts))
        return name, self.row.parts[name]


def crop_of(attribute: str, example: Example, name: str) -> tuple[Crop, float]:
    """The convention of an attribute, and the margin of one part. Pictures that are crops already get none."""
    crop = CROPS.get(attribute, Crop(0.0, False))
    return crop, 0.0 if name == "" else PART_MARGIN.get(name, crop.margin)


def load(base: Path, rows: list[Row]) -> list[Example]:
    """Rows with their pictures; a picture that cannot be read is an error that names it."""
    out = []
    for row in rows:
        picture = cv2.imread(str(base / row.file), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{base / row.file} is no picture that can be read: delete it or write it anew")
        out.append(Example(row, picture))
    return out


def plain(attribute: str, example: Example, name: str | None = None, short_px: float | None = None) -> np.ndarray:
    """The crop as the agent would cut it, unaugmented, optionally as a distant camera would see it."""
    name, box = example.part(name)
    crop, margin = crop_of(attribute, example, name)
    picture = example.picture
    if short_px is not None:
        picture, box = lowered(picture, box, short_px)
    return cut(picture, box, crop, margin)


class Sampler:
    """Draws training samples, each determined by the seed and its number.

    Each label comes equally often, and within a label each camera (of the hats: each kind of head) as the square root of
    its number of pictures, so that a camera with few pictures is not drowned by one with many.
    """

    def __init__(self, attribute: str, examples: list[Example], labels: list[str], seed: int):
        self.attribute, self.examples, self.labels, self.seed = attribute, examples, labels, seed
        self.by_label = [[e for e in examples if e.row.label == label] for label in labels]
        self.chances = []
        for label, found in zip(labels, self.by_label):
            if not found:
                raise ValueError(f"no training crop of {attribute} is labelled {label!r}")
            cameras = [e.row.camera for e in found]
            weights = np.array([cameras.count(camera) ** -0.5 for camera in cameras])
            self.chances.append((weights / weights.sum()).cumsum())
        self.with_points = [[e for e in found if e.row.points] for found in self.by_label]

    def target(self, index: int | None) -> np.ndarray:
        """The wanted probabilities; `None` for a crop that shows nothing to judge."""
        count = len(self.labels)
        if index is None:
            return np.full(count, 1 / count, np.float32)
        out = np.full(count, SMOOTHING / count, np.float32)
        out[index] += 1 - SMOOTHING
        return out

    def sample(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The crop (side x side x 3, BGR) and its target."""
        rng = np.random.default_rng((self.seed, number))
        index = number % len(self.labels)
        found = self.by_label[index]
        example = found[min(int(np.searchsorted(self.chances[index], rng.random())), len(found) - 1)]
        other = self.examples[rng.integers(len(self.examples))].picture
        name = list(example.row.parts)[rng.integers(len(example.row.parts))] if example.row.parts else None
        name, box = example.part(name)
        crop, margin = crop_of(self.attribute, example, name)
        picture = example.picture
        if self.attribute == "dust_mask":
            picture, index = self.dressed(rng, example, index)
        if example.row.parts and rng.random() < 0.06:
            picture, box, index = example.picture, self.beside(rng, example, box), None
        return augment.augmented(rng, picture, box, crop, margin, other, any_hue=self.attribute == "hard_hat"), self.target(index)

    def beside(self, rng: np.random.Generator, example: Example, box) -> list:
        """A box that shows none of the part: below it, or beside it."""
        width, height = box[2] - box[0], box[3] - box[1]
        scale = rng.uniform(0.4, 0.9)
        if self.attribute == "dust_mask":
            # Hair and forehead above the eyes, or what is beside the face.
            dx, dy = (rng.uniform(-0.3, 0.3), -rng.uniform(0.75, 1.1)) if rng.random() < 0.5 else (rng.choice([-1, 1]) * rng.uniform(1.1, 1.5), rng.uniform(-0.4, 0.4))
        else:
            dx, dy = rng.uniform(-0.4, 0.4), rng.uniform(1.5, 2.2)
            box = example.row.parts.get("head", box)
            width, height = box[2] - box[0], box[3] - box[1]
        cx, cy = (box[0] + box[2]) / 2 + dx * width, (box[1] + box[3]) / 2 + dy * height
        return [cx - scale * width / 2, cy - scale * height / 2, cx + scale * width / 2, cy + scale * height / 2]

    def dressed(self, rng: np.random.Generator, example: Example, index: int) -> tuple[np.ndarray, int]:
        """Faces as inspectors meet them: a mask drawn on, slipped, under the chin, or a hand before the mouth."""
        picture, points = example.picture, example.row.points
        covered, bare = self.labels.index("covered"), self.labels.index("bare")
        draw = rng.random()
        if not points:
            return picture, index
        if index == covered:
            donors = self.with_points[bare]
            if draw < 0.14 and donors:
                donor = donors[rng.integers(len(donors))]
                return synthetic.nose_out(rng, picture, points, donor.picture, donor.row.points), bare
            return picture, covered
        donors = self.with_points[covered]
        donor = donors[rng.integers(len(donors))].picture if donors else None
        for kind, below in (("worn", 0.24), ("below_nose", 0.36), ("below_mouth", 0.41), ("below_chin", 0.46)):
            if draw < below:
                dressed = synthetic.with_mask(rng, picture, points, kind, donor)
                return dressed, covered if synthetic.KINDS[kind][1] else bare
        return (augment.hand(rng, picture, points), bare) if draw < 0.56 else (picture, bare)
