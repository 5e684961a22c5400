"""Two replicas on Ray Serve, under load and with one of them killed.

Not a part of `make test`: Ray takes half a gigabyte and minutes to install. `make test-cluster`
runs it and prints the figures. The same talk between page and replica, without Ray, is in
`tests/segmentation/engines/test_remote.py`.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.engines.base import Logits
from segmentation.engines.registry import Engine, open_engine
from segmentation.errors import InferenceFailed
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import find_model
from tests.paths import ROOT

CARD = find_model("compact")
ADDRESS = "http://127.0.0.1:8000"
CLIENTS = 8
PHOTOS = 400


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a load: seconds of each photo that came back, and of all together."""

    each: list[float]
    failed: int
    wrong: int
    seconds: float

    def __str__(self) -> str:
        tenths = statistics.quantiles(self.each, n=20)
        return (
            f"{len(self.each)} photos by {CLIENTS} clients: {len(self.each) / self.seconds:.1f} "
            f"a second, median {tenths[9]:.2f} s, 95 % within {tenths[18]:.2f} s, longest "
            f"{max(self.each):.2f} s; {self.failed} failed, {self.wrong} wrong"
        )


@pytest.fixture(scope="module")
def cluster() -> Iterator[subprocess.Popen[str]]:
    with (
        subprocess.Popen(
            [Path(sys.executable).with_name("serve"), "run", "segmentation.cluster.deployment:app"],
            cwd=ROOT,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Where pytest runs in the background, a child would be born deaf to this signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        assert process.stdout
        said = ["-"]
        while "is ready at" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], "".join(said)
        pool.submit(process.stdout.read)  # or else the pipe fills and the replicas stand still
        yield process
        process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def photos() -> list[UInt8]:
    rgb = read_photo(ROOT / "examples" / "two_dogs.jpg").rgb
    values, _ = preprocess(rgb, CARD.input, [(288, 384)], CARD.mask_stride)
    return [np.roll(values, 20 * shift, axis=2) for shift in range(CLIENTS)]


@pytest.fixture(scope="module")
def expected(photos: list[UInt8]) -> list[Logits]:
    here, _ = open_engine(CARD, "onnx", threads=1)
    return [here.run(photo) for photo in photos]


def replicas() -> set[int]:
    """The processes of the replicas on this machine, by Ray's name for them."""
    found = subprocess.run(["pgrep", "-f", "^ray::ServeReplica"], capture_output=True, text=True)
    return {int(pid) for pid in found.stdout.split()}


def load(
    engine: Engine,
    photos: list[UInt8],
    expected: list[Logits],
    halfway: Callable[[], object] = lambda: None,
) -> Run:
    """Send PHOTOS photos from CLIENTS threads, and do something when half of them are sent."""
    numbers = count(1)
    each: list[float] = []
    failures: list[InferenceFailed] = []
    wrong: list[int] = []

    def client(which: int) -> None:
        while (number := next(numbers)) <= PHOTOS:
            if number == PHOTOS // 2:
                halfway()
            start = time.perf_counter()
            try:
                logits = engine.run(photos[which])
            except InferenceFailed as error:
                failures.append(error)
                continue
            each.append(time.perf_counter() - start)
            if not np.array_equal(logits[1], expected[which][1]):
                wrong.append(number)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    return Run(each, len(failures), len(wrong), time.perf_counter() - start)


@pytest.mark.usefixtures("cluster")
def test_under_load_every_photo_comes_back_as_its_own(
    photos: list[UInt8],
    expected: list[Logits],
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    assert engine.max_concurrency == 2
    run = load(engine, photos, expected)
    with capsys.disabled():
        print(f"\nTwo replicas: {run}")
    assert (run.failed, run.wrong) == (0, 0)


@pytest.mark.usefixtures("cluster")
def test_with_a_replica_killed_every_photo_comes_back_and_another_takes_its_place(
    photos: list[UInt8],
    expected: list[Logits],
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    before = replicas()
    victim = min(before)
    killed = 0.0

    def kill() -> None:
        nonlocal killed
        killed = time.perf_counter()
        os.kill(victim, signal.SIGKILL)

    run = load(engine, photos, expected, kill)
    while len(replicas() - {victim}) < len(before):
        engine.run(photos[0])
    with capsys.disabled():
        print(f"\nOne of two killed halfway: {run}")
        print(f"Two again at most {time.perf_counter() - killed:.0f} s later")
    assert (run.failed, run.wrong) == (0, 0)


def test_when_the_cluster_is_gone_the_page_says_so(
    cluster: subprocess.Popen[str], photos: list[UInt8]
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    cluster.send_signal(signal.SIGINT)
    cluster.wait()
    with pytest.raises(InferenceFailed, match="do not respond"):
        engine.run(photos[0])
