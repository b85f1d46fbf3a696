"""How much of the faces in a clip is left in its redacted copy, told by the pixels of both.

  measure.py compose FOLDER OUT.mp4 [--labels 0,1,2] [--at-once 4] [--half a|b] [--photos 48]
  measure.py score OUT.mp4 COPY.mp4

`compose` lets labelled photos (YOLO rows, boxes or polygons, beside the pictures or in `labels`) move through a clip of
1920x1080, 25 pictures a second, for two seconds each, and writes where each face is beside the clip, as NAME.json. Which photos
are taken hangs on their names alone; the halves `a` and `b` share none. `score` decodes the clip and its copy. Needs `ffmpeg`
and what requirements.txt names.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys

import cv2
import numpy as np

WIDTH, HEIGHT, RATE, SHOWN_S = 1920, 1080, 25, 2
# A face of fewer pixels is recognised by nobody.
LEAST_PX = 12
# What is higher is a body that was labelled as a head.
MOST_TALLNESS = 3.5
# A face-frame is left if more than this part of the detail in its cells is still there.
LEFT = 0.1
CELL = 8
# A cell is still there if the copy differs from it by less than this part of its own energy: its encoder does, by little.
STILL = 0.3


def truth(path, labels):
    boxes = []
    for row in path.read_text().split("\n"):
        kind, *numbers = row.split() or [""]
        if kind not in labels:
            continue
        v = [float(number) for number in numbers]
        if len(v) == 4:
            boxes.append([v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2])
        else:
            boxes.append([min(v[::2]), min(v[1::2]), max(v[::2]), max(v[1::2])])
    return boxes


def photos(folder, labels, half, count):
    """Pictures with at least one face, in an order that hangs on nothing but their names."""
    found = []
    for picture in sorted(folder.rglob("*.jpg")) + sorted(folder.rglob("*.png")):
        beside = picture.with_suffix(".txt")
        rows = beside if beside.exists() else folder / "labels" / (picture.stem + ".txt")
        digest = hashlib.sha256(picture.name.encode()).hexdigest()
        if half and (int(digest, 16) % 2 == 0) != (half == "a"):
            continue
        if rows.exists() and truth(rows, labels):
            found.append((digest, picture, truth(rows, labels)))
    return [(picture, boxes) for _, picture, boxes in sorted(found)[:count]]


def compose(args):
    chosen = photos(pathlib.Path(args.folder), args.labels.split(","), args.half, args.photos)
    columns = 2 if args.at_once > 1 else 1
    rows = -(-args.at_once // columns)
    cell_w, cell_h = WIDTH // columns, HEIGHT // rows
    writer = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE),
         "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-pix_fmt", "yuv420p", args.clip],
        stdin=subprocess.PIPE)
    faces = []
    for first in range(0, len(chosen), args.at_once):
        shown = []
        for n, (path, boxes) in enumerate(chosen[first:first + args.at_once]):
            picture = cv2.imread(str(path))
            seed = int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)
            # It fills nine tenths of its cell and moves by the rest, to one corner and back.
            scale = 0.9 * min(cell_w / picture.shape[1], cell_h / picture.shape[0])
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
            corner = ((n % columns) * cell_w, (n // columns) * cell_h)
            shown.append((path.name, picture, boxes, corner, seed))
        for t in range(SHOWN_S * RATE):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            number = first // args.at_once * SHOWN_S * RATE + t
            for name, picture, boxes, (x, y), seed in shown:
                h, w = picture.shape[:2]
                part = abs(2 * t / (SHOWN_S * RATE) - 1)
                way = (part if seed & 1 else 1 - part, part if seed & 2 else 1 - part)
                x0, y0 = x + int((cell_w - w) * way[0]), y + int((cell_h - h) * way[1])
                frame[y0:y0 + h, x0:x0 + w] = picture
                for b in boxes:
                    box = [x0 + b[0] * w, y0 + b[1] * h, x0 + b[2] * w, y0 + b[3] * h]
                    wide, high = box[2] - box[0], box[3] - box[1]
                    if min(wide, high) >= LEAST_PX and high <= MOST_TALLNESS * wide:
                        faces.append([number, name, [round(v, 1) for v in box]])
            writer.stdin.write(frame.tobytes())
    writer.stdin.close()
    if writer.wait():
        sys.exit("ffmpeg failed")
    pathlib.Path(args.clip).with_suffix(".json").write_text(json.dumps(faces))
    print(f"{args.clip}: {len(chosen)} photos, {len(faces)} face-frames")


def decoded(clip, width, height):
    reader = subprocess.Popen(["ffmpeg", "-v", "error", "-i", clip, "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-"],
                              stdout=subprocess.PIPE)
    while len(bytes_ := reader.stdout.read(width * height)) == width * height:
        yield np.frombuffer(bytes_, np.uint8).reshape(height, width).astype(np.float32)


def detail(before, after):
    """By cell: the energy of what differs from the cell's mean, and that of cells which the copy shows as they were."""
    h, w = before.shape[0] // CELL * CELL, before.shape[1] // CELL * CELL
    cells = [gray[:h, :w].reshape(h // CELL, CELL, w // CELL, CELL) for gray in (before, after)]
    was, now = (cell - cell.mean(axis=(1, 3), keepdims=True) for cell in cells)
    energy, lost = (was * was).sum(axis=(1, 3)), ((was - now) ** 2).sum(axis=(1, 3))
    return energy, np.where(lost < STILL * energy, energy, 0)


def bounds(parts, key):
    """95 % by bootstrap over photos, which do not come apart."""
    by = {}
    for name, is_left in parts:
        by.setdefault(name, []).append(is_left)
    sums = np.array([(sum(v), len(v)) for v in by.values()])
    draws = np.random.default_rng(key).integers(len(sums), size=(2000, len(sums)))
    rates = np.sort(sums[draws][:, :, 0].sum(1) / sums[draws][:, :, 1].sum(1))
    return 100 * rates[50], 100 * rates[1949]


def score(args):
    faces = {}
    for number, name, box in json.loads(pathlib.Path(args.clip).with_suffix(".json").read_text()):
        faces.setdefault(number, []).append((name, box))
    probe = subprocess.check_output(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0", args.clip])
    width, height = (int(side) for side in probe.split(b",")[:2])
    left, gone, beside, frames = [], 0, 0, 0
    for number, (before, after) in enumerate(zip(decoded(args.clip, width, height), decoded(args.copy, width, height), strict=True)):
        was, still = detail(before, after)
        is_face = np.zeros(was.shape, bool)
        for name, (x0, y0, x1, y1) in faces.get(number, []):
            cells = (slice(max(int(y0) // CELL, 0), int(y1) // CELL + 1), slice(max(int(x0) // CELL, 0), int(x1) // CELL + 1))
            # Whole cells alone: those at the edge of the true box are half somebody else's.
            inner = (slice(-(-max(int(y0), 0) // CELL), int(y1) // CELL), slice(-(-max(int(x0), 0) // CELL), int(x1) // CELL))
            use = inner if was[inner].size else cells
            left.append((name, still[use].sum() > LEFT * was[use].sum()))
            is_face[cells] = True
        plain = ~is_face & (was > 16 * CELL * CELL)
        gone += (still[plain] < 0.25 * was[plain]).sum()
        beside += plain.sum()
        frames += 1
    low, high = bounds(left, 7)
    rate = 100 * sum(is_left for _, is_left in left) / len(left)
    print(f"{args.copy}: {frames} pictures, {len(left)} face-frames, left {rate:.2f} % ({low:.1f} to {high:.1f}); "
          f"beside, {100 * gone / beside:.0f} % of the cells with detail are covered")
    worst = {}
    for name, is_left in left:
        worst[name] = worst.get(name, 0) + is_left
    for name, count in sorted(worst.items(), key=lambda item: -item[1])[:args.worst]:
        print(f"  {name}: {count}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    made = commands.add_parser("compose")
    made.add_argument("folder")
    made.add_argument("clip")
    made.add_argument("--labels", default="0,1,2")
    made.add_argument("--at-once", type=int, default=4)
    made.add_argument("--half", choices=["a", "b"])
    made.add_argument("--photos", type=int, default=48)
    made.set_defaults(run=compose)
    judged = commands.add_parser("score")
    judged.add_argument("clip")
    judged.add_argument("copy")
    judged.add_argument("--worst", type=int, default=0)
    judged.set_defaults(run=score)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
