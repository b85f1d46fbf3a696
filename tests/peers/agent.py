"""What a capable engineer writes in a day: OpenCV reads the camera, ONNX Runtime detects, supervision's ByteTrack tracks.

Pictures between two looks are decoded and not converted. One thread infers and nothing is drawn or stored, so this is the
least that such an agent takes. It runs until it is killed, and tells each second how often it has looked.
"""

import argparse
import os
import time

os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")

import cv2  # noqa: E402  (reads the variable above)
import numpy  # noqa: E402
import onnxruntime  # noqa: E402
import supervision  # noqa: E402

INPUT, STRIDES, PEOPLE, SCORE, OVERLAP = 416, (8, 16, 32), 0, 0.35, 0.5


def grids():
    """Where each row of the answer lies, and the size of its cell."""
    cells = []
    for stride in STRIDES:
        side = INPUT // stride
        y, x = numpy.mgrid[:side, :side]
        cells.append(numpy.stack([x.ravel(), y.ravel(), numpy.full(side * side, stride)], axis=1))
    return numpy.concatenate(cells).astype(numpy.float32)


class Detector:
    """YOLOX: its first rows are the published ones, whatever branches follow."""

    def __init__(self, weights):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self.name, self.grid = self.session.get_inputs()[0].name, grids()

    def __call__(self, picture):
        ratio = min(INPUT / picture.shape[0], INPUT / picture.shape[1])
        size = (round(picture.shape[1] * ratio), round(picture.shape[0] * ratio))
        canvas = numpy.full((INPUT, INPUT, 3), 114, numpy.uint8)
        canvas[:size[1], :size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        tensor = canvas.transpose(2, 0, 1)[None].astype(numpy.float32)
        rows = self.session.run(None, {self.name: tensor})[0][0][:len(self.grid)]
        scores = rows[:, 4:5] * rows[:, 5:85]
        classes = scores.argmax(axis=1)
        best = scores[numpy.arange(len(scores)), classes]
        kept = best >= SCORE
        rows, grid, classes, best = rows[kept], self.grid[kept], classes[kept], best[kept]
        middle = (rows[:, :2] + grid[:, :2]) * grid[:, 2:]
        half = numpy.exp(rows[:, 2:4]) * grid[:, 2:] / 2
        boxes = numpy.concatenate([middle - half, middle + half], axis=1) / ratio
        found = supervision.Detections(xyxy=boxes, confidence=best, class_id=classes)
        return found.with_nms(OVERLAP)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("weights")
    parser.add_argument("--looks", type=float, default=5.0, help="a second")
    args = parser.parse_args()
    detector, tracker = Detector(args.weights), supervision.ByteTrack(frame_rate=round(args.looks))
    capture = cv2.VideoCapture(args.url, cv2.CAP_FFMPEG)
    looks, tracked, due, told = 0, 0, time.monotonic(), 0.0
    while capture.grab():
        now = time.monotonic()
        if now < due:
            continue
        due = max(due + 1 / args.looks, now)
        is_there, picture = capture.retrieve()
        if not is_there:
            continue
        tracked += len(tracker.update_with_detections(detector(picture)))
        looks += 1
        if now - told >= 1:
            told = now
            print(looks, tracked, flush=True)
    raise SystemExit("the camera has ended")


if __name__ == "__main__":
    main()
