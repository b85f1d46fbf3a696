"""Makes up annotations and detections with every odd case, and writes the figures that pycocotools gives them.

    python coco_eval.py --out golden/coco-eval.json

The Rust evaluation must give the same to 1e-6. The cases: crowds, areas of outlines that differ from their boxes' and
lie on either side of the size limits, more than a hundred boxes of one class in one photo, equal scores, boxes that
are the very same, photos without annotations, classes without true boxes, and detections of classes in photos that
have none.
"""

import argparse
import contextlib
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CLASSES = 6
PHOTOS = 24
FIGURES = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
           "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"]


def rounded(values):
    return [round(float(value), 2) for value in values]


def make(rng):
    truth = {"images": [], "annotations": [], "categories": []}
    for kind in range(CLASSES):
        truth["categories"].append({"id": kind * 3 + 2, "name": f"class-{kind}"})
    results = []
    for photo in range(PHOTOS):
        truth["images"].append({"id": photo * 7 + 5, "file_name": f"{photo:03}.jpg", "width": 640, "height": 480})
        for _ in range(0 if photo % 8 == 7 else rng.integers(1, 9)):
            # The last class never has a true box.
            kind = int(rng.integers(0, CLASSES - 1))
            side = rng.choice([6, 20, 32, 60, 96, 180])
            w, h = side * rng.uniform(0.6, 1.4, 2)
            x, y = rng.uniform(0, 640 - w), rng.uniform(0, 480 - h)
            annotation = {
                "id": len(truth["annotations"]) + 1, "image_id": photo * 7 + 5, "category_id": kind * 3 + 2,
                "bbox": rounded([x, y, w, h]), "iscrowd": int(rng.random() < 0.12),
            }
            box = annotation["bbox"]
            annotation["area"] = round(box[2] * box[3] * float(rng.choice([1.0, 0.7, 0.4])), 3)
            truth["annotations"].append(annotation)
            for _ in range(rng.integers(0, 4)):
                shift = rng.normal(0, 0.12, 4) * [w, h, w, h] * (rng.random() < 0.8)
                found_kind = kind if rng.random() < 0.85 else int(rng.integers(0, CLASSES))
                results.append({
                    "image_id": photo * 7 + 5, "category_id": found_kind * 3 + 2,
                    "bbox": rounded([x + shift[0], y + shift[1], max(1, w + shift[2]), max(1, h + shift[3])]),
                    "score": round(float(rng.random()), 2),
                })
        for _ in range(130 if photo == 3 else rng.integers(0, 6)):
            kind = 0 if photo == 3 else int(rng.integers(0, CLASSES))
            w, h = rng.uniform(4, 120, 2)
            results.append({
                "image_id": photo * 7 + 5, "category_id": kind * 3 + 2,
                "bbox": rounded([rng.uniform(0, 500), rng.uniform(0, 350), w, h]),
                "score": round(float(rng.random() * 0.9), 2),
            })
    return truth, results


def score(truth, results, categories):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(json.loads(json.dumps(results))), "bbox")
        run.params.catIds = categories
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {name: None if value < 0 else float(value) for name, value in zip(FIGURES, run.stats)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    truth, results = make(np.random.default_rng(arguments.seed))
    categories = [category["id"] for category in truth["categories"]]
    golden = {
        "truth": truth, "results": results, "figures": score(truth, results, categories),
        "by_class": [score(truth, results, [category]) for category in categories],
    }
    pathlib.Path(arguments.out).write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
