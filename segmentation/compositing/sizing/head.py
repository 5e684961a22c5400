"""The head of a person, found by the outline alone, without face detection.

The outline of head and shoulders has nearly the same shape for all people. It is compared with the
mask at every place and in every size, and the best fit is the head.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, UInt8

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

# Depth of the rows of the outline below the top of the hair, from the forehead to the chest. This
# and the next two are in heights of the head, from the top of the hair to the chin.
DEPTHS = np.arange(1, 17) / 10
# Distance of the outline from the middle of the head in each row, to the left as to the right, and
# how much it differs between people. Median and median absolute deviation (as a standard
# deviation) of 199 people in photos of Pascal VOC, COCO and Clothing Co-Parsing: standing and
# sitting, also turned to the side, with long hair, hats and helmets. The chin is that of MTCNN.
HALF_WIDTHS = np.array(
    [0.27, 0.35, 0.39, 0.42, 0.43, 0.43, 0.42, 0.43, 0.44, 0.46, 0.53, 0.59, 0.68, 0.75, 0.79, 0.8]
)
SPREADS = np.array(
    [0.08, 0.07, 0.07, 0.08, 0.08, 0.1, 0.13, 0.17, 0.21, 0.24, 0.29, 0.3, 0.32, 0.31, 0.31, 0.33]
)
# A row differs by so many spreads at most: a brim or a raised arm changes a few rows only.
MAX_DEVIATION = 2.5

# Longest side of the copy on which the outline is measured: finer detail is hair and noise.
WORK_SIDE = 160
TUFT = 3
# Sizes that are tried: from so many pixels of the copy and this share of the body, each larger than
# the one before by this factor.
MIN_HEIGHT = 8
MIN_SHARE = 0.08
HEIGHT_STEP = 1.07

# The photo must show at least this share of the outline's rows; hidden rows add to the misfit.
MIN_VISIBLE = 0.6
HIDDEN_MISFIT = 0.5
# A head is rarely far below the highest point of a body. Its own height below adds this misfit.
LOW_MISFIT = 1.0
# On those 199 people, most of them not portraits, and 350 animals and things: the best fit was the
# head of 144 people. Of the fits below the first limit, 88 were, 12 missed by more than 15 % of the
# head's height or 25 % of its size, and 24 were animals and things. Above the second limit, a
# guess is rarely right.
MAX_CERTAIN_MISFIT = 0.5
MAX_MISFIT = 1.3


@dataclass(frozen=True, slots=True)
class Head:
    """A head in an image, in pixels.

    Attributes:
        top: of the hair.
        chin: estimated.
        centre_x: of the head.
        is_certain: False for a guess.
    """

    top: float
    chin: float
    centre_x: float
    is_certain: bool = True

    @property
    def height(self) -> float:
        """From the top of the hair to the chin."""
        return self.chin - self.top


@dataclass(frozen=True, slots=True)
class Candidates:
    """Places and sizes of heads, (n,) each, in pixels.

    Attributes:
        x: column of the middle.
        top: first row of the body in this column.
        height: of the head.
    """

    x: Rows
    top: Rows
    height: Floats


def find_head(alpha: UInt8) -> Head | None:
    """Find the head of a person by the outline of head and shoulders.

    Args:
        alpha: uint8 (H, W), opacity of the person.

    Returns:
        The best fit; None if nothing looks like head and shoulders.
    """
    scale = min(1.0, WORK_SIDE / max(alpha.shape))
    size_wh = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    reduced = cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA)
    body = find_body(np.asarray(reduced, np.uint8))
    if not body.any():
        return None
    candidates = list_candidates(body)
    misfits = measure_misfits(body, candidates)
    best = int(np.argmin(misfits))
    if not misfits[best] <= MAX_MISFIT:
        return None
    top, height = float(candidates.top[best]), float(candidates.height[best])
    # Where the body reaches the first row, the photo may cut off the top of the head.
    is_certain = bool(misfits[best] <= MAX_CERTAIN_MISFIT) and top > 0
    return Head(
        top / scale, (top + height) / scale, (float(candidates.x[best]) + 0.5) / scale, is_certain
    )


def find_body(alpha: UInt8) -> Bool:
    """Return the largest piece of a mask without its tufts of hair, bool (H, W); or nothing.

    Args:
        alpha: uint8 (H, W). What is thinner than `TUFT` pixels is left out.
    """
    kernel = np.ones((TUFT, TUFT), np.uint8)
    mask = cv2.morphologyEx((alpha >= 128).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros(mask.shape, np.bool_)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels == largest)


def list_candidates(body: Bool) -> Candidates:
    """List heads of all sizes at the top of each column of a body, bool (H, W), not empty."""
    columns = np.flatnonzero(body.any(axis=0))
    rows = np.flatnonzero(body.any(axis=1))
    body_height = int(rows[-1] - rows[0]) + 1
    smallest = max(MIN_HEIGHT, MIN_SHARE * max(body_height, len(columns)))
    steps = max(1, 1 + int(np.log(body_height / MIN_VISIBLE / smallest) / np.log(HEIGHT_STEP)))
    x, heights = np.meshgrid(columns, smallest * HEIGHT_STEP ** np.arange(steps))
    return Candidates(x.ravel(), body.argmax(axis=0)[x.ravel()], heights.ravel())


def measure_misfits(body: Bool, candidates: Candidates) -> Floats:
    """Compare a body with the outline of head and shoulders at each candidate.

    Args:
        body: bool (H, W).
        candidates: n of them.

    Returns:
        (n,), from 0 for a perfect fit: the mean squared deviation in spreads, plus what makes a
        head unlikely. Infinite where the photo shows too little below the head.
    """
    height = candidates.height[:, None]
    rows = (candidates.top[:, None] + DEPTHS * height).astype(np.intp)
    in_photo = rows < body.shape[0]
    rows = np.minimum(rows, body.shape[0] - 1)
    total, visible = np.zeros(len(rows)), np.zeros(len(rows))
    for distances, margins in _distances_to_edges(body):
        measured = distances[rows, candidates.x[:, None]]
        deviations = (measured / height - HALF_WIDTHS) / SPREADS
        # Where the body goes on beyond the photo, only a width that is too large says something.
        cut_off = measured >= margins[candidates.x][:, None]
        is_visible = in_photo & ~(cut_off & (deviations < 0))
        total += (np.minimum(deviations**2, MAX_DEVIATION**2) * is_visible).sum(axis=1)
        visible += is_visible.sum(axis=1)
    misfits = total / np.maximum(visible, 1)
    misfits += HIDDEN_MISFIT * (1 - visible / (2 * len(DEPTHS)))
    drop = (candidates.top - candidates.top.min()) / candidates.height
    misfits += LOW_MISFIT * np.minimum(drop, 1)
    return np.where(in_photo.mean(axis=1) >= MIN_VISIBLE, misfits, np.inf)


def _distances_to_edges(body: Bool) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Measure from each pixel to where its row of the body ends, to the left and to the right.

    Args:
        body: bool (H, W).

    Returns:
        For each side: the distances, (H, W), 0 outside the body; and those to the end of the photo,
        (W,).
    """
    columns = np.arange(body.shape[1])
    to_left = columns - np.maximum.accumulate(np.where(body, -1, columns), axis=1) - 0.5
    outside = np.where(body, body.shape[1], columns)[:, ::-1]
    to_right = np.minimum.accumulate(outside, axis=1)[:, ::-1] - columns - 0.5
    left, right = (
        np.asarray(np.where(body, side, 0.0), np.float64) for side in (to_left, to_right)
    )
    to_start = np.asarray(columns + 0.5, np.float64)
    return (left, to_start), (right, to_start[::-1])
