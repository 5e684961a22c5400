"""Converts images of every mode and colour space to 8-bit sRGB."""

import io
import struct
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageCms

from segmentation.arrays import UInt8
from segmentation.i18n import Text
from segmentation.image.containers.png import read_header
from segmentation.image.containers.webp_heif import read_nclx
from segmentation.image.profiles import (
    HLG,
    PQ,
    SRGB_PRIMARIES,
    SRGB_TRANSFER,
    VIDEO,
    cicp_profile,
    gamma_curve,
    rgb_profile,
)

# Pillow's modes, by the colour space that an ICC profile is for.
MODES = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "L"}
DAMAGED_PROFILE = Text(
    "The photo's colour profile is damaged and was ignored.",
    "照片的颜色配置文件已损坏，已忽略。",
)
HDR = Text(
    "This is an HDR photo. Converted to the standard range, its colours may differ a little.",
    "这是 HDR 照片，已转换为标准动态范围，颜色可能略有变化。",
)
# How far from 1/2.2 a gamma still says sRGB; libpng's threshold.
GAMMA_TOLERANCE = 0.05
# Converts an image without alpha, or some rows of one, to sRGB in mode RGB.
Conversion = Callable[[Image.Image], Image.Image]
READ_16_BITS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


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


def apply_colour_key(image: Image.Image, data: bytes) -> Image.Image:
    """Make the one transparent colour that a PNG can name its alpha channel.

    Pillow reduces colours of 16 bits to 8 first, does not scale keys of fewer bits with their
    pixels, and does not mask keys (PNG, third edition, 11.3.1.1).

    Args:
        image: the decoded image.
        data: its file.

    Returns:
        The image with alpha; other images as they are.
    """
    chunks = read_header(data)
    header, key = chunks.get(b"IHDR", b""), chunks.get(b"tRNS", b"")
    if len(header) != 13 or image.mode == "P" or len(key) not in (2, 6):
        return image
    depth = header[8]
    keys = np.array(struct.unpack(f">{len(key) // 2}H", key), np.int32) & ((1 << depth) - 1)
    if len(key) == 2:
        wide = np.asarray(image if depth == 16 else image.convert("L"), np.int32)[..., None]
        keys = keys * (255 // ((1 << depth) - 1)) if depth < 8 else keys
    elif depth == 16:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), READ_16_BITS)
        if decoded is None or decoded.shape[:2] != image.size[::-1]:
            return image
        wide = decoded[..., 2::-1].astype(np.int32)
    else:
        wide = np.asarray(image.convert("RGB"), np.int32)
    alpha = np.where((wide == keys).all(-1), np.uint8(0), np.uint8(255))
    image = to_eight_bits(image)
    image.info.pop("transparency", None)
    image = image.convert("RGB" if len(key) == 6 else "L")
    image.putalpha(Image.fromarray(alpha))
    return image


def split_alpha(image: Image.Image) -> tuple[Image.Image, UInt8 | None]:
    """Separate an image's colours from its transparency.

    Returns:
        The image without alpha, and its alpha as uint8 (H, W), or None if it is opaque.
    """
    if not image.has_transparency_data:
        return image, None
    if image.mode == "La":  # multiplied by its alpha; Pillow converts it to this mode alone
        image = image.convert("LA")
    if image.mode != "LA":  # grey stays grey, for the sake of its profile
        image = image.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"))
    return image.convert(image.mode[:-1]), alpha if alpha.min() < 255 else None


def find_profile(image: Image.Image, data: bytes) -> tuple[bytes | None, tuple[Text, ...]]:
    """Return the ICC profile of a file, or one made of the numbers that name its colour space.

    Args:
        image: the image as opened.
        data: its file.

    Returns:
        The profile, or None if the colours are sRGB or unknown; and a notice if they are HDR.
    """
    if image.format == "PNG":
        return _find_png_profile(image, read_header(data))
    if image.format in ("AVIF", "HEIF") and not image.info.get("icc_profile"):
        nclx = read_nclx(data)
        if nclx is not None:
            primaries, transfer = nclx
            # Encoders write video's numbers for photos in sRGB; browsers show them as sRGB.
            return _from_cicp(primaries, SRGB_TRANSFER if transfer in VIDEO else transfer)
    return image.info.get("icc_profile") or None, ()


def _find_png_profile(
    image: Image.Image, chunks: dict[bytes, bytes]
) -> tuple[bytes | None, tuple[Text, ...]]:
    # Their order of precedence: PNG, third edition, 4.3.
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and (profile := cicp_profile(cicp[0], cicp[1])):
        return profile, _hdr_notices(cicp[1])
    if image.info.get("icc_profile"):
        return image.info["icc_profile"], ()
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None, ()
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 100_000
    has_primaries = len(chunks.get(b"cHRM", b"")) == 32
    # 1/2.2 alone is how older programs say sRGB.
    if not 0.1 <= gamma <= 10 or (not has_primaries and abs(gamma * 2.2 - 1) < GAMMA_TOLERANCE):
        return None, ()
    primaries = SRGB_PRIMARIES
    if has_primaries:
        white_x, white_y, *rest = struct.unpack(">8I", chunks[b"cHRM"])
        primaries = tuple(value / 100_000 for value in (*rest, white_x, white_y))
    return rgb_profile(primaries, gamma_curve(1 / gamma)), ()


def _from_cicp(primaries: int, transfer: int) -> tuple[bytes | None, tuple[Text, ...]]:
    profile = cicp_profile(primaries, transfer)
    return profile, _hdr_notices(transfer) if profile else ()


def _hdr_notices(transfer: int) -> tuple[Text, ...]:
    return (HDR,) if transfer in (PQ, HLG) else ()


def to_srgb(image: Image.Image, profile_data: bytes | None) -> tuple[Image.Image, tuple[Text, ...]]:
    """Convert an image without alpha to sRGB by its own ICC profile, see `find_conversion`.

    Returns:
        The image in mode RGB, and a notice if its profile is damaged.
    """
    conversion, notices = find_conversion(image.mode, profile_data, is_made=False)
    return to_rgb(image) if conversion is None else conversion(image), notices


def find_conversion(
    mode: str, profile_data: bytes | None, is_made: bool
) -> tuple[Conversion | None, tuple[Text, ...]]:
    """Find out how images of a mode and a profile are converted to sRGB.

    A profile for another colour space than the image's, such as one for CMYK for an RGB photo, is
    ignored, as is an RGB profile for a grey photo, unless it was made from the file's numbers.

    Args:
        mode: of images without alpha.
        profile_data: their ICC profile, if any.
        is_made: whether `find_profile` made it.

    Returns:
        The conversion, or None if it changes nothing but the mode; and a notice if the profile is
        damaged.
    """
    if not profile_data:
        return None, ()
    source = mode if mode in ("CMYK", "L") and not is_made else "RGB"
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile_data))
        if MODES.get(profile.profile.xcolor_space.strip()) != source:
            return None, ()
        transform = ImageCms.buildTransform(profile, _srgb(), source, "RGB")
        if not _changes_colours(transform, source):
            return None, ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None, (DAMAGED_PROFILE,)

    def convert(image: Image.Image) -> Image.Image:
        image = image if image.mode == source else to_rgb(image)
        return ImageCms.applyTransform(image, transform) or image

    return convert, ()


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_colours(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a conversion changes any of a grid of colours by more than one level."""
    if mode == "CMYK":
        return True
    ramp = np.arange(256, dtype=np.uint8)
    steps = ramp[::15]
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    grey = np.repeat(ramp[None, :, None], 3, 2)
    colours = grey if mode == "L" else np.concatenate([grid, grey], 1)
    source = Image.fromarray(colours[..., 0] if mode == "L" else colours)
    converted = np.asarray(ImageCms.applyTransform(source, transform), np.int16)
    return bool(np.abs(converted - colours).max() > 1)


@cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, the colour space of every `Photo`."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 of the header are its date (ICC.1:2022, 7.2.8). A fixed one makes the same
    # image the same file every day.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to mode RGB, and nothing else."""
    # Pillow copies even an image that is RGB already, which are 200 MB for a large photo.
    return image if image.mode == "RGB" else image.convert("RGB")
