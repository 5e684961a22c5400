"""The running total of a folder."""

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from segmentation.errors import StorageFull
from segmentation.page.server.files.storage import (
    MIN_FILE_BYTES,
    RECOUNT_SECONDS,
    StorageUsage,
    check_free_space,
    paths_in,
    translate_disk_errors,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def walked(folder: Path) -> dict[Path, int]:
    """The files of a folder as a sweep counts them."""
    paths = (path for path in paths_in(folder) if path.is_file())
    return {path: max(path.stat().st_size, MIN_FILE_BYTES) for path in paths}


def test_files_that_are_there_already_count(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "large.png").write_bytes(bytes(1_000_000))
    (tmp_path / "small.png").touch()
    assert StorageUsage(tmp_path).used_bytes == 1_000_000 + MIN_FILE_BYTES


def test_many_tiny_files_fill_a_folder(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).touch()
    usage = StorageUsage(tmp_path, 4 * MIN_FILE_BYTES / 1e6)
    usage.check(0)
    (tmp_path / "3").touch()
    usage.add_file(0)
    with pytest.raises(StorageFull):
        usage.check(1)


def test_a_file_counts_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    for name in (".koutu", ".lock", "upload/koutu-0123456789abcdef.lock"):
        (tmp_path / name).write_bytes(bytes(1_000_000))
    assert StorageUsage(tmp_path).used_bytes == 3_000_000


def test_a_check_counts_no_files_while_there_is_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = StorageUsage(tmp_path)
    usage.add_file(1_000_000)
    monkeypatch.setattr("segmentation.page.server.files.storage.paths_in", pytest.fail)
    usage.check(1_000_000)


def test_a_full_folder_is_counted_before_a_file_is_refused(tmp_path: Path) -> None:
    """Files that replaced equal ones counted twice until now."""
    clock = Clock()
    usage = StorageUsage(tmp_path, 1.0, clock)
    (tmp_path / "photo.png").write_bytes(bytes(400_000))
    clock.now += RECOUNT_SECONDS
    for _ in range(3):
        usage.add_file(400_000)
    usage.check(600_000)
    assert usage.used_bytes == 400_000
    with pytest.raises(StorageFull):
        usage.check(600_001)


def test_a_full_folder_is_counted_once_in_a_while(tmp_path: Path) -> None:
    clock = Clock()
    usage = StorageUsage(tmp_path, 1.0, clock)
    photo = tmp_path / "photo.png"
    photo.write_bytes(bytes(1_000_000))
    usage.add_file(1_000_000)
    clock.now += RECOUNT_SECONDS
    with pytest.raises(StorageFull):
        usage.check(1)
    photo.unlink()
    with pytest.raises(StorageFull):
        usage.check(1)
    clock.now += RECOUNT_SECONDS
    usage.check(1)


def test_bytes_that_arrive_during_a_count_are_kept(tmp_path: Path) -> None:
    usage = StorageUsage(tmp_path)
    usage.add_file(5_000_000)
    mark = usage.mark()
    usage.add(700_000)
    usage.correct({tmp_path / "photo.png": 1_000_000}, mark)
    assert usage.used_bytes == 1_700_000
    usage.correct({}, usage.mark())
    assert usage.used_bytes == 0


def test_a_file_that_grows_counts_by_its_size_on_disk(tmp_path: Path) -> None:
    usage = StorageUsage(tmp_path)
    archive = tmp_path / "batch" / "cutouts.zip"
    archive.parent.mkdir()
    usage.add_growing_file(archive)
    assert usage.used_bytes == 0
    archive.write_bytes(bytes(1_000_000))
    assert usage.used_bytes == 1_000_000
    archive.write_bytes(bytes(3_000_000))
    usage.correct(walked(tmp_path), usage.mark())
    assert usage.used_bytes == 3_000_000, "a sweep does not count it twice"
    shutil.rmtree(archive.parent)
    usage.correct(walked(tmp_path), usage.mark())
    assert usage.used_bytes == 0
    assert not usage._growing, "deleted files are forgotten"


def test_a_folder_that_is_replaced_by_a_file_can_be_checked(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    archive = folder / "batch" / "cutouts.zip"
    archive.parent.mkdir(parents=True)
    usage = StorageUsage(folder)
    usage.add_growing_file(archive)
    shutil.rmtree(folder)
    folder.touch()
    usage.check(1000)


def test_the_total_is_right_after_many_threads_added(tmp_path: Path) -> None:
    usage = StorageUsage(tmp_path)

    def work() -> None:
        for _ in range(2_000):
            usage.add_file(1_000_000)
            usage.remove_file(1_000_000, tmp_path / "photo")
            usage.add(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert usage.used_bytes == 16_000


def test_folders_that_vanish_during_a_count_do_not_matter(tmp_path: Path) -> None:
    done = threading.Event()

    def churn() -> None:
        number = 0
        while not done.is_set():
            folder = tmp_path / str(number)
            folder.mkdir()
            folder.rmdir()
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(500):
            list(paths_in(tmp_path))
    finally:
        done.set()
        thread.join()


def test_a_full_disk_refuses_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    check_free_space(tmp_path, 1000)
    with pytest.raises(StorageFull):
        check_free_space(tmp_path, 1001)


def test_a_failed_disk_is_reported_without_a_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StorageFull) as error, translate_disk_errors():
        (tmp_path / "missing" / "photo.png").write_bytes(b"")
    assert str(tmp_path) not in error.value.text.en + error.value.text.zh
    assert str(tmp_path) in caplog.text, "the operator reads the cause"
