"""Photos and maps that are drawn for the tests of the training."""

import io
import tarfile

import numpy as np
from PIL import Image

from segmentation.arrays import UInt8


def add_image(archive: tarfile.TarFile, name: str, pixels: UInt8) -> None:
    """Add an image to a tar file; the name says its format."""
    content = encoded(pixels, name.split(".")[1])
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def encoded(pixels: UInt8, image_format: str = "png") -> bytes:
    """Encode an image without loss."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, lossless=True)
    return buffer.getvalue()


def photo_with_bright_parts(size_hw: tuple[int, int], *parts: tuple[slice, slice]) -> Image.Image:
    """A dark photo with some bright parts."""
    rgb = np.full((*size_hw, 3), 30, np.uint8)
    for part in parts:
        rgb[part] = 240
    return Image.fromarray(rgb)
