"""python -m tests.bombs: measure a page that gets files which are hard to decode.

For each file: what the sender reads, what the decoder took at most, what the page grew to, and how
long the photos of another visitor took meanwhile. With --mutated, 3600 small files with changed
bytes are decoded instead, and their outcomes counted.
"""

import argparse
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from PIL import Image

from segmentation.errors import KoutuError
from segmentation.image.bounded.pool import DecoderPool
from segmentation.image.bounded.process import DecoderFailed
from segmentation.image.photo import Limits
from tests.paths import EXAMPLES
from tests.processes import children, cpu_seconds, megabytes
from tests.segmentation.image.bomb_files import (
    exif_of_one_value,
    gif_of_comments,
    jpeg_of_segments,
    png_of_raw_profile,
    progressive_scans,
    tiff_of_one_tile,
    tiff_of_one_value,
    webp_of_one_value,
)
from tests.segmentation.image.photo_files import SAMPLE_FORMATS, damaged_copies, encode_image
from tests.started import started
from tests.visitor import Failed, Refused, Visitor

PHOTO = EXAMPLES / "coffee.png"
MUTATED_PER_FORMAT = 360
SAMPLE_SECONDS = 0.02
# What the other visitor does before the first file, for comparison.
UNDISTURBED_SECONDS = 8
STOPPED = "stopped: the decoder crashed or exceeded a limit"
BOMBS: Mapping[str, Callable[[], bytes]] = {
    "PNG, 2,000 Exif tags of the same 0.5 MB": lambda: encode_image(
        Image.new("RGB", (24, 20)), "PNG", exif=exif_of_one_value(2000, 500_000)
    ),
    "PNG, the same as compressed text": lambda: png_of_raw_profile(2000, 100_000),
    "WebP, 2,000 Exif tags of the same 1 MB": lambda: webp_of_one_value(2000, 1_000_000),
    "TIFF, 2,000 tags of the same 1 MB": lambda: tiff_of_one_value(2000, 1_000_000),
    "TIFF, one tile of 46336 x 46336": lambda: tiff_of_one_tile(46_336),
    "JPEG, 25 MP, 1,000 scans": lambda: progressive_scans(1000, 5000),
    "JPEG, 2 MP, 20,000 scans": lambda: progressive_scans(20_000, 1500),
    "JPEG, 45 MB of Exif segments": lambda: jpeg_of_segments(
        0xE1, b"Exif\0\0" + bytes(65_000), 690
    ),
    "GIF, 46 MB of comments": lambda: gif_of_comments(900),
}


@dataclass
class Peaks:
    """What a page and its decoders took at most.

    Attributes:
        decoder_mb: resident memory of one decoder.
        decoder_seconds: CPU time of one decoder.
        page_mb: resident memory of the page's own process.
    """

    decoder_mb: float = 0
    decoder_seconds: float = 0
    page_mb: float = 0

    def sample(self, page: int) -> None:
        """Look at the page and the forks of its decoders."""
        self.page_mb = max(self.page_mb, megabytes(page, "VmRSS"))
        for worker in children(page):
            for fork in children(worker):
                self.decoder_mb = max(self.decoder_mb, megabytes(fork, "VmHWM"))
                self.decoder_seconds = max(self.decoder_seconds, cpu_seconds(fork))


@dataclass
class Watch:
    """Measures a page and another visitor's waits until it is stopped.

    Attributes:
        peaks: of the page and its decoders.
        waits: seconds from a photo's upload to its result, one after another.
    """

    peaks: Peaks = field(default_factory=Peaks)
    waits: list[float] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def sample(self, page: int) -> None:
        """Sample the page until the end."""
        while not self.stopped.wait(SAMPLE_SECONDS):
            self.peaks.sample(page)

    def visit(self, visitor: Visitor) -> None:
        """Open one photo after another until the end."""
        data = PHOTO.read_bytes()
        while True:
            start = time.monotonic()
            visitor.open(PHOTO.name, data)
            self.waits.append(time.monotonic() - start)
            if self.stopped.is_set():
                return


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bombs", description=__doc__)
    parser.add_argument("--mutated", action="store_true", help="count outcomes of mutated files")
    args, page_arguments = parser.parse_known_args()
    return count_mutated() if args.mutated else measure_bombs(page_arguments)


def measure_bombs(page_arguments: list[str]) -> int:
    """Send each bomb to a page of its own while another visitor uses it."""
    print("| file | size | the sender reads | decoder | page | another visitor's photo |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"GRADIO_TEMP_DIR": folder}
        with (
            started("--port", "0", *page_arguments, environment=environment) as page,
            Visitor(page.address) as sender,
            Visitor(page.address) as other,
        ):
            other.open(PHOTO.name, PHOTO.read_bytes())
            rows: dict[str, Callable[[], bytes] | None] = {"none": None, **BOMBS}
            for name, make in rows.items():
                data = b"" if make is None else make()
                watch = Watch()
                with ThreadPoolExecutor(2) as threads:
                    futures = [
                        threads.submit(watch.sample, page.process.pid),
                        threads.submit(watch.visit, other),
                    ]
                    try:
                        outcome = _send(sender, name, data)
                    finally:
                        watch.stopped.set()
                    for future in futures:
                        future.result()
                print(_row(name, len(data), outcome, watch), flush=True)
    return 0


def _send(sender: Visitor, name: str, data: bytes) -> str:
    start = time.monotonic()
    if not data:
        time.sleep(UNDISTURBED_SECONDS)
        return "-"
    try:
        sender.open(f"bomb.{name[:4].strip(' ,').lower()}", data)
        outcome = "opened"
    except (Refused, Failed) as error:
        outcome = str(error).partition(".")[0]
    return f"{outcome}, after {time.monotonic() - start:.1f} s"


def _row(name: str, size: int, outcome: str, watch: Watch) -> str:
    peaks, waits = watch.peaks, watch.waits
    return (
        f"| {name} | {size / 1e6:.2f} MB | {outcome} | {peaks.decoder_mb:.0f} MB, "
        f"{peaks.decoder_seconds:.1f} s of CPU | {peaks.page_mb:.0f} MB | {len(waits)}: median "
        f"{statistics.median(waits):.1f} s, longest {max(waits):.1f} s |"
    )


def count_mutated() -> int:
    """Decode mutated files; return 1 if a decoder crashed or exceeded a limit."""
    outcomes: Counter[str] = Counter()
    pool, limits = DecoderPool(), Limits()
    start, longest = time.monotonic(), 0.0
    for format_ in SAMPLE_FORMATS:
        for data in damaged_copies(format_, MUTATED_PER_FORMAT):
            began = time.monotonic()
            try:
                photo = pool.decode(data, limits)
                outcomes["read, with a notice" if photo.notices else "read"] += 1
            except KoutuError as error:
                outcomes[_outcome(error)] += 1
            longest = max(longest, time.monotonic() - began)
    pool.close()
    for outcome, count in outcomes.most_common():
        print(f"| {outcome} | {count} |")
    print(f"{outcomes.total()} files in {time.monotonic() - start:.0f} s, longest {longest:.2f} s")
    return int(STOPPED in outcomes)


def _outcome(error: KoutuError) -> str:
    if isinstance(error.__cause__, DecoderFailed):
        return STOPPED
    return re.sub(r"\d+", "N", f"refused: {error.text.en.partition('.')[0]}")


if __name__ == "__main__":
    sys.exit(main())
