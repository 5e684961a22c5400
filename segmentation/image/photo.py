"""A decoded photo, and the limits on its file."""

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.arrays import UInt8
from segmentation.errors import PhotoError
from segmentation.i18n import Text
from segmentation.image.blend import Layer, over
from segmentation.image.colour import split_alpha, to_eight_bits, to_srgb
from segmentation.image.orientation import turn_upright

# By how much a photo may exceed the nominal number of megapixels.
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on photos, checked on a file's header before any pixel is decoded, and on results.

    Attributes:
        megabytes: size of a file.
        megapixels: nominal width times height; `TOLERANCE` more is accepted, since the 50 MP of
            phones are up to 50.4 million pixels.
        longest_side: in pixels; OpenCV's geometric functions end at 32767.
        shortest_side: in pixels; a smaller photo has nothing to cut out.
        frames: number of frames of an animation, or of pages.
        batch_photos: number of photos in a batch.
        batch_megabytes: size of a batch's files together, and of the ZIP made of them.
        encoding_seconds: CPU time that a result may take to encode, see `check_encoding_time`; None
            sets no limit.
        is_public: whether anybody can send photos; formats whose installed decoders are known
            to be vulnerable are refused then, see `decoders`.
    """

    megabytes: float = 50
    megapixels: float = 50
    longest_side: int = 30_000
    shortest_side: int = 16
    frames: int = 2_000
    batch_photos: int = 200
    batch_megabytes: float = 500
    encoding_seconds: float | None = None
    is_public: bool = False

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

    @classmethod
    def from_array(
        cls,
        pixels: npt.NDArray[Any],
        stem: str = "photo",
        dpi_xy: tuple[float, float] | None = None,
    ) -> Self:
        """Make a photo of pixels in memory, which are copied.

        Args:
            pixels: uint8 (H, W) grey, (H, W, 3) RGB, or (H, W, 4) RGBA with straight alpha; upright
                and in sRGB. OpenCV's images are BGR: reverse their last axis.
            stem: see `Photo`.
            dpi_xy: see `Photo`.

        Raises:
            PhotoError: the array has another dtype or shape, or a side is too short or too long.
        """
        pixels = np.asarray(pixels)
        _check_pixels(pixels)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        rgb = np.array(pixels[..., :3], np.uint8, order="C")
        alpha = np.array(pixels[..., 3], np.uint8, order="C") if pixels.shape[2] == 4 else None
        if alpha is not None and alpha.min() == 255:
            alpha = None
        if alpha is not None:
            rgb[alpha == 0] = 255
        return cls(rgb, alpha, safe_stem(stem), (), dpi_xy)

    @classmethod
    def from_image(cls, image: Image.Image, stem: str = "photo") -> Self:
        """Make a photo of a PIL image of any mode: turned upright, and converted to sRGB.

        Args:
            image: the image; it is not changed.
            stem: see `Photo`.

        Raises:
            PhotoError: it is not a PIL image, holds floating-point values, or is too small or too
                large.
        """
        if not isinstance(image, Image.Image) or image.mode == "F":
            kind = getattr(image, "mode", type(image).__name__)
            raise PhotoError(
                f"This is no PIL image of 8 or 16 bits per channel, but {kind}.",
                f"需要每通道 8 位或 16 位的 PIL 图像，不能是 {kind}。",
            )
        upright, orientation_notices = turn_upright(image)
        opaque, alpha = split_alpha(to_eight_bits(upright))
        converted, colour_notices = to_srgb(opaque, image.info.get("icc_profile"))
        rgb = np.asarray(converted)
        pixels = rgb if alpha is None else np.dstack([rgb, alpha])
        photo = cls.from_array(pixels, stem)
        return replace(photo, notices=orientation_notices + colour_notices)

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


def _check_pixels(pixels: npt.NDArray[Any]) -> None:
    """Raise PhotoError unless an array is one that `Photo.from_array` takes."""
    limits = Limits()
    has_shape = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not has_shape:
        raise PhotoError(
            f"A photo is an array of uint8 and shape (H, W), (H, W, 3) or (H, W, 4), not of "
            f"{pixels.dtype} and shape {pixels.shape}.",
            f"照片应为 uint8 数组，形状为 (H, W)、(H, W, 3) 或 (H, W, 4)，"
            f"不能是 {pixels.dtype}、{pixels.shape}。",
        )
    if (
        not limits.shortest_side
        <= min(pixels.shape[:2])
        <= max(pixels.shape[:2])
        <= (limits.longest_side)
    ):
        height, width = pixels.shape[:2]
        raise PhotoError(
            f"The photo has {width} x {height} pixels; each side needs {limits.shortest_side} to "
            f"{limits.longest_side}.",
            f"照片为 {width} × {height} 像素，每边须为 {limits.shortest_side}～"
            f"{limits.longest_side} 像素。",
        )


# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
DEVICE = re.compile("(con|prn|aux|nul|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def safe_stem(name: str) -> str:
    """Turn a file name into one that is safe on every file system, without its extension.

    Args:
        name: any text; only what follows the last slash counts.

    Returns:
        Letters and digits of any script, hyphens and underscores, at most 200 bytes in UTF-8;
        "photo" if nothing is left. The names of devices of Windows get "photo_" in front.
    """
    # Many scripts write vowels as marks (category M), which are not in Python's \w. A mark is kept
    # after a letter, but not after a symbol such as a heart.
    kept = ""
    for character in unicodedata.normalize("NFC", Path(name).stem):
        is_mark = unicodedata.category(character)[0] == "M"
        keep = re.match(r"[\w-]", character) or (is_mark and kept[-1:] not in ("", " "))
        kept += character if keep else " "
    stem = re.sub(" +", "_", kept).strip("_")
    if DEVICE.fullmatch(stem):
        stem = f"photo_{stem}"
    # File systems limit names to 255 bytes, not letters, and some store é as two characters.
    return stem.encode()[:200].decode(errors="ignore") or "photo"
