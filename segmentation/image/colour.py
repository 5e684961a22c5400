"""Converts images of every mode and colour space to 8-bit sRGB."""

import io
import struct
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from segmentation.arrays import UInt8
from segmentation.i18n import Text

# Pillow's modes, by the colour space that an ICC profile is for.
MODES = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "L"}
DAMAGED_PROFILE = Text(
    "The photo's colour profile is damaged and was ignored.",
    "照片的颜色配置文件已损坏，已忽略。",
)


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, which Pillow would clip at 255; return other modes as they are.

    Pillow opens 16-bit grey in mode "I;16", or in the 32-bit mode "I".
    """
    if not image.mode.startswith("I"):
        return image
    values = np.clip(np.asarray(image, np.int32), 0, 65535)
    converted = Image.fromarray((values // 257).astype(np.uint8))
    converted.info = image.info  # has the colour profile, among others
    return converted


def split_alpha(image: Image.Image) -> tuple[Image.Image, UInt8 | None]:
    """Separate an image's colours from its transparency.

    Returns:
        The image without alpha, and its alpha as uint8 (H, W), or None if it is opaque.
    """
    if not image.has_transparency_data:
        return image, None
    image = image.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"))
    return image.convert("RGB"), alpha if alpha.min() < 255 else None


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[Text, ...]]:
    """Convert an image without alpha to sRGB, by its ICC profile if it has a usable one.

    A profile for another colour space than the image's, such as RGB for a grey photo, is ignored.

    Returns:
        The image in mode RGB, and a notice if its profile is damaged.
    """
    profile_data = image.info.get("icc_profile")
    if image.mode not in ("CMYK", "L"):
        image = _to_rgb(image)
    if not profile_data:
        return _to_rgb(image), ()
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_data))
        description = ImageCms.getProfileDescription(profile).lower()
        is_srgb = "srgb" in description and "linear" not in description
        if MODES.get(profile.profile.xcolor_space.strip()) == image.mode and not is_srgb:
            srgb = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB") or image
        return _to_rgb(image), ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return _to_rgb(image), (DAMAGED_PROFILE,)


@cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, the colour space of every `Photo`."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 of the header are its date (ICC.1:2022, 7.2.8). A fixed one makes the same
    # image the same file every day.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _to_rgb(image: Image.Image) -> Image.Image:
    # Pillow copies even an image that is RGB already, which are 200 MB for a large photo.
    return image if image.mode == "RGB" else image.convert("RGB")
