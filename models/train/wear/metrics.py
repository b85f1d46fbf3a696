"""Figures of merit of a two-class classifier, and its calibration. Only numpy, so that they run where torch does not."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows of probabilities."""
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def log_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean negative log of the probability given to the truth."""
    p = softmax(logits.astype(np.float64))
    return float(-np.log(np.maximum(p[np.arange(len(truth)), truth], 1e-12)).mean())


def fit_platt(logits: np.ndarray, truth: np.ndarray, rounds: int = 200) -> tuple[float, list]:
    """Scale and shift of the logits that minimise the log loss (Platt 1999; for more classes, vector scaling with one scale).

    Newton's method on one scale and a shift per class but the last, with a weak pull to 1 and 0.
    """
    count, classes = logits.shape
    logits = logits.astype(np.float64)
    wanted = np.eye(classes)[truth]
    parameters, start = np.zeros(classes), np.zeros(classes)
    parameters[0] = start[0] = 1.0
    pull = 1e-3
    # Each parameter's effect on each logit.
    effect = np.zeros((count, classes, classes))
    effect[:, :, 0] = logits
    for k in range(classes - 1):
        effect[:, k, k + 1] = 1.0
    for _ in range(rounds):
        p = softmax(effect @ parameters)
        gradient = np.einsum("nc,nck->k", p - wanted, effect) / count + pull * (parameters - start)
        mean = np.einsum("nc,nck->nk", p, effect)
        curve = np.einsum("nc,nck,ncl->kl", p, effect, effect) / count - mean.T @ mean / count + pull * np.eye(classes)
        step = np.linalg.solve(curve, gradient)
        parameters -= step * min(1.0, 1.0 / max(1e-9, np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return float(parameters[0]), [*parameters[1:].tolist(), 0.0]


def roc_auc(score: np.ndarray, yes: np.ndarray) -> float:
    """Probability that a yes scores above a no, ties counted half (Mann and Whitney 1947)."""
    if yes.all() or not yes.any():
        return float("nan")
    _, rank, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    ranks = (ends - (counts - 1) / 2)[rank]
    n_yes, n_no = yes.sum(), (~yes).sum()
    return float((ranks[yes].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def calibration_error(p: np.ndarray, yes: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of the given answer's probability (Guo et al. 2017), equal-width bins."""
    sure = np.maximum(p, 1 - p)
    right = (p >= 0.5) == yes
    slot = np.minimum((sure * bins).astype(int), bins - 1)
    return float(sum(abs(sure[slot == b].mean() - right[slot == b].mean()) * (slot == b).mean() for b in range(bins) if (slot == b).any()))


def band(p: np.ndarray, yes: np.ndarray, false_yes: float, false_no: float) -> tuple[float, float]:
    """(no_at_most, yes_at_least): the narrowest "cannot tell" band around 0.5 that keeps both kinds of error within their rates.

    `false_yes` bounds the part of the noes that are called yes, `false_no` that of the yeses that are called no. Both
    ends keep 0.1 from the middle, since a crop that shows nothing is taught to give 0.5.
    """
    no_scores, yes_scores = np.sort(p[~yes])[::-1], np.sort(p[yes])
    least = no_scores[min(int(false_yes * len(no_scores)), len(no_scores) - 1)]
    most = yes_scores[min(int(false_no * len(yes_scores)), len(yes_scores) - 1)]
    least, most = max(0.6, float(least) + 1e-4), min(0.4, float(most) - 1e-4)
    return float(np.floor(most * 100) / 100), float(min(0.99, np.ceil(least * 100) / 100))


def figures(p: np.ndarray, yes: np.ndarray, no_at_most: float, yes_at_least: float) -> dict:
    """Everything that a card states, from the probability of yes and the truth."""
    said_yes, said_no = p >= yes_at_least, p <= no_at_most
    answered = said_yes | said_no
    right = (said_yes & yes) | (said_no & ~yes)
    return {
        "n_yes": int(yes.sum()),
        "n_no": int((~yes).sum()),
        "accuracy": float(((p >= 0.5) == yes).mean()),
        "roc_auc": roc_auc(p, yes),
        "ece": calibration_error(p, yes),
        "false_accept": float((said_yes & ~yes).sum() / max(1, (~yes).sum())),
        "false_reject": float((said_no & yes).sum() / max(1, yes.sum())),
        "answered": float(answered.mean()),
        "accuracy_of_answers": float(right.sum() / max(1, answered.sum())),
        "confusion": {
            "yes": {"yes": int((said_yes & yes).sum()), "cannot_tell": int((~answered & yes).sum()), "no": int((said_no & yes).sum())},
            "no": {"yes": int((said_yes & ~yes).sum()), "cannot_tell": int((~answered & ~yes).sum()), "no": int((said_no & ~yes).sum())},
        },
    }
