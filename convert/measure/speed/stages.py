"""How each stage of a cut-out grows with the size of the photo."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from convert.measure.speed.page_process import ROOT
from convert.measure.speed.scaled_photo import scale_photo
from segmentation import Limits, Segmenter, Transparent, compose, encode, make_alpha, read_photo
from segmentation.image.photo import Photo
from segmentation.model_card import ModelCard

MEGAPIXELS = (1, 3, 12, 25, 50)
EXAMPLE = ROOT / "examples" / "dandelion.jpg"
REPEAT = 3

Result = TypeVar("Result")


def time_stages(card: ModelCard, threads: int) -> Iterator[tuple[float, Mapping[str, float]]]:
    """Cut a photo out at several sizes.

    Args:
        card: of the model.
        threads: per inference.

    Yields:
        The photo's megapixels, and the median seconds of each stage by name.
    """
    segmenter = Segmenter(card, "onnx", threads=threads)
    segmenter.open()
    photo = read_photo(EXAMPLE)
    for megapixels in MEGAPIXELS:
        yield megapixels, _time_photo(segmenter, scale_photo(photo, megapixels))
    segmenter.close()


def _time_photo(segmenter: Segmenter, photo: Photo) -> Mapping[str, float]:
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Result]) -> Result:
        times = []
        for _ in range(REPEAT):
            start = time.perf_counter()
            result = work()
            times.append(time.perf_counter() - start)
        seconds[stage] = statistics.median(times)
        return result

    data = encode(photo.rgb, "jpeg")
    decoded = timed("decode", lambda: read_photo(data, Limits(megapixels=1e3, megabytes=1e3)))
    segmentation, _ = timed("find objects", lambda: segmenter.segment(decoded))
    logits = segmentation.mask_logits([1])
    alpha = timed("alpha", lambda: make_alpha(decoded.rgb, logits))
    image = timed("colour", lambda: compose(decoded, alpha, Transparent()))
    timed("PNG", lambda: encode(image))
    return seconds


def format_stages(rows: list[tuple[float, Mapping[str, float]]]) -> str:
    """Format a Markdown table of milliseconds, a row for each size."""
    stages = list(rows[0][1])
    lines = [f"| MP | {' | '.join(f'{stage} ms' for stage in stages)} | together ms |"]
    lines.append("|---" * (len(stages) + 2) + "|")
    for megapixels, seconds in rows:
        cells = [f"{1e3 * value:.0f}" for value in (*seconds.values(), sum(seconds.values()))]
        lines.append(f"| {megapixels:g} | {' | '.join(cells)} |")
    return "\n".join(lines)
