"""Turns a photo upright as its EXIF says, and its density with it."""

import cv2
import numpy as np
from PIL import ExifTags, Image

from segmentation.arrays import UInt8
from segmentation.i18n import Text
from segmentation.image.containers.exif import CENTIMETRE, INCH

# Operations that turn a photo upright, by EXIF orientation (EXIF 2.32, tag 0x0112); 1 is upright.
TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_SIDES = (5, 6, 7, 8)
# The codes of OpenCV's `flip` that do the same, after rows and columns are swapped for some.
FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
# The largest density that JPEG's 16 bits can hold; scanners end at 9600.
MAX_DPI = 65_535
UNITS_PER_INCH = {INCH: 1.0, CENTIMETRE: 2.54}
DAMAGED_EXIF = Text(
    "The photo's EXIF data is damaged, so the photo may be turned the wrong way.",
    "照片的 EXIF 信息已损坏，方向可能不对。",
)


# Our own, since Pillow's `ImageOps.exif_transpose` also rewrites the EXIF, which can fail.
def turn_upright(image: Image.Image) -> tuple[Image.Image, tuple[Text, ...]]:
    """Decode an image and turn it upright.

    Returns:
        The upright image, and a notice if the EXIF cannot be read.
    """
    image.load()  # some formats store their EXIF behind the pixels
    orientation, notices = _read_orientation(image)
    transpose = TRANSPOSES.get(orientation)
    return (image if transpose is None else image.transpose(transpose)), notices


def turn_pixels_upright(pixels: UInt8, image: Image.Image) -> tuple[UInt8, tuple[Text, ...]]:
    """Turn the pixels of a JPEG upright.

    Args:
        pixels: uint8 (H, W) or (H, W, 3), as stored.
        image: the opened file.

    Returns:
        The upright pixels, and a notice if the EXIF cannot be read.
    """
    orientation, notices = _read_orientation(image)
    if orientation in SWAPS_SIDES:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    if orientation in FLIPS:
        pixels = np.asarray(cv2.flip(pixels, FLIPS[orientation]), np.uint8)
    return pixels, notices


def _read_orientation(image: Image.Image) -> tuple[int, tuple[Text, ...]]:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1), ()
    except Exception:  # Pillow's errors for damaged EXIF share no base class
        return 1, (DAMAGED_EXIF,)


def swaps_sides_on_load(image: Image.Image) -> bool:
    """Return whether decoding swaps an image's sides.

    Pillow turns TIFFs upright by itself while it decodes them, and then deletes the orientation.
    """
    if image.format != "TIFF":
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in SWAPS_SIDES
    except Exception:  # `turn_upright` makes the notice
        return False


def read_dpi(image: Image.Image, swap_sides: bool) -> tuple[float, float] | None:
    """Return the dots per inch that a file states, across and down the upright photo.

    Args:
        image: the image as opened.
        swap_sides: whether the upright photo lies across the stored one.

    Returns:
        The density, or None if the file states none or an implausible one.
    """
    try:
        x, y = (float(value) for value in image.info.get("dpi") or _read_exif_density(image))
    except Exception:  # of damaged EXIF, as in `_read_orientation`
        return None
    if not (1 <= x <= MAX_DPI and 1 <= y <= MAX_DPI):
        return None
    return (y, x) if swap_sides else (x, y)


def _read_exif_density(image: Image.Image) -> tuple[float, float]:
    """Read the dots per inch that Pillow leaves in the EXIF, as in WebP.

    Raises:
        KeyError: there are none.
    """
    exif = image.getexif()
    per_inch = UNITS_PER_INCH[exif[ExifTags.Base.ResolutionUnit]]
    x, y = exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution]
    return x * per_inch, y * per_inch
