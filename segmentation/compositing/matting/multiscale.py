"""Work at two scales: a reduced copy of the photo decides, the full photo is changed in tiles.

Only the tiles that an edge runs through are processed at full resolution, so the cost of a large
photo grows with its outline, not with its area.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from segmentation.arrays import Bool, Float32, SizeHW, UInt8

# Longest side of the reduced copy: about ten pixels per cell of the mask grid.
REDUCED_SIDE = 1024
# Side of a tile, in reduced pixels.
TILE_SIDE = 48

# Rows and columns of an image.
Tile = tuple[slice, slice]


def reduction_factor(size_hw: SizeHW) -> int:
    """Photo pixels per reduced pixel along each axis."""
    return -(-max(size_hw) // REDUCED_SIDE)


def average_blocks(image: UInt8, factor: int) -> UInt8:
    """Average blocks of factor x factor pixels.

    Args:
        image: uint8 (H, W) or (H, W, C).
        factor: see `reduction_factor`.

    Returns:
        uint8 (h, w) or (h, w, C). The last row and column are repeated to fill whole blocks.
    """
    height, width = (-(-side // factor) for side in image.shape[:2])
    reduced = np.empty((height, width, *image.shape[2:]), np.uint8)
    # Only the blocks that reach beyond the photo are copied, to be filled up.
    whole_h, whole_w = (side // factor for side in image.shape[:2])
    for rows in (slice(0, whole_h), slice(whole_h, height)):
        for columns in (slice(0, whole_w), slice(whole_w, width)):
            target = reduced[rows, columns]
            if target.size:
                blocks = _fill_blocks(image[full_tile((rows, columns), factor)], factor)
                size = target.shape[1], target.shape[0]
                target[:] = cv2.resize(blocks, size, interpolation=cv2.INTER_AREA).reshape(
                    target.shape
                )
    return reduced


def _fill_blocks(image: UInt8, factor: int) -> UInt8:
    """Repeat the last row and column of an image to fill whole blocks, if they are not whole."""
    bottom, right = (-side % factor for side in image.shape[:2])
    if not (bottom or right):
        return image
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def tiles(region: Bool) -> Iterator[Tile]:
    """The tiles of a reduced grid that touch a region, bool (h, w)."""
    height, width = region.shape
    for top in range(0, height, TILE_SIDE):
        for left in range(0, width, TILE_SIDE):
            tile = (
                slice(top, min(top + TILE_SIDE, height)),
                slice(left, min(left + TILE_SIDE, width)),
            )
            if region[tile].any():
                yield tile


def full_tile(tile: Tile, factor: int) -> Tile:
    """The same tile in the full photo; it may reach beyond the photo, where slicing stops."""
    rows, columns = tile
    return (
        slice(rows.start * factor, rows.stop * factor),
        slice(columns.start * factor, columns.stop * factor),
    )


def enlarge_tile(values: Float32, tile: Tile, factor: int) -> Float32:
    """Interpolate a tile of reduced values to full resolution, without seams between tiles.

    Args:
        values: float32 (h, w, C), the whole reduced grid.
        tile: the part to enlarge.
        factor: see `reduction_factor`.

    Returns:
        float32 (rows * factor, columns * factor, C).
    """
    rows, columns = (
        np.clip(np.arange(side.start - 1, side.stop + 1), 0, length - 1)
        for side, length in zip(tile, values.shape, strict=False)
    )
    with_border = values[np.ix_(rows, columns)]
    height, width = (side * factor for side in with_border.shape[:2])
    enlarged = cv2.resize(with_border, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged[factor:-factor, factor:-factor], np.float32)


def repeat_pixels(image: UInt8, factor: int) -> UInt8:
    """Enlarge uint8 (h, w) to (h * factor, w * factor) by repeating each pixel."""
    height, width = (side * factor for side in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def padded_box(region: Bool, margin: int) -> Tile:
    """The bounding box of a region, bool (h, w), with a margin on each side."""
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    return (
        slice(max(top - margin, 0), top + height + margin),
        slice(max(left - margin, 0), left + width + margin),
    )


def box_mean(values: Float32, radius: int) -> Float32:
    """Mean of float32 (h, w) or (h, w, C) over squares of 2 * radius + 1, at least 3, pixels."""
    size = 2 * max(radius, 1) + 1
    return np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)


def to_unit(values: UInt8) -> Float32:
    """Scale uint8 of any shape to float32 in 0..1."""
    return np.asarray(values * np.float32(1 / 255), np.float32)


def to_bytes(values: Float32) -> UInt8:
    """Round float32 of any shape in 0..1 to uint8."""
    return np.rint(values * 255).astype(np.uint8)
