"""The trackers that the agent's is compared with, each as a function from a run to tracks and time.

ByteTrack is that of supervision, OC-SORT and BoT-SORT are those of `trackers` (Roboflow). BoT-SORT is the one without
re-identification, as the package has it; its camera-motion compensation is on wherever there is a picture. Each runs
with its documented defaults, with its `frame_rate` set to that of the analysed frames, and with the agent's scores and
patience besides (`alike`), so that no default for a strong detector at 30 frames a second decides the comparison.
"""

import time
import warnings

import numpy as np
import supervision
import trackers

warnings.filterwarnings("ignore")

HIGH, NEW, LOST_S = 0.4, 0.5, 3.0


def bytetrack(rate, variant):
    options = {"frame_rate": rate} if variant != "defaults" else {}
    if variant == "alike":
        options |= {"track_activation_threshold": HIGH, "lost_track_buffer": round(LOST_S * 30)}
    tracker = supervision.ByteTrack(**options)
    return lambda detections, picture: tracker.update_with_detections(detections)


def ocsort(rate, variant):
    options = {"frame_rate": rate} if variant != "defaults" else {}
    if variant == "alike":
        options |= {"high_conf_det_threshold": HIGH, "lost_track_buffer": round(LOST_S * 30)}
    tracker = trackers.OCSORTTracker(**options)
    return lambda detections, picture: tracker.update(detections)


def botsort(rate, variant):
    options = {"frame_rate": rate} if variant != "defaults" else {}
    if variant == "alike":
        options |= {"high_conf_det_threshold": HIGH, "track_activation_threshold": NEW}
        options |= {"lost_track_buffer": round(LOST_S * 30)}
    tracker = trackers.BoTSORTTracker(**options)
    return lambda detections, picture: tracker.update(detections, picture)


RIVALS = {"ByteTrack": bytetrack, "OC-SORT": ocsort, "BoT-SORT": botsort}
VARIANTS = ("defaults", "frame_rate", "alike")


def track(name, variant, run):
    """Tracks of a run as MOT rows, and microseconds a frame."""
    update, tracks, spent = RIVALS[name](run.rate, variant), [], 0.0
    frames = {}
    for row in run.detections:
        frames.setdefault(int(row[0]), []).append(row)
    pictures = run.pictures() if name == "BoT-SORT" and run.pictures else None
    for frame in run.frames:
        rows = np.array(frames.get(frame, np.empty((0, 7))), dtype=np.float32).reshape(-1, 7)
        boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], 1)
        detections = supervision.Detections(xyxy=boxes, confidence=rows[:, 6], class_id=np.zeros(len(rows), int))
        picture = next(pictures) if pictures else None
        started = time.perf_counter()
        found = update(detections, picture)
        spent += time.perf_counter() - started
        for (x0, y0, x1, y1), subject in zip(found.xyxy, found.tracker_id if len(found) else []):
            if subject >= 0:
                tracks.append((frame, int(subject), x0, y0, x1 - x0, y1 - y0))
    return tracks, 1e6 * spent / len(run.frames)
