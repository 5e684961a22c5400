"""The share of each network, and the storage that uploads take while they arrive."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import (
    MIN_FILE_BYTES,
    STORAGE_MEGABYTES,
    StorageUsage,
    usage_of,
)
from segmentation.page.server.http.form import MAX_FILES
from segmentation.page.server.limits.upload_quota import RESERVED_BYTES
from tests.coroutines import run_coroutine
from tests.segmentation.page.server.uploading import (
    BOUNDARY,
    TINY_FILE,
    guard,
    large_file,
    one_tiny_file,
    parts,
    upload_status,
)

HALF_A_GIGABYTE = 500_000_000


def late_file() -> tuple[asyncio.Event, Callable[[], Any]]:
    """A tiny file that does not arrive before an event is set."""
    arrival = asyncio.Event()

    async def receive() -> Any:
        await arrival.wait()
        return await one_tiny_file()

    return arrival, receive


def test_uploads_in_progress_count_towards_the_share_of_their_network(tmp_path: Path) -> None:
    guarded = guard(tmp_path, storage_share=0.25)
    most_at_once = int(0.25 * STORAGE_MEGABYTES // 500)

    async def run() -> None:
        arrival, late = late_file()
        in_progress = [
            asyncio.ensure_future(upload_status(guarded, "1.2.3.4", HALF_A_GIGABYTE, late))
            for _ in range(8)
        ]
        await asyncio.sleep(0)
        status = await upload_status(guarded, "1.2.3.4", HALF_A_GIGABYTE, one_tiny_file)
        assert status == 429, "the same network"
        assert await upload_status(guarded, "5.6.7.8", HALF_A_GIGABYTE, one_tiny_file) == 200
        arrival.set()
        statuses = await asyncio.gather(*in_progress)
        assert sorted(statuses) == [200] * most_at_once + [429] * (8 - most_at_once)
        # From now on the bytes that arrived count, not the declared ones.
        assert await upload_status(guarded, "1.2.3.4", HALF_A_GIGABYTE, one_tiny_file) == 200

    run_coroutine(run())
    assert most_at_once * MIN_FILE_BYTES < 0.25 * STORAGE_MEGABYTES * 1e6


def test_an_upload_does_not_take_the_files_of_a_running_batch(tmp_path: Path) -> None:
    share = HALF_A_GIGABYTE / (STORAGE_MEGABYTES * 1e6)
    guarded, owners = guard(tmp_path, share), owners_of(tmp_path)
    photo = tmp_path / "photo.jpg"
    photo.touch()
    owners.add("1.2.3.4", photo)
    owners.hold(tmp_path / "batch", [photo])

    async def status(host: str) -> int:
        return await upload_status(guarded, host, HALF_A_GIGABYTE, one_tiny_file)

    assert run_coroutine(status("1.2.3.4")) == 429
    assert photo.exists()
    assert run_coroutine(status("5.6.7.8")) == 200
    owners.hold(tmp_path / "batch", [])
    assert run_coroutine(status("1.2.3.4")) == 200
    assert not photo.exists()


def test_a_declared_but_unsent_upload_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage is checked for the next 25 MB of each upload, again as each 25 MB arrive."""
    checked: list[int] = []
    monkeypatch.setattr(StorageUsage, "check", lambda _, size: checked.append(size))
    guarded = guard(tmp_path)

    async def run() -> None:
        arrival, late = late_file()
        in_progress = [
            asyncio.ensure_future(upload_status(guarded, f"9.9.9.{number}", HALF_A_GIGABYTE, late))
            for number in range(8)
        ]
        while len(checked) < 8:
            await asyncio.sleep(0)
        assert checked[-1] == 8 * RESERVED_BYTES
        hundred_megabytes = large_file(*[10_000_000] * 10)
        assert await upload_status(guarded, "5.6.7.8", 100_000_000, hundred_megabytes) == 200
        assert checked[8:] == [9 * RESERVED_BYTES] * 5, "at the start, and at each 25 MB"
        arrival.set()
        await asyncio.gather(*in_progress)
        await upload_status(guarded, "5.6.7.8", 1_000_000, one_tiny_file)
        assert checked[-1] == 1_000_000

    run_coroutine(run())


def test_uploads_count_as_used_storage_while_they_arrive(tmp_path: Path) -> None:
    guarded, usage = guard(tmp_path), usage_of(tmp_path)
    used: list[int] = []
    sent = large_file(*[1_000_000] * 3)

    async def receive() -> Any:
        used.append(usage.used_bytes)
        return await sent()

    assert run_coroutine(upload_status(guarded, "1.2.3.4", 3_000_000, receive)) == 200
    assert used == [0, 1_000_000, 2_000_000]
    assert usage.used_bytes == 3_000_000


@pytest.mark.parametrize("name", [b"filename", b"FILENAME", b"Filename ", b" filename"])
def test_tiny_files_take_storage_by_their_number(tmp_path: Path, name: bytes) -> None:
    """However their names are spelled, and however the parts of the body cut them in two."""
    guarded, usage = guard(tmp_path), usage_of(tmp_path)
    head = BOUNDARY + b"CONTENT-Disposition: form-data; name=files;" + name + b"=a"
    form = (head + b"\r\n\r\n\r\n") * 3
    cut = [form[start : start + 7] for start in range(0, len(form), 7)]
    assert run_coroutine(upload_status(guarded, "1.2.3.4", len(form), parts(*cut))) == 200
    assert usage.used_bytes == 3 * MIN_FILE_BYTES


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="files"',
        b'Content-Disposition: form-data; filename="a"',
        b"Content-Disposition: form-data; ",
        b"Content-Disposition: form-data; name=files; filename*=utf-8''a",
        b'Content-Disposition : form-data; name="files"; filename="a"',
    ],
)
def test_a_part_that_is_no_file_is_refused(tmp_path: Path, head: bytes) -> None:
    """Gradio would keep it in memory, or cannot read it."""
    body = BOUNDARY + head + b"\r\n\r\n"
    receive = parts(body, bytes(1_000_000), bytes(1_000_000))
    assert run_coroutine(upload_status(guard(tmp_path), "1.2.3.4", 3_000_000, receive)) == 400


@pytest.mark.parametrize(("files", "status"), [(MAX_FILES, 200), (MAX_FILES + 1, 413)])
def test_an_upload_has_a_limited_number_of_files(tmp_path: Path, files: int, status: int) -> None:
    receive = parts(*[TINY_FILE] * files)
    length = files * len(TINY_FILE)
    assert run_coroutine(upload_status(guard(tmp_path), "1.2.3.4", length, receive)) == status


def test_a_full_storage_refuses_uploads(tmp_path: Path) -> None:
    usage = usage_of(tmp_path)
    guarded = guard(tmp_path)
    with (tmp_path / "big").open("wb") as big:
        big.truncate(int(STORAGE_MEGABYTES * 1e6) - 1000)
    usage.add_file(int(STORAGE_MEGABYTES * 1e6) - 1000)
    assert run_coroutine(upload_status(guarded, "1.2.3.4", 1001, one_tiny_file)) == 507
    assert run_coroutine(upload_status(guarded, "1.2.3.4", 1000, one_tiny_file)) == 200
