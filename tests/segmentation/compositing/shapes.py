"""Shapes whose exact opacity is known, with photos and coarse masks of them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from segmentation.arrays import Float32, UInt8

SIDE = 400
# Photo pixels per mask cell.
CELL = 10
OBJECT_COLOUR, BACKGROUND_COLOUR = (200, 60, 40), (40, 90, 180)

# Signed distance (pixels) from an outline, positive inside, of columns and rows.
Shape = Callable[[Any, Any], Any]


def half_plane(x: Any, y: Any) -> Any:
    """All that is left of a vertical line."""
    return 203.0 - x + 0 * y


def diagonal(x: Any, y: Any) -> Any:
    """One side of an oblique line."""
    return (0.7 * (y - 200) - (x - 200)) / np.hypot(0.7, 1)


def disc(x: Any, y: Any) -> Any:
    """A disc near the middle."""
    return 120 - np.hypot(x - 197, y - 204)


def exact_alpha(shape: Shape) -> Float32:
    """The opacity float32 (SIDE, SIDE) of a shape, softened over a pixel as by a lens."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.clip(shape(x, y) + 0.5, 0, 1).astype(np.float32)


def draw_photo(alpha: Float32, noise: int = 3) -> UInt8:
    """A photo uint8 (H, W, 3) of an object of opacity float32 (H, W), with some grain."""
    share = alpha[..., None]
    image = share * OBJECT_COLOUR + (1 - share) * BACKGROUND_COLOUR
    grain = np.random.default_rng(2).normal(0, noise, image.shape)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def draw_mask(shape: Shape, offset: float = 0.0) -> Float32:
    """Mask logits of a shape on the coarse grid, their outline `offset` pixels too far out."""
    y, x = np.mgrid[: SIDE // CELL, : SIDE // CELL] * CELL + CELL / 2
    return np.clip((shape(x, y) + offset) * 0.5, -8, 8).astype(np.float32)


def enlarge(image: Any, factor: int) -> Any:
    """Repeat each pixel of an image along both axes."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def alpha_error(alpha: UInt8, expected: Float32) -> float:
    """Sum of the absolute differences of opacities."""
    return float(np.abs(alpha / 255 - expected).sum())
