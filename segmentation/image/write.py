"""Encodes an image as a file that holds its pixels, colour space and density, and nothing else."""

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError
from segmentation.image.colour import srgb_profile
from segmentation.image.formats import (
    OUTPUT_FORMATS,
    Format,
    OutputFormat,
    check_format,
    find_format,
    join_titles,
)


def encode(
    image: UInt8,
    format: Format = "png",  # noqa: A002  (the name that callers use)
    quality: int | None = None,
    dpi_xy: tuple[float, float] | None = None,
) -> bytes:
    """Encode an image as a file, tagged sRGB, without EXIF, GPS or XMP.

    Pixels with alpha 0 are set to zero first. This makes the file smaller, and a removed background
    cannot be recovered from it.

    Args:
        image: uint8 (H, W) mask, (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha.
        format: key of `OUTPUT_FORMATS`.
        quality: 1..100; None takes the format's default. WebP is lossless at 100.
        dpi_xy: dots per inch across and down, written if the format has a place for them.

    Returns:
        The bytes of the file.

    Raises:
        ChoiceError: there is no such format, or it cannot hold the image's transparency, its size
            or this quality.
    """
    chosen = find_format(format)
    transparent = image.ndim == 3 and image.shape[2] == 4
    check_format(format, quality, transparent)
    _check_sides(chosen, max(image.shape[:2]), transparent)
    quality = quality or chosen.default_quality
    parameters = chosen.encoder_parameters(quality) if chosen.encoder_parameters and quality else []
    bgr, extension = _to_bgr(image), chosen.extensions[0]
    if image.ndim == 2:  # a mask has no colours that a profile could describe
        _, buffer = cv2.imencode(extension, bgr, parameters)
    else:
        profile = np.frombuffer(srgb_profile(), np.uint8)
        _, buffer = cv2.imencodeWithMetadata(
            extension, bgr, [cv2.IMAGE_METADATA_ICCP], [profile], parameters
        )
    data = buffer.tobytes()
    return chosen.write_density(data, dpi_xy) if chosen.write_density and dpi_xy else data


def _check_sides(chosen: OutputFormat, longest_side: int, transparent: bool) -> None:
    if _holds_side(chosen, longest_side):
        return
    others = join_titles(
        other
        for other in OUTPUT_FORMATS.values()
        if _holds_side(other, longest_side) and (other.has_alpha or not transparent)
    )
    raise ChoiceError(
        f"{chosen.title} allows at most {chosen.longest_side} pixels a side. Choose {others.en}.",
        f"{chosen.title} 每边最多 {chosen.longest_side} 像素。请改用 {others.zh}。",
    )


def _holds_side(output_format: OutputFormat, longest_side: int) -> bool:
    return output_format.longest_side is None or longest_side <= output_format.longest_side


def _to_bgr(image: UInt8) -> cv2.typing.MatLike:
    """Return a mask as it is, RGB as BGR, and RGBA as BGRA with zeros where alpha is 0."""
    if image.ndim == 2:
        return image
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # Multiplying by 0 or 1 is several times faster than masked assignment.
    visible = (image[..., 3:] > 0).astype(np.uint8)
    return cv2.cvtColor(image * visible, cv2.COLOR_RGBA2BGRA)
