"""The folder for visitors' files: whose it is, and when files in it are deleted."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segmentation.errors import StorageFull
from segmentation.page.server.files.storage import MIN_FILE_BYTES, usage_of
from segmentation.page.server.files.uploads import sweep, temporary_uploads_folder

PAGE = """
import sys
from pathlib import Path
from segmentation.page.server.files.uploads import temporary_uploads_folder
context = temporary_uploads_folder(Path(sys.argv[1]))
folder = context.__enter__()
(folder / "photo").touch()
print(folder, flush=True)
sys.stdin.read()
"""


def start_page(base: Path) -> subprocess.Popen[str]:
    """Another process that has put a photo into its folder, whose path it prints."""
    return subprocess.Popen(
        [sys.executable, "-c", PAGE, str(base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def folders_in(base: Path) -> list[Path]:
    return sorted(path for path in base.iterdir() if path.is_dir())


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    other_files = [tmp_path / "letter.txt", tmp_path / "koutu-notes" / "photo.jpg"]
    other_files[1].parent.mkdir()
    other_files += [tmp_path / "koutu-notes.lock", tmp_path / "koutu-0123456789abcdef.txt"]
    for path in other_files:
        path.write_text("keep")
    (tmp_path / "koutu-link").symlink_to(other_files[1].parent)
    (tmp_path / "koutu-0123456789abcdef").symlink_to(other_files[1].parent)
    (tmp_path / "koutu-0123456789abcdef.lock").touch()
    with temporary_uploads_folder(tmp_path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "photo.jpg").touch()
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert all(path.exists() for path in other_files)


def test_the_folder_of_a_killed_page_is_deleted_and_that_of_a_running_page_is_not(
    tmp_path: Path,
) -> None:
    with start_page(tmp_path) as killed, start_page(tmp_path) as running:
        abandoned, used = (
            Path(page.stdout.readline().strip()) for page in (killed, running) if page.stdout
        )
        killed.kill()
        killed.wait()
        assert (abandoned / "photo").exists()
        with temporary_uploads_folder(tmp_path) as folder:
            assert not abandoned.exists()
            assert folders_in(tmp_path) == sorted([used, folder])
            assert len(list(tmp_path.iterdir())) == 4, "each folder has its lock"
        assert (used / "photo").exists()
        running.kill()
        running.wait()
    with temporary_uploads_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_a_folder_is_deleted(tmp_path: Path) -> None:
    """A page was killed as it started."""
    (tmp_path / "koutu-0123456789abcdef.lock").touch()
    with temporary_uploads_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_pages_that_start_at_the_same_time_keep_their_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(keeps_its_photo, tmp_path) for _ in range(200)]
        assert all(result.result() for result in results)
    assert list(tmp_path.iterdir()) == []


def keeps_its_photo(base: Path) -> bool:
    with temporary_uploads_folder(base) as folder:
        (folder / "photo").touch()
        return (folder / "photo").exists()


def test_a_place_where_no_folder_can_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageFull, match="GRADIO_TEMP_DIR"),
        temporary_uploads_folder(tmp_path / "file"),
    ):
        pass


def test_the_name_of_a_folder_cannot_be_guessed(tmp_path: Path) -> None:
    """Else another user could create a folder of that name first and read along."""
    with temporary_uploads_folder(tmp_path) as one, temporary_uploads_folder(tmp_path) as other:
        assert one != other
        assert str(os.getpid()) not in (one.name, other.name)


def test_files_are_deleted_by_their_age_whatever_the_clock_of_the_host_says(
    tmp_path: Path,
) -> None:
    """A host without a battery-backed clock learns the time long after it started."""
    kept, changed = tmp_path / "deep" / "kept.png", tmp_path / "changed.png"
    kept.parent.mkdir()
    for path in (kept, changed):
        path.touch()
        os.utime(path, (0, 0))
    seen = sweep(tmp_path, 3600, clock=lambda: 100.0)
    assert kept.exists()
    seen = sweep(tmp_path, 3600, seen, clock=lambda: 3700.0)
    assert kept.exists(), "an hour, and no longer"
    before = changed.lstat().st_ctime_ns
    while changed.lstat().st_ctime_ns == before:  # the clock of the disk ticks coarsely
        changed.write_text("the same photo, sent again")
    seen = sweep(tmp_path, 3600, seen, clock=lambda: 3701.0)
    assert not kept.exists()
    assert changed.exists()
    seen = sweep(tmp_path, 3600, seen, clock=lambda: 7302.0)
    assert not any(tmp_path.iterdir()), "a folder that became empty goes too"
    assert not seen


def test_a_sweep_corrects_the_running_total(tmp_path: Path) -> None:
    usage = usage_of(tmp_path)
    (tmp_path / "photo.png").write_bytes(bytes(1_000_000))
    (tmp_path / "tiny.png").touch()
    usage.add_file(1_000_000)
    usage.add_file(1_000_000)
    sweep(tmp_path, 3600)
    assert usage.used_bytes == 1_000_000 + MIN_FILE_BYTES
    sweep(tmp_path, -1)
    assert usage.used_bytes == 0
