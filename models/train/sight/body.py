"""The published detector whose features the heads are read from: YOLOX-nano 416, and what it says of a picture."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

SIDE = 416
STRIDES = (8, 16, 32)
PAD = 114
PERSON = 0

# The pyramid's three levels in the published file: each is what the level's own head reads first.
LEVELS = ("956", "990", "1024")
CHANNELS = (64, 128, 256)


class Body:
    """Runs the published network and gives its pyramid beside its answer."""

    def __init__(self, file: Path, threads: int = 2):
        model = onnx.load(str(file))
        for name in LEVELS:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def look(self, picture: np.ndarray):
        """`picture`: 416 x 416 x 3, BGR, 8 bits. Answer 3549 x 85 as published, and the three levels C x H x W."""
        tensor = picture.astype(np.float32).transpose(2, 0, 1)[None]
        answer, *levels = self.session.run(None, {"images": tensor})
        return answer[0], [level[0] for level in levels]


def people(answer: np.ndarray, at_least: float):
    """Boxes x0, y0, x1, y1 in input pixels of the people in a published answer, before doubles are taken out."""
    boxes, scores = decoded(answer, STRIDES)
    score = scores[:, PERSON]
    return boxes[score >= at_least], score[score >= at_least]


def decoded(answer: np.ndarray, strides):
    """Boxes and class scores of YOLOX rows (its paper's section 2.1): centre from the cell, sides by exponent."""
    cells = np.concatenate([cell_corners(stride) for stride in strides])
    scale = np.concatenate([np.full((SIDE // s) ** 2, s, np.float32) for s in strides])[:, None]
    centre = (answer[:, :2] + cells) * scale
    half = np.exp(answer[:, 2:4]) * scale / 2
    return np.hstack([centre - half, centre + half]), answer[:, 5:] * answer[:, 4:5]


def cell_corners(stride: int) -> np.ndarray:
    """Column and row of each cell of a level, row by row."""
    count = SIDE // stride
    rows, columns = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
