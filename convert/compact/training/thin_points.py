"""Points on the thin parts of true masks, for the loss: legs, handles, stalks, fingers.

Points that are drawn at random, or where the model is uncertain, hardly ever meet them.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

# A part is thin below this width, in cells of the predicted masks.
THIN_CELLS = 3
# A cell is thin if the opening of the mask loses at least this share of it.
MIN_LOST = 0.25
# More points in so few cells would make a finger as important as the rest of the object.
POINTS_IN_CELL = 4


class ThinPoints(NamedTuple):
    """Points on thin parts.

    Attributes:
        points_xy: float32 (B, n, P, 2), 0..1.
        are_thin: bool (B, n, P); False for the points that a mask lacks.
    """

    points_xy: Tensor
    are_thin: Tensor


def thin_cells(masks: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Find the thin parts of masks: the white top-hat transform, the mask without its opening.

    The frame of a photo cuts an object off, but makes it no thinner.

    Args:
        masks: float32 (B, n, H, W), 0 or 1; H and W are multiples of h and w.
        grid_hw: h and w, of the predicted masks.

    Returns:
        bool (B, n, h, w).
    """
    stride = masks.shape[-1] // grid_hw[1]
    shares = functional.avg_pool2d(masks.reshape(-1, 1, *masks.shape[2:]), stride)

    padded = functional.pad(shares, [THIN_CELLS - 1] * 4, mode="replicate")

    def dilate(cells: Tensor) -> Tensor:
        return functional.max_pool2d(cells, THIN_CELLS, stride=1)

    opened = dilate(-dilate(-padded))
    return (shares - opened >= MIN_LOST).reshape(*masks.shape[:2], *grid_hw)


def draw_thin_points(masks: Tensor, grid_hw: tuple[int, int], count: int) -> ThinPoints:
    """Draw points in random thin cells, at most POINTS_IN_CELL in one cell.

    Args:
        masks: as in `thin_cells`.
        grid_hw: as in `thin_cells`.
        count: P; at most POINTS_IN_CELL times the number of cells.
    """
    thin = thin_cells(masks, grid_hw).float().flatten(2)
    repeated = thin[:, :, None].expand(-1, -1, POINTS_IN_CELL, -1).flatten(2)
    # 1 - [0, 1) is never 0, so that each thin cell comes before all others.
    scores, index = ((1 - torch.rand_like(repeated)) * repeated).topk(count)
    height, width = grid_hw
    cells = index % (height * width)
    corners_xy = torch.stack([cells % width, cells // width], -1).float()
    size_wh = torch.tensor([width, height], device=masks.device)
    points_xy = (corners_xy + torch.rand_like(corners_xy)) / size_wh
    return ThinPoints(points_xy, scores > 0)
