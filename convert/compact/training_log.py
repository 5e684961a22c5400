"""What a training run tells: a line a minute, and the curves of all of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from segmentation import encode

Row = Mapping[str, float]

SIZE_WH = 900, 480
MARGIN = 56
CURVES = {"cross_entropy": (31, 119, 180), "mask": (214, 39, 40), "dice": (44, 160, 44)}
BLACK, GREY = (0, 0, 0), (225, 225, 225)


class Journal:
    """The file of a run's rows, one JSON object a line.

    Args:
        path: the file.
        photos: rows written after so many photos were seen are of a run that was lost.
    """

    def __init__(self, path: Path, photos: int) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        self.rows: list[Row] = [row for row in rows if row["photos"] <= photos]
        # Written beside, for a run may be killed at any moment.
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in self.rows), "utf-8")
        partial.replace(path)

    def write(self, row: Row) -> None:
        """Add a row to the file, and show it."""
        self.rows.append(row)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print("  ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)

    def draw(self, path: Path) -> None:
        """Write the curves as a PNG, once there are two rows."""
        if len(self.rows) > 1:
            path.write_bytes(encode(curves(self.rows)))


def curves(rows: Sequence[Row]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The last layer's losses over photos seen, uint8 (H, W, 3)."""
    width, height = SIZE_WH
    canvas = np.full((height, width, 3), 255, np.uint8)
    photos = np.array([row["photos"] for row in rows])
    top = max(row[name] for row in rows for name in CURVES) * 1.05
    right, bottom = width - MARGIN, height - MARGIN
    for part in np.linspace(0, 1, 6):
        y = round(bottom - part * (bottom - MARGIN))
        x = round(MARGIN + part * (right - MARGIN))
        cv2.line(canvas, (MARGIN, y), (right, y), GREY)
        _write(canvas, f"{part * top:.2f}", (8, y + 4))
        _write(canvas, f"{part * photos[-1]:.0f}", (x - 16, bottom + 20))
    _write(canvas, "photos seen", (right - 80, bottom + 40))
    for index, (name, colour) in enumerate(CURVES.items()):
        values = np.array([row[name] for row in rows])
        x = MARGIN + photos / photos[-1] * (right - MARGIN)
        y = bottom - values / top * (bottom - MARGIN)
        points = np.rint(np.stack([x, y], 1)).astype(np.int32)
        cv2.polylines(canvas, [points], False, colour, 2, cv2.LINE_AA)
        _write(canvas, f"{name} {values[-1]:.3f}", (MARGIN + index * 180, 32), colour)
    return canvas


def _write(
    canvas: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    text: str,
    at_xy: tuple[int, int],
    colour: tuple[int, int, int] = BLACK,
) -> None:
    cv2.putText(canvas, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
