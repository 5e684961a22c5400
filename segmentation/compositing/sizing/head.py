"""The head of a person, found from the outline alone: no face is looked for.

The proportions are those of a person who faces the camera, hair included, and were checked on the
portraits among the examples.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, UInt8

# Longest side of the copy on which the outline is measured: finer detail is hair and noise.
WORK_SIDE = 512
# The widest row of a head lies about this share of its width below the top.
WIDEST_ROW = 0.55
# Height of a head over its width.
HEIGHT_OVER_WIDTH = 1.35
# The shoulders start where the outline is this much wider than the head ...
SHOULDER_OVER_WIDTH = 1.5
# ... which is about this many heights of the head below its top.
SHOULDER_DEPTH = 1.25
# A neck is visible where the outline is narrower than this share of the head's width.
NECK_OVER_WIDTH = 0.85
# From the front, the chin hides the neck where it starts: the narrowest row is above the chin.
CHIN_OVER_NECK = 1.2
# The estimates of the head's height by its width and by the shoulders agree within this factor.
MAX_DISAGREEMENT = 1.45
# A tuft of hair is narrower than this share of the head's width, and not its top.
TUFT_OVER_WIDTH = 0.15
# Rows of a head are not this much wider than the row that is taken for its widest.
MAX_OVER_WIDEST = 1.15
# A narrower head, in pixels of the copy, cannot be measured.
MIN_HEAD_WIDTH = 18


@dataclass(frozen=True, slots=True)
class Head:
    """A head in an image, in pixels.

    Attributes:
        top: of the hair.
        chin: estimated.
        centre_x: of the head.
    """

    top: float
    chin: float
    centre_x: float

    @property
    def height(self) -> float:
        """From the top of the hair to the chin."""
        return self.chin - self.top


def find_head(alpha: UInt8) -> Head | None:
    """Find the head of a person who faces the camera, by the widths of the outline.

    From the top down, a head widens, narrows to the neck, and then the shoulders are much wider.

    Args:
        alpha: uint8 (H, W), opacity of the person.

    Returns:
        None if the outline has no such shape, or the photo cuts off the top of the head.
    """
    scale = min(1.0, WORK_SIDE / max(alpha.shape))
    size_wh = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    body = largest_piece(cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA) >= 128)
    rows = np.flatnonzero(body.any(axis=1))
    if not len(rows) or rows[0] == 0:
        return None
    lefts, rights = outline(body[rows[0] :])
    widths = rights - lefts
    head_width = measure_head_width(widths)
    if not head_width:
        return None
    tuft = int(np.argmax(widths >= TUFT_OVER_WIDTH * head_width))
    lefts, rights, widths = lefts[tuft:], rights[tuft:], widths[tuft:]
    height = _measure_height(widths, head_width)
    if height is None:
        return None
    middle = slice(round(0.3 * head_width), round(0.9 * head_width) + 1)
    centre_x = float(np.median((lefts[middle] + rights[middle]) / 2))
    top = float(rows[0] + tuft)
    return Head(top / scale, (top + height) / scale, centre_x / scale)


def largest_piece(mask: Bool) -> Bool:
    """Return the largest connected piece of a mask, bool (H, W); an empty mask stays empty."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels == largest)


def outline(body: Bool) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Follow an outline downwards from its first row.

    Args:
        body: bool (H, W), whose first row is not empty. What stands beside the head, such as a
            raised hand, is left out until it joins the outline.

    Returns:
        Left and right (excluded) end of the outline in each row that it reaches, (h,) each.
    """
    first = np.flatnonzero(body[0])
    left, right = int(first[0]), int(first[-1]) + 1
    lefts, rights = [], []
    for row in body:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.view(np.int8), [0]))))
        starts, ends = edges[::2], edges[1::2]
        joined = (starts < right) & (ends > left)
        if not joined.any():
            break
        left, right = int(starts[joined][0]), int(ends[joined][-1])
        lefts.append(left)
        rights.append(right)
    return np.array(lefts), np.array(rights)


def measure_head_width(widths: npt.NDArray[np.intp]) -> float:
    """Return the width of the head on top of an outline, from the widths of its rows, (h,).

    Returns:
        In pixels; 0 if the outline ends before the head is as deep as it should be, or the head is
        too small.
    """
    for depth, width in enumerate(widths):
        if width >= MIN_HEAD_WIDTH and depth >= WIDEST_ROW * width:
            widest = widths[: int(width) + 1].max()
            if widest <= MAX_OVER_WIDEST * width:
                return float(widest)
    return 0.0


def _measure_height(widths: npt.NDArray[np.intp], head_width: float) -> float | None:
    """Estimate the height of the head; None where neck and shoulders are not where expected."""
    start = round(head_width)
    shoulders = np.flatnonzero(widths[start:] >= SHOULDER_OVER_WIDTH * head_width)
    if not len(shoulders):
        return None
    shoulder_row = start + int(shoulders[0])
    by_width, by_shoulders = HEIGHT_OVER_WIDTH * head_width, shoulder_row / SHOULDER_DEPTH
    if not 1 / MAX_DISAGREEMENT <= by_width / by_shoulders <= MAX_DISAGREEMENT:
        return None
    estimates = [by_width, by_shoulders]
    first = round(0.7 * head_width)
    neck_rows = widths[first:shoulder_row]
    if len(neck_rows) and neck_rows.min() < NECK_OVER_WIDTH * head_width:
        estimates.append((first + float(np.argmin(neck_rows))) * CHIN_OVER_NECK)
    return float(np.mean(estimates))
