"""The input tensor's normalisation, the same as the cards state; numpy only, so that evaluation needs no torch."""

import numpy as np

# The mean and standard deviation of ImageNet on pixels of 0 to 255, RGB.
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)


def to_array(crops: list) -> np.ndarray:
    """Crops, S x S x 3 bytes in BGR, to N x 3 x S x S floats."""
    return np.ascontiguousarray(((np.stack(crops)[..., ::-1].astype(np.float32) - MEAN) / STD).transpose(0, 3, 1, 2))
