"""How many small people are found by how many tiles, and what a picture costs: the curve from which `tiles` is chosen.

    pip install pillow==12.0.0 && python3 small.py --forewarn ../../target/release/forewarn \\
        --photos FOLDER[:CLASS] [--clip vtest.avi --truth gt.txt]

Pictures of 1920 x 1080 are composed of photos that are scaled down until their people are 16 to 48 pixels high. A FOLDER holds
`images/` and `labels/` (YOLO rows; CLASS is the number of people, 0 if left out); the clip's truth is MOTChallenge's. Each setting
looks at the same pictures through `forewarn detect`. Told are the looks a picture (the whole one and its tiles), processor time a
picture as the system counts it, without the start of the program, recall by height, and precision. Smaller people, and those that a
photo's edge cuts off, count neither way.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import subprocess
import tempfile

from PIL import Image

CANVAS = (1920, 1080)
HEIGHTS_PX = [16, 20, 24, 32, 48]
SETTINGS = ["off", "2x1", "3x2", "4x3", "auto", "6x4", "8x5"]
LEAST_PX = 16


def labelled(spec):
    """The photos of a folder with the boxes of people in pixels."""
    folder, _, person = spec.partition(":")
    for path in sorted(pathlib.Path(folder, "images").iterdir()):
        labels = pathlib.Path(folder, "labels", path.stem + ".txt")
        if not labels.exists():
            continue
        photo = Image.open(path).convert("RGB")
        boxes = []
        for row in labels.read_text().splitlines():
            kind, *numbers = row.split()
            if kind == (person or "0") and len(numbers) == 4:
                x, y, w, h = (float(number) for number in numbers)
                boxes.append(((x - w / 2) * photo.width, (y - h / 2) * photo.height, w * photo.width, h * photo.height))
        if boxes:
            yield photo, boxes


def frames(clip, truth, every, folder):
    """Frames of a clip with the boxes of their people."""
    boxes = {}
    for row in pathlib.Path(truth).read_text().splitlines():
        frame, _, x, y, w, h, *_ = (float(number) for number in row.split(","))
        boxes.setdefault(int(frame), []).append((x, y, w, h))
    select = f"select=not(mod(n\\,{every}))"
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-vf", select, "-vsync", "0", f"{folder}/f%05d.png"], check=True)
    for number, path in enumerate(sorted(pathlib.Path(folder).glob("f*.png"))):
        if number * every + 1 in boxes:
            yield Image.open(path).convert("RGB"), boxes[number * every + 1]


def composed(sources, seed):
    """Pictures, each with the boxes of its people, and of those who count neither way."""
    dice = random.Random(seed)
    pieces = []
    for photo, boxes in sources:
        heights = sorted(h for *_, h in boxes)
        for wanted in dice.sample(HEIGHTS_PX, 2):
            scale = wanted / heights[len(heights) // 2]
            size = (round(photo.width * scale), round(photo.height * scale))
            if scale < 1 and size[0] <= CANVAS[0] and size[1] <= CANVAS[1]:
                pieces.append((photo.resize(size, Image.LANCZOS), [tuple(scale * v for v in box) for box in boxes]))
    dice.shuffle(pieces)
    canvas, people, x, y, row = None, [], 0, 0, 0
    for photo, boxes in pieces:
        if canvas is not None and x + photo.width > CANVAS[0]:
            x, y, row = 0, y + row, 0
        if canvas is None or y + photo.height > CANVAS[1]:
            if canvas is not None:
                yield canvas, people
            canvas, people, x, y, row = Image.new("RGB", CANVAS, (110, 112, 108)), [], 0, 0, 0
        canvas.paste(photo, (x, y))
        for left, top, w, h in boxes:
            is_cut = left < 1 or top < 1 or left + w > photo.width - 1 or top + h > photo.height - 1
            people.append(((x + left, y + top, w, h), h >= LEAST_PX and not is_cut))
        x, row = x + photo.width, max(row, photo.height)
    if canvas is not None:
        yield canvas, people


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def judged(people, found):
    """Of each person that counts, the height and whether it was found; and how many were found that are nobody."""
    free, told, false = list(people), [], 0
    for box in found:
        best = max(free, key=lambda person: overlap(person[0], box), default=None)
        if best is None or overlap(best[0], box) < 0.4:
            false += 1
            continue
        free.remove(best)
        if best[1]:
            told.append((best[0][3], True))
    return told + [(box[3], False) for box, counts in free if counts], false


def looked(args, setting, paths):
    """What is found in each picture, and processor seconds for all."""
    tiles = [] if setting == "off" else [f"--tiles={setting}"]
    command = [args.forewarn, "detect", *map(str, paths), "--json", "--model", args.model, *tiles]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [json.loads(line) for line in told.splitlines()], spent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forewarn", required=True)
    parser.add_argument("--model", default="site-nano-416")
    parser.add_argument("--photos", nargs="*", default=[])
    parser.add_argument("--clip")
    parser.add_argument("--truth")
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    parser.add_argument("--score", type=float, default=0.35)
    parser.add_argument("--every", type=int, default=40)
    parser.add_argument("--seed", type=int, default=17)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = [one for spec in args.photos for one in labelled(spec)]
        if args.clip:
            sources += frames(args.clip, args.truth, args.every, folder)
        pictures = []
        for number, (canvas, people) in enumerate(composed(sources, args.seed)):
            path = pathlib.Path(folder, f"c{number:03}.png")
            canvas.save(path)
            pictures.append((path, people))
        counted = [box[3] for _, people in pictures for box, counts in people if counts]
        print(f"{len(pictures)} pictures, {len(counted)} people\n")
        bins = [(16, 24), (24, 32), (32, 48), (48, 96)]
        print("| tiles | ms a picture | found of 16 to 24 px | 24 to 32 | 32 to 48 | 48 to 96 | of all | precision |\n" + "|---" * 8 + "|")
        for setting in args.settings:
            _, start_s = looked(args, setting, [pictures[0][0]])
            told, all_s = looked(args, setting, [path for path, _ in pictures])
            each_ms = (all_s - start_s) / max(len(pictures) - 1, 1) * 1e3
            people, false = [], 0
            for (_, truth), found in zip(pictures, told):
                boxes = boxes_of(found, args.score)
                of_picture, more = judged(truth, boxes)
                people, false = people + of_picture, false + more
            hits = sum(hit for _, hit in people)
            parts = []
            for low, high in bins:
                within = [hit for height, hit in people if low <= height < high]
                parts.append(f"{sum(within) / len(within):.2f} of {len(within)}" if within else "–")
            share = hits / max(len(people), 1)
            print(f"| {setting} | {each_ms:.0f} | {' | '.join(parts)} | {share:.2f} | {hits / max(hits + false, 1):.2f} |", flush=True)


def boxes_of(found, least):
    """The boxes of people in what `detect --json` says of a photo, the surest first."""
    people = [one for one in found["detections"] if one["class"] == "person" and one["score"] >= least]
    people.sort(key=lambda one: -one["score"])
    return [(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in (one["box"] for one in people)]


if __name__ == "__main__":
    main()
