"""Made-up scenes with known truth: what a tracker must bear on a street.

A scene is written in seconds and pixels and sampled at any frame rate. Each gives `truth` rows (frame, id, left, top,
width, height) and `detections` rows (frame, -1, left, top, width, height, score). The detector is imitated: its edges
jitter, its scores fall with occlusion, it misses and it invents. Its errors last for some frames as a detector's do,
whose next picture is much like the last; a tracker that takes each error as independent gains nothing here.

Nothing in here knows a tracker: speeds are those of walkers, runners and cars, scores are as high as the defaults of
the trackers in the comparison expect them, and rates reach from what they were made for to what an edge device can do.
`render` paints a scene, for trackers that look at the picture.
"""

import cv2
import numpy as np

SIZE = (768, 576)
LASTS_S = 30.0
# Standing of an error of the detector, and of a run of missed frames, in seconds.
ERROR_S, MISSED_S = 0.12, 0.2


class Scene:
    """Subjects on their paths, and what surrounds them."""

    def __init__(self):
        self.subjects, self.walls, self.options = [], [], {}
        self.shake = None

    def add(self, points, height=80.0, aspect=0.4, sway=0.0):
        """A subject that passes `points` (seconds, x and y of the foot); height as at the middle of the picture."""
        self.subjects.append((np.array(points, float), height, aspect, sway))

    def walk(self, start, end, first_s, speed, **looks):
        """A straight walk at `speed` in pixels per second."""
        lasts_s = float(np.hypot(end[0] - start[0], end[1] - start[1])) / speed
        self.add([(first_s, *start), (first_s + lasts_s, *end)], **looks)

    def boxes(self, at_s):
        """Number and box of each subject that is half in the picture, before the camera shakes."""
        found = []
        for number, (points, height, aspect, sway) in enumerate(self.subjects, 1):
            if not points[0, 0] <= at_s <= points[-1, 0]:
                continue
            x, y = (np.interp(at_s, points[:, 0], points[:, axis]) for axis in (1, 2))
            h = height * (0.5 + y / SIZE[1])
            x += sway * np.sin(2.0 * at_s + number)
            # Steps make a walker bob and swing.
            h_seen = h * (1 + 0.015 * np.sin(11 * at_s + number))
            w = h * aspect * (1 + 0.1 * np.sin(5.5 * at_s + number))
            box = (x - w / 2, y - h_seen, w, h_seen)
            if box[0] >= -0.5 * w and box[0] + 0.5 * w <= SIZE[0] and box[1] >= 0 and box[1] + h_seen <= SIZE[1]:
                found.append((number, box))
        return found

    def covered(self, box, others, walls=True):
        """The covered part of a box: by a wall or by one subject that stands nearer."""
        x, y, w, h = box
        worst = 0.0
        in_front = [o for o in others if o is not box and o[1] + o[3] > y + h]
        for ox, oy, ow, oh in in_front + (self.walls if walls else []):
            dx, dy = min(x + w, ox + ow) - max(x, ox), min(y + h, oy + oh) - max(y, oy)
            worst = max(worst, max(dx, 0) * max(dy, 0) / (w * h))
        return worst


def in_picture(x0, y0, x1, y1):
    """Left, top, width and height of what a camera sees of a box."""
    (x0, x1), (y0, y1) = (np.clip([low, high], 0, most) for low, high, most in ((x0, x1, SIZE[0]), (y0, y1, SIZE[1])))
    return x0, y0, max(x1 - x0, 1.0), max(y1 - y0, 1.0)


def observe(rng, scene, fps, miss=0.08, jitter=0.04, false_hits=0.5, ghosts=0, hide=0.6):
    """Truth and detections at `fps`; `false_hits` a second, `hide` the covered part from which a subject is missed."""
    truth, detections, errors, missed = [], [], {}, {}
    keep, stay = np.exp(-1 / (fps * ERROR_S)), np.exp(-1 / (fps * MISSED_S))
    haunts = [(rng.uniform(0, 700), rng.uniform(0, 450), rng.uniform(20, 45)) for _ in range(ghosts)]
    for frame in range(1, int(LASTS_S * fps) + 1):
        at_s = (frame - 1) / fps
        moved = scene.shake(at_s) if scene.shake else (0.0, 0.0)
        found = scene.boxes(at_s)
        boxes = [box for _, box in found]
        for number, box in found:
            if scene.walls and scene.covered(box, []) > hide:
                continue
            x, y, w, h = box[0] + moved[0], box[1] + moved[1], box[2], box[3]
            truth.append((frame, number, *in_picture(x, y, x + w, y + h)))
            error = errors.get(number, rng.normal(0, 1, 4))
            error = errors[number] = keep * error + np.sqrt(1 - keep**2) * rng.normal(0, 1, 4)
            gone = rng.random() < miss if number not in missed or rng.random() > stay else missed[number]
            missed[number] = gone
            covered = scene.covered(box, boxes)
            score = float(np.clip(rng.normal(0.8, 0.08) - 0.6 * covered, 0.05, 0.98))
            score *= 0.4 if rng.random() < 0.08 else 1
            if gone or score < 0.1 or (covered > hide and rng.random() < 0.85):
                continue
            x0, y0, x1, y1 = np.array([x, y, x + w, y + h]) + jitter * error * [w, h, w, h]
            detections.append((frame, -1, *in_picture(x0, y0, x1, y1), score))
        if rng.random() < false_hits / fps:
            w = rng.uniform(20, 40)
            x, y = rng.uniform(0, SIZE[0] - w), rng.uniform(0, SIZE[1] - 2.5 * w)
            detections.append((frame, -1, x, y, w, 2.5 * w, float(rng.uniform(0.1, 0.6))))
        for x, y, w in haunts:
            if rng.random() < 0.25:
                d = rng.normal(0, 0.08 * w, 4)
                score = float(rng.uniform(0.1, 0.7))
                detections.append((frame, -1, x + d[0], y + d[1], w + d[2], 2.5 * w + d[3], score))
    return truth, detections


def across(rng, scene, count, speeds=(45, 90), rows=(180, 520), slant=90.0, times=(0.0, 22.0), **looks):
    """Subjects who cross the picture from both sides."""
    for i in range(count):
        y = rng.uniform(*rows)
        ends = ((-20, y), (790, float(np.clip(y + rng.uniform(-slant, slant), 150, 540))))
        start, end = ends if i % 2 else ends[::-1]
        scene.walk(start, end, rng.uniform(*times), rng.uniform(*speeds), **looks)


def crossings(rng, scene):
    across(rng, scene, 14)


def pillar(rng, scene):
    """Walkers pass behind a pillar, about a second each, some at the same time."""
    scene.walls = [(360, 60, rng.uniform(60, 90), 420)]
    across(rng, scene, 12, rows=(250, 420), slant=30.0)


def van(rng, scene):
    """Walkers pass behind a parked van, two to four seconds each."""
    scene.walls = [(310, 120, rng.uniform(120, 190), 260)]
    across(rng, scene, 10, speeds=(50, 85), rows=(290, 350), slant=10.0)


def stop_and_go(rng, scene):
    """Walkers stop for some seconds wherever they are, and some turn back."""
    for i in range(12):
        y, at_s, x = rng.uniform(220, 500), rng.uniform(0, 12), -20.0 if i % 2 else 790.0
        way, points = (1 if i % 2 else -1), [(at_s, x, y)]
        for _ in range(4):
            step_s, pause_s = rng.uniform(1.5, 4.0), rng.uniform(0.5, 4.0)
            x += way * rng.uniform(50, 85) * step_s
            points += [(points[-1][0] + step_s, x, y), (points[-1][0] + step_s + pause_s, x, y)]
            way = -way if rng.random() < 0.25 else way
        scene.add(points)


def groups(rng, scene):
    """Three to five walk together, half hidden by each other, and meet others."""
    for i in range(5):
        y, first_s, speed = rng.uniform(260, 460), rng.uniform(0, 16), rng.uniform(50, 80)
        for member in range(int(rng.integers(3, 6))):
            dx, dy = member * rng.uniform(18, 34), rng.uniform(-18, 18)
            ends = ((-20 - dx, y + dy), (800, y + dy + rng.uniform(-10, 10)))
            start, end = ends if i % 2 else ((790 + dx, ends[1][1]), (-30, ends[0][1]))
            scene.walk(start, end, first_s, speed * rng.uniform(0.97, 1.03))


def missed(rng, scene):
    scene.options = {"miss": 0.35}
    across(rng, scene, 14)


def false_hits(rng, scene):
    """The detector invents people: here and there, and over and over at some places."""
    scene.options = {"false_hits": 6.0, "ghosts": 4}
    across(rng, scene, 12)


def jitter(rng, scene):
    scene.options = {"jitter": 0.10}
    across(rng, scene, 14)


def standing(rng, scene):
    """A crowd that stands and sways while others walk through it."""
    for i in range(6):
        x, y = 300 + 55 * (i % 3) + rng.uniform(-8, 8), 330 + 60 * (i // 3)
        scene.add([(0, x, y), (LASTS_S, x, y)], sway=6.0)
    across(rng, scene, 7, rows=(300, 420), slant=10.0)


def runners(rng, scene):
    """Small and fast subjects, who move by more than their width between two frames."""
    across(rng, scene, 16, speeds=(200, 330), rows=(150, 500), slant=60.0, times=(0.0, 26.0), height=60)


def vehicles(rng, scene):
    """Cars on four lanes, some fast, some that brake, and one that has parked beside them."""
    scene.add([(0, 600, 520), (LASTS_S, 600, 520)], height=70, aspect=1.7)
    for i in range(18):
        lane = int(rng.integers(0, 4))
        y, speed, first_s = 250 + 55 * lane, rng.uniform(150, 450), rng.uniform(0, 27)
        start, end = ((-120, y), (880, y)) if lane > 1 else ((880, y), (-120, y))
        middle, slow = rng.uniform(250, 500), rng.uniform(0.3, 1.0)
        way = abs(middle - start[0]) / speed
        rest = abs(end[0] - middle) / (speed * slow)
        scene.add([(first_s, *start), (first_s + way, middle, y), (first_s + way + rest, *end)], height=70, aspect=1.7)


def shake(rng, scene):
    """Crossings under a camera on a mast in the wind, which is knocked now and then."""
    across(rng, scene, 14)
    phases, knocks = rng.uniform(0, 6.28, 4), np.sort(rng.uniform(2, 28, 4))
    pushes = rng.uniform(-35, 35, (4, 2))

    def moved(at_s):
        since = at_s - knocks
        swing = np.where(since > 0, np.exp(-np.maximum(since, 0) / 0.7) * np.cos(9 * since), 0.0)
        wind = 5 * np.sin(4.1 * at_s + phases[:2]) + 3 * np.sin(9.7 * at_s + phases[2:])
        return tuple(wind + swing @ pushes)

    scene.shake = moved


KINDS = {
    f.__name__: f
    for f in (
        crossings, pillar, van, stop_and_go, groups, missed, false_hits, jitter, standing, runners, vehicles, shake,
    )
}


def make(kind, seed, fps):
    """Scene, truth and detections of one made-up sequence at `fps`."""
    rng, scene = np.random.default_rng([seed, *kind.encode()]), Scene()
    KINDS[kind](rng, scene)
    truth, detections = observe(rng, scene, fps, **scene.options)
    return scene, truth, detections


def render(scene, seed, fps):
    """Pictures (BGR) of the scene, one a frame: painted subjects before a street, under shake and noise."""
    rng = np.random.default_rng([seed, 99])
    margin, (w, h) = 64, SIZE
    whole = (w + 2 * margin, h + 2 * margin)
    coarse = [cv2.resize(rng.uniform(0, 255, (n, n, 3)).astype(np.float32), whole) for n in (12, 60)]
    street = np.clip(60 + 0.35 * coarse[0] + 0.25 * coarse[1], 0, 255).astype(np.uint8)
    coats = rng.integers(0, 255, (len(scene.subjects) + 1, 2, 3))
    for frame in range(1, int(LASTS_S * fps) + 1):
        at_s = (frame - 1) / fps
        picture = street.copy()
        found = [(box, coats[number]) for number, box in scene.boxes(at_s)]
        found += [(wall, np.array([[90, 90, 90], [70, 70, 70]])) for wall in scene.walls]
        for (x, y, bw, bh), coat in sorted(found, key=lambda f: f[0][1] + f[0][3]):
            x0, x1 = (int(round(v + margin)) for v in (x + 0.1 * bw, x + 0.9 * bw))
            y0, y1, y2 = (int(round(v + margin)) for v in (y, y + bh / 2, y + bh))
            picture[max(y0, 0) : y1, max(x0, 0) : x1] = coat[0]
            picture[max(y1, 0) : y2, max(x0, 0) : x1] = coat[1]
        dx, dy = scene.shake(at_s) if scene.shake else (0.0, 0.0)
        move = np.array([[1, 0, dx - margin], [0, 1, dy - margin]], np.float32)
        picture = cv2.warpAffine(picture, move, SIZE).astype(np.int16)
        yield np.clip(picture + rng.integers(-5, 6, picture.shape, dtype=np.int16), 0, 255).astype(np.uint8)
