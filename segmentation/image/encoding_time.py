"""A limit on the time that a file takes to encode, estimated before it is encoded."""

from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError
from segmentation.image.formats import (
    OUTPUT_FORMATS,
    Format,
    OutputFormat,
    find_format,
    join_titles,
)

# `encode_within` finds the highest of 99 qualities by bisection.
BISECTION_STEPS = 8


def check_encoding_time(
    image: UInt8,
    format_: Format,
    quality: int | None,
    max_kilobytes: float | None,
    max_seconds: float,
) -> None:
    """Check that a file does not take too long to encode.

    Args:
        image, format_, quality, max_kilobytes: see `encode_within`.
        max_seconds: CPU time by the estimates of `OUTPUT_FORMATS`.

    Raises:
        ChoiceError: it takes longer.
    """
    megapixels = image.shape[0] * image.shape[1] / 1e6
    chosen = find_format(format_)
    most = max_seconds / _seconds_per_megapixel(chosen, quality, max_kilobytes)
    if megapixels <= most:
        return
    transparent = image.ndim == 3 and image.shape[2] == 4
    fast = [
        other
        for other in OUTPUT_FORMATS.values()
        if megapixels * other.seconds_per_megapixel <= max_seconds
        and (other.has_alpha or not transparent)
    ]
    titles = join_titles(fast) if fast else None
    other_en = f", or {titles.en} with the usual quality and no largest file" if titles else ""
    other_zh = f"，或改用默认质量、不限文件大小的 {titles.zh}" if titles else ""
    raise ChoiceError(
        f"A {chosen.title} with these settings may have {most:.1f} MP at most, as larger ones take "
        f"too long to make; this one has {megapixels:.1f} MP. Choose a smaller size in "
        f"pixels{other_en}.",
        f"按当前设置，{chosen.title} 文件最大为 {most * 100:.0f} 万像素（更大的生成时间过长），"
        f"该文件为 {megapixels * 100:.0f} 万像素。请减小像素尺寸{other_zh}。",
    )


def _seconds_per_megapixel(
    chosen: OutputFormat, quality: int | None, max_kilobytes: float | None
) -> float:
    lossless = chosen.lossless_seconds_per_megapixel if quality == 100 else None
    last = lossless or chosen.seconds_per_megapixel
    # The bisection may end at the quality asked for.
    steps_before = BISECTION_STEPS - 1 if max_kilobytes is not None and chosen.has_quality else 0
    return last + steps_before * chosen.seconds_per_megapixel
