"""Runs a detector's card and weights on photos with onnxruntime and NumPy and writes the detections as JSON.

This is the plain reference that the Rust detector is compared with. It is written from the model families' papers
and from the card alone and shares nothing with the Rust code: Pillow decodes, NumPy resizes, ONNX Runtime runs.

    python detect.py CARD.toml WEIGHTS.onnx IMAGE... --out detections.json [--score 0.02] [--nms-iou 0.5]

The output maps each file name to a list of [class, score, x0, y0, x1, y1], best score first, in pixels; where the
family gives landmarks, their x and y follow. Boxes are as the model says them; they may reach beyond the photo.
"""

import argparse
import json
import math
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


# Numbers 1 to 90 of COCO's annotations; the others have no meaning.
GAPS = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)


def class_names(card):
    """The name of each number, None where it has no meaning."""
    if card["classes"] == "coco80":
        return list(COCO80)
    if card["classes"] == "coco91":
        names = iter(COCO80)
        return [None if number in GAPS else next(names) for number in range(91)]
    return [name or None for name in card["classes"]]


def input_size(card, width, height):
    """Width and height of the input for a photo."""
    spec = card["input"]
    if "dynamic" not in spec:
        return spec["width"], spec["height"]
    dynamic = spec["dynamic"]
    ratio = min(spec["width"] / width, spec["height"] / height)
    if dynamic["axes"] == "both" and not dynamic.get("enlarge", False):
        ratio = min(ratio, 1)
    step = dynamic["multiple-of"]
    new_width, new_height = (-(-max(math.floor(side * ratio + 0.5), 1) // step) * step for side in (width, height))
    return (new_width, spec["height"]) if dynamic["axes"] == "width" else (new_width, new_height)


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
    photo_height, photo_width = rgb.shape[:2]
    width, height = input_size(card, photo_width, photo_height)
    if spec["resize"] == "stretch":
        canvas, left, top = bilinear(rgb, width, height), 0, 0
        scale = (photo_width / width, photo_height / height)
    else:
        box = spec["resize"]["letterbox"]
        ratio = min(width / photo_width, height / photo_height)
        new_width, new_height = (math.floor(side * ratio + 0.5) for side in (photo_width, photo_height))
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


def nanodet(card, outputs, size):
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


def yolox(card, outputs, size):
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


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def cells(strides, size, anchors=None):
    """Column, row and stride of each cell, and of each anchor of a cell."""
    rows = []
    for number, stride in enumerate(strides):
        y, x = np.mgrid[: size[1] // stride, : size[0] // stride].reshape(2, -1)
        cell = np.stack([x, y, np.full(len(x), stride)], 1).astype(np.float64)
        rows.append(np.repeat(cell, anchors[number] if anchors else 1, axis=0))
    return np.concatenate(rows)


def from_centre(centre, size):
    return np.concatenate([centre - size / 2, centre + size / 2], 1)


def ssd(card, outputs, size):
    spec = card["decoder"]["ssd"]
    priors = []
    for grid in spec["grids"]:
        y, x = np.mgrid[: grid["rows"], : grid["columns"]].reshape(2, -1) + 0.5
        centres = np.stack([x / grid["columns"], y / grid["rows"]], 1)
        for centre in centres:
            priors += [[*centre, *anchor] for anchor in grid["anchors"]]
    priors = np.array(priors)
    offsets = outputs[spec["boxes"]][0].astype(np.float64)
    if spec.get("order", "xywh") == "yxhw":
        offsets = offsets[:, [1, 0, 3, 2]]
    offsets = offsets * spec["variances"]
    boxes = from_centre(priors[:, :2] + offsets[:, :2] * priors[:, 2:], priors[:, 2:] * np.exp(offsets[:, 2:]))
    scores = outputs[spec["scores"]][0]
    scores = {"sigmoid": sigmoid, "none": np.asarray}[spec["activation"]](scores).copy()
    scores[:, [name is None for name in class_names(card)]] = 0
    return boxes * [*size, *size], scores


def centerface(card, outputs, size):
    spec = card["decoder"]["centerface"]
    stride = spec["stride"]
    heat, sides, offsets, points = (outputs[spec[key]][0].astype(np.float64) for key in ("heat-map", "sizes", "offsets", "landmarks"))
    y, x = np.mgrid[: heat.shape[1], : heat.shape[2]]
    height, width = np.exp(sides) * stride
    centre = np.stack([(x + offsets[1] + 0.5) * stride, (y + offsets[0] + 0.5) * stride], -1).reshape(-1, 2)
    boxes = from_centre(centre, np.stack([width, height], -1).reshape(-1, 2))
    landmarks = [part for k in range(5) for part in (points[2 * k + 1] * width, points[2 * k] * height)]
    landmarks = np.stack(landmarks, -1).reshape(-1, 10) + np.tile(boxes[:, :2], 5)
    return boxes, heat.reshape(-1, 1), landmarks


def blazeface(card, outputs, size):
    spec = card["decoder"]["blazeface"]
    cell = cells(spec["strides"], size, spec["anchors"])
    point = (cell[:, :2] + 0.5) * cell[:, 2:]
    rows = outputs[spec["regression"]][0].astype(np.float64)
    boxes = from_centre(point + rows[:, :2], rows[:, 2:4])
    return boxes, outputs[spec["scores"]][0].reshape(-1, 1), rows[:, 4:] + np.tile(point, spec["landmarks"])


def yunet(card, outputs, size):
    spec = card["decoder"]["yunet"]
    boxes, scores, points = [], [], []
    for number, stride in enumerate(spec["strides"]):
        get = lambda key: outputs[spec[key][number]][0].astype(np.float64)
        cell = cells([stride], size)[:, :2]
        rows = get("box-outputs")
        boxes.append(from_centre((cell + rows[:, :2]) * stride, np.exp(rows[:, 2:]) * stride))
        scores.append(np.sqrt(np.clip(get("class-outputs"), 0, 1) * np.clip(get("object-outputs"), 0, 1)))
        points.append((get("landmark-outputs") + np.tile(cell, 5)) * stride)
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(points)


def plate(card, outputs, size):
    spec = card["decoder"]["plate"]
    cell = cells(spec["strides"], size, [len(sides) for sides in spec["prior-sides"]])
    centre = (cell[:, :2] + 0.5) * cell[:, 2:]
    per_stride = [np.tile(sides, (size[0] // stride) * (size[1] // stride)) for stride, sides in zip(spec["strides"], spec["prior-sides"])]
    side = np.concatenate(per_stride)[:, None]
    of_centre, of_size = spec["variances"]
    rows = outputs[spec["boxes"]][0].astype(np.float64)
    boxes = from_centre(centre + rows[:, :2] * of_centre * side, side * np.exp(rows[:, 2:] * of_size))
    points = outputs[spec["landmarks"]][0] * of_centre * side + np.tile(centre, spec["points"])
    return boxes, outputs[spec["scores"]][0][:, 1:], points


DECODERS = {f.__name__: f for f in (nanodet, yolox, ssd, centerface, blazeface, yunet, plate)}


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
    size = input_size(card, rgb.shape[1], rgb.shape[0])
    boxes, scores, *rest = DECODERS[next(iter(card["decoder"]))](card, outputs, size)
    landmarks = rest[0] if rest else np.zeros((len(boxes), 0))
    classes = scores.argmax(axis=1)
    best = scores.max(axis=1)
    chosen = best >= score
    boxes, landmarks, best, classes = boxes[chosen], landmarks[chosen], best[chosen], classes[chosen]
    boxes = (boxes - [left, top, left, top]) * [scale_x, scale_y, scale_x, scale_y]
    landmarks = (landmarks.reshape(len(boxes), landmarks.shape[1] // 2, 2) - [left, top]) * [scale_x, scale_y]
    names = class_names(card)
    found = []
    for i in suppress(boxes, best, classes, nms_iou):
        box = boxes[i]
        if (box[2] - box[0]) * (box[3] - box[1]) > 0:
            numbers = [*box, *landmarks[i].ravel()]
            found.append([names[classes[i]], round(float(best[i]), 5), *(round(float(v), 3) for v in numbers)])
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
