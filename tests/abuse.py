"""python -m tests.abuse: measure a public page while one client sends what no browser sends.

Each row is one kind of abuse: what became of its requests, and what it cost the page or another
visitor, who comes from another address.
"""

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np

from segmentation.image.read import read_photo
from segmentation.image.write import encode
from tests.hostile_requests import (
    ask_for_progress,
    fetch_config,
    free_event,
    hold_idle_streams,
    join_unread,
    upload_hidden_files,
    upload_text,
)
from tests.paths import EXAMPLES
from tests.processes import cpu_seconds, megabytes
from tests.started import Started, started
from tests.visitor import Visitor

PHOTO = EXAMPLES / "coffee.png"
SECONDS = 120
# For how long a page is watched after its callers have left.
SECONDS_AFTER = 20


@dataclass(frozen=True)
class Scene:
    """A page and its visitors.

    Attributes:
        page: the page.
        folder: where it stores files.
        other: a visitor from another address than the abuser's.
        abuser: a client without a session.
    """

    page: Started
    folder: Path
    other: Visitor
    abuser: httpx.Client

    def memory(self) -> float:
        """Return the resident memory of the page in MB."""
        return megabytes(self.page.process.pid, "VmRSS")

    def cut_out(self) -> float:
        """Return the seconds of the other visitor's way from a photo to its file."""
        start = time.monotonic()
        self.other.open(PHOTO.name, PHOTO.read_bytes())
        return time.monotonic() - start

    def count_files(self) -> int:
        """Return the number of stored files."""
        return sum(path.is_file() for path in self.folder.rglob("*"))


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="default: all")
    names = parser.parse_args().kinds or [*KINDS]
    print("| kind | figures |\n|---|---|")
    for name in names:
        with scene(space=KINDS[name] is idle_streams) as own:
            print(f"| {name} | {KINDS[name](own)} |", flush=True)
    return 0


@contextmanager
def scene(*, space: bool) -> Iterator[Scene]:
    """Start a public page, or one that is behind the proxy of a Space."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {"GRADIO_TEMP_DIR": folder}
        if space:
            environment |= {"SYSTEM": "spaces", "SPACE_ID": "a/b"}
        page = stack.enter_context(started("--public", "--port", "0", environment=environment))
        other = stack.enter_context(Visitor(page.address))
        if space:
            other.http.headers["X-Forwarded-For"] = "198.51.100.1"
        else:
            elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
            headers = other.http.headers
            other.http = stack.enter_context(
                httpx.Client(
                    base_url=page.address, transport=elsewhere, headers=headers, timeout=SECONDS
                )
            )
        abuser = stack.enter_context(httpx.Client(base_url=page.address, timeout=SECONDS))
        own = Scene(page, Path(folder), other, abuser)
        own.cut_out()
        yield own


def hidden_files(own: Scene) -> str:
    """Upload files under names that Gradio's parser takes for files, and a quick look does not."""
    statuses = Counter(upload_hidden_files(own.abuser) for _ in range(19))
    return (
        f"{_statuses(statuses)}, {own.count_files()} files, then a photo in {own.cut_out():.1f} s"
    )


def text_field(own: Scene) -> str:
    """Upload 400 MB in a field that is not a file."""
    before = own.memory()
    status = upload_text(own.abuser, 400_000_000)
    most = megabytes(own.page.process.pid, "VmHWM")
    return f"{status}, memory {before:.0f} MB, {most:.0f} MB at most, then {own.memory():.0f} MB"


def progress_ids(own: Scene) -> str:
    """Ask for the progress of uploads that do not exist."""
    before = own.memory()
    for number in range(200):
        ask_for_progress(own.abuser, str(number))
    return f"200 ids, memory {before:.0f} to {own.memory():.0f} MB"


def unread_events(own: Scene) -> str:
    """Send events of many sessions, and read no answer."""
    before = own.memory()
    with Visitor(own.page.address) as sender:
        event = free_event(sender)
    sent = (join_unread(own.abuser, event, f"s{number}") for number in range(1000))
    statuses = Counter(sent)
    return f"{_statuses(statuses)}, memory {before:.0f} to {own.memory():.0f} MB"


def config_readers(own: Scene) -> str:
    """Fetch the page's configuration by 60 clients without a pause."""
    alone, ended, statuses = own.cut_out(), threading.Event(), Counter[str]()

    def read() -> None:
        with httpx.Client(base_url=own.page.address, timeout=SECONDS) as client:
            while not ended.is_set():
                with suppress(httpx.TransportError):
                    statuses[fetch_config(client)] += 1

    before = _page_seconds(own)
    with ThreadPoolExecutor(60) as threads:
        for _ in range(60):
            threads.submit(read)
        meanwhile = own.cut_out()
        ended.set()
    seconds = _page_seconds(own) - before
    waits = f"{alone:.1f} s alone, {meanwhile:.1f} s meanwhile"
    return f"{_statuses(statuses)} in {seconds:.1f} s of the page's CPU, another's photo {waits}"


def slow_calls(own: Scene) -> str:
    """Make four calls whose results take long to compute and encode."""
    alone = own.cut_out()
    waits, outcomes = _while_calling(own, {"objects": "all", "format": "webp", "quality": 100})
    png_waits, png_outcomes = _while_calling(own, {"objects": "all", "fine_hair": True})
    return (
        f"another's photo {alone:.1f} s alone; {waits:.1f} s beside four of 25 MP as lossless WebP "
        f"({outcomes}); {png_waits:.1f} s beside four as PNG ({png_outcomes})"
    )


def calls_left(own: Scene) -> str:
    """Leave each of four calls at once."""
    photo = _upload_large(own)
    before = _page_seconds(own)
    for _ in range(4):
        answer_path = _call(own, {"photo": photo, "objects": "all", "fine_hair": True})
        with (
            suppress(httpx.TimeoutException),
            own.abuser.stream("GET", answer_path, timeout=1) as answer,
        ):
            next(answer.iter_lines(), None)
    left = _page_seconds(own)
    time.sleep(SECONDS_AFTER)
    after = _page_seconds(own) - left
    return (
        f"{left - before:.1f} s of CPU until the last one left, {after:.1f} s of CPU in the "
        f"{SECONDS_AFTER} s after"
    )


def large_results(own: Scene) -> str:
    """Make 60 calls whose results take some 67 MB each, which are 4 GB in all."""
    noise = np.random.default_rng(0).integers(0, 256, (4000, 5500, 3), np.uint8)
    data, outcomes, paths = encode(noise, "jpeg", 15), Counter[str](), list[str]()
    alone = own.cut_out()
    other = Path(own.other.values[own.other.component(elem_id="download")]["path"])
    with Visitor(own.page.address) as sender:
        for number in range(60):
            if number % 10 == 0:  # or it would be the oldest file of its network
                photo = sender.upload("noise.jpg", data)
            # The first stroke keeps all of the photo, the other makes the result a new file.
            strokes = {"keep": "0.5,0.5,0.5", "erase": f"0.5,{number / 60:.3f},0.001"}
            answer = own.abuser.get(_call(own, {"photo": photo, "one_look": True, **strokes}))
            outcomes[re.findall(r"event: (\w+)", answer.text)[-1]] += 1
            paths += re.findall(r'"path": "([^"]+)"', answer.text)
    kept = [Path(path).exists() for path in paths]
    is_oldest_gone = kept == sorted(kept)
    size = sum(path.stat().st_size for path in own.folder.rglob("*") if path.is_file())
    is_other_kept = other.exists()
    return (
        f"{_statuses(outcomes)}, the newest {sum(kept)} results are kept ({is_oldest_gone}), "
        f"{size / 1e6:.0f} MB in all; another's file is kept ({is_other_kept}), and their next "
        f"photo took {own.cut_out():.1f} s, {alone:.1f} s before"
    )


def idle_streams(own: Scene) -> str:
    """Hold idle connections of one client of a proxy."""
    alone = own.cut_out()
    with hold_idle_streams(own.page.address, forwarded_for="203.0.113.7") as streams:
        for stream in streams:  # each is answered or closed
            with suppress(ConnectionError):
                stream.recv(1)
        meanwhile = own.cut_out()
    return f"another's photo {alone:.1f} s alone, {meanwhile:.1f} s meanwhile"


def _while_calling(own: Scene, options: dict[str, object]) -> tuple[float, str]:
    """Return the seconds of another's photo while four calls run, and what became of the calls."""
    body = {"photo": _upload_large(own), **options}
    answer_paths = [_call(own, body) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(own.abuser.get, answer_paths)
        seconds = own.cut_out()
        outcomes = Counter(re.findall(r"event: (\w+)", answer.text)[-1] for answer in answers)
    return seconds, _statuses(outcomes)


def _call(own: Scene, body: dict[str, object]) -> str:
    """Put a call into the queue. Returns the path of its answer."""
    response = own.abuser.post("/gradio_api/call/v2/cutout", json=body).raise_for_status()
    return f"/gradio_api/call/cutout/{response.json()['event_id']}"


def _upload_large(own: Scene) -> dict[str, object]:
    rgb = cv2.resize(read_photo(PHOTO).rgb, (6100, 4100))
    with Visitor(own.page.address) as sender:
        return sender.upload("large.jpg", encode(np.asarray(rgb, np.uint8), "jpeg"))


def _page_seconds(own: Scene) -> float:
    return cpu_seconds(own.page.process.pid)


def _statuses(counts: Counter[int] | Counter[str]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


KINDS: dict[str, Callable[[Scene], str]] = {
    "hidden-files": hidden_files,
    "text-field": text_field,
    "progress-ids": progress_ids,
    "unread-events": unread_events,
    "config-readers": config_readers,
    "slow-calls": slow_calls,
    "calls-left": calls_left,
    "large-results": large_results,
    "idle-streams": idle_streams,
}

if __name__ == "__main__":
    sys.exit(main())
