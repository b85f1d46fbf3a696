"""How much boxes (left, top, width, height) have in common."""

import numpy as np


def iou(a, b):
    a, b = np.asarray(a, float).reshape(-1, 4), np.asarray(b, float).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    return shared / (a[:, None, 2:].prod(2) + b[None, :, 2:].prod(2) - shared)
