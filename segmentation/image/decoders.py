"""Chooses decoders: OpenCV's for JPEG, Pillow's for the other formats.

Pillow before 13 has published vulnerabilities in its decoders of JPEG and TIFF
(GHSA-8g5g-8vmr-9782, GHSA-462x-pgg6-55fp, GHSA-q45j-58j2-45rg) and in images that change their mode
between frames (GHSA-v9pv-5gc8-w2m6), and gradio does not admit Pillow 13 yet.
"""

import cv2
import numpy as np
import PIL
from PIL import Image

from segmentation.arrays import UInt8
from segmentation.errors import PhotoError

# What a decoder makes: uint8 (H, W, 3) RGB or (H, W) grey if it is OpenCV's, else an image in any
# mode. Pillow stores RGB in four bytes per pixel, so that each way between the two takes a copy.
Decoded = Image.Image | UInt8

FIRST_SOUND_PILLOW = 13
# The formats that no old Pillow decodes on public pages, with the modes that are none of these.
OPENCV_MODES = {"RGB": cv2.IMREAD_COLOR_RGB, "L": cv2.IMREAD_GRAYSCALE}
SHUT_FORMATS = ("TIFF", "GIF", "BMP")


def check_decoder(image: Image.Image) -> None:
    """Refuse a photo of a public page's visitor if only a vulnerable decoder can read it.

    Raises:
        PhotoError: the installed Pillow is too old for this format.
    """
    if int(PIL.__version__.split(".")[0]) >= FIRST_SOUND_PILLOW:
        return
    is_cmyk = image.format == "JPEG" and image.mode not in OPENCV_MODES
    if is_cmyk or image.format in SHUT_FORMATS:
        title = "CMYK JPEG" if is_cmyk else image.format
        raise PhotoError(
            f"This page does not take {title} from visitors. Save the photo as PNG or as an RGB "
            "JPEG, then retry.",
            f"本页面不接收访客的 {title} 文件。请另存为 PNG 或 RGB 模式的 JPEG 后再试。",
        )


def load_pixels(image: Image.Image, data: bytes) -> Decoded:
    """Decode the pixels of an image.

    Args:
        image: as opened.
        data: its file.

    Returns:
        The pixels of the same mode and size, not turned upright.

    Raises:
        OSError: the file is damaged.
    """
    if image.format != "JPEG" or image.mode not in OPENCV_MODES:
        image.load()
        return image
    flags = OPENCV_MODES[image.mode] | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or pixels.shape[:2] != image.size[::-1]:
        raise OSError("the JPEG cannot be decoded")
    return np.asarray(pixels, np.uint8)


def crop_rows(image: Decoded, top: int, count: int = 1) -> Image.Image:
    """Return the rows from `top` on, at most `count`; a negative `top` counts from the bottom."""
    if isinstance(image, Image.Image):
        width, height = image.size
        start = top % height
        return image.crop((0, start, width, min(start + count, height)))
    start = top % len(image)
    return Image.fromarray(image[start : start + count])
