"""IDF1 of the agent's tracker when the camera pans, zooms and shakes, beside the same clip from a camera that stands.

    cargo build -p forewarn-analytics --example track_mot
    python moving.py --gt pets09-s2l1-gt.txt --clip vtest.avi --model ../../models/store/site-nano-416.onnx
    python moving.py --gt crossing-gt.txt --clip crossing.avi --model ../../models/store/site-nano-416.onnx

Each version is a window on the clip, cut out and scaled to the size of the clip, so the truth of each picture and the motion from one
to the next are exact. The detector runs on these pictures. The tracker is told nothing of the motion, what `CameraShift` measures in
the picture, the motion itself as telemetry tells it, off by a normal error of `--noise` pixels in each frame, or both, of which the
picture counts where telemetry is about of its opinion, as in the agent. "Stood" takes the
motion out of what the detector found in the same pictures: the same people come and go, before a camera that stands. It is what
compensation can reach at best.
"""

import argparse
import math
import pathlib
import subprocess
import sys
import tempfile

import cv2
import detect
import motmetrics
import numpy as np
import onnxruntime
from boxes import iou

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How wide a clip is that is cut; it is as high as it is.
WIDE = 768
# The part of a true box that has to be in the picture.
IN_VIEW = 0.5
# By how much the clip is scaled where the motion is taken out: as in the window that stands.
STOOD = WIDE / 480
PERSON = detect.COCO.index("person")
TOLD = ("nothing", "picture", "telemetry", "both", "stood")


def size_of(path):
    clip = cv2.VideoCapture(path)
    width, height = (int(clip.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width != WIDE:
        sys.exit(f"{path} is {width} pixels wide, where the windows are for {WIDE}: is it there?")
    return width, height


def window(version, at, seed, rng, size):
    """The map of the clip's picture to the version's at a second, as a homography."""
    turn = lambda period, phase: math.sin(2 * math.pi * (at / period + phase + 0.31 * seed))
    x, y, width, roll = size[0] / 2, size[1] / 2, 480.0, 0.0
    if version in ("pan", "all"):
        x, y = x + 130 * turn(6.0, 0.0), y + 90 * turn(8.0, 0.2)
    if version in ("zoom", "all"):
        width *= 1 + 0.25 * turn(5.0, 0.4)
    if version in ("shake", "all"):
        x, y, roll = x + rng.normal(0, 12), y + rng.normal(0, 12), rng.normal(0, 1.0)
    scale = size[0] / width
    cos, sin = scale * math.cos(math.radians(roll)), scale * math.sin(math.radians(roll))
    linear = np.array([[cos, -sin], [sin, cos]])
    shift = np.array(size) / 2 - linear @ np.array([x, y])
    return np.vstack([np.hstack([linear, shift[:, None]]), [0, 0, 1]])


def mapped(by, points):
    there = np.hstack([points, np.ones((len(points), 1))]) @ by.T
    return there[:, :2] / there[:, 2:]


def upright(by, box):
    """The box (left, top, width, height) around what was in a box."""
    x, y, w, h = box
    there = mapped(by, np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]))
    # A person does not grow with a small roll: the middles of the sides say how large it is.
    scale = math.sqrt(abs(np.linalg.det(by[:2, :2])))
    middle = there.mean(0)
    return [middle[0] - w * scale / 2, middle[1] - h * scale / 2, w * scale, h * scale]


def clipped(box, size):
    x, y, w, h = box
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, size[0]), min(y + h, size[1])
    return [left, top, max(right - left, 0), max(bottom - top, 0)]


def shown(args, session, version, seed):
    """Truth, detections, pictures and motions of a version."""
    rng, clip = np.random.default_rng(seed), cv2.VideoCapture(args.clip)
    size, decode = size_of(args.clip), detect.decoder(session)
    corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], float)
    truth_at = {}
    for line in pathlib.Path(args.gt).read_text().splitlines():
        frame, who, *box = (float(field) for field in line.split(",")[:6])
        truth_at.setdefault(int(frame), []).append((int(who), box))
    truth, detections, pictures, motions, before, frame = {}, [], [], [], None, 0
    standing, still = ({}, []), np.diag([STOOD, STOOD, 1.0])
    while True:
        ok, image = clip.read()
        if not ok:
            return truth, detections, pictures, motions, standing
        frame += 1
        if (frame - 1) % args.every:
            continue
        by = window(version, (frame - 1) / args.fps, seed, rng, size)
        picture = cv2.warpPerspective(image, by, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        boxes = [(who, box, clipped(box, size)) for who, box in ((who, upright(by, box)) for who, box in truth_at.get(frame, []))]
        truth[frame] = [(who, cut) for who, box, cut in boxes if cut[2] * cut[3] >= IN_VIEW * box[2] * box[3]]
        standing[0][frame] = [(who, upright(still @ np.linalg.inv(by), box)) for who, box in truth[frame]]
        found, scores = decode(session, picture)
        chosen = scores[:, PERSON] >= 0.1
        found, scores = found[chosen], scores[chosen, PERSON]
        for i in detect.nms(found, scores, 0.5):
            x0, y0, x1, y1 = found[i]
            detections.append(row(frame, [x0, y0, x1 - x0, y1 - y0], scores[i]))
            standing[1].append(row(frame, upright(still @ np.linalg.inv(by), [x0, y0, x1 - x0, y1 - y0]), scores[i]))
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())
        moved = corners if before is None else mapped(by @ np.linalg.inv(before), corners)
        motions.append(moved + rng.normal(0, args.noise, 2))
        before = by


def row(frame, box, score):
    return ",".join([str(frame), "-1", *(f"{side:.2f}" for side in box), f"{score:.4f}"])


def idf1(args, seen, told):
    truth, detections, pictures, motions, standing = seen
    width, height = size_of(args.clip)
    size = f"{width}x{height}"
    if told == "stood":
        (truth, detections), size = standing, f"{width * STOOD:.0f}x{height * STOOD:.0f}"
    command = [args.tracker, "--fps", str(args.fps), "--every", str(args.every), "--size", size]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "told"
        if told in ("picture", "both"):
            path.write_bytes(b"".join(pictures))
            command += ["--frames", str(path)]
        if told in ("telemetry", "both"):
            path = path.with_name("flown")
            path.write_text("".join(",".join(f"{v:.3f}" for v in corners.ravel()) + "\n" for corners in motions))
            command += ["--motions", str(path)]
        child = subprocess.run(command, input="\n".join(detections) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    tracks = {}
    for line in child.stdout.splitlines():
        frame, who, *box = (float(field) for field in line.split(",")[:6])
        tracks.setdefault(int(frame), []).append((int(who), box))
    found = motmetrics.MOTAccumulator()
    for frame, people in truth.items():
        seen_now = tracks.get(frame, [])
        shared = iou([b for _, b in people], [b for _, b in seen_now])
        distance = np.where(shared >= 0.5, 1 - shared, np.nan)
        found.update([who for who, _ in people], [who for who, _ in seen_now], distance, frameid=frame)
    return 100 * float(motmetrics.metrics.create().compute(found, metrics=["idf1"])["idf1"].iloc[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gt", required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tracker", default=str(ROOT / "target/debug/examples/track_mot"))
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--noise", type=float, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--versions", nargs="+", default=["still", "pan", "zoom", "shake", "all"])
    parser.add_argument("--told", nargs="+", choices=TOLD, default=TOLD)
    args = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    print(f"| version | {' | '.join(args.told)} |\n|---|{'---|' * len(args.told)}")
    for version in args.versions:
        runs = [shown(args, session, version, seed) for seed in (args.seeds if version != "still" else args.seeds[:1])]
        cells = []
        for told in args.told:
            values = [idf1(args, run, told) for run in runs]
            span = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.1f}{span}")
        print(f"| {version} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
