"""Faces with a mask drawn on, so that *covered* means mouth and nose and not merely that there is a mask.

The photos show masks worn right or none at all. A network trained on them alone calls a mask under the chin covered.
Masks are drawn by five landmarks in a frame of the face: the origin between the eyes, x along the eyes in units of
their distance, y towards the mouth in units of the distance from the eyes to the mouth (nose tip near 0.6, chin near 1.9).
"""

import cv2
import numpy as np

# Upper edge of the mask, in the face's frame, and whether mouth and nose are covered by it.
KINDS = {
    "worn": ((0.15, 0.42), True),
    "below_nose": ((0.76, 0.9), False),
    "below_mouth": ((1.2, 1.35), False),
    "below_chin": ((1.5, 1.75), False),
}


def frame_of(points) -> np.ndarray:
    """2 x 3: from the face's frame to the picture."""
    points = np.asarray(points, np.float32)
    eyes, mouth = points[:2].mean(0), points[3:5].mean(0)
    across, down = points[1] - points[0], mouth - eyes
    # Profiles: the eyes nearly coincide, yet the mask stays as wide as the face is.
    if np.linalg.norm(across) < 0.75 * np.linalg.norm(down):
        normal = np.array([down[1], -down[0]], np.float32)
        across = normal * 0.8 * (1 if across @ normal >= 0 else -1)
    return np.stack([across, down, eyes], 1)


def mask_outline(rng: np.random.Generator, top: float) -> np.ndarray:
    """The mask's outline in the face's frame."""
    half = rng.uniform(0.82, 1.0)
    chin = max(rng.uniform(1.75, 2.05), top + 0.35)
    bridge = rng.uniform(0.0, 0.16)
    left = [(-half, top + bridge + 0.05), (-half * 0.98, (top + chin) / 2), (-half * 0.62, chin - 0.15)]
    curve = [(-0.5, top + bridge * 0.6), (-0.15, top), (0.15, top), (0.5, top + bridge * 0.6)]
    right = [(-x, y) for x, y in left]
    return np.array(curve + right + [(0.0, chin)] + left[::-1], np.float32)


def fabric(rng: np.random.Generator, shape: tuple, donor: np.ndarray | None) -> np.ndarray:
    """Cloth for the mask: a piece of a real photo, or a colour with folds and a gradient."""
    height, width = shape
    if donor is not None and rng.random() < 0.35:
        y, x = int(donor.shape[0] * rng.uniform(0.5, 0.7)), int(donor.shape[1] * rng.uniform(0.25, 0.45))
        piece = donor[y : y + max(4, donor.shape[0] // 5), x : x + max(4, donor.shape[1] // 4)]
        if piece.size:
            return cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    plain = [(235, 235, 235), (215, 170, 110), (60, 55, 55), (200, 190, 120), (150, 110, 170), (110, 110, 110), (245, 240, 230), (40, 40, 160)]
    colour = np.array(plain[rng.integers(len(plain))], np.float32) if rng.random() < 0.8 else rng.uniform(20, 250, 3).astype(np.float32)
    cloth = np.ones((height, width, 3), np.float32) * np.clip(colour + rng.normal(0, 12, 3), 5, 252)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = 1 + rng.uniform(-0.25, 0.25) * (x / width - 0.5) + rng.uniform(-0.25, 0.15) * (y / height - 0.5)
    shade -= rng.uniform(0, 0.25) * np.abs(x / width - 0.5)
    if rng.random() < 0.6:
        shade += rng.uniform(0.02, 0.08) * np.sin(y / height * rng.uniform(20, 60) + rng.uniform(0, 6))
    return cloth * shade[..., None]


def blend(picture: np.ndarray, layer: np.ndarray, outline: np.ndarray, soft: float) -> np.ndarray:
    """The layer within the outline, with a soft edge."""
    alpha = np.zeros(picture.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(outline * 8).astype(np.int32)], 1.0, cv2.LINE_AA, 3)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.5, soft))[..., None]
    return np.clip(picture * (1 - alpha) + layer * alpha, 0, 255).astype(np.uint8)


def with_mask(rng: np.random.Generator, picture: np.ndarray, points, kind: str, donor: np.ndarray | None = None) -> np.ndarray:
    """A bare face with a mask drawn on as `kind` says."""
    low, high = KINDS[kind][0]
    to_picture = frame_of(points)
    outline = mask_outline(rng, rng.uniform(low, high)) @ to_picture[:, :2].T + to_picture[:, 2]
    unit = float(np.linalg.norm(to_picture[:, 0]))
    out = picture
    if rng.random() < 0.5:
        ears = np.array([(-1.25, 0.2), (1.25, 0.2)], np.float32) @ to_picture[:, :2].T + to_picture[:, 2]
        out = out.copy()
        shade = tuple(float(v) for v in rng.uniform(30, 240, 3))
        for corner, ear in ((outline[-1], ears[0]), (outline[4], ears[1])):
            cv2.line(out, tuple(np.int32(corner).tolist()), tuple(np.int32(ear).tolist()), shade, max(1, int(unit * 0.04)), cv2.LINE_AA)
    return blend(out, fabric(rng, picture.shape[:2], donor), outline, unit * rng.uniform(0.01, 0.05))


def nose_out(rng: np.random.Generator, masked: np.ndarray, masked_points, bare: np.ndarray, bare_points) -> np.ndarray:
    """A real mask with the nose of a bare face before it, as if the mask had slipped below the nose."""
    here, there = frame_of(masked_points), frame_of(bare_points)
    full = [np.vstack([m, [0, 0, 1]]) for m in (here, there)]
    warp = (full[0] @ np.linalg.inv(full[1]))[:2]
    nose = cv2.warpAffine(bare, warp, masked.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    # The skin takes the tone of the band below the eyes.
    band = np.array([(-0.6, 0.08), (0.6, 0.08), (0.6, 0.3), (-0.6, 0.3)], np.float32) @ here[:, :2].T + here[:, 2]
    area = np.zeros(masked.shape[:2], np.uint8)
    cv2.fillPoly(area, [np.int32(band)], 1)
    if area.any():
        nose += masked[area > 0].mean(0) - nose[area > 0].mean(0)
    low = rng.uniform(0.76, 0.85)
    shape = np.array([(-0.5, 0.05), (0.5, 0.05), (0.85, 0.45), (0.55, low - 0.06), (0.22, low), (-0.22, low), (-0.55, low - 0.06), (-0.85, 0.45)], np.float32)
    outline = shape @ here[:, :2].T + here[:, 2]
    return blend(masked, nose, outline, float(np.linalg.norm(here[:, 0])) * 0.05)
