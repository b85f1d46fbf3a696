"""MOTA, IDF1 and HOTA of the agent's tracker beside ByteTrack, OC-SORT and BoT-SORT, all fed the same detections.

    cargo build --release -p forewarn-analytics --example track_mot
    python evaluate.py --gt pets09-s2l1-gt.txt --clip vtest.avi --det yolox=det.txt [--det nanodet=det2.txt]

The truth and the detections have MOT columns; detections may name a class in the eighth. Subjects are people.
HOTA comes from TrackEval, MOTA and IDF1 from motmetrics and, as a check, from TrackEval too. Pairs need an IoU of 0.5;
HOTA averages over 0.05 to 0.95. Made-up scenes (`synthetic.py`) follow, for what one clip cannot show.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import cv2
import motmetrics
import numpy as np
import rivals
import synthetic
from boxes import iou
from trackeval.metrics import CLEAR, HOTA, Identity

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Frames a second at which the made-up scenes are analysed, and the scenes that are also shown at a camera's own rate.
RATES, FAST_RATE, ALSO_FAST = (10, 3), 25, ("crossings", "groups", "vehicles")


@dataclasses.dataclass
class Run:
    """One sequence at one rate: what every tracker is given, and what is true."""

    name: str
    rate: int
    fps: float
    every: int
    frames: list
    truth: list
    detections: list
    # A new iterator over the pictures (BGR) of the analysed frames, where there are any.
    pictures: Callable | None = None


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


def write_frames(pictures, path):
    """Raw I420 frames, one after another."""
    with open(path, "wb") as out:
        for picture in pictures:
            out.write(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())


def forewarn(args, run, config=None, with_pictures=False):
    """Tracks by the agent's tracker, and microseconds a frame, its start and the reading of its input included."""
    rows = (",".join(f"{v:.4f}" if i > 1 else str(int(v)) for i, v in enumerate(d)) for d in run.detections)
    command = [str(args.tracker), "--fps", str(run.fps), "--every", str(run.every)]
    command += ["--config", config] if config else []
    with tempfile.TemporaryDirectory() as folder:
        if with_pictures:
            pipe = str(pathlib.Path(folder) / "frames")
            os.mkfifo(pipe)
            command += ["--frames", pipe]
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            if with_pictures:
                pool.submit(write_frames, run.pictures(), pipe)
            out, _ = child.communicate("\n".join(rows) + "\n")
        spent = time.perf_counter() - started
    if child.returncode:
        sys.exit(f"{command[0]} failed")
    tracks = [tuple(float(f) for f in line.split(",")[:6]) for line in out.splitlines()]
    return tracks, 1e6 * spent / len(run.frames)


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


def kept(args, name, variant, run, make):
    """What `make` gives, from the folder of kept results if it was made before."""
    if not args.keep:
        return make()
    inputs = repr((name, variant, run.name, run.rate, run.truth, run.detections)).encode()
    path = pathlib.Path(args.keep) / hashlib.sha256(inputs).hexdigest()
    if path.exists():
        return pickle.loads(path.read_bytes())
    result = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(result))
    return result


def compare(args, run):
    """Rows (tracker, values) of all trackers on one run; the last value is microseconds a frame."""

    def rated(tracked):
        tracks, us = tracked
        return (*scores(run.truth, tracks, run.frames), us)

    rows = [("forewarn", rated(forewarn(args, run, args.config)))]
    if run.pictures and args.pictures:
        settings = "\n".join(filter(None, [args.config, "appearance = true"]))
        rows.append(("forewarn, picture", rated(forewarn(args, run, settings, with_pictures=True))))
    for name in rivals.RIVALS:
        for variant in rivals.VARIANTS:
            make = lambda: rated(rivals.track(name, variant, run))
            rows.append((f"{name}, {variant}", kept(args, name, variant, run, make)))
    return run.name, rows


def clip_runs(args):
    truth = read(args.gt)
    last = int(max(row[0] for row in truth))

    def pictures(every):
        clip = cv2.VideoCapture(args.clip)
        for frame in range(last):
            ok, picture = clip.read()
            if not ok:
                return
            if frame % every == 0:
                yield picture

    for source in args.det:
        name, path = source.split("=", 1)
        detections = read(path)
        for every in args.every:
            used = lambda rows: [r for r in rows if (r[0] - 1) % every == 0]
            frames, rate = list(range(1, last + 1, every)), max(1, round(args.fps / every))
            show = (lambda every=every: pictures(every)) if args.clip else None
            title = f"{pathlib.Path(args.gt).stem}, {name}, {args.fps / every:g} fps"
            yield Run(title, rate, args.fps, every, frames, used(truth), used(detections), show)


def made_up_run(kind, seed, fps):
    scene, truth, detections = synthetic.make(kind, seed, fps)
    frames = list(range(1, int(synthetic.LASTS_S * fps) + 1))
    show = (lambda: synthetic.render(scene, seed, fps)) if kind == "shake" else None
    return Run(f"made up: {kind}, {fps} fps", fps, fps, 1, frames, truth, detections, show)


def compare_made_up(args, kind, seed, fps):
    return compare(args, made_up_run(kind, seed, fps))


def compare_clip(args, number):
    return compare(args, list(clip_runs(args))[number])


def table(title, rows):
    print(f"\n{title}\n{'tracker':28}{'MOTA':>7}{'IDF1':>7}{'HOTA':>7}{'DetA':>7}{'AssA':>7}{'IDSW':>7}{'us':>8}")
    for name, values in rows:
        print(f"{name:28}" + "".join(f"{v:7.1f}" for v in values[:6]) + f"{values[6]:8.0f}")


def means(tables):
    """The mean of each tracker's rows over several tables."""
    by_name = {}
    for rows in tables:
        for name, values in rows:
            by_name.setdefault(name, []).append(values)
    return [(name, np.mean(v, axis=0)) for name, v in by_name.items() if len(v) == len(tables)]


def weak_rows(title, rows):
    """Says where another tracker is ahead in IDF1 or HOTA."""
    ours = [v for name, v in rows if name.startswith("forewarn")]
    for column, measure in ((1, "IDF1"), (2, "HOTA")):
        best = max(v[column] for v in ours)
        name, ahead = max(((n, v[column]) for n, v in rows if not n.startswith("forewarn")), key=lambda r: r[1])
        if ahead > best:
            print(f"behind: {title}: {measure} {best:.1f}, {name} has {ahead:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gt", default=ROOT.parent / "shared/data/mot/pets09-s2l1-gt.txt")
    parser.add_argument("--clip", help="the clip itself, for trackers that look at the picture")
    parser.add_argument("--det", action="append", default=[], help="NAME=det.txt")
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--every", type=int, nargs="*", default=[1, 2, 5], help="analyse each Nth frame only")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--config", help="tracker settings in TOML, for trials")
    parser.add_argument("--tracker", default=ROOT / "target/release/examples/track_mot")
    parser.add_argument("--keep", help="folder in which results of the other trackers are kept for the next time")
    parser.add_argument("--no-pictures", dest="pictures", action="store_false", help="leave out what needs pictures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    rates = [(kind, fps) for kind in synthetic.KINDS for fps in RATES + ((FAST_RATE,) if kind in ALSO_FAST else ())]
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        jobs = [pool.submit(compare_clip, args, n) for n in range(len(args.det) * len(args.every))]
        jobs += [pool.submit(compare_made_up, args, kind, seed, fps) for kind, fps in rates for seed in args.seeds]
        tables = {}
        for job in jobs:
            title, rows = job.result()
            tables.setdefault(title, []).append(rows)
    ended = {title: means(rows) for title, rows in tables.items()}
    for title, rows in ended.items():
        table(title, rows)
    for group in ("made up", pathlib.Path(args.gt).stem):
        rows = [rows for title, rows in ended.items() if title.startswith(group)]
        if rows:
            ended[f"mean of {group}"] = means(rows)
            table(f"mean of {group}", ended[f"mean of {group}"])
    print()
    for title, rows in ended.items():
        weak_rows(title, rows)


if __name__ == "__main__":
    main()
