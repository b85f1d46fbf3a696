"""Faces in photos by YuNet, as `cv2.FaceDetectorYN` runs it."""

import cv2
import numpy as np


class FaceFinder:
    """Finds the largest face of a photo, also when the photo is nothing but a face."""

    def __init__(self, model: str, score: float = 0.6):
        self.detector = cv2.FaceDetectorYN.create(model, "", (320, 320), score, 0.3, 50)

    def largest(self, photo: np.ndarray) -> dict | None:
        """`box` (x0, y0, x1, y1), `points` (5 x 2: eyes, nose, corners of the mouth; the left of the picture first) and `score`."""
        height, width = photo.shape[:2]
        pad = int(0.25 * max(height, width))
        padded = cv2.copyMakeBorder(photo, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        best = None
        # The detector is sure of itself within some range of sizes only, so it looks twice.
        for side in (192, 384):
            ratio = side / max(padded.shape[:2])
            small = cv2.resize(padded, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
            self.detector.setInputSize((small.shape[1], small.shape[0]))
            _, faces = self.detector.detect(small)
            for face in faces if faces is not None else []:
                x, y, w, h = face[:4] / ratio
                found = {"box": [x - pad, y - pad, x + w - pad, y + h - pad], "points": face[4:14].reshape(5, 2) / ratio - pad, "score": float(face[14])}
                rank = w * h * found["score"] ** 2
                if best is None or rank > best[0]:
                    best = (rank, found)
        return best[1] if best else None
