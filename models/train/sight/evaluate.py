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
SAME_HEAD = 0.6
MOST_MISFIT = 0.6
UNSURE = 0.3
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
    """People with what heads add to them, as the agent puts them together: each head to one person at most."""
    people = [[np.array(box, float), score] for box, score in people]
    heads = without_doubles(heads)
    fits = []
    for h, head in enumerate(heads):
        for p, (box, score) in enumerate(people):
            off = misfit(head, box)
            if off is not None:
                fits.append((off + UNSURE * (1 - score), h, p))
    owner, known = {}, [(box.copy(), score) for box, score in people]
    for _, h, p in sorted(fits):
        if h not in owner and p not in owner.values():
            owner[h] = p
            people[p][1] = max(people[p][1], heads[h][4])
            people[p][0][1] = min(people[p][0][1], heads[h][1])
    for h, (x0, y0, x1, y1, score, _) in enumerate(heads):
        x, y, side = (x0 + x1) / 2, (y0 + y1) / 2, ((x1 - x0) * (y1 - y0)) ** 0.5
        holds = lambda b: b[0] <= x <= b[2] and b[1] <= y <= b[3] and side**2 <= MOST_OF_A_PERSON * area(b)
        told = any(s >= score and holds(b) and p not in owner.values() for p, (b, s) in enumerate(known))
        if h not in owner and score >= SURE_ALONE and not told:
            half = max(PERSON_SIDES[0] * side / 2, (x1 - x0) / 2)
            people.append([np.array([x - half, y0, x + half, y0 + PERSON_SIDES[1] * side]), score])
    return people


def without_doubles(heads):
    """Of boxes of one head, the surest: the smaller lies in the other."""
    left = []
    for head in sorted(heads, key=lambda head: -head[4]):
        if all(common(head, other) <= SAME_HEAD * min(area(head), area(other)) for other in left):
            left.append(head)
    return left


def misfit(head, person):
    """How badly a head fits a person, 0 in the middle of the top; nothing if it cannot be the person's."""
    x, y, width, height = (head[0] + head[2]) / 2, (head[1] + head[3]) / 2, person[2] - person[0], person[3] - person[1]
    tall = head[3] - head[1]
    inside = person[0] <= x <= person[2] and person[1] - tall / 2 <= y <= person[1] + height / 2
    off = abs(x - (person[0] + person[2]) / 2) / max(1, width) + abs(head[1] - person[1]) / max(1, height)
    return off if inside and area(head) <= MOST_OF_A_PERSON * area(person) and off <= MOST_MISFIT else None


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


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def common(a, b):
    """The area that two boxes have in common."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def overlap(a, b):
    both = common(a, b)
    return both / (area(a) + area(b) - both) if both > 0 else 0.0


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
