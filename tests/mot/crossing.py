"""A crossing seen from a drone, with people who walk through it, and the truth of it: a second sequence for `moving.py`.

    python crossing.py --photo uv_general_example_1.jpg --labels uv_general_example_1.txt --walkers one-by-one-person-detection.mp4 \
        --clip crossing.avi --gt crossing-gt.txt

The place is a photograph by a drone; who stands in it is labelled by hand. The walkers are the six people of a clip in which everybody is
alone, so that the largest part that differs from the empty room is the person, and where it lies is known without a detector that could
miss it. They are pasted to scale, each on a straight way of their own, at paces and over spans by chance of one seed, so they pass
each other and those who stand.
"""

import argparse
import pathlib

import cv2
import numpy as np

SIZE = (768, 560)
FPS, FRAMES = 10, 400
WALKERS, SEED = 16, 7
# How high a walker is, in pixels; those who stand in the photograph are 35 to 70.
HIGH = (52, 72)
# What differs from the empty room by so much is a person; a part of it smaller than this is none.
DIFFERS, LEAST_AREA = 28, 12_000


def people(path):
    """Of each who comes, the pictures (cut out, with how opaque each pixel is) in which the whole body is in view."""
    clip, room, seen, current = cv2.VideoCapture(path), None, [], []
    while True:
        ok, image = clip.read()
        if not ok:
            break
        if room is None:
            room = image.astype(np.float32)
        differs = (np.abs(image - room).max(2) > DIFFERS).astype(np.uint8)
        differs = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        count, marks, stats, _ = cv2.connectedComponentsWithStats(differs)
        best = max(range(1, count), key=lambda i: stats[i][cv2.CC_STAT_AREA], default=0)
        x, y, w, h, area = stats[best]
        whole = best and area > LEAST_AREA and x > 2 and y > 2 and x + w < image.shape[1] - 2 and y + h < image.shape[0] - 2
        if whole and h > 1.4 * w:
            alpha = cv2.GaussianBlur((marks == best).astype(np.float32), (5, 5), 0)[y : y + h, x : x + w]
            current.append((image[y : y + h, x : x + w], alpha))
        elif not best or area <= LEAST_AREA:
            if len(current) > 15:
                seen.append(current)
            current = []
    return seen


def ways(rng, people_count):
    """Who walks when, whence and how fast: person, first frame, last frame, foot at first, pixels a frame, height."""
    for number in range(WALKERS):
        first = int(rng.integers(0, FRAMES - 120))
        last = first + int(rng.integers(100, 200))
        pace = rng.uniform(1.5, 3.5) * rng.choice([-1, 1])
        x = rng.uniform(20, 220) if pace > 0 else SIZE[0] - rng.uniform(20, 220)
        yield number % people_count, first, last, (x, rng.uniform(180, SIZE[1] - 40)), (pace, rng.uniform(-0.8, 0.8)), rng.uniform(*HIGH)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("photo", "labels", "walkers", "clip", "gt"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    photo = cv2.imread(args.photo)
    high = round(photo.shape[0] * SIZE[0] / photo.shape[1])
    place = cv2.resize(photo, (SIZE[0], high), interpolation=cv2.INTER_CUBIC)[: SIZE[1]]
    standing = []
    for line in pathlib.Path(args.labels).read_text().splitlines():
        kind, x, y, w, h = (float(field) for field in line.split())
        if kind == 0 and (y + h / 2) * high < SIZE[1]:
            standing.append(((x - w / 2) * SIZE[0], (y - h / 2) * high, w * SIZE[0], h * high))
    seen, rng = people(args.walkers), np.random.default_rng(SEED)
    walk, noise = list(ways(rng, len(seen))), np.random.default_rng(SEED + 1)
    out = cv2.VideoWriter(args.clip, cv2.VideoWriter_fourcc(*"FFV1"), FPS, SIZE)
    truth = []
    for frame in range(FRAMES):
        picture = place.astype(np.float32)
        truth += [(frame + 1, 1 + i, *box) for i, box in enumerate(standing)]
        now = []
        for number, (who, first, last, at, pace, tall) in enumerate(walk):
            if first <= frame <= last:
                foot = [a + p * (frame - first) for a, p in zip(at, pace)]
                now.append((foot, tall, seen[who][(frame - first) % len(seen[who])], number))
        for foot, tall, (body, alpha), number in sorted(now, key=lambda one: one[0][1]):
            w = max(1, round(body.shape[1] * tall / body.shape[0]))
            h, x = round(tall), round(foot[0] - w / 2)
            y = round(foot[1] - h)
            left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, SIZE[0]), min(y + h, SIZE[1])
            if right <= left or bottom <= top:
                continue
            cut = np.s_[top - y : bottom - y, left - x : right - x]
            body = cv2.resize(body, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)[cut]
            alpha = cv2.resize(alpha, (w, h), interpolation=cv2.INTER_AREA)[cut][..., None]
            picture[top:bottom, left:right] = alpha * body + (1 - alpha) * picture[top:bottom, left:right]
            truth.append((frame + 1, 100 + number, x, y, w, h))
        picture += noise.normal(0, 2, picture.shape)
        out.write(np.clip(picture, 0, 255).astype(np.uint8))
    out.release()
    rows = (f"{frame},{who}," + ",".join(f"{side:.1f}" for side in box) + ",1" for frame, who, *box in truth)
    pathlib.Path(args.gt).write_text("\n".join(rows) + "\n")
    print(f"{len(seen)} people of the clip walk {len(walk)} ways among {len(standing)} who stand")


if __name__ == "__main__":
    main()
