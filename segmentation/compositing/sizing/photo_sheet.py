"""A sheet of photo paper with copies of an ID photo, to print and cut."""

import numpy as np

from segmentation.arrays import SizeHW, UInt8
from segmentation.compositing.sizing.size import DEFAULT_DPI
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer, over

# 6-inch photo paper, 152 x 102 mm, as photo shops take it at DEFAULT_DPI; HivisionIDPhotos has the
# same (hivision/creator/layout_calculator.py).
PAPER_HW = (1205, 1800)
# Space between two copies where there is room for it: 1 mm at DEFAULT_DPI.
GAP = 12
# A thin line around each copy, since white photos have no visible edge on paper.
CUT_LINE = 200


def make_sheet(image: UInt8, dpi: float = DEFAULT_DPI) -> UInt8:
    """Put as many copies of a photo on 6-inch paper as fit, upright or all turned to the side.

    Args:
        image: uint8 (h, w, 3) RGB, (h, w, 4) RGBA, which is put on white, or (h, w) mask.
        dpi: of the image, and of the sheet.

    Returns:
        uint8 (H, W, 3), or (H, W) of a mask: white, or 0, around the copies.

    Raises:
        ChoiceError: not even one copy fits.
    """
    paper_h, paper_w = paper_hw(dpi)
    if image.ndim == 3 and image.shape[2] == 4:
        layer = Layer(image[..., :3], image[..., 3])
        image = over(layer, np.full((*image.shape[:2], 3), 255, np.uint8))
    turned = np.rot90(image)
    copy = max(image, turned, key=lambda copy: count_copies((paper_h, paper_w), copy))
    height, width = copy.shape[:2]
    if not count_copies((paper_h, paper_w), copy):
        raise ChoiceError(
            f"A photo of {image.shape[1]} x {image.shape[0]} pixels does not fit on 6-inch paper "
            f"at {dpi:g} dpi. Choose a smaller size, or leave out the sheet.",
            f"{image.shape[1]} × {image.shape[0]} 像素的照片在 {dpi:g} dpi 下放不进 6 寸相纸。"
            "请选择更小的尺寸，或不排版。",
        )
    gap = round(GAP * dpi / DEFAULT_DPI)
    sheet = np.full((paper_h, paper_w, *image.shape[2:]), 0 if image.ndim == 2 else 255, np.uint8)
    for y in _starts(paper_h, height, gap):
        for x in _starts(paper_w, width, gap):
            if image.ndim == 3:
                sheet[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1] = CUT_LINE
    for y in _starts(paper_h, height, gap):
        for x in _starts(paper_w, width, gap):
            sheet[y : y + height, x : x + width] = copy
    return sheet


def paper_hw(dpi: float) -> SizeHW:
    """Return height and width of the paper in pixels, at a number of dots per inch."""
    height, width = (round(side * dpi / DEFAULT_DPI) for side in PAPER_HW)
    return height, width


def count_copies(paper_hw: SizeHW, copy: UInt8) -> int:
    """Count how often an image, uint8 (h, w) or (h, w, C), fits on paper without being turned."""
    height, width = copy.shape[:2]
    return int(paper_hw[0] // height * (paper_hw[1] // width))


def _starts(paper: int, side: int, max_gap: int) -> list[int]:
    """The first pixel of each copy along one side of the paper: all of them in its middle."""
    count = paper // side
    gap = min(max_gap, (paper - count * side) // (count + 1))
    first = (paper - count * (side + gap) + gap) // 2
    return [first + index * (side + gap) for index in range(count)]
