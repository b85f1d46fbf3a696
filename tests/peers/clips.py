"""Makes the clips of the comparison out of the demo clip, as a camera would send them: 1080p, 25 pictures a second, 4 Mbit/s.

The demo clip has ten pictures a second; those between are blended, so people walk as fast as they did, and every picture
gets the noise of a sensor of its own. `busy` is the street as it is, `one` the empty street with one of its people,
`empty` the street with nobody in it. Each is also written as the sub-stream that such a camera would send beside it.
"""

import argparse
import pathlib
import subprocess

import cv2
import numpy

RATE, SECONDS, SOURCE_RATE = 25, 40, 10
MAIN, SUB = (1920, 1080), (640, 360)
NOISE = 2.0
TOP = 110

# Frame of the demo clip (from 1), and left, top, width and height of one person in it. From the truth of PETS09-S2L1.
PERSON = [
    (1, 499, 158, 31, 75), (21, 407, 178, 31, 75), (41, 377, 180, 31, 75), (61, 373, 181, 31, 76), (81, 373, 180, 31, 77),
    (101, 380, 178, 29, 78), (121, 378, 181, 26, 79), (141, 385, 190, 27, 82), (161, 432, 209, 30, 85),
    (181, 504, 225, 32, 88), (201, 621, 269, 36, 100), (221, 578, 295, 44, 113), (241, 439, 251, 40, 101),
    (261, 324, 213, 35, 89), (281, 262, 182, 30, 80), (301, 304, 159, 28, 74), (321, 427, 150, 28, 70),
    (341, 469, 163, 28, 71), (361, 371, 174, 28, 72), (381, 277, 177, 27, 76), (401, 278, 204, 26, 81),
]


def read(path):
    """The pictures of the demo clip that are shown."""
    capture, pictures = cv2.VideoCapture(str(path)), []
    while len(pictures) <= SECONDS * SOURCE_RATE:
        is_there, picture = capture.read()
        if not is_there:
            break
        pictures.append(picture)
    return pictures


def alone(pictures, street):
    """The empty street with one person, cut out softly."""
    frames = [row[0] - 1 for row in PERSON]
    sides = [numpy.interp(range(len(pictures)), frames, [row[side] for row in PERSON]) for side in (1, 2, 3, 4)]
    for n, picture in enumerate(pictures):
        left, top, width, height = (side[n] for side in sides)
        mask = numpy.zeros(street.shape[:2], numpy.float32)
        cv2.ellipse(mask, ((left + width / 2, top + height / 2), (width * 1.5, height * 1.25), 0), 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), 3)[..., None]
        yield (picture * mask + street * (1 - mask)).astype(numpy.uint8)


def at_rate(pictures):
    """As many pictures a second as a camera sends, those between blended."""
    pictures = list(pictures)
    for n in range(SECONDS * RATE):
        at = n * SOURCE_RATE / RATE
        first, part = int(at), at % 1
        yield cv2.addWeighted(pictures[first], 1 - part, pictures[min(first + 1, len(pictures) - 1)], part, 0)


class Encoder:
    """H.264 as cameras code it: no pictures that others are shown before, a key picture every two seconds."""

    def __init__(self, path, size, rate, kbit):
        self.size = size
        self.process = subprocess.Popen(
            ["gst-launch-1.0", "--quiet", "fdsrc", "fd=0", "!", "rawvideoparse", f"width={size[0]}", f"height={size[1]}",
             "format=i420", f"framerate={rate}/1", "!", "x264enc", "pass=cbr", f"bitrate={kbit}", "speed-preset=veryfast",
             "bframes=0", f"key-int-max={2 * rate}", "option-string=scenecut=0", "!", "video/x-h264,profile=main", "!",
             "h264parse", "!", "mp4mux", "!", "filesink", f"location={path}"],
            stdin=subprocess.PIPE)

    def add(self, picture):
        self.process.stdin.write(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).tobytes())

    def finish(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit("gst-launch-1.0 has failed; its reason is above")


def write(folder, name, pictures):
    """Writes a scene as main stream and as sub-stream."""
    paths = [folder / f"{name}-main.mp4", folder / f"{name}-sub.mp4"]
    if all(path.exists() for path in paths):
        return
    parts = [path.with_suffix(".part") for path in paths]
    main, sub = Encoder(parts[0], MAIN, RATE, 4000), Encoder(parts[1], SUB, 10, 500)
    dice = numpy.random.default_rng(1)
    # Noise of so many pictures is drawn once and laid over others at a random place, which is quicker.
    noise = dice.normal(0, NOISE, (MAIN[1] + 64, MAIN[0] + 64, 1)).astype(numpy.int16)
    for n, picture in enumerate(at_rate(pictures)):
        # The street is 4:3: what is above, where a van is parked, and below is cut off.
        height, top = picture.shape[1] * 9 // 16, TOP
        large = cv2.resize(picture[top:top + height], MAIN, interpolation=cv2.INTER_CUBIC)
        y, x = dice.integers(0, 64, 2)
        large = numpy.clip(large + noise[y:y + MAIN[1], x:x + MAIN[0]], 0, 255).astype(numpy.uint8)
        main.add(large)
        if n * 10 // RATE != (n - 1) * 10 // RATE:
            sub.add(cv2.resize(large, SUB, interpolation=cv2.INTER_AREA))
    for encoder, part, path in zip((main, sub), parts, paths):
        encoder.finish()
        part.rename(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", help="the demo clip, vtest-h264.mp4")
    parser.add_argument("folder", type=pathlib.Path, help="where the clips are put")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    pictures = read(args.clip)
    street = numpy.median(numpy.stack(pictures[::10]), axis=0).astype(numpy.uint8)
    write(args.folder, "busy", pictures)
    write(args.folder, "one", alone(pictures, street))
    write(args.folder, "empty", [street] * len(pictures))


if __name__ == "__main__":
    main()
