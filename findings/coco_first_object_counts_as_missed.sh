#!/usr/bin/env bash
# The first object of a COCO file that globox writes counts as missed in pycocotools.
#
# Guess:   annotation ids need only be distinct. Labels in YOLO form, written as COCO by globox and
#          measured by pycocotools with perfect detections, give AP 1.0.
# Happens: globox numbers from 0; COCOeval keeps "the id of the matched object" in an array in which 0
#          means "none". The detection of object 0 becomes a false alarm and the object a miss: with four
#          people AP falls from 1.0 to 0.56 and recall to 0.75. Nothing warns. globox's own evaluator
#          reads the same labels as AP 1.0.
# Means:   number annotations from 1 in every COCO file that we write, renumber on reading, and hold
#          each evaluation to "labels against themselves give exactly 1.0" first. On small sets, as a
#          site with a few dozen clips has, the loss looks like a weak model.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip \
  globox==2.9.0 pycocotools==2.0.11 numpy==2.4.6 tqdm==4.70.1 rich==15.0.0 \
  markdown-it-py==4.3.0 mdurl==0.1.2 pygments==2.21.0

cat >try.py <<'PY'
import contextlib, copy, io, json, os, sys
from importlib.metadata import version
sys.path.insert(0, "pip")
from pathlib import Path
from globox import Annotation, AnnotationSet, BoxFormat, COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

for name in ("globox", "pycocotools"):
    print("version:", name, version(name))

# One person in each of four pictures: the labels, and a detector that finds each of them exactly.
for folder, tail in (("truth", ""), ("found", " 0.9")):
    os.mkdir(folder)
    for i in range(4):
        Path(folder, f"{i}.txt").write_text(f"person {0.2 + i / 10} 0.5 0.125 0.25{tail}\n")

def load(folder, conf_last):
    out = AnnotationSet()
    for i in range(4):
        out.add(Annotation.from_txt(Path(folder, f"{i}.txt"), image_id=f"{i}.jpg", image_size=(640, 480),
                                    box_format=BoxFormat.XYWH, relative=True, conf_last=conf_last))
    return out

truth, found = load("truth", False), load("found", True)

coco = json.loads(json.dumps(truth.to_coco(auto_ids=True)))
coco["info"] = {}
ids = [a["id"] for a in coco["annotations"]]
results = [{"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.9}
           for a in coco["annotations"]]

def measure(first):
    data = copy.deepcopy(coco)
    for a in data["annotations"]:
        a["id"] += first
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = data
        gt.createIndex()
        e = COCOeval(gt, gt.loadRes(copy.deepcopy(results)), "bbox")
        e.evaluate(), e.accumulate(), e.summarize()
    return round(float(e.stats[0]), 3), round(float(e.stats[8]), 3)

own = COCOEvaluator(ground_truths=truth, predictions=found).ap()
as_written, from_one = measure(0), measure(1)
print("ids that globox writes:", ids)
print("globox's own evaluator:              AP", round(float(own), 3))
print("pycocotools, the file as it stands:  AP %s, recall %s" % as_written)
print("pycocotools, the same ids plus one:  AP %s, recall %s" % from_one)
assert ids == [0, 1, 2, 3], "the behaviour changed: globox numbers in another way"
assert round(float(own), 3) == 1.0 and from_one == (1.0, 1.0), "the behaviour changed"
assert as_written == (0.564, 0.75), "the behaviour changed: pycocotools measures id 0 in another way"
PY
python3 try.py
echo "seen: perfect detections score 0.56, because one annotation has the id 0"
