"""Runs a model card's weights on photos with onnxruntime and NumPy and writes the detections as JSON.

This is the plain reference that the Rust detector is compared with. It is written from the model families' papers
and from the card alone and shares nothing with the Rust code: Pillow decodes, NumPy resizes, ONNX Runtime runs.

    python detect.py CARD.toml WEIGHTS.onnx IMAGE... --out detections.json [--score 0.02] [--nms-iou 0.5]

The output maps each file name to a list of [class, score, x0, y0, x1, y1], best score first, in pixels.
Boxes are as the model says them; they may reach beyond the photo.
"""

import argparse
import json
import pathlib
import tomllib

import numpy as np
import onnxruntime
from PIL import Image

COCO80 = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,"
    "wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,"
    "chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,"
    "toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
).split(",")


def bilinear(picture, width, height):
    """Resizes H x W x C bytes to the byte as OpenCV's INTER_LINEAR: weights in 2048ths, bits dropped in between."""

    def axis(source, out):
        position = ((np.arange(out) + 0.5) * (source / out) - 0.5).astype(np.float32)
        low = np.floor(position).astype(int)
        weight = position - low.astype(np.float32)
        weight[(low < 0) | (low >= source - 1)] = 0
        low = np.clip(low, 0, source - 1)
        weights = [np.rint(part * 2048).astype(np.int64) for part in (1 - weight, weight)]
        return low, np.minimum(low + 1, source - 1), *weights

    y0, y1, upper, lower = axis(picture.shape[0], height)
    x0, x1, left, right = axis(picture.shape[1], width)
    source = picture.astype(np.int64)
    rows = (source[:, x0] * left[None, :, None] + source[:, x1] * right[None, :, None]) >> 4
    quarters = ((rows[y0] * upper[:, None, None]) >> 16) + ((rows[y1] * lower[:, None, None]) >> 16)
    return ((quarters + 2) >> 2).astype(np.float64)


def feed(card, rgb):
    """The input tensor, and what turns its pixels to the photo's: (left, top, scale x, scale y)."""
    spec = card["input"]
    width, height = spec["width"], spec["height"]
    photo_height, photo_width = rgb.shape[:2]
    if spec["resize"] == "stretch":
        canvas, left, top = bilinear(rgb, width, height), 0, 0
        scale = (photo_width / width, photo_height / height)
    else:
        box = spec["resize"]["letterbox"]
        ratio = min(width / photo_width, height / photo_height)
        new_width, new_height = round(photo_width * ratio), round(photo_height * ratio)
        scale = (1 / ratio, 1 / ratio)
        centred = box["anchor"] == "centre"
        left, top = ((width - new_width) // 2, (height - new_height) // 2) if centred else (0, 0)
        canvas = np.full((height, width, 3), float(box["pad"]))
        canvas[top : top + new_height, left : left + new_width] = bilinear(rgb, new_width, new_height)
    if spec["channels"] == "bgr":
        canvas = canvas[:, :, ::-1]
    tensor = (canvas * spec.get("scale", 1.0) - np.array(spec.get("mean", [0, 0, 0]))) / np.array(spec.get("std", [1, 1, 1]))
    if spec.get("layout", "nchw") == "nchw":
        tensor = tensor.transpose(2, 0, 1)
    return np.ascontiguousarray(tensor[None], dtype=np.float32), (left, top, *scale)


def nanodet(card, outputs):
    """Boxes (n x 4) and class scores (n x classes) in input pixels."""
    spec = card["decoder"]["nanodet"]
    boxes, scores = [], []
    for stride, classes, sides in zip(spec["strides"], spec["class-outputs"], spec["box-outputs"]):
        columns, rows = card["input"]["width"] // stride, card["input"]["height"] // stride
        y, x = np.mgrid[:rows, :columns].reshape(2, -1) + 0.5
        logits = outputs[sides][0].reshape(len(x), 4, spec["reg-max"] + 1).astype(np.float64)
        softmax = np.exp(logits - logits.max(axis=2, keepdims=True))
        softmax /= softmax.sum(axis=2, keepdims=True)
        distance = softmax @ np.arange(spec["reg-max"] + 1)
        boxes.append(np.stack([x - distance[:, 0], y - distance[:, 1], x + distance[:, 2], y + distance[:, 3]], 1) * stride)
        scores.append(outputs[classes][0])
    return np.concatenate(boxes), np.concatenate(scores)


def yolox(card, outputs):
    """Boxes (n x 4) and class scores (n x classes) in input pixels."""
    raw = next(iter(outputs.values()))[0].astype(np.float64)
    grids, strides = [], []
    for stride in card["decoder"]["yolox"]["strides"]:
        columns, rows = card["input"]["width"] // stride, card["input"]["height"] // stride
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        grids.append(np.stack([x, y], 1))
        strides.append(np.full((len(x), 1), stride))
    grid, stride = np.concatenate(grids), np.concatenate(strides)
    centre = (raw[:, :2] + grid) * stride
    size = np.exp(raw[:, 2:4]) * stride
    return np.concatenate([centre - size / 2, centre + size / 2], 1), raw[:, 4:5] * raw[:, 5:]


def suppress(boxes, scores, classes, limit):
    """Indices that stay after non-maximum suppression within each class."""
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        for k in kept:
            if classes[k] != classes[i]:
                continue
            low = np.maximum(boxes[i, :2], boxes[k, :2])
            high = np.minimum(boxes[i, 2:], boxes[k, 2:])
            shared = np.prod(np.maximum(high - low, 0))
            if shared / (area[i] + area[k] - shared) > limit:
                break
        else:
            kept.append(i)
    return kept


def detect(session, card, path, score, nms_iou):
    rgb = np.asarray(Image.open(path).convert("RGB"))
    tensor, (left, top, scale_x, scale_y) = feed(card, rgb)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, {session.get_inputs()[0].name: tensor})))
    decode = {"nanodet": nanodet, "yolox": yolox}[next(iter(card["decoder"]))]
    boxes, scores = decode(card, outputs)
    classes = scores.argmax(axis=1)
    best = scores.max(axis=1)
    chosen = best >= score
    boxes, best, classes = boxes[chosen], best[chosen], classes[chosen]
    boxes = (boxes - [left, top, left, top]) * [scale_x, scale_y, scale_x, scale_y]
    names = COCO80 if card["classes"] == "coco80" else card["classes"]
    found = []
    for i in suppress(boxes, best, classes, nms_iou):
        box = boxes[i]
        if (box[2] - box[0]) * (box[3] - box[1]) > 0:
            found.append([names[classes[i]], round(float(best[i]), 5), *(round(float(v), 3) for v in box)])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("card", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path, nargs="+")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--score", type=float, help="least score; the card's if absent")
    parser.add_argument("--nms-iou", type=float, help="overlap that suppresses; the card's if absent")
    options = parser.parse_args()
    card = tomllib.loads(options.card.read_text())
    score = options.score if options.score is not None else card["thresholds"]["score"]
    nms_iou = options.nms_iou if options.nms_iou is not None else card["thresholds"]["nms-iou"]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(options.weights), settings, providers=["CPUExecutionProvider"])
    found = {path.name: detect(session, card, path, score, nms_iou) for path in sorted(options.images)}
    lines = [f"{json.dumps(name)}: {json.dumps(boxes)}" for name, boxes in found.items()]
    options.out.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
