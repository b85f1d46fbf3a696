"""The folder that training reads and `forewarn dataset export` writes, and its split into train, validation and test.

    ROOT/<attribute>/<label>/*.jpg
    ROOT/<attribute>/crops.jsonl      (or ROOT/crops.jsonl, with the rows of every attribute)

One JSON object a line of `crops.jsonl`: `file` (relative to the folder of crops.jsonl), `attribute`, `label`, `camera`,
`track`, `at_s`, `box` (of the crop in its frame, pixels) and `source_px` (shorter side of the part in the frame).
A label that a person corrected by moving the file into another label's folder counts: the folder wins over the row.

Optional fields, written by `prepare`: `parts` (named boxes x0, y0, x1, y1 within the picture; a crop is cut around one
of them; a picture without any is a crop already), `points` (five face landmarks), `group` and `split`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

SPLITS = ("train", "val", "test")


@dataclass
class Row:
    """One picture of one part of one track."""

    file: str
    attribute: str
    label: str
    camera: str = ""
    track: str = ""
    at_s: float = 0.0
    box: list = field(default_factory=list)
    source_px: float = 0.0
    parts: dict = field(default_factory=dict)
    points: list = field(default_factory=list)
    group: str = ""
    split: str = ""

    @property
    def unit(self) -> str:
        """What must not be torn apart by a split: the group, else the track of a camera, else the file."""
        if self.group:
            return self.group
        return f"{self.camera}/{self.track}" if self.track != "" else self.file


def read(root: Path, attribute: str) -> tuple[Path, list[Row]]:
    """The folder that the rows' files are relative to, and the rows of one attribute whose picture is still there."""
    for base in (root / attribute, root):
        if (base / "crops.jsonl").is_file():
            break
    else:
        raise FileNotFoundError(f"no crops.jsonl in {root / attribute} nor in {root}: write it with `forewarn dataset export` or `wear.prepare`")
    known = set(Row.__dataclass_fields__)
    rows = []
    for number, line in enumerate((base / "crops.jsonl").read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            row = Row(**{k: v for k, v in raw.items() if k in known and v is not None})
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"{base / 'crops.jsonl'}, line {number}: not a crop row: {error}") from error
        if row.attribute == attribute:
            rows.append(row)
    return base, relabelled(base, rows)


def relabelled(base: Path, rows: list[Row]) -> list[Row]:
    """The rows with the label of the folder their file lies in now; rows whose file was deleted are left out."""
    found = {path.name: path for path in sorted(base.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")}
    kept = []
    for row in rows:
        path = base / row.file
        if not path.is_file():
            path = found.get(Path(row.file).name)
            if path is None:
                continue
            row.file, row.label = str(path.relative_to(base)), path.parent.name
        kept.append(row)
    return kept


def write(base: Path, rows: list[Row]) -> None:
    """Writes crops.jsonl, rows in order of their files."""
    base.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({k: v for k, v in asdict(row).items() if v not in ("", [], {})}) for row in sorted(rows, key=lambda r: r.file)]
    (base / "crops.jsonl").write_text("\n".join(lines) + "\n")


def assign_splits(rows: list[Row], seed: int, val: float = 0.15, test: float = 0.2) -> None:
    """Gives rows without a split one, whole units at a time, by a hash: the same unit always falls into the same split."""
    for row in rows:
        if not row.split:
            digest = hashlib.sha256(f"{seed}:{row.unit}".encode()).digest()
            at = int.from_bytes(digest[:8], "big") / 2**64
            row.split = "test" if at < test else "val" if at < test + val else "train"
