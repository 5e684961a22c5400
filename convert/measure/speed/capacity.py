"""python -m convert capacity: photos per second of the page and of the command line.

The page answers several users at once by its API. The command line works on a batch, one photo at a
time and as many as it takes by itself.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from convert.arguments import positive_int
from convert.measure.host import describe_conditions, describe_host
from convert.measure.speed.page_process import ROOT, running_page
from convert.measure.speed.scaled_photo import scale_photo
from segmentation import encode, read_photo
from segmentation.parallel.cores import available_cores

CALL_TIMEOUT_SECONDS = 60

# Makes one cut-out for a user, who is counted from 0.
Call = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Load:
    """How the page did with some users at once.

    Attributes:
        users: at once.
        photos_per_second: of all together.
        waits: seconds of each call.
    """

    users: int
    photos_per_second: float
    waits: tuple[float, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--photo", type=Path, default=ROOT / "examples" / "two_dogs.jpg")
    parser.add_argument("--megapixels", type=float, default=1, help="the photo is scaled to this")
    parser.add_argument("--users", type=positive_int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--calls", type=positive_int, default=24, help="of all users together")
    parser.add_argument("--photos", type=positive_int, default=40, help="in the batch")


def run(args: argparse.Namespace) -> None:
    """Print two Markdown tables: of the page's users, and of the batch.

    Raises:
        KoutuError: the photo cannot be used.
        TimeoutError: the page does not start.
    """
    print(f"{describe_host()}, {args.megapixels:g} MP")
    print(f"{describe_conditions()}\n")
    with tempfile.TemporaryDirectory() as folder:
        photos = list(_write_photos(args.photo, args.megapixels, args.photos, Path(folder)))
        print("| users | photos/s | median wait s | longest s |\n|---|---|---|---|")
        with running_page() as address:
            call = _api_call(address, photos, max(args.users))
            call(0)
            for users in args.users:
                print(_row(measure_load(call, users, args.calls)), flush=True)
        print("\n| command line | photos/s | cores busy |\n|---|---|---|")
        for name, flags in (("--jobs 1", ["--jobs", "1"]), ("default", [])):
            rate, busy = _measure_batch(photos, flags, Path(folder) / "cutouts")
            print(f"| {name} | {rate:.2f} | {busy:.0%} |", flush=True)


def measure_load(call: Call, users: int, calls: int) -> Load:
    """Let some users make calls at once, each one after the other.

    Args:
        call: makes one call for a user.
        users: at once.
        calls: of all users together; at least one for each is made.
    """

    def use(user: int) -> list[float]:
        return [_seconds(lambda: call(user)) for _ in range(max(1, calls // users))]

    start = time.perf_counter()
    with ThreadPoolExecutor(users) as pool:
        waits = [wait for of_user in pool.map(use, range(users)) for wait in of_user]
    return Load(users, len(waits) / (time.perf_counter() - start), tuple(waits))


def _row(load: Load) -> str:
    median, longest = statistics.median(load.waits), max(load.waits)
    return f"| {load.users} | {load.photos_per_second:.2f} | {median:.2f} | {longest:.2f} |"


def _api_call(address: str, photos: list[Path], users: int) -> Call:
    """Return the call of /cutout, each user with a connection and a photo of their own.

    It is made by plain HTTP: `gradio_client` needs a third as much processor time as the cut-out,
    which the page lacks if both run on one host.
    """
    clients = [
        httpx.Client(
            base_url=f"{address}gradio_api/",
            timeout=CALL_TIMEOUT_SECONDS,
            trust_env=False,
            event_hooks={"response": [httpx.Response.raise_for_status]},
        )
        for _ in range(users)
    ]

    def call(user: int) -> object:
        http = clients[user]
        photo = photos[user % len(photos)].read_bytes()
        (path,) = http.post("upload", files={"files": ("photo.jpg", photo)}).json()
        body = {"photo": {"path": path, "meta": {"_type": "gradio.FileData"}}}
        event = http.post("call/v2/cutout", json=body).json()["event_id"]
        answer = http.get(f"call/cutout/{event}").text
        file, _report = json.loads(answer.split("event: complete\ndata: ")[1])
        return http.get(file["url"]).content

    return call


def _measure_batch(photos: list[Path], flags: list[str], output: Path) -> tuple[float, float]:
    """Run the command line on photos. Returns photos per second, and the share of busy cores."""
    command = [sys.executable, "-m", "segmentation", *map(str, photos), "-o", str(output), *flags]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = _seconds(
        lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return len(photos) / seconds, busy_seconds / seconds / available_cores()


def _write_photos(source: Path, megapixels: float, count: int, folder: Path) -> Iterator[Path]:
    """Write copies of a photo that differ, so that no answer comes from a cache."""
    rgb = scale_photo(read_photo(source), megapixels).rgb
    for number in range(count):
        path = folder / f"{number:03}.jpg"
        path.write_bytes(encode(np.roll(rgb, 4 * number, axis=1), "jpeg"))
        yield path


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
