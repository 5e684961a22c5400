"""python -m tests.soak: many visitors at once on a page of its own, and the figures of it.

Each visitor uploads photos in colours that only he has, so that a file made of another's shows.
With --flood, somebody at another address asks as fast as he is answered, and takes nothing.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx
import numpy as np

from segmentation import encode, read_photo
from segmentation.arrays import UInt8
from tests.started import PROJECT, Started, started
from tests.visitor import Failed, Refused, Visitor

PHOTOS = sorted((PROJECT / "examples").glob("*.jpg"))
LONGEST_SIDE = 640
WATCH_SECONDS = 0.5


@dataclass
class Tally:
    """What happened, counted by all visitors.

    Attributes:
        wanted: events to send in all.
        events: how many were answered.
        outcomes: of every photo.
        waits: seconds from each drop of a photo to its file.
    """

    wanted: int
    events: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def count(self, events: int, outcome: str, seconds: float) -> None:
        """Add one photo."""
        with self._counting:
            self.events += events
            self.outcomes[outcome] += 1
            self.waits.append(seconds)


def main() -> int:
    """Print the figures; 1 where a visitor met an error, or got what was not his."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--requests", type=int, default=500, help="events of the page, in all")
    parser.add_argument("--flood", action="store_true", help="somebody wants all for himself")
    args, page_arguments = parser.parse_known_args()
    tally = Tally(args.requests)
    flooded: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"GRADIO_TEMP_DIR": folder}
        start = time.monotonic()
        with started(*page_arguments, environment=environment) as page:
            threads = [
                threading.Thread(target=visit, args=(page.address, number, tally))
                for number in range(args.visitors)
            ]
            for thread in threads:
                thread.start()
            stranger = threading.Thread(target=flood, args=(page.address, threads, flooded))
            if args.flood:
                stranger.start()
            memory, stored = watch(page, Path(folder), threads)
            if args.flood:
                stranger.join()
            page.process.send_signal(signal.SIGINT)
            page.process.communicate()
        seconds = time.monotonic() - start
        left = sum(path.is_file() for path in Path(folder).rglob("*"))
    quarter = max(1, len(memory) // 4)
    rows = {
        "host": f"{platform.machine()}, {os.cpu_count()} cores",
        "visitors": args.visitors,
        "events answered": f"{tally.events} in {seconds:.0f} s",
        "photos": ", ".join(f"{number} {outcome}" for outcome, number in tally.outcomes.items()),
        "photo to file": f"median {statistics.median(tally.waits):.1f} s, "
        f"longest {max(tally.waits):.1f} s",
        "memory": f"{statistics.median(memory[quarter : 2 * quarter] or memory):.0f} MB in the "
        f"second quarter, {statistics.median(memory[-quarter:]):.0f} MB in the last, "
        f"{max(memory):.0f} MB at most",
        "files kept": f"{max(stored):.0f} MB at most",
        "files left": left,
    }
    if args.flood:
        rows["the flood"] = f"{flooded[200]} calls taken in, {flooded[503]} refused"
    for name, value in rows.items():
        print(f"| {name} | {value} |")
    return int(set(tally.outcomes) != {"right"} or left > 0)


def visit(address: str, number: int, tally: Tally) -> None:
    """Drop one photo after another until all visitors together have sent enough."""
    colours = np.random.default_rng(number)
    with Visitor(address) as visitor:
        while tally.events < tally.wanted:
            rgb = own_photo(colours)
            began = time.monotonic()
            try:
                events = visitor.open(f"visitor-{number}.png", encode(rgb))
                file = visitor.values[visitor.component(elem_id="download")]
                outcome = "right" if is_of(visitor.fetch(file), rgb) else "WRONG"
            except (Refused, Failed) as error:
                events, outcome = 1, str(error)
            tally.count(events, outcome, time.monotonic() - began)


def flood(address: str, visitors: list[threading.Thread], answers: Counter[int]) -> None:
    """Have examples opened without end and without waiting, while there are visitors."""
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with Visitor(address) as told, httpx.Client(base_url=address, transport=elsewhere) as http:
        opening = told.handler("open_example")
        body = {
            "fn_index": opening["id"],
            "data": [told.values.get(id_) for id_ in opening["inputs"]],
            "event_data": {"index": 0, "value": None},
            "session_hash": told.session,
        }
        while any(visitor.is_alive() for visitor in visitors):
            answers[http.post("/gradio_api/queue/join", json=body).status_code] += 1


def own_photo(colours: np.random.Generator) -> UInt8:
    """An example in colours of one's own."""
    rgb = read_photo(PHOTOS[colours.integers(len(PHOTOS))]).rgb
    scale = LONGEST_SIDE / max(rgb.shape[:2])
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tint = colours.uniform(0.8, 1.0, 3)
    return np.asarray(np.rint(small * tint), np.uint8)


def is_of(png: bytes, rgb: UInt8) -> bool:
    """Whether a cut-out shows this very photo where it is opaque."""
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.shape[:2] != rgb.shape[:2]:
        return False
    opaque = bgra[..., 3] == 255
    return bool(opaque.any() and (bgra[opaque][:, 2::-1] == rgb[opaque]).all())


def watch(
    page: Started, folder: Path, threads: list[threading.Thread]
) -> tuple[list[float], list[float]]:
    """Megabytes of the page's memory, and of its files, until the visitors are gone."""
    memory, stored = [], []
    pages = Path(f"/proc/{page.process.pid}/statm")
    while any(thread.is_alive() for thread in threads):
        memory.append(int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
        size = 0
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # an upload that was moved to its place meanwhile
                size += path.stat().st_size
        stored.append(size / 1e6)
        time.sleep(WATCH_SECONDS)
    return memory, stored


if __name__ == "__main__":
    sys.exit(main())
