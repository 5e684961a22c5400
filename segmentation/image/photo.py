"""A decoded photo, and the limits on its file."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segmentation.arrays import UInt8
from segmentation.i18n import Text
from segmentation.image.blend import Layer, over

# By how much a photo may exceed the nominal number of megapixels.
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on photos, checked on a file's header before any pixel is decoded.

    Attributes:
        megabytes: size of a file.
        megapixels: nominal width times height; `TOLERANCE` more is accepted, since the 50 MP of
            phones are up to 50.4 million pixels.
        longest_side: in pixels; OpenCV's geometric functions end at 32767.
        shortest_side: in pixels; a smaller photo has nothing to cut out.
        frames: number of frames of an animation, or of pages.
        batch_photos: number of photos in a batch.
        batch_megabytes: size of a batch's files together, and of the ZIP made of them.
    """

    megabytes: float = 50
    megapixels: float = 50
    longest_side: int = 30_000
    shortest_side: int = 16
    frames: int = 2_000
    batch_photos: int = 50
    batch_megabytes: float = 500

    @property
    def max_pixels(self) -> float:
        """The largest product of width and height, with the tolerance."""
        return self.megapixels * 1e6 * (1 + TOLERANCE)


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        rgb: uint8 (H, W, 3), upright, sRGB, not multiplied by alpha; white where alpha is 0.
        alpha: uint8 (H, W), the file's transparency, or None if the photo is opaque.
        stem: base of the names of files made from the photo, see `safe_stem`.
        notices: remarks for a person on how the file was read.
        dpi_xy: dots per inch across and down the upright photo, or None if the file has none.
    """

    rgb: UInt8
    alpha: UInt8 | None
    stem: str
    notices: tuple[Text, ...]
    dpi_xy: tuple[float, float] | None = None

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.rgb.shape[:2]
        return height, width

    @property
    def on_white(self) -> UInt8:
        """The photo on a white background, uint8 (H, W, 3)."""
        if self.alpha is None:
            return self.rgb
        return over(Layer(self.rgb, self.alpha), np.full_like(self.rgb, 255))


def safe_stem(name: str) -> str:
    """Turn a file name into one that is safe on every file system, without its extension.

    Args:
        name: any text; only what follows the last slash counts.

    Returns:
        Letters and digits of any script, hyphens and underscores, at most 200 bytes in UTF-8;
        "photo" if nothing is left.
    """
    # Many scripts write vowels as marks (category M), which are not in Python's \w. A mark is kept
    # after a letter, but not after a symbol such as a heart.
    kept = ""
    for character in unicodedata.normalize("NFC", Path(name).stem):
        is_mark = unicodedata.category(character)[0] == "M"
        keep = re.match(r"[\w-]", character) or (is_mark and kept[-1:] not in ("", " "))
        kept += character if keep else " "
    stem = re.sub(" +", "_", kept).strip("_")
    # File systems limit names to 255 bytes, not letters, and some store é as two characters.
    return stem.encode()[:200].decode(errors="ignore") or "photo"
