"""Shows labelled photos to the agent as clips and says what it told of each labelled head, and why it told nothing of the others.

    python -m sight.shown --photos DATA --agent target/release/forewarn --work /tmp/shown [--set hard-hat] [--half b] [--count 100]

Each photo is shown for some seconds and moved by a few pixels, through `forewarn replay`, with a rule for each answer. Which photos
are of which half hangs on their names alone: choose on half a, state half b. Intervals are 95 %, by bootstrap over photos.
"""

import argparse
import hashlib
import json
import subprocess
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from . import photos
from .evaluate import interval, misfit, overlap

FPS = 5
# A head that was looked at is a labelled one that overlaps with it by so much: some labels take in the neck, others the hat alone.
SAME_LOOKED_AT = 0.25
SECONDS = 5
MOST_SHIFT_PX = 3
# Clips that one process plays: each keeps a decoder open.
CAMERAS = 17
# What is asked of the people on the photos of each set; of `detect` it is only counted who is nobody.
ITEM = {"hard-hat": "hard_hat", "ppe-vest-hat": "hard_hat", "face-mask-boxes": "dust_mask", "detect": "hard_hat"}

SITE = """[site]
id = "shown"
language = "en"
[violations]
dir = "{folder}"
"""
CAMERA = """
[[camera]]
id = "{id}"
url = "file:{clip}"
analysis_fps = {fps}.0
{tiles}
[[camera.zone]]
id = "all"
polygon = [[0, 0], [{width}, 0], [{width}, {height}], [0, {height}]]
[[camera.rule]]
violation = "seen_with"
zone = "all"
[[camera.rule]]
violation = "seen_without"
zone = "all"
"""
VIOLATION = """id = "seen_{name}"
title = {{ zh = "看到", en = "Seen {name}" }}
subject = ["person"]
min_confidence = 0.45
[condition]
wearing = {{ item = "{item}", is = "{answer}" }}
[confirm]
for_s = 0.1
hits = 1
[warning]
times = 1
timeout_s = 20.0
[warning.text]
zh = "您好。"
en = "Hello."
[observe]
for_s = 20.0
complied_after_s = 2.0
gone_after_s = 6.0
"""


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--photos", type=Path, required=True)
    ask.add_argument("--agent", type=Path, required=True)
    ask.add_argument("--work", type=Path, required=True)
    ask.add_argument("--set", default="hard-hat", choices=ITEM)
    ask.add_argument("--part", default="held")
    ask.add_argument("--half", choices=["a", "b"])
    ask.add_argument("--count", type=int)
    ask.add_argument("--seconds", type=float, default=SECONDS)
    ask.add_argument("--tiles", action="store_true")
    ask.add_argument("--again", action="store_true", help="judge what is in --work already")
    ask.add_argument("--save", type=Path, help="rows of heads, as JSON lines")
    args = ask.parse_args()
    chosen = [p for p in photos_of(args.set, args.photos) if args.part in (p.part, "all")]
    chosen = [p for p in chosen if args.half in (None, half_of(p.path.name))]
    chosen = sorted(chosen, key=lambda p: digest(p.path.name))[: args.count]
    seen = []
    for first in range(0, len(chosen), CAMERAS):
        seen += shown(args, chosen[first : first + CAMERAS], first)
    report(seen)
    if args.save:
        with args.save.open("w") as file:
            for photo in seen:
                file.write(json.dumps(photo) + "\n")


def photos_of(name, data):
    """The photos of a set; the kind of a head is whether what is asked for is worn (0) or not (1)."""
    if name == "face-mask-boxes":
        return masked(data / name)
    if name == "detect":
        return photos.labelled(data / name / "images", data / name / "labels", {0: "person"}, lambda _: "held")
    return (photo for photo in photos.every(data) if name in photo.path.parts)


def masked(folder):
    """Photos of faces with masks and without; a mask that is worn wrong is none."""
    for photo in photos.labelled(folder / "images", folder / "labels", {}, photos.part_of):
        height, width = photo.read().shape[:2]
        rows = photos.rows_of(folder / "labels" / f"{photo.path.stem}.txt", width, height)
        photo.heads = [(*photos.head_of_face(box), min(kind, 1)) for kind, box in rows]
        yield photo


def digest(name):
    return int(hashlib.sha256(f"shown {name}".encode()).hexdigest(), 16)


def half_of(name):
    return "ab"[digest(name) % 2]


def shifts_of(name, count):
    """How far each picture of a clip is moved."""
    rng = np.random.default_rng(digest(name) % 2**32)
    return rng.integers(-MOST_SHIFT_PX, MOST_SHIFT_PX + 1, (count, 2))


def clip_of(photo, folder, seconds):
    """The photo as a clip, made once."""
    path = folder / f"{photo.path.stem}-{seconds:g}.mp4"
    picture = photo.read()
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    if path.is_file():
        return path, (width, height)
    picture = picture[:height, :width]
    around = cv2.copyMakeBorder(picture, *[MOST_SHIFT_PX] * 4, cv2.BORDER_REPLICATE)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    command += ["-c:v", "libx264", "-crf", "20", "-preset", "veryfast", "-pix_fmt", "yuv420p", str(path.with_suffix(".part.mp4"))]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    for dx, dy in shifts_of(photo.path.name, int(seconds * FPS)):
        y, x = MOST_SHIFT_PX - dy, MOST_SHIFT_PX - dx
        encoder.stdin.write(np.ascontiguousarray(around[y : y + height, x : x + width]).tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise RuntimeError(f"{path}: ffmpeg failed")
    path.with_suffix(".part.mp4").rename(path)
    return path, (width, height)


def shown(args, some, first):
    """What the agent told of some photos, a row a photo."""
    clips, out = args.work / "clips", args.work / f"out-{first}"
    for folder in (clips, out, args.work / "violations"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, answer in (("with", "yes"), ("without", "no")):
        text = VIOLATION.format(name=name, answer=answer, item=ITEM[args.set])
        (args.work / "violations" / f"seen_{name}.toml").write_text(text)
    site = SITE.format(folder=args.work.resolve() / "violations")
    ids = {}
    for n, photo in enumerate(some):
        clip, (width, height) = clip_of(photo, clips, args.seconds)
        ids[f"p{n}"] = photo
        tiles = 'tiles = "auto"' if args.tiles else ""
        site += CAMERA.format(id=f"p{n}", clip=clip.resolve(), width=width, height=height, fps=FPS, tiles=tiles)
    (out / "site.toml").write_text(site)
    command = [args.agent, "replay", "--config", out / "site.toml", "--out", out / "found", "--tracks", "--no-evidence"]
    command += ["--track-class", "person", "--log", "error,looks=trace", "--log-json"]
    if not args.again:
        play(command, out / "log.jsonl")
    incidents = [json.loads(line) for line in (out / "found" / "incidents.jsonl").open()]
    rows = [json.loads(line).get("fields", {}) | {"target": json.loads(line).get("target")} for line in (out / "log.jsonl").open()]
    return [told_of(photo, id, out / "found", len(some) == 1, incidents, rows, args.seconds) for id, photo in ids.items()]


def play(command, log):
    """Runs the agent; what it tells on standard error goes to a file."""
    with log.open("w") as file:
        result = subprocess.run([str(part) for part in command], stderr=file, stdout=subprocess.DEVNULL)
    if result.returncode:
        raise RuntimeError(f"replay: {result.returncode}, see {log}")


def told_of(photo, id, found, is_alone, incidents, rows, seconds):
    """What the agent told of the heads of one photo."""
    shifts = shifts_of(photo.path.name, int(seconds * FPS))
    tracks = {}
    for line in (found / ("tracks.txt" if is_alone else f"tracks-{id}.txt")).open():
        frame, track, x, y, w, h = (float(v) for v in line.split(",")[:6])
        dx, dy = shifts[min(len(shifts) - 1, int(frame) - 1)]
        tracks.setdefault(int(track), []).append((x - dx, y - dy, x + w - dx, y + h - dy))
    boxes = {track: np.median(np.array(all_), axis=0) for track, all_ in tracks.items() if len(all_) >= 5}
    verdicts = {}
    for incident in incidents:
        if incident["camera"] == id and "track" in incident["subject"]:
            verdicts.setdefault(incident["subject"]["track"], set()).add(incident["violation"].removeprefix("seen_"))
    looks = {}
    for row in rows:
        if row["target"] == "looks" and row.get("camera") == id:
            look, reading = json.loads(row["look"]), json.loads(row["reading"])
            looks.setdefault(look["track"], []).append({"head": look.get("head"), **reading})
    looked_at = {}
    for track, some in looks.items():
        found = [(look["head"]["box"], shifts[min(len(shifts) - 1, round(look["at"] * FPS / 1e6))]) for look in some if look["head"]]
        if found:
            looked_at[track] = np.median([[x0 - dx, y0 - dy, x1 - dx, y1 - dy] for (x0, y0, x1, y1), (dx, dy) in found], axis=0)
    heads = np.array(photo.heads, float).reshape(-1, 5)
    own = owned(heads, boxes, looked_at)
    middle = (heads[:, :2] + heads[:, 2:4]) / 2
    result = []
    for n, head in enumerate(heads):
        inside = [t for t, b in boxes.items() if b[0] <= middle[n][0] <= b[2] and b[1] <= middle[n][1] <= b[3]]
        track = own.get(n)
        said = verdicts.get(track, set()) if track is not None else set()
        result.append({
            "head": [round(v, 1) for v in head[:4]], "kind": int(head[4]), "in_track": bool(inside), "own": track,
            "told": sorted(said), "looks": looks.get(track, []), "side": float(np.sqrt(max(0, (head[2] - head[0]) * (head[3] - head[1])))),
        })
    labelled = [np.array(p) for p in photo.people]
    nobody = sum(
        t not in own.values()
        and not any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for x, y in middle)
        and all(overlap(b, p) < 0.3 for p in labelled)
        for t, b in boxes.items()
    )
    return {"photo": photo.path.name, "heads": result, "nobody": int(nobody), "tracks": {t: [round(float(v), 1) for v in b] for t, b in boxes.items()}}


def owned(heads, boxes, seen):
    """Each head's own track: of all pairs, first the one that fits best. Where the agent has looked at a track's head, that is the head."""
    fits = []
    for n, head in enumerate(heads):
        for track, box in boxes.items():
            off = misfit(head, box) if track not in seen else None
            if track in seen and overlap(head[:4], seen[track]) >= SAME_LOOKED_AT:
                off = -overlap(head[:4], seen[track])
            if off is not None:
                fits.append((off, n, track))
    own = {}
    for _, n, track in sorted(fits):
        if n not in own and track not in own.values():
            own[n] = track
    return own


def is_right(head):
    return head["told"] == [["with", "without"][head["kind"]]]


def cause(head):
    """Why nothing was told of a head."""
    if not head["in_track"]:
        return "no track"
    if head["own"] is None:
        return "in another's track"
    looks = head["looks"]
    if not looks:
        return "no look"
    counts = Counter(next(iter(look["answer"])) if "cannot_tell" not in look["answer"] else look["answer"]["cannot_tell"] for look in looks)
    good = counts.get("probability", 0)
    if good >= 0.5 * len(looks):
        sides = [look["answer"]["probability"] > 0.5 for look in looks if "probability" in look["answer"]]
        return f"votes ({'one side' if len(set(sides)) == 1 else 'both sides'})"
    return f"looks: {counts.most_common(1)[0][0]}"


def report(seen):
    of = lambda test, base: interval(lambda p: (sum(test(h) for h in p["heads"] if base(h)), sum(base(h) for h in p["heads"])), seen)
    every = lambda h: True
    told = lambda h: len(h["told"]) == 1
    print(f"{len(seen)} photos; tracks of nobody {sum(p['nobody'] for p in seen) / len(seen):.2f} a photo")
    print("heads in a track:      ", of(lambda h: h["in_track"], every))
    print("heads of their own:    ", of(lambda h: h["own"] is not None, every))
    print("told, of all:          ", of(told, every))
    print("told, of own:          ", of(told, lambda h: h["own"] is not None))
    print("told rightly:          ", of(is_right, told))
    for kind, name in enumerate(("with", "without")):
        print(f"  {name}: told {of(told, lambda h: h['kind'] == kind)}, right {of(is_right, lambda h: told(h) and h['kind'] == kind)}")
    for low, high in ((0, 16), (16, 24), (24, 48), (48, 96), (96, 1000)):
        sized = lambda h: low <= h["side"] < high
        print(f"  {low}-{high} px: told {of(told, sized)}")
    causes = Counter((cause(h), ["with", "without"][h["kind"]]) for p in seen for h in p["heads"] if not told(h))
    for (why, kind), count in sorted(causes.items(), key=lambda item: -item[1]):
        print(f"  {count:4} {why}, {kind}")


if __name__ == "__main__":
    main()
