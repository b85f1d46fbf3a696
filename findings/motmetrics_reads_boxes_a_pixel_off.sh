#!/usr/bin/env bash
# Boxes that motmetrics reads from a MOTChallenge file lie a pixel left of and above those that the file names.
#
# Guess:   a reader of tracks.txt gives the numbers that stand in it.
# Happens: motmetrics takes left and top for Matlab's, which count from 1, in every MOTChallenge format, and takes
#          one off each; width and height stay. Two files that are read so fit each other, and nobody notices. Boxes
#          that come from anywhere else, such as a detector's array, are a pixel away from the same boxes in a file.
# Means:   score files against files. Where one side is an array, write it down and read it again, or add the pixel:
#          of people seen from a drone, 4 px wide and 8 px high, the same box counts as a miss and as a false one at
#          the usual overlap of a half, and of cars 200 px wide nobody sees any of it.
#
# Needs python3 with venv.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q motmetrics==1.4.0 numpy==1.26.4 pandas==2.2.3
cat >try.py <<'PY'
from importlib.metadata import version
import motmetrics as mm
import numpy as np

print("version: motmetrics", version("motmetrics"))
BOXES = {1: [100, 50, 4, 8], 2: [300, 80, 12, 30], 3: [500, 90, 200, 120]}
with open("tracks.txt", "w") as file:
    for id, (x, y, w, h) in BOXES.items():
        file.write(f"1,{id},{x},{y},{w},{h},1,-1,-1,-1\n")
for format in ("mot15-2D", "mot16"):
    read = mm.io.loadtxt("tracks.txt", fmt=format)[["X", "Y", "Width", "Height"]].to_numpy()
    print(f"{format}: {read.tolist()} for {list(BOXES.values())}")
    assert (read == np.array(list(BOXES.values())) - [1, 1, 0, 0]).all(), "the behaviour changed"

def events(of_file, others):
    account = mm.MOTAccumulator(auto_id=True)
    ids = list(BOXES)
    account.update(ids, ids, mm.distances.iou_matrix(of_file, others, max_iou=0.5))
    summary = mm.metrics.create().compute(account, metrics=["num_matches", "num_misses", "num_false_positives"])
    return summary.iloc[0].astype(int).tolist()

mixed = events(read, np.array(list(BOXES.values())))
same = events(read, read)
print(f"matched, missed, false: {mixed} for the same boxes out of an array, {same} for a file against itself")
assert mixed == [2, 1, 1] and same == [3, 0, 0], "the behaviour changed"
PY
env/bin/python try.py
echo "seen: a pixel off, and the smallest person lost to it"
