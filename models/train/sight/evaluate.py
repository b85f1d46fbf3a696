"""Measures a joined network on the photos that were held back: heads found, their kind, and workers whose head lies in
a found person or was found itself.

    python -m sight.evaluate --photos DATA --model site-nano.onnx [--part held] [--shrink 0.5]

Intervals are 95 %, by bootstrap over photos.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from . import photos
from .body import PAD, PERSON, SIDE, STRIDES, decoded

SAME = 0.4
NMS = 0.5
SIZES_PX = ((0, 10), (10, 16), (16, 24), (24, 48), (48, 1000))
# From here on a box begins a track; people are kept from the second on, heads from the third.
FOUND = 0.45
LEAST_PERSON = 0.1
LEAST_HEAD = 0.35
# How a head is put to its person: `agent/engine/src/heads.rs` says the same.
MOST_OF_A_PERSON = 0.8
SURE_ALONE = 0.7
PERSON_SIDES = (1.7, 6.0)


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--photos", type=Path, required=True)
    ask.add_argument("--model", type=Path, required=True)
    ask.add_argument("--part", default="held")
    ask.add_argument("--shrink", type=float, default=1.0, help="photos are this much smaller before they are seen")
    ask.add_argument("--set", default="hard-hat")
    args = ask.parse_args()
    session = onnxruntime.InferenceSession(str(args.model))
    seen = []
    for photo in photos.every(args.photos):
        if photo.part == args.part and args.set in photo.path.parts:
            seen.append(look(session, photo, args.shrink))
    report(seen)


def look(session, photo, shrink):
    """Of one photo: found heads (score, right or not, kind right), labelled heads' sides, and what covers them."""
    picture = photo.read()
    scale = SIDE / max(picture.shape[:2]) * shrink
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    answer = session.run(None, {session.get_inputs()[0].name: canvas.astype(np.float32).transpose(2, 0, 1)[None]})[0][0]
    levels = 2 if len(answer) > 3549 else 1
    boxes, scores = decoded(answer, STRIDES * levels)
    found = []
    if levels == 2:
        both = scores[:, 80:82]
        found = [(*boxes[i], both[i].max(), both[i].argmax()) for i in kept(boxes, both.max(1), 0.05)]
    people = [(boxes[i], scores[i, PERSON]) for i in kept(boxes, scores[:, PERSON], LEAST_PERSON)]
    heads = np.array(photo.heads, np.float32).reshape(-1, 5)
    heads[:, :4] *= scale
    labelled = np.array(photo.people, np.float32).reshape(-1, 4) * scale
    sides = np.sqrt((heads[:, 2] - heads[:, 0]) * (heads[:, 3] - heads[:, 1]))
    joined = joined_people(people, [head for head in found if head[4] >= LEAST_HEAD])
    return {
        "heads": marked(found, heads),
        "sides": sides,
        "alone": covered([box for box, score in people if score >= FOUND], heads),
        "joined": covered([box for box, score in joined if score >= FOUND], heads),
        "nobody": [sum(is_nobody(box, heads, labelled) for box, score in some if score >= FOUND) for some in (people, joined)],
    }


def joined_people(people, heads):
    """People with what heads add to them, as the agent puts them together."""
    people = [[box, score] for box, score in people]
    for x0, y0, x1, y1, score, _ in heads:
        x, y, height, area = (x0 + x1) / 2, (y0 + y1) / 2, y1 - y0, (x1 - x0) * (y1 - y0)
        may_own = lambda b: area <= MOST_OF_A_PERSON * (b[2] - b[0]) * (b[3] - b[1]) and b[0] <= x <= b[2]
        if any(s >= score and may_own(b) and b[1] <= y <= b[3] for b, s in people):
            continue
        owners = [p for p in people if may_own(p[0]) and p[0][1] - height / 2 <= y <= (p[0][1] + p[0][3]) / 2]
        if owners:
            owner = max(owners, key=lambda p: p[1])
            owner[1] = max(owner[1], score)
            owner[0] = np.array([owner[0][0], min(owner[0][1], y0), *owner[0][2:]])
        elif score >= SURE_ALONE:
            side = area**0.5
            half = max(PERSON_SIDES[0] * side / 2, (x1 - x0) / 2)
            people.append([np.array([x - half, y0, x + half, y0 + PERSON_SIDES[1] * side]), score])
    return people


def is_nobody(box, heads, people):
    """Whether neither a labelled head lies in a box nor a labelled person is it."""
    return not covered([box], heads).any() and all(overlap(box, person) < 0.3 for person in people)


def kept(boxes, score, least):
    """Numbers of the boxes that are left when doubles are taken out, best first."""
    order = [i for i in np.argsort(-score, kind="stable") if score[i] >= least]
    left = []
    for i in order:
        if all(overlap(boxes[i], boxes[j]) < NMS for j in left):
            left.append(i)
    return left


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return width * height / (area(a) + area(b) - width * height)


def marked(found, heads):
    """For each found head, best first: its score, the number of the labelled head it is (-1: none), its kind."""
    free, rows = set(range(len(heads))), []
    for head in found:
        best = max(free, key=lambda n: overlap(head[:4], heads[n, :4]), default=None)
        if best is not None and overlap(head[:4], heads[best, :4]) >= SAME:
            free.discard(best)
            rows.append((head[4], best, int(head[5] == heads[best, 4])))
        else:
            rows.append((head[4], -1, 0))
    return rows


def covered(people, heads):
    """Whether each head's middle lies in a found person."""
    middle = (heads[:, :2] + heads[:, 2:4]) / 2
    return np.array([any(p[0] <= x <= p[2] and p[1] <= y <= p[3] for p in people) for x, y in middle], bool)


def at_precision(seen, wanted):
    """The least score at which this part of the found heads is right."""
    rows = sorted((row for photo in seen for row in photo["heads"]), key=lambda row: -row[0])
    right, best = 0, 1.0
    for count, (score, number, _) in enumerate(rows, 1):
        right += number >= 0
        if right / count >= wanted:
            best = score
    return best


def interval(values_of, seen, rounds=1000):
    """Share and its 95 % interval: `values_of` gives a photo's hits and number."""
    counts = np.array([values_of(photo) for photo in seen], float)
    rng = np.random.default_rng(1)
    draws = counts[rng.integers(0, len(counts), (rounds, len(counts)))].sum(1)
    low, high = np.percentile(draws[:, 0] / np.maximum(draws[:, 1], 1), [2.5, 97.5])
    whole = counts.sum(0)
    return f"{100 * whole[0] / max(whole[1], 1):.1f} % [{100 * low:.1f}, {100 * high:.1f}] of {int(whole[1])}"


def report(seen):
    share = lambda key: interval(lambda photo: (photo[key].sum(), len(photo[key])), seen)
    nobody = [sum(photo["nobody"][n] for photo in seen) / len(seen) for n in (0, 1)]
    print(f"{len(seen)} photos; heads in a person found at {FOUND}: {share('alone')}, boxes of nobody {nobody[0]:.2f} a photo")
    if not any(photo["heads"] for photo in seen):
        return
    print(f"with what heads add: {share('joined')}, boxes of nobody {nobody[1]:.2f} a photo")
    for wanted in (0.8, 0.7):
        least = at_precision(seen, wanted)
        has = lambda p: {number for score, number, _ in p["heads"] if score >= least and number >= 0}
        print(f"heads at precision {wanted} (score {least:.3f}): {interval(lambda p: (len(has(p)), len(p['sides'])), seen)}")
        for low, high in SIZES_PX:
            sized = lambda p: {n for n, side in enumerate(p["sides"]) if low <= side < high}
            print(f"  {low}-{high} px: {interval(lambda p: (len(has(p) & sized(p)), len(sized(p))), seen)}")
        kinds = lambda p: [right for score, number, right in p["heads"] if score >= least and number >= 0]
        print(f"  kind right: {interval(lambda p: (sum(kinds(p)), len(kinds(p))), seen)}")


if __name__ == "__main__":
    main()
