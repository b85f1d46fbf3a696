"""Crops as the agent cuts them: a part's box, a margin, a square or not, the frame's edge repeated beyond it, stretched.

The convention is that of `[crop]` in a model card: `margin` is added on each side as a part of that side's length, then
the shorter side is widened to the longer one about the centre if `square`, edges go to whole pixels, pixels beyond the
frame repeat its edge, and the result is stretched to the input: averaged (OpenCV's `INTER_AREA`) where it is at least as
large as the input in both directions, else `INTER_LINEAR`. The agent does the same.
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Crop:
    """`[crop]` and `[input]` of a card, as far as they say what the model sees."""

    margin: float
    square: bool
    side: int = 96


# What the two shipped cards say, and for slots without a model the `part` of the attribute's file. The top of a person's
# box is a coarse part already and gets no margin of its own.
CROPS = {
    "dust_mask": Crop(0.15, False),
    "hard_hat": Crop(0.15, True, 128),
    "hi_vis_vest": Crop(0.1, False),
    "ear_protection": Crop(0.2, True),
}
PART_MARGIN = {"top": 0.0}


def window(box, margin: float, square: bool) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 in whole pixels; may reach beyond the frame."""
    x0, y0, x1, y1 = box
    width, height = (x1 - x0) * (1 + 2 * margin), (y1 - y0) * (1 + 2 * margin)
    if square:
        width = height = max(width, height)
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = round(cx - width / 2), round(cy - height / 2)
    return left, top, max(left + 1, round(cx + width / 2)), max(top + 1, round(cy + height / 2))


def cut(picture: np.ndarray, box, crop: Crop, margin: float | None = None) -> np.ndarray:
    """The crop of a part, side x side x 3."""
    x0, y0, x1, y1 = window(box, crop.margin if margin is None else margin, crop.square)
    return stretch(rectangle(picture, x0, y0, x1, y1), crop.side)


def rectangle(picture: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """The rectangle's pixels, those beyond the picture repeated from its edge."""
    height, width = picture.shape[:2]
    inner = picture[max(0, y0) : max(1, min(height, y1)), max(0, x0) : max(1, min(width, x1))]
    if inner.size == 0:
        inner = picture
    out = (max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width))
    return cv2.copyMakeBorder(inner, *out, cv2.BORDER_REPLICATE) if any(out) else inner


def stretch(picture: np.ndarray, side: int) -> np.ndarray:
    """Stretched to a square."""
    shrinks = min(picture.shape[:2]) >= side
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def lowered(picture: np.ndarray, box, short_px: float) -> tuple[np.ndarray, list]:
    """The picture and box as a camera would give them whose pixels make the part's shorter side `short_px`; never enlarged."""
    ratio = short_px / max(1e-6, min(box[2] - box[0], box[3] - box[1]))
    if ratio >= 1:
        return picture, list(box)
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    fx, fy = size[0] / picture.shape[1], size[1] / picture.shape[0]
    return small, [box[0] * fx, box[1] * fy, box[2] * fx, box[3] * fy]
