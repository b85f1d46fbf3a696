"""Augmentation: what cameras, weather, detectors and hands do to a crop. All of it is drawn from one seeded generator."""

import cv2
import numpy as np

from .cut import Crop, rectangle


def place(rng: np.random.Generator, picture: np.ndarray, box, crop: Crop, margin: float) -> np.ndarray:
    """A crop around a part as a detector might have boxed it: moved, of another margin and shape, turned, mirrored."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    margin = margin + rng.uniform(-0.18, 0.3)
    # Another shape of box is as good: it takes away that photos of one label are narrower than those of another.
    shape = np.exp(rng.uniform(-0.3, 0.3))
    w, h = width * (1 + 2 * margin) * np.sqrt(shape), height * (1 + 2 * margin) / np.sqrt(shape)
    if crop.square:
        side = max(width, height) * (1 + 2 * margin)
        w, h = side * np.exp(rng.uniform(-0.12, 0.12)), side * np.exp(rng.uniform(-0.12, 0.12))
    cx = (x0 + x1) / 2 + rng.normal(0, 0.06) * width
    cy = (y0 + y1) / 2 + rng.normal(0, 0.06) * height
    if rng.random() < 0.5:
        angle = rng.uniform(-18, 18)
        turn = cv2.getRotationMatrix2D((cx, cy), angle, 1.0)
        picture = cv2.warpAffine(picture, turn, picture.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left, top, right, bottom = round(cx - w / 2), round(cy - h / 2), round(cx + w / 2), round(cy + h / 2)
    right, bottom = max(right, left + 4), max(bottom, top + 4)
    if rng.random() < 0.5:
        # Only what the picture holds, stretched, instead of its edge repeated.
        left, top = max(0, left), max(0, top)
        right, bottom = max(left + 4, min(picture.shape[1], right)), max(top + 4, min(picture.shape[0], bottom))
    out = rectangle(picture, left, top, right, bottom)
    return np.ascontiguousarray(out[:, ::-1]) if rng.random() < 0.5 else out


def hand(rng: np.random.Generator, picture: np.ndarray, points) -> np.ndarray:
    """Fingers of the face's own skin before the mouth: what covers it is no mask."""
    points = np.asarray(points, np.float32)
    down = points[3:5].mean(0) - points[:2].mean(0)
    unit = float(np.linalg.norm(down)) + 1e-6
    across = np.array([down[1], -down[0]], np.float32) / unit
    x, y = np.clip(np.int32(points[:2].mean(0) - 0.25 * down), 0, np.array(picture.shape[1::-1]) - 1)
    skin = picture[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].reshape(-1, 3).mean(0)
    out = picture.astype(np.float32)
    start = points[3:5].mean(0) + across * unit * rng.uniform(-0.5, 0.5)
    lean = rng.uniform(-0.9, 0.9)
    for finger in range(rng.integers(2, 6)):
        base = start + across * unit * (0.34 * finger - 0.6)
        tip = base - (down + across * unit * lean) * rng.uniform(0.2, 0.75)
        base = base + (down + across * unit * lean) * 1.2
        alpha = np.zeros(picture.shape[:2], np.float32)
        cv2.line(alpha, tuple(np.int32(base).tolist()), tuple(np.int32(tip).tolist()), 1.0, max(2, int(unit * 0.32)), cv2.LINE_AA)
        edge = cv2.GaussianBlur(alpha, (0, 0), max(0.6, unit * 0.06))
        layer = skin * rng.uniform(0.85, 1.1) * (0.55 + 0.45 * edge[..., None])
        out = out * (1 - alpha[..., None]) + layer * alpha[..., None]
    return np.clip(out, 0, 255).astype(np.uint8)


def occlude(rng: np.random.Generator, crop: np.ndarray, other: np.ndarray, keep_centre: bool) -> np.ndarray:
    """Something before the crop's border region: a dark or skin-coloured shape, or a piece of another picture."""
    height, width = crop.shape[:2]
    out = crop.copy()
    for _ in range(rng.integers(1, 3)):
        w, h = int(width * rng.uniform(0.1, 0.4)) + 1, int(height * rng.uniform(0.1, 0.4)) + 1
        x, y = int(rng.uniform(-0.1, 1) * width), int(rng.uniform(-0.1, 1) * height)
        if keep_centre and abs(x + w / 2 - width / 2) < 0.3 * width and abs(y + h / 2 - height * 0.55) < 0.32 * height:
            continue
        layer = np.zeros_like(crop)
        if rng.random() < 0.5:
            layer[:] = (rng.uniform(0, 60, 3) if rng.random() < 0.5 else np.array([120, 150, 200]) + rng.normal(0, 30, 3)).clip(0, 255)
        else:
            layer = cv2.resize(other, (width, height))
        alpha = np.zeros((height, width), np.float32)
        if rng.random() < 0.5:
            cv2.rectangle(alpha, (x, y), (x + w, y + h), 1.0, -1)
        else:
            cv2.ellipse(alpha, (x + w // 2, y + h // 2), (w // 2 + 1, h // 2 + 1), rng.uniform(0, 180), 0, 360, 1.0, -1)
        alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)[..., None]
        out = (out * (1 - alpha) + layer * alpha).astype(np.uint8)
    return out


def light(rng: np.random.Generator, crop: np.ndarray, any_hue: bool) -> np.ndarray:
    """Exposure, contrast, white balance, saturation, grey night pictures, low light with its noise."""
    out = crop.astype(np.float32)
    if rng.random() < 0.8:
        out = (out - out.mean()) * rng.uniform(0.65, 1.35) + out.mean() + rng.uniform(-30, 30)
        out *= rng.uniform(0.85, 1.15, 3)
    if rng.random() < 0.4:
        grey = out.mean(2, keepdims=True)
        out = grey + (out - grey) * rng.uniform(0.2, 1.6)
    out = np.clip(out, 0, 255)
    if rng.random() < 0.35:
        # Hard hats and caps come in all colours, so that with `any_hue` the shape must tell them apart.
        most = 90 if any_hue and rng.random() < 0.5 else 12
        hsv = cv2.cvtColor(out.astype(np.uint8), cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(-most, most + 1)) % 180
        out = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR).astype(np.float32)
    if rng.random() < 0.06:
        out[:] = out.mean(2, keepdims=True)
    if rng.random() < 0.2:
        out = 255 * (out / 255) ** rng.uniform(1.2, 2.2) * rng.uniform(0.45, 0.95)
        out += rng.normal(0, rng.uniform(2, 10), out.shape)
    elif rng.random() < 0.15:
        out = 255 * (out / 255) ** rng.uniform(0.4, 0.8)
    return np.clip(out, 0, 255).astype(np.uint8)


def blur(rng: np.random.Generator, crop: np.ndarray) -> np.ndarray:
    """Out of focus, or moving."""
    draw, side = rng.random(), min(crop.shape[:2])
    if draw < 0.15:
        return cv2.GaussianBlur(crop, (0, 0), max(0.3, side * rng.uniform(0.005, 0.025)))
    if draw < 0.3:
        length = max(3, int(side * rng.uniform(0.03, 0.1)))
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        half = (length - 1) / 2
        ends = [(int(half + s * half * np.cos(angle)), int(half + s * half * np.sin(angle))) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        return cv2.filter2D(crop, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return crop


def shrink(rng: np.random.Generator, crop: np.ndarray, side: int) -> np.ndarray:
    """The crop at the pixels a distant subject has (down to 14), JPEG of any quality, stretched to the input."""
    if rng.random() < 0.5:
        small = int(np.exp(rng.uniform(np.log(14), np.log(side))))
        crop = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.45:
        quality = int(rng.uniform(25, 92))
        crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    # The agent averages where it shrinks; other programs do not, and cameras sharpen what they enlarge.
    ways = (cv2.INTER_LINEAR, cv2.INTER_LINEAR, cv2.INTER_AREA if min(crop.shape[:2]) >= side else cv2.INTER_CUBIC)
    way = ways[rng.integers(3)]
    return cv2.resize(crop, (side, side), interpolation=way)


def augmented(rng: np.random.Generator, picture: np.ndarray, box, crop: Crop, margin: float, other: np.ndarray, any_hue: bool = False) -> np.ndarray:
    """One training crop, side x side x 3."""
    out = place(rng, picture, box, crop, margin)
    # Larger pictures than this only cost time, since the input is smaller still.
    most = crop.side * 3 // 2
    if min(out.shape[:2]) > most:
        out = cv2.resize(out, (most, most), interpolation=(cv2.INTER_AREA, cv2.INTER_LINEAR)[rng.integers(2)])
    if rng.random() < 0.25:
        out = occlude(rng, out, other, keep_centre=True)
    return shrink(rng, blur(rng, light(rng, out, any_hue)), crop.side)
