"""Photos with labelled heads: what each set's rows mean here, and which photos are held back."""

import csv
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2

IN_HARD_HAT, OTHER = 0, 1

# A face's box and its head's: the medians of 805 heads that were drawn by hand around labelled faces.
FACE_TO_HEAD = (0.28, 0.35, 0.28, 0.0)  # grown to the left, upwards, to the right, downwards, in sides of the face


@dataclass
class Photo:
    """A photo, its heads as (x0, y0, x1, y1, class) in pixels, and its people where the set labels them."""

    path: Path
    heads: list
    people: list = field(default_factory=list)
    part: str = "train"

    def read(self):
        """Height x width x 3, BGR, 8 bits."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"{self.path}: no photo can be read from it")
        return picture


def part_of(name: str) -> str:
    """One photo in twelve is for choosing between recipes, by its name, so that it is the same each time."""
    return "choose" if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 12 == 0 else "train"


def rows_of(path: Path, width: int, height: int):
    """Class and box in pixels of each row: `class cx cy w h`, or a polygon, as parts of the sides."""
    for row in path.read_text().splitlines():
        numbers = row.split()
        if len(numbers) < 5:
            continue
        kind, values = int(numbers[0]), [float(v) for v in numbers[1:]]
        if len(values) == 4:
            cx, cy, w, h = values
            box = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
        else:
            xs, ys = values[0::2], values[1::2]
            box = (min(xs), min(ys), max(xs), max(ys))
        yield kind, (box[0] * width, box[1] * height, box[2] * width, box[3] * height)


def labelled(folder_of_images: Path, folder_of_labels: Path, meaning: dict, part):
    """The photos of one folder; `meaning` turns a row's class into a head's, a person's ("person") or a face's."""
    for image in sorted(folder_of_images.iterdir()):
        rows = folder_of_labels / f"{image.stem}.txt"
        if image.suffix.lower() not in (".jpg", ".jpeg", ".png") or not rows.is_file():
            continue
        height, width = cv2.imread(str(image)).shape[:2]
        photo = Photo(image, [], part=part(image.name))
        for kind, box in rows_of(rows, width, height):
            means = meaning.get(kind)
            if means == "person":
                photo.people.append(box)
            elif means == "face":
                photo.heads.append((*head_of_face(box), OTHER))
            elif means is not None:
                photo.heads.append((*box, means))
        yield photo


def head_of_face(box):
    """The head's box around a face's."""
    x0, y0, x1, y1 = box
    left, up, right, down = FACE_TO_HEAD
    w, h = x1 - x0, y1 - y0
    return (x0 - left * w, y0 - up * h, x1 + right * w, y1 + down * h)


def every(data: Path):
    """All photos of the three sets below `data`. The site photos' own `valid` part is held back."""
    hats = data / "train" / "hard-hat"
    site = {0: IN_HARD_HAT, 1: OTHER, 2: OTHER, 3: "person"}
    yield from labelled(hats / "train", hats / "train", site, part_of)
    yield from labelled(hats / "valid", hats / "valid", site, lambda _: "held")
    vests = data / "ppe-vest-hat"
    yield from labelled(vests / "images", vests / "labels", {0: IN_HARD_HAT, 2: OTHER, 4: OTHER}, part_of)
    faces = data / "face-mask-boxes"
    meaning = {0: "face", 1: "face", 2: "face"}
    yield from labelled(faces / "images", faces / "labels", meaning, part_of)


def growth_of_faces(data: Path):
    """What FACE_TO_HEAD was read from: the medians of the heads that were drawn around faces."""
    from statistics import median

    grown = []
    with open(data / "face-mask-boxes" / "headwear.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            fx0, fy0, fx1, fy1, hx0, hy0, hx1, hy1 = (
                float(row[k]) for k in "face_x0 face_y0 face_x1 face_y1 head_x0 head_y0 head_x1 head_y1".split()
            )
            w, h = fx1 - fx0, fy1 - fy0
            grown.append(((fx0 - hx0) / w, (fy0 - hy0) / h, (hx1 - fx1) / w, (hy1 - fy1) / h))
    return tuple(round(median(side), 2) for side in zip(*grown))
