"""Says how far two detection files agree: same class, box within 1 px, score within 0.01.

    python compare.py ours.json reference.json [--score 0.35] [--margin 0.01]

Both files should be made with a threshold of at most score - margin. A detection at or above the score in one file
must have its like in the other file at or above score - margin, so that a score that lies a hair below the
threshold in one of them is no disagreement. Exits with 1 below 99 %.
"""

import argparse
import json
import pathlib


def agreeing(ours, theirs, score, margin):
    """Detections of `ours` at or above the score, and those of them that have their like in `theirs`."""
    total, alike, odd = 0, 0, []
    for name, boxes in ours.items():
        others = [b for b in theirs.get(name, []) if b[1] >= score - margin]
        taken = set()
        for box in boxes:
            if box[1] < score:
                continue
            total += 1
            for i, other in enumerate(others):
                same_box = all(abs(a - b) <= 1.0 for a, b in zip(box[2:], other[2:]))
                if i not in taken and box[0] == other[0] and abs(box[1] - other[1]) <= 0.01 and same_box:
                    taken.add(i)
                    alike += 1
                    break
            else:
                odd.append((name, box))
    return total, alike, odd


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ours", type=pathlib.Path)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("--score", type=float, default=0.35)
    parser.add_argument("--margin", type=float, default=0.01)
    options = parser.parse_args()
    ours, reference = (json.loads(path.read_text()) for path in (options.ours, options.reference))
    worst = 1.0
    for label, a, b in [("ours in the reference", ours, reference), ("the reference in ours", reference, ours)]:
        total, alike, odd = agreeing(a, b, options.score, options.margin)
        worst = min(worst, alike / total if total else 1.0)
        print(f"{label}: {alike} of {total} ({alike / max(total, 1):.2%})")
        for name, box in odd:
            print(f"  without its like: {name} {box}")
    raise SystemExit(0 if worst >= 0.99 else 1)


if __name__ == "__main__":
    main()
