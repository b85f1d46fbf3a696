"""Makes network inputs out of photos: near and far, dark, blurred and compressed, several in one picture."""

import cv2
import numpy as np

from .body import PAD, SIDE

# Heads of fewer pixels than this cannot be told from anything; they are left open in place of being learned.
LEAST_HEAD = 5.0


def sample(photos, rng):
    """One input of 416 x 416 and its heads as rows x0, y0, x1, y1, class; and the boxes of heads too small to learn."""
    canvas = np.full((SIDE, SIDE, 3), PAD, np.uint8)
    is_split = rng.random() < 0.5
    if is_split:
        split = rng.integers(150, 267, 2)
        windows = [
            (0, 0, split[0], split[1]),
            (split[0], 0, SIDE, split[1]),
            (0, split[1], split[0], SIDE),
            (split[0], split[1], SIDE, SIDE),
        ]
    else:
        windows = [(0, 0, SIDE, SIDE)]
    heads = []
    for window in windows:
        photo = photos[rng.integers(len(photos))]
        heads += placed(canvas, window, photo, 0.6 if is_split else 0.45, rng)
    heads = np.array(heads, np.float32).reshape(-1, 5)
    canvas = weathered(canvas, rng)
    side = np.sqrt(np.maximum(0, heads[:, 2] - heads[:, 0]) * np.maximum(0, heads[:, 3] - heads[:, 1]))
    return canvas, heads[side >= LEAST_HEAD], heads[side < LEAST_HEAD]


def placed(canvas, window, photo, least, rng):
    """Draws a photo into a window of the canvas at some place, from `least` of its size up; the heads seen there."""
    x0, y0, x1, y1 = (int(v) for v in window)
    width, height = x1 - x0, y1 - y0
    picture = photo.read()
    heads = np.array(photo.heads, np.float32).reshape(-1, 5)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        heads[:, [0, 2]] = picture.shape[1] - heads[:, [2, 0]]
    whole = min(width / picture.shape[1], height / picture.shape[0])
    scale = whole * float(np.exp(rng.uniform(np.log(least), np.log(2.2))))
    stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
    sx, sy = scale * stretch, scale / stretch
    size = (max(1, round(picture.shape[1] * sx)), max(1, round(picture.shape[0] * sy)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(np.ascontiguousarray(picture), size, interpolation=how)
    at = [int(rng.integers(min(0, room - side), max(0, room - side) + 1)) for room, side in zip((width, height), size)]
    left, top = max(0, at[0]), max(0, at[1])
    right, bottom = min(width, at[0] + size[0]), min(height, at[1] + size[1])
    canvas[y0 + top : y0 + bottom, x0 + left : x0 + right] = picture[top - at[1] : bottom - at[1], left - at[0] : right - at[0]]
    seen = []
    for hx0, hy0, hx1, hy1, kind in heads * np.array([sx, sy, sx, sy, 1], np.float32):
        whole_area = max(1e-6, (hx1 - hx0) * (hy1 - hy0))
        box = [max(left, hx0 + at[0]), max(top, hy0 + at[1]), min(right, hx1 + at[0]), min(bottom, hy1 + at[1])]
        area = max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
        if area >= 0.5 * whole_area:
            seen.append([box[0] + x0, box[1] + y0, box[2] + x0, box[3] + y0, kind])
    return seen


def weathered(picture, rng):
    """Light, colour, blur, noise and compression as cameras give them."""
    if rng.random() < 0.7:
        hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + rng.uniform(-6, 6)) % 180
        hsv[..., 1] *= rng.uniform(0.5, 1.4)
        hsv[..., 2] *= rng.uniform(0.45, 1.35)
        picture = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)
    if rng.random() < 0.1:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        length = int(rng.integers(3, 8))
        kernel = np.zeros((length, length), np.float32)
        if rng.random() < 0.7:
            kernel[length // 2] = 1 / length
        else:
            kernel[:, length // 2] = 1 / length
        picture = cv2.filter2D(picture, -1, kernel)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(2, 14), picture.shape)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])[1]
        picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return picture
