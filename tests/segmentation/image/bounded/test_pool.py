"""Photos are decoded in processes whose memory and time are limited."""

import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import KoutuError, PhotoError, PhotoTooLarge
from segmentation.image.bounded import budget
from segmentation.image.bounded import process as process_module
from segmentation.image.bounded.budget import Budget
from segmentation.image.bounded.pool import DecoderPool
from segmentation.image.bounded.process import DecoderFailed, DecoderProcess
from segmentation.image.decode import decode
from segmentation.image.photo import Limits
from tests.paths import EXAMPLES, ROOT
from tests.segmentation.image.bomb_files import (
    gif_of_comments,
    jpeg_of_segments,
    png_of_raw_profile,
    progressive_scans,
    tiff_of_one_value,
    webp_of_one_value,
)
from tests.segmentation.image.photo_files import (
    SAMPLE_FORMATS,
    damaged_copies,
    encode_image,
    sample,
)

LIMITS = Limits()
# A program without a guard around its main part.
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from segmentation.image.bounded.pool import decoder_pool
from segmentation.image.read import read_photo
print(read_photo(sys.argv[1]).hw, flush=True)
print(*(process.pid for process in decoder_pool()._idle), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool()
    yield pool
    pool.close()


@pytest.fixture
def process() -> Iterator[DecoderProcess]:
    process = DecoderProcess()
    yield process
    process.close()


@pytest.mark.parametrize("format_", SAMPLE_FORMATS)
def test_a_photo_is_the_same_as_if_decoded_here(pool: DecoderPool, format_: str) -> None:
    data = sample(format_)
    here, there = decode(data, LIMITS), pool.decode(data, LIMITS)
    np.testing.assert_array_equal(there.rgb, here.rgb)
    assert (there.alpha, there.notices, there.dpi_xy) == (None, here.notices, here.dpi_xy)


def test_transparency_and_density_are_kept(pool: DecoderPool) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (20, 24, 4), dtype=np.uint8)
    png = encode_image(Image.fromarray(pixels), "PNG", dpi=(300, 300))
    here, there = decode(png, LIMITS), pool.decode(png, LIMITS)
    assert here.alpha is not None
    assert there.alpha is not None
    np.testing.assert_array_equal(there.rgb, here.rgb)
    np.testing.assert_array_equal(there.alpha, here.alpha)
    assert there.dpi_xy == here.dpi_xy
    there.rgb[:] = 0  # the pixels can be written, as those of any other array


@pytest.mark.parametrize("format_", SAMPLE_FORMATS)
def test_a_damaged_file_is_read_or_refused(pool: DecoderPool, format_: str) -> None:
    for damaged in damaged_copies(format_, 36):
        try:
            photo = pool.decode(damaged, LIMITS)
        except KoutuError:
            continue
        assert photo.rgb.shape == (*photo.hw, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: webp_of_one_value(2000, 500_000),
        lambda: png_of_raw_profile(2000, 100_000),
        lambda: jpeg_of_segments(0xE1, b"Exif\0\0" + bytes(65_000), 300),
        lambda: jpeg_of_segments(0xFE, bytes(65_000), 300),
        lambda: gif_of_comments(100),
    ],
    ids=["exif of webp", "exif text of png", "exif of jpeg", "comments of jpeg", "gif comments"],
)
def test_metadata_of_any_size_does_not_keep_a_photo_from_being_read(
    pool: DecoderPool, make: Callable[[], bytes]
) -> None:
    assert pool.decode(make(), LIMITS).hw == (20, 24)


def test_a_photo_that_takes_too_much_memory_is_refused(pool: DecoderPool) -> None:
    with pytest.raises(PhotoTooLarge, match="far more memory or time"):
        pool.decode(tiff_of_one_value(2000, 1_000_000), LIMITS)
    assert pool.decode(sample("TIFF"), LIMITS).hw == (20, 24)


def test_a_small_photo_may_take_seconds_and_a_large_one_less_than_half_a_minute() -> None:
    assert Budget.of(100_000, 12_000).cpu_seconds <= 4
    assert Budget.of(50_000_000, 50e6).cpu_seconds <= 24


@pytest.fixture
def hasty_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    """A pool whose photos may take a second of CPU time; two of its processes have started."""
    module = "segmentation.image.bounded.budget"
    # Python imports this module when a process starts.
    (tmp_path / "sitecustomize.py").write_text(
        f"import {module} as budget\nbudget.BASE_SECONDS, budget.SECONDS_PER_MEGAPIXEL = 1, 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    pool = DecoderPool()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: pool.decode(sample("JPEG"), LIMITS), range(2)))
    yield pool
    pool.close()


def test_a_photo_that_takes_too_long_is_refused_and_delays_no_other(
    hasty_pool: DecoderPool,
) -> None:
    pool, bomb, photo = hasty_pool, progressive_scans(12_000, 1500), sample("JPEG")
    with ThreadPoolExecutor(1) as threads:
        refused = threads.submit(pool.decode, bomb, LIMITS)
        assert pool.decode(photo, LIMITS).rgb.any()
        assert not refused.done()
        with pytest.raises(PhotoTooLarge, match="far more memory or time"):
            refused.result()
    assert pool.decode(photo, LIMITS).rgb.any()


def test_a_webp_of_many_pixels_is_read(pool: DecoderPool) -> None:
    data = encode_image(Image.new("RGB", (5000, 4000), (9, 90, 30)), "WEBP", method=0)
    assert pool.decode(data, LIMITS).hw == (4000, 5000)


def test_many_threads_share_a_few_processes(pool: DecoderPool) -> None:
    files = [sample(format_) for format_ in ("JPEG", "PNG", "WEBP", "TIFF")] * 6
    with ThreadPoolExecutor(12) as threads:
        photos = list(threads.map(lambda data: pool.decode(data, LIMITS), files))
    for photo, again in zip(photos[:4], photos[-4:], strict=True):
        np.testing.assert_array_equal(photo.rgb, again.rgb)


def test_a_process_that_hangs_is_killed(
    process: DecoderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.decode(sample("JPEG"), LIMITS)
    os.killpg(process.pid, signal.SIGSTOP)
    monkeypatch.setattr(budget, "WALL_FACTOR", 0)
    monkeypatch.setattr(process_module, "GRACE_SECONDS", 0.1)
    with pytest.raises(DecoderFailed) as failed:
        process.decode(sample("JPEG"), LIMITS)
    assert isinstance(failed.value.error, PhotoTooLarge)


def test_a_process_that_was_killed_is_replaced() -> None:
    pool = DecoderPool()
    pool.warm_up()
    (process,) = pool._idle
    ended = os.pidfd_open(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    select.select([ended], [], [])
    os.close(ended)
    assert pool.decode(sample("JPEG"), LIMITS).hw == (24, 20)
    pool.close()


def test_a_process_that_cannot_start_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = DecoderPool()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PhotoError, match="cannot start the process that reads photos"):
        pool.decode(sample("JPEG"), LIMITS)


def test_warming_up_leaves_an_error_to_the_first_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DecoderPool()
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    pool.warm_up()
    with pytest.raises(PhotoError, match="cannot start the process that reads photos"):
        pool.decode(sample("JPEG"), LIMITS)


def test_a_process_without_descriptors_cannot_start() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(PhotoError, match="cannot start the process that reads photos"):
            DecoderProcess()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_fork_starts_its_own_processes(process: DecoderProcess) -> None:
    pool = DecoderPool(1)
    pool._idle.append(process)
    pool._lock.acquire()  # by a thread that the fork does not have
    pool.forget()
    assert pool._idle == []
    assert not pool._lock.locked()
    assert pool._places.acquire(blocking=False)
    assert not pool._places.acquire(blocking=False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_the_program_however_it_ends(number: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(EXAMPLES / "flower.jpg")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "(427, 640)\n"
        ended = os.pidfd_open(int(program.stdout.readline()))
        program.send_signal(number)
        assert select.select([ended], [], [], 30)[0]
        os.close(ended)


def test_a_budget_grows_with_the_file_and_its_pixels() -> None:
    small, large = Budget.of(1000, 480), Budget.of(1000, 50e6)
    assert small.memory_bytes < 200e6
    assert 1e9 < large.memory_bytes < 2e9
    assert small.cpu_seconds < large.cpu_seconds < 30
