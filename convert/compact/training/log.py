"""The log of a training run: a row each minute, and the loss curves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from segmentation import encode
from segmentation.arrays import UInt8

Row = Mapping[str, float]

SIZE_WH = 900, 480
MARGIN = 56
CURVES = {
    "cross_entropy": (31, 119, 180),
    "mask": (214, 39, 40),
    "dice": (44, 160, 44),
    "subject_bce": (148, 103, 189),
    "subject_dice": (255, 127, 14),
}
BLACK, GREY = (0, 0, 0), (225, 225, 225)


class TrainingLog:
    """The file of a run's rows, one JSON object per line.

    Args:
        path: the file; it is continued if it exists.
        photos: number of photos seen at the state that the run resumes from. Later rows belong to
            steps that were lost and are removed.
    """

    def __init__(self, path: Path, photos: int) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        self.rows: list[Row] = [row for row in rows if row["photos"] <= photos]
        # The run may be killed at any moment, so the file is replaced as a whole.
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in self.rows), "utf-8")
        partial.replace(path)

    def write(self, row: Row) -> None:
        """Add a row to the file and print it."""
        self.rows.append(row)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print("  ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)

    def write_curves(self, path: Path) -> None:
        """Write the loss curves as a PNG, if there are at least two rows."""
        if len(self.rows) > 1:
            path.write_bytes(encode(draw_curves(self.rows)))


def draw_curves(rows: Sequence[Row]) -> UInt8:
    """Draw the losses of the last layer and of the subject over the number of photos seen.

    Returns:
        uint8 (H, W, 3).
    """
    width, height = SIZE_WH
    canvas = np.full((height, width, 3), 255, np.uint8)
    photos = np.array([row["photos"] for row in rows])
    curves = {name: colour for name, colour in CURVES.items() if all(name in row for row in rows)}
    top = max(row[name] for row in rows for name in curves) * 1.05
    right, bottom = width - MARGIN, height - MARGIN
    for part in np.linspace(0, 1, 6):
        y = round(bottom - part * (bottom - MARGIN))
        x = round(MARGIN + part * (right - MARGIN))
        cv2.line(canvas, (MARGIN, y), (right, y), GREY)
        _put_text(canvas, f"{part * top:.2f}", (8, y + 4))
        _put_text(canvas, f"{part * photos[-1]:.0f}", (x - 16, bottom + 20))
    _put_text(canvas, "photos seen", (right - 80, bottom + 40))
    for index, (name, colour) in enumerate(curves.items()):
        values = np.array([row[name] for row in rows])
        x = MARGIN + photos / photos[-1] * (right - MARGIN)
        y = bottom - values / top * (bottom - MARGIN)
        points = np.rint(np.stack([x, y], 1)).astype(np.int32)
        cv2.polylines(canvas, [points], False, colour, 2, cv2.LINE_AA)
        _put_text(canvas, f"{name} {values[-1]:.3f}", (MARGIN + index * 165, 32), colour)
    return canvas


def _put_text(
    canvas: UInt8,
    text: str,
    point_xy: tuple[int, int],
    colour: tuple[int, int, int] = BLACK,
) -> None:
    cv2.putText(canvas, text, point_xy, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
