"""Two replicas on Ray Serve, under load and with one of them killed.

Not a part of `make test`, because Ray takes minutes and half a gigabyte to install.
`make test-cluster` runs it and prints the figures. The tests of the HTTP messages between page and
replica, without Ray, are in `tests/segmentation/engines/remote/`.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
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
ADDRESS, DASHBOARD = "http://127.0.0.1:8000", "http://127.0.0.1:8265"
CLIENTS = 8
PHOTOS = 400
# Set for each process of the cluster.
MARK = "KOUTU_TEST_CLUSTER"
# Addresses of this host alone, as /proc/net/tcp and tcp6 write them: IPv4, IPv6 and IPv4 in IPv6.
LOOPBACK = ("0100007F", f"{1 << 24:032X}", "0000000000000000FFFF00000100007F")
LISTENING = "0A"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of one load.

    Attributes:
        latencies_s: seconds of each photo that came back.
        failed: number of photos that failed.
        wrong: number of photos with other logits than expected.
        total_s: seconds of the whole load.
    """

    latencies_s: list[float]
    failed: int
    wrong: int
    total_s: float

    def __str__(self) -> str:
        count = len(self.latencies_s)
        quantiles = statistics.quantiles(self.latencies_s, n=20)
        return (
            f"{count} photos from {CLIENTS} clients: {count / self.total_s:.1f} photos/s, "
            f"median {quantiles[9]:.2f} s, 95 % within {quantiles[18]:.2f} s, longest "
            f"{max(self.latencies_s):.2f} s; {self.failed} failed, {self.wrong} wrong"
        )


@pytest.fixture(scope="module")
def cluster() -> Iterator[subprocess.Popen[str]]:
    with (
        subprocess.Popen(
            [Path(sys.executable).with_name("serve"), "run", "segmentation.cluster.deployment:app"],
            cwd=ROOT,
            env={**os.environ, MARK: "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # If pytest runs in the background, children would inherit that SIGINT is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        assert process.stdout
        lines = [""]
        while "is ready at" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        pool.submit(process.stdout.read)  # a full pipe would block the replicas
        yield process
        process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def photos() -> list[UInt8]:
    rgb = read_photo(ROOT / "examples" / "two_dogs.jpg").rgb
    values, _ = preprocess(rgb, CARD.input, [(288, 384)], CARD.mask_stride)
    return [np.roll(values, 20 * shift, axis=2) for shift in range(CLIENTS)]


@pytest.fixture(scope="module")
def expected(photos: list[UInt8]) -> list[Logits]:
    engine, _ = open_engine(CARD, "onnx", threads=1)
    return [engine.run(photo) for photo in photos]


def replica_processes() -> set[int]:
    """The process ids of the replicas on this machine, by the name that Ray gives them."""
    command = ["pgrep", "-f", "^ray::ServeReplica"]
    process = subprocess.run(command, capture_output=True, text=True)
    return {int(pid) for pid in process.stdout.split()}


def cluster_processes() -> list[Path]:
    """The folders in /proc of the cluster's processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to somebody else
            if MARK.encode() in (process / "environ").read_bytes():
                found.append(process)
    return found


def listening_addresses(processes: Sequence[Path]) -> list[str]:
    """The addresses on which processes listen, as the system writes them, without the ports."""
    sockets = set()
    for process in processes:
        with suppress(OSError):
            sockets |= {str(file.readlink()) for file in (process / "fd").iterdir()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text("ascii").splitlines()[1:]
    ]
    return [
        local.partition(":")[0]
        for _, local, _, state, _, _, _, _, _, inode, *_ in lines
        if state == LISTENING and f"socket:[{inode}]" in sockets
    ]


def send_photos(
    engine: Engine,
    photos: list[UInt8],
    expected: list[Logits],
    halfway: Callable[[], object] = lambda: None,
) -> LoadResult:
    """Send PHOTOS photos from CLIENTS threads, and call `halfway` when half of them are sent."""
    numbers = count(1)
    latencies_s: list[float] = []
    failures: list[InferenceFailed] = []
    wrong: list[int] = []

    def run_client(client: int) -> None:
        while (number := next(numbers)) <= PHOTOS:
            if number == PHOTOS // 2:
                halfway()
            start = time.perf_counter()
            try:
                logits = engine.run(photos[client])
            except InferenceFailed as error:
                failures.append(error)
                continue
            latencies_s.append(time.perf_counter() - start)
            if not np.array_equal(logits[1], expected[client][1]):
                wrong.append(number)

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(run_client, range(CLIENTS)))
    return LoadResult(latencies_s, len(failures), len(wrong), time.perf_counter() - start)


@pytest.mark.usefixtures("cluster")
def test_every_photo_under_load_gets_its_own_logits(
    photos: list[UInt8],
    expected: list[Logits],
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    assert engine.max_concurrency == 2
    result = send_photos(engine, photos, expected)
    with capsys.disabled():
        print(f"\nTwo replicas: {result}")
    assert (result.failed, result.wrong) == (0, 0)


@pytest.mark.usefixtures("cluster")
def test_nothing_listens_beyond_this_host() -> None:
    """With the variables of the Makefile; the replicas' own ports are closed, see `deployment`."""
    processes = cluster_processes()
    addresses = listening_addresses(processes)
    assert len(processes) > 5
    assert len(addresses) > 5
    assert {*addresses} <= {*LOOPBACK}


@pytest.mark.usefixtures("cluster")
def test_ray_asks_for_the_token_and_sends_no_statistics() -> None:
    for path in ("api/jobs/", "api/serve/applications/"):
        assert httpx.get(f"{DASHBOARD}/{path}").status_code == 401
    job = {"entrypoint": "id"}
    assert httpx.post(f"{DASHBOARD}/api/jobs/", json=job).status_code == 401
    token = {"Authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}"}
    assert httpx.get(f"{DASHBOARD}/api/jobs/", headers=token).status_code == 200
    for process in cluster_processes():
        with suppress(OSError):
            assert b"RAY_USAGE_STATS_ENABLED=0" in (process / "environ").read_bytes()


@pytest.mark.usefixtures("cluster")
def test_a_killed_replica_loses_no_photo_and_is_replaced(
    photos: list[UInt8],
    expected: list[Logits],
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    processes = replica_processes()
    victim = min(processes)
    killed_at = 0.0

    def kill_victim() -> None:
        nonlocal killed_at
        killed_at = time.perf_counter()
        os.kill(victim, signal.SIGKILL)

    result = send_photos(engine, photos, expected, kill_victim)
    while len(replica_processes() - {victim}) < len(processes):
        engine.run(photos[0])
    with capsys.disabled():
        print(f"\nOne of two killed halfway: {result}")
        print(f"Two again at most {time.perf_counter() - killed_at:.0f} s later")
    assert (result.failed, result.wrong) == (0, 0)


def test_photos_fail_with_a_message_when_the_cluster_is_gone(
    cluster: subprocess.Popen[str], photos: list[UInt8]
) -> None:
    engine, _ = open_engine(CARD, ADDRESS)
    cluster.send_signal(signal.SIGINT)
    cluster.wait()
    with pytest.raises(InferenceFailed, match="do not respond"):
        engine.run(photos[0])
