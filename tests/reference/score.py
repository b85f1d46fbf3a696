"""Prints AP and AP50 of detections (as written by detect.py or by the Rust test) against YOLO label files.

    python score.py detections.json LABELS_DIR IMAGES_DIR

Each label row is `class cx cy w h`, normalised. Two lines come out: all classes, and person, car, bus, truck.
"""

import contextlib
import io
import json
import pathlib
import sys

from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detect import COCO80

STREET = ["person", "car", "bus", "truck"]


def main():
    detections = json.loads(pathlib.Path(sys.argv[1]).read_text())
    labels, images = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    truth = {"images": [], "annotations": [], "categories": [{"id": i, "name": n} for i, n in enumerate(COCO80)]}
    results = []
    for number, name in enumerate(sorted(detections)):
        width, height = Image.open(images / name).size
        truth["images"].append({"id": number, "width": width, "height": height, "file_name": name})
        rows = (labels / name).with_suffix(".txt").read_text().splitlines()
        for row in rows:
            kind, cx, cy, w, h = (float(v) for v in row.split())
            box = [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height]
            truth["annotations"].append(
                {"id": len(truth["annotations"]) + 1, "image_id": number, "category_id": int(kind), "bbox": box,
                 "area": box[2] * box[3], "iscrowd": 0}
            )
        for kind, score, x0, y0, x1, y1 in detections[name]:
            results.append(
                {"image_id": number, "category_id": COCO80.index(kind), "score": score, "bbox": [x0, y0, x1 - x0, y1 - y0]}
            )
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        found = coco.loadRes(results)
    for label, classes in [("all classes", COCO80), ("person, car, bus, truck", STREET)]:
        with contextlib.redirect_stdout(io.StringIO()):
            run = COCOeval(coco, found, "bbox")
            run.params.catIds = [COCO80.index(name) for name in classes]
            run.evaluate()
            run.accumulate()
            run.summarize()
        print(f"{label}: AP {run.stats[0]:.3f} AP50 {run.stats[1]:.3f}")


if __name__ == "__main__":
    main()
