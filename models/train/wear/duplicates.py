"""Near-duplicate pictures: copies, mirrored, recoloured, rescaled or slightly cut ones.

Two pictures are near-duplicates if their difference hashes are close, or if an ImageNet network sees nearly the same in
both. A split that ignores them reports the memory of the network, not its accuracy.
"""

import cv2
import numpy as np


def difference_hash(grey: np.ndarray) -> np.ndarray:
    """256 bits: whether each cell of a 16 x 16 grid is brighter than its left neighbour."""
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return (small[:, 1:] > small[:, :-1]).ravel()


def hashes(pictures: list) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of the pictures (N x 256, as +-1), and those of their mirror images."""
    plain, mirrored = [], []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        plain.append(difference_hash(grey))
        mirrored.append(difference_hash(grey[:, ::-1]))
    return tuple(np.array(bits, np.float32) * 2 - 1 for bits in (plain, mirrored))


def embeddings(pictures: list, weights: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of the ImageNet features (N x 320) of the pictures and of their mirror images."""
    import torch

    from .net import CropClassifier
    from .net_input import to_array

    net = CropClassifier(2)
    net.load_imagenet(weights)
    net = net.eval().to(memory_format=torch.channels_last)
    out = []
    for flip in (False, True):
        vectors = []
        for start in range(0, len(pictures), 64):
            batch = [cv2.resize(p[:, ::-1] if flip else p, (128, 128), interpolation=cv2.INTER_AREA) for p in pictures[start : start + 64]]
            with torch.inference_mode():
                x = torch.from_numpy(to_array(batch)).contiguous(memory_format=torch.channels_last)
                vectors.append(net.features(x).mean((2, 3)).numpy())
        vectors = np.concatenate(vectors)
        out.append(vectors)
    centre = out[0].mean(0)
    return tuple((v - centre) / np.linalg.norm(v - centre, axis=1, keepdims=True) for v in out)


def near(pictures: list, weights: str, hash_bits: int = 50, cosine: float = 0.75) -> np.ndarray:
    """N x N: whether two pictures are near-duplicates."""
    plain, mirrored = hashes(pictures)
    distance = 128 - 0.5 * np.maximum(plain @ plain.T, plain @ mirrored.T)
    plain, mirrored = embeddings(pictures, weights)
    similar = np.maximum(plain @ plain.T, plain @ mirrored.T)
    return (distance <= hash_bits) | (similar >= cosine)


def clusters(pairs: np.ndarray) -> np.ndarray:
    """For each picture the lowest index that it is linked to through any chain of near-duplicates."""
    label = np.arange(len(pairs))
    for start in range(len(pairs)):
        if label[start] != start:
            continue
        queue = [start]
        while queue:
            fresh = np.flatnonzero(pairs[queue.pop()] & (label > start))
            label[fresh] = start
            queue.extend(fresh.tolist())
    return label
