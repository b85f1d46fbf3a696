"""MOTA, IDF1 and HOTA of the agent's tracker beside ByteTrack's (supervision), fed the same detections.

    cargo build --release -p forewarn-analytics --example track_mot
    python evaluate.py --gt pets09-s2l1-gt.txt --det yolox=det.txt [--det nanodet=det2.txt]

The truth and the detections have MOT columns; detections may name a class in the eighth. Subjects are people.
HOTA comes from TrackEval, MOTA and IDF1 from motmetrics and, as a check, from TrackEval too. Pairs need an IoU of 0.5;
HOTA averages over 0.05 to 0.95. Made-up sequences (`synthetic.py`) follow, for what one clip cannot show.
"""

import argparse
import pathlib
import subprocess
import sys

import motmetrics
import numpy as np
import supervision
import synthetic
from trackeval.metrics import CLEAR, HOTA, Identity

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def read(path):
    """Rows of a MOT file as floats, people only where a class is named."""
    rows = []
    for line in pathlib.Path(path).read_text().splitlines():
        fields = line.split(",")
        if len(fields) == 8 and fields[7].strip() != "person":
            continue
        rows.append(tuple(float(f) for f in fields[:7]))
    return rows


def by_frame(rows):
    frames = {}
    for row in rows:
        frames.setdefault(int(row[0]), []).append(row)
    return frames


def forewarn(binary, detections, fps, every=1, config=None):
    """Tracks by the agent's tracker."""
    text = "".join(",".join(f"{v:.4f}" if i > 1 else str(int(v)) for i, v in enumerate(d)) + "\n" for d in detections)
    command = [str(binary), "--fps", str(fps), "--every", str(every)] + (["--config", config] if config else [])
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return [tuple(float(f) for f in line.split(",")[:6]) for line in done.stdout.splitlines()]


def bytetrack(detections, last, every=1, **options):
    """Tracks by supervision's ByteTrack."""
    tracker, frames, tracks = supervision.ByteTrack(**options), by_frame(detections), []
    for frame in range(1, last + 1, every):
        rows = np.array(frames.get(frame, np.empty((0, 7))), dtype=np.float32).reshape(-1, 7)
        boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], 1)
        found = tracker.update_with_detections(
            supervision.Detections(xyxy=boxes, confidence=rows[:, 6], class_id=np.zeros(len(rows), int))
        )
        if len(found):
            for (x0, y0, x1, y1), subject in zip(found.xyxy, found.tracker_id):
                tracks.append((frame, int(subject), x0, y0, x1 - x0, y1 - y0))
    return tracks


def iou(a, b):
    a, b = np.asarray(a, float).reshape(-1, 4), np.asarray(b, float).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    return shared / (a[:, None, 2:].prod(2) + b[None, :, 2:].prod(2) - shared)


def scores(truth, tracks, frames):
    """MOTA, IDF1, HOTA, DetA, AssA (all in percent) and identity switches of one sequence."""
    truth_ids = {v: i for i, v in enumerate(sorted({t[1] for t in truth}))}
    track_ids = {v: i for i, v in enumerate(sorted({t[1] for t in tracks}))}
    truth_at, tracks_at = by_frame(truth), by_frame(tracks)
    data = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    mot = motmetrics.MOTAccumulator()
    for frame in frames:
        t, k = truth_at.get(frame, []), tracks_at.get(frame, [])
        similarity = iou([r[2:6] for r in t], [r[2:6] for r in k])
        data["gt_ids"].append(np.array([truth_ids[r[1]] for r in t], int))
        data["tracker_ids"].append(np.array([track_ids[r[1]] for r in k], int))
        data["similarity_scores"].append(similarity)
        distance = np.where(similarity >= 0.5, 1 - similarity, np.nan)
        mot.update([r[1] for r in t], [r[1] for r in k], distance, frameid=frame)
    data |= {
        "num_gt_dets": len(truth), "num_tracker_dets": len(tracks),
        "num_gt_ids": len(truth_ids), "num_tracker_ids": len(track_ids), "num_timesteps": len(frames),
    }
    quiet = {"PRINT_CONFIG": False}
    hota = HOTA().eval_sequence(data)
    clear, identity = CLEAR(quiet).eval_sequence(data), Identity(quiet).eval_sequence(data)
    summary = motmetrics.metrics.create().compute(mot, metrics=["mota", "idf1", "num_switches"])
    mota, idf1 = float(summary["mota"].iloc[0]), float(summary["idf1"].iloc[0])
    if abs(mota - clear["MOTA"]) > 0.01 or abs(idf1 - identity["IDF1"]) > 0.01:
        print(f"motmetrics and TrackEval differ: {mota} {clear['MOTA']}, {idf1} {identity['IDF1']}", file=sys.stderr)
    mean = lambda name: 100 * float(np.mean(hota[name]))
    return (100 * mota, 100 * idf1, mean("HOTA"), mean("DetA"), mean("AssA"), int(summary["num_switches"].iloc[0]))


def table(title, rows):
    print(f"\n{title}\n{'tracker':28}{'MOTA':>7}{'IDF1':>7}{'HOTA':>7}{'DetA':>7}{'AssA':>7}{'IDSW':>6}")
    for name, values in rows:
        print(f"{name:28}" + "".join(f"{v:7.1f}" for v in values[:5]) + f"{values[5]:6.0f}")


def compare(args, truth, detections, frames, every=1, config=None):
    last = max(frames)
    # Analysed frames reach ByteTrack one after another, so its rate is that of the analysed frames.
    rate = max(1, round(args.fps / every))
    rows = [("forewarn", scores(truth, forewarn(args.tracker, detections, args.fps, every, config), frames))]
    for name, options in (
        ("ByteTrack, defaults", {}),
        (f"ByteTrack, frame_rate={rate}", {"frame_rate": rate}),
    ):
        rows.append((name, scores(truth, bytetrack(detections, last, every, **options), frames)))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gt", default=ROOT.parent / "shared/data/mot/pets09-s2l1-gt.txt")
    parser.add_argument("--det", action="append", default=[], help="NAME=det.txt")
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--every", type=int, nargs="*", default=[1, 2, 5], help="analyse each Nth frame only")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--config", help="tracker settings in TOML, for trials")
    parser.add_argument("--tracker", default=ROOT / "target/release/examples/track_mot")
    args = parser.parse_args()
    truth = read(args.gt)
    last = int(max(row[0] for row in truth))
    for source in args.det:
        name, path = source.split("=", 1)
        detections = read(path)
        for every in args.every:
            frames = range(1, last + 1, every)
            kept = [t for t in truth if (t[0] - 1) % every == 0]
            used = [d for d in detections if (d[0] - 1) % every == 0]
            rows = compare(args, kept, used, frames, every, args.config)
            table(f"{pathlib.Path(args.gt).stem}, {name}, {args.fps / every:g} fps", rows)
    totals = {}
    for kind in synthetic.KINDS:
        for every in (1, 3) if kind != "runners" else (1,):
            runs = []
            for seed in range(args.seeds):
                made, detections = synthetic.make(kind, seed, every)
                frames = range(1, int(max(row[0] for row in made)) + 1, every)
                runs.append(compare(args, made, detections, frames, every, args.config))
            mean = [(r[0][0], np.mean([v[1] for v in r], axis=0)) for r in zip(*runs)]
            table(f"made up: {kind}, {args.fps / every:.1f} fps, mean of {args.seeds}", mean)
            for name, values in mean:
                totals.setdefault(name.split("=")[0], []).append(values)
    table("made up: mean of all", [(name, np.mean(v, axis=0)) for name, v in totals.items()])


if __name__ == "__main__":
    main()
