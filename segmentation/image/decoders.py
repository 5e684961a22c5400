"""Chooses decoders: OpenCV's for JPEG, Pillow's for the other formats.

Pillow before 13 has published holes in its decoders of JPEG and TIFF (GHSA-8g5g-8vmr-9782,
GHSA-462x-pgg6-55fp, GHSA-q45j-58j2-45rg) and in images that change their mode between frames
(GHSA-v9pv-5gc8-w2m6), and gradio does not admit Pillow 13 yet.
"""

import cv2
import numpy as np
import PIL
from PIL import Image

from segmentation.errors import PhotoError

FIRST_SOUND_PILLOW = 13
# The formats that no old Pillow decodes for strangers, with the modes that are none of these.
OPENCV_MODES = {"RGB": cv2.IMREAD_COLOR_RGB, "L": cv2.IMREAD_GRAYSCALE}
SHUT_FORMATS = ("TIFF", "GIF", "BMP")


def check_decoder(image: Image.Image) -> None:
    """Refuse a stranger's photo if only a decoder with known holes can read it.

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


def load_pixels(image: Image.Image, data: bytes) -> Image.Image:
    """Decode the pixels of an image.

    Args:
        image: as opened.
        data: its file.

    Returns:
        The decoded image, of the same mode, size and information.

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
    decoded = Image.fromarray(pixels)
    decoded.info = image.info
    decoded.format = image.format
    return decoded
