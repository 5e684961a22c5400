"""Image files of many formats, made for tests."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE_WH = (24, 20)
TOP_LEFT, REST = (250, 10, 10), (10, 10, 250)
SAMPLE_FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF", "MPO", "tiled"]


def save_image(path: Path, image: Image.Image, format_: str, **options: Any) -> Path:
    image.save(path, format_, **options)
    return path


def encode_image(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def corner_photo() -> Image.Image:
    """Make an image that is red in its top left quarter and blue elsewhere."""
    image = Image.new("RGB", SIZE_WH, REST)
    image.paste(TOP_LEFT, (0, 0, SIZE_WH[0] // 2, SIZE_WH[1] // 2))
    return image


def two_frames() -> tuple[Image.Image, Image.Image]:
    return Image.new("RGB", SIZE_WH, TOP_LEFT), Image.new("RGB", SIZE_WH, REST)


def is_near(colour: Any, expected: tuple[int, int, int], tolerance: int = 6) -> bool:
    return bool(np.abs(np.asarray(colour, int) - expected).max() <= tolerance)


def sample(format_: str) -> bytes:
    """Make a file of noise in one of `SAMPLE_FORMATS`."""
    noise = np.random.default_rng(3).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    match format_:
        case "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        case "tiled":
            return encode_image(image, "TIFF", compression="tiff_adobe_deflate")
        case "JPEG" | "WEBP" | "AVIF" | "PNG":
            exif = Image.Exif()
            exif[0x0112] = 6
            return encode_image(image, format_, exif=exif)
        case "GIF" | "MPO":
            return encode_image(image, format_, save_all=True, append_images=[image.rotate(180)])
    return encode_image(image, format_)


def damaged_copies(format_: str, count: int) -> Iterator[bytes]:
    """Yield copies of a sample with a few bytes changed, always the same ones."""
    data, chance = sample(format_), random.Random(format_)
    for attempt in range(count):
        damaged = bytearray(data)
        reach = 300 if attempt % 2 else len(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(min(reach, len(data)))] = chance.choice(
                (0, 255, chance.randrange(256))
            )
        yield bytes(damaged)
