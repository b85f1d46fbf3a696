"""Made-up walks with known truth: what a tracker must bear on a street, without a picture.

Each sequence gives `truth` rows (frame, id, left, top, width, height) and `detections` rows (frame, -1, left, top,
width, height, score). The detector is imitated: jittered edges, scores that fall with occlusion, misses, false hits.
"""

import numpy as np

SIZE = (768, 576)


def observe(rng, truth, miss=0.08, jitter=0.04, false_hits=0.05, hide=0.6):
    """Detections of the truth: `hide` is the covered part from which on a subject is mostly missed."""
    detections = []
    for frame in sorted({row[0] for row in truth}):
        present = [row for row in truth if row[0] == frame]
        for row in present:
            _, _, x, y, w, h = row
            covered = 0.0
            for other in present:
                if other is row or other[3] + other[5] <= y + h:
                    continue
                dx = min(x + w, other[2] + other[4]) - max(x, other[2])
                dy = min(y + h, other[3] + other[5]) - max(y, other[3])
                covered = max(covered, max(dx, 0) * max(dy, 0) / (w * h))
            score = float(np.clip(rng.normal(0.8, 0.08) - 0.6 * covered, 0.05, 0.98))
            if rng.random() < miss or (covered > hide and rng.random() < 0.85):
                continue
            if rng.random() < 0.08:
                score *= 0.4
            d = rng.normal(0, jitter, 4) * [w, h, w, h]
            if score >= 0.1:
                detections.append((frame, -1, x + d[0], y + d[1], w + d[2], h + d[3], score))
        if rng.random() < false_hits:
            w = rng.uniform(20, 40)
            x, y = rng.uniform(0, SIZE[0] - w), rng.uniform(0, SIZE[1] - 2.5 * w)
            detections.append((frame, -1, x, y, w, 2.5 * w, float(rng.uniform(0.1, 0.6))))
    return detections


def walk(subject, start, end, first, last, height=80.0, sway=0.0, pause=None):
    """A walk from `start` to `end` (foot points) between two frames, standing still during `pause` (from, to)."""
    rows, pause = [], pause or (0, 0)
    standing = max(0, pause[1] - pause[0])
    moving, gone = max(1, last - first - standing), 0
    for frame in range(first, last + 1):
        t = gone / moving
        if not pause[0] <= frame < pause[1]:
            gone += 1
        x = start[0] + (end[0] - start[0]) * t + sway * np.sin(frame / 5)
        y = start[1] + (end[1] - start[1]) * t
        h = height * (0.6 + 0.8 * y / SIZE[1])
        rows.append((frame, subject, x - 0.2 * h, y - h, 0.4 * h, h))
    return rows


def visible(rows):
    """Rows of subjects whose box lies at least half in the picture."""
    return [r for r in rows if -0.5 * r[4] <= r[2] <= SIZE[0] - 0.5 * r[4] and r[3] >= 0 and r[3] + r[5] <= SIZE[1]]


def crossings(rng):
    rows, subject = [], 0
    for i in range(12):
        subject += 1
        y = rng.uniform(180, 520)
        ends = ((-20, y), (790, y + rng.uniform(-90, 90)))
        start, end = ends if i % 2 else ends[::-1]
        first = 1 + int(rng.integers(0, 250))
        rows += walk(subject, start, (end[0], np.clip(end[1], 150, 540)), first, first + int(rng.integers(90, 160)))
    return visible(rows), {}


def occlusions(rng):
    """Walkers pass behind a wide parked vehicle, which the detector does not name a person."""
    rows = []
    for i in range(10):
        y, first = rng.uniform(300, 340), 1 + 28 * i
        ends = ((-20, y), (790, y))
        start, end = ends if i % 2 else ends[::-1]
        rows += walk(i + 1, start, end, first, first + 110)
    return visible(rows), {"wall": (330, 440)}


def missed(rng):
    return crossings(rng)[0], {"miss": 0.35}


def jitter(rng):
    return crossings(rng)[0], {"jitter": 0.10}


def standing(rng):
    """A crowd that stands and sways while others walk through it."""
    rows = []
    for i in range(6):
        place = (300 + 55 * (i % 3) + rng.uniform(-8, 8), 330 + 60 * (i // 3))
        rows += walk(i + 1, place, place, 1, 300, sway=6.0)
    for i in range(6):
        y, first = rng.uniform(300, 420), 20 + 40 * i
        rows += walk(7 + i, (-20, y), (790, y), first, first + 120)
    return visible(rows), {}


def runners(rng):
    """Fast small subjects that move by more than their width between two frames."""
    rows = []
    for i in range(14):
        y, first = rng.uniform(150, 500), 1 + 20 * i
        ends = ((-20, y), (790, y))
        start, end = ends if i % 2 else ends[::-1]
        rows += walk(i + 1, start, end, first, first + int(rng.integers(18, 30)), height=60)
    return visible(rows), {}


KINDS = {f.__name__: f for f in (crossings, occlusions, missed, jitter, standing, runners)}


def make(kind, seed, every=1):
    """Truth and detections of one made-up sequence; with `every` N only each Nth frame is analysed."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    truth, options = KINDS[kind](rng)
    wall = options.pop("wall", None)
    detections = observe(rng, truth, **options)
    if wall:
        middle = lambda row: row[2] + row[4] / 2
        detections = [d for d in detections if not wall[0] < middle(d) < wall[1]]
        truth = [t for t in truth if not wall[0] < middle(t) < wall[1]]
    keep = lambda rows: [r for r in rows if (r[0] - 1) % every == 0]
    return keep(truth), keep(detections)
