"""Detections of a clip in the MOT det.txt form, one line a box, for the tracking evaluation.

    python detect.py CLIP --model yolox_nano.onnx > det.txt

Columns: frame (from 1), -1, left, top, width, height, score, class name. Boxes are in pixels of the full frame.
The agent's own models crate is not used, so that the tracker is measured apart from it.
Supports YOLOX exports (raw 85-column output) and NanoDet exports (three class and three distance outputs).
"""

import argparse
import sys

import cv2
import numpy as np
import onnxruntime

COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,"
    "cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
    "refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
).split(",")
KEPT = {"person", "bicycle", "car", "motorcycle", "bus", "truck"}
SIDE = 416


def yolox(session, image):
    """Boxes (x0, y0, x1, y1) and scores (n, 80) of one BGR picture by a YOLOX export."""
    height, width = image.shape[:2]
    ratio = min(SIDE / width, SIDE / height)
    scaled = cv2.resize(image, (round(width * ratio), round(height * ratio)))
    canvas = np.full((SIDE, SIDE, 3), 114, np.float32)
    canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
    raw = session.run(None, {session.get_inputs()[0].name: canvas.transpose(2, 0, 1)[None]})[0][0]
    # The default detector's rows of heads come behind those of COCO, and its columns of them behind COCO's.
    raw = raw[: sum((SIDE // stride) ** 2 for stride in (8, 16, 32)), : 5 + len(COCO)]
    grids, strides = [], []
    for stride in (8, 16, 32):
        n = SIDE // stride
        ys, xs = np.mgrid[:n, :n]
        grids.append(np.stack([xs.ravel(), ys.ravel()], 1))
        strides.append(np.full((n * n, 1), stride))
    grid, stride = np.concatenate(grids), np.concatenate(strides)
    centre, size = (raw[:, :2] + grid) * stride, np.exp(raw[:, 2:4]) * stride
    boxes = np.concatenate([centre - size / 2, centre + size / 2], 1) / ratio
    return boxes, raw[:, 4:5] * raw[:, 5:]


def nanodet(session, image):
    """Boxes (x0, y0, x1, y1) and scores (n, 80) of one BGR picture by a NanoDet export."""
    height, width = image.shape[:2]
    scaled = cv2.resize(image, (SIDE, SIDE)).astype(np.float32)
    scaled = (scaled - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]
    feed = {session.get_inputs()[0].name: scaled.transpose(2, 0, 1)[None].astype(np.float32)}
    outputs = [o.reshape(-1, o.shape[-1]) for o in session.run(None, feed)]
    boxes, scores = [], []
    for stride in (8, 16, 32):
        n = SIDE // stride
        score = next(o for o in outputs if o.shape == (n * n, 80))
        bins = next(o for o in outputs if o.shape == (n * n, 44)).reshape(-1, 4, 11)
        bins = np.exp(bins - bins.max(2, keepdims=True))
        reach = (bins / bins.sum(2, keepdims=True) * np.arange(11)).sum(2) * stride
        ys, xs = np.mgrid[:n, :n]
        x, y = (xs.ravel() + 0.5) * stride, (ys.ravel() + 0.5) * stride
        boxes.append(np.stack([x - reach[:, 0], y - reach[:, 1], x + reach[:, 2], y + reach[:, 3]], 1))
        scores.append(score)
    scale = np.array([width / SIDE, height / SIDE] * 2)
    return np.concatenate(boxes) * scale, np.concatenate(scores)


def decoder(session):
    """What reads the answers of a model: YOLOX has one output, NanoDet six."""
    return yolox if len(session.get_outputs()) == 1 else nanodet


def nms(boxes, scores, limit):
    """Indices of the boxes that survive greedy suppression, best first."""
    order, kept = np.argsort(-scores, kind="stable"), []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order):
        i, rest = order[0], order[1:]
        kept.append(i)
        low = np.maximum(boxes[i, :2], boxes[rest, :2])
        high = np.minimum(boxes[i, 2:], boxes[rest, 2:])
        shared = np.clip(high - low, 0, None).prod(1)
        order = rest[shared / (area[i] + area[rest] - shared) <= limit]
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--model", required=True)
    parser.add_argument("--min-score", type=float, default=0.1)
    parser.add_argument("--nms", type=float, default=0.5)
    args = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    decode = decoder(session)
    clip = cv2.VideoCapture(args.clip)
    if not clip.isOpened():
        sys.exit(f"failed to open {args.clip}: is it a video file?")
    frame = 0
    while True:
        ok, image = clip.read()
        if not ok:
            break
        frame += 1
        boxes, scores = decode(session, image)
        for k in sorted(COCO.index(name) for name in KEPT):
            chosen = scores[:, k] >= args.min_score
            b, s = boxes[chosen], scores[chosen, k]
            for i in nms(b, s, args.nms):
                x0, y0, x1, y1 = b[i]
                print(f"{frame},-1,{x0:.2f},{y0:.2f},{x1 - x0:.2f},{y1 - y0:.2f},{s[i]:.4f},{COCO[k]}")
    print(f"{frame} frames of {args.clip}", file=sys.stderr)


if __name__ == "__main__":
    main()
