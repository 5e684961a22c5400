"""python -m tests.soak: measure a page of its own with many visitors at once.

Each visitor uploads photos in colours of their own, so that a file made from another visitor's
photo is recognised. With --flood, a client at another address sends events as fast as they are
answered and fetches nothing, one at a third address sends requests of each kind that no browser
sends, and one at a fourth address holds hundreds of idle streams.
"""

import argparse
import os
import platform
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

from segmentation import encode, read_photo
from segmentation.arrays import UInt8
from segmentation.page.server.files.storage import paths_in
from tests.hostile_requests import each_kind, free_event, hold_idle_streams
from tests.paths import EXAMPLES
from tests.processes import megabytes
from tests.started import Started, started
from tests.visitor import SECONDS, Failed, Refused, Visitor

PHOTOS = sorted(EXAMPLES.glob("*.jpg"))
LONGEST_SIDE = 640
SAMPLE_SECONDS = 0.5
# Sends requests to an address as long as there are visitors, and counts their outcomes.
Flood = Callable[[str, list[threading.Thread], Counter[Any]], None]


@dataclass
class Tally:
    """The work of all visitors so far.

    Attributes:
        wanted: number of events to send in all.
        events: number of answered events.
        outcomes: number of photos by outcome.
        waits: seconds from the upload of each photo to its file.
    """

    wanted: int
    events: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, events: int, outcome: str, seconds: float) -> None:
        """Add one photo."""
        with self._lock:
            self.events += events
            self.outcomes[outcome] += 1
            self.waits.append(seconds)


@dataclass
class Usage:
    """Samples of the memory and the storage that the page uses, in MB.

    Attributes:
        memory: resident memory of its process.
        files: size of its files.
    """

    memory: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)


def main() -> int:
    """Print the figures; return 1 if a visitor met an error or got a wrong file."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--requests", type=int, default=500, help="events of the page, in all")
    parser.add_argument("--flood", action="store_true", help="add a client that floods the queue")
    args, page_arguments = parser.parse_known_args()
    tally = Tally(args.requests)
    statuses: Counter[int] = Counter()
    hostile: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        with started(*page_arguments, environment={"GRADIO_TEMP_DIR": folder}) as page:
            floods = (
                [(flood, statuses), (send_hostile_requests, hostile), (hold_streams, hostile)]
                if args.flood
                else []
            )
            usage = run_visitors(page, Path(folder), args.visitors, tally, floods)
            page.process.send_signal(signal.SIGINT)
            page.process.communicate()
        seconds = time.monotonic() - start
        files_left = sum(path.is_file() for path in Path(folder).rglob("*"))
    rows = {
        "host": f"{platform.machine()}, {os.cpu_count()} cores",
        "visitors": args.visitors,
        "events answered": f"{tally.events} in {seconds:.0f} s",
        **figures(tally, usage),
        "files left": files_left,
    }
    if args.flood:
        rows["the flood"] = f"{statuses[200]} calls accepted, {statuses[503]} refused"
        rows["hostile requests"] = ", ".join(
            f"{kind}: {number}" for kind, number in sorted(hostile.items())
        )
    for name, value in rows.items():
        print(f"| {name} | {value} |")
    return int(set(tally.outcomes) != {"right"} or files_left > 0)


def run_visitors(
    page: Started,
    folder: Path,
    visitors: int,
    tally: Tally,
    floods: Sequence[tuple[Flood, Counter[Any]]],
) -> Usage:
    """Run all visitors to their end and sample memory and files meanwhile."""
    threads = [
        threading.Thread(target=visit, args=(page.address, number, tally))
        for number in range(visitors)
    ]
    for thread in threads:
        thread.start()
    flooding = [
        threading.Thread(target=target, args=(page.address, threads, counts))
        for target, counts in floods
    ]
    for thread in flooding:
        thread.start()
    usage = sample_usage(page, folder, threads)
    for thread in flooding:
        thread.join()
    return usage


def figures(tally: Tally, usage: Usage) -> dict[str, str]:
    """Return the measured rows of the table."""
    quarter = max(1, len(usage.memory) // 4)
    second_quarter = usage.memory[quarter : 2 * quarter] or usage.memory
    return {
        "photos": ", ".join(f"{number} {outcome}" for outcome, number in tally.outcomes.items()),
        "photo to file": f"median {statistics.median(tally.waits):.1f} s, "
        f"longest {max(tally.waits):.1f} s",
        "memory": f"{statistics.median(second_quarter):.0f} MB in the second quarter, "
        f"{statistics.median(usage.memory[-quarter:]):.0f} MB in the last, "
        f"{max(usage.memory):.0f} MB at most",
        "files kept": f"{max(usage.files):.0f} MB at most",
    }


def visit(address: str, number: int, tally: Tally) -> None:
    """Upload one photo after another until all visitors together have sent enough events."""
    random = np.random.default_rng(number)
    with Visitor(address) as visitor:
        while tally.events < tally.wanted:
            rgb = tinted_example(random)
            start = time.monotonic()
            try:
                events = visitor.open(f"visitor-{number}.png", encode(rgb))
                file = visitor.values[visitor.component(elem_id="download")]
                outcome = "right" if shows_photo(visitor.fetch(file), rgb) else "WRONG"
            except (Refused, Failed) as error:
                events, outcome = 1, str(error)
            tally.add(events, outcome, time.monotonic() - start)


def flood(address: str, visitors: list[threading.Thread], statuses: Counter[int]) -> None:
    """Open examples from another address, without a pause, as long as there are visitors."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with (
        Visitor(address) as client,
        httpx.Client(base_url=address, transport=transport, timeout=SECONDS) as http,
    ):
        opening = client.handler("open_example")
        body = {
            "fn_index": opening["id"],
            "data": [client.values.get(id_) for id_ in opening["inputs"]],
            "event_data": {"index": 0, "value": None},
            "session_hash": client.session,
        }
        while any(visitor.is_alive() for visitor in visitors):
            statuses[http.post("/gradio_api/queue/join", json=body).status_code] += 1


def send_hostile_requests(
    address: str, visitors: list[threading.Thread], counts: Counter[str]
) -> None:
    """Send requests of each kind from a third address, as long as there are visitors."""
    transport = httpx.HTTPTransport(local_address="127.0.0.3")
    with (
        Visitor(address) as sender,
        httpx.Client(base_url=address, transport=transport, timeout=SECONDS) as client,
    ):
        for kind, send in each_kind(free_event(sender)):
            if not any(visitor.is_alive() for visitor in visitors):
                return
            counts[f"{kind} {send(client)}"] += 1


def hold_streams(address: str, visitors: list[threading.Thread], counts: Counter[str]) -> None:
    """Hold idle streams of a fourth address, as long as there are visitors."""
    with hold_idle_streams(address, source="127.0.0.4") as streams:
        counts["idle streams"] = len(streams)
        for visitor in visitors:
            visitor.join()


def tinted_example(random: np.random.Generator) -> UInt8:
    """Return a random example in random colours, uint8 (H, W, 3)."""
    rgb = read_photo(PHOTOS[random.integers(len(PHOTOS))]).rgb
    scale = LONGEST_SIDE / max(rgb.shape[:2])
    reduced = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tint = random.uniform(0.8, 1.0, 3)
    return np.asarray(np.rint(reduced * tint), np.uint8)


def shows_photo(png: bytes, rgb: UInt8) -> bool:
    """Return whether the opaque pixels of a cut-out are those of the photo."""
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape[:2] != rgb.shape[:2]:
        return False
    opaque = bgra[..., 3] == 255
    return bool(opaque.any() and (bgra[opaque][:, 2::-1] == rgb[opaque]).all())


def sample_usage(page: Started, folder: Path, threads: list[threading.Thread]) -> Usage:
    """Sample memory and files of the page until the threads end."""
    usage = Usage()
    while any(thread.is_alive() for thread in threads):
        usage.memory.append(megabytes(page.process.pid, "VmRSS"))
        size = 0
        for path in paths_in(folder):
            with suppress(FileNotFoundError):  # an upload that has just been moved
                size += path.stat().st_size
        usage.files.append(size / 1e6)
        time.sleep(SAMPLE_SECONDS)
    return usage


if __name__ == "__main__":
    sys.exit(main())
