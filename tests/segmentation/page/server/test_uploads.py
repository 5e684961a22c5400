"""The folder of what visitors send and get: whose it is, what may lie in it, and when it goes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segmentation.errors import StorageFull
from segmentation.page.server.uploads import (
    LEAST_BYTES,
    TENANT,
    check_free_space,
    sweep,
    temporary_uploads_folder,
)

HOLDER = """
import sys
from pathlib import Path
from segmentation.page.server.uploads import temporary_uploads_folder
holder = temporary_uploads_folder(Path(sys.argv[1]))
room = holder.__enter__()
(room / "photo").touch()
print(room, flush=True)
sys.stdin.read()
"""


def holder(base: Path) -> subprocess.Popen[str]:
    """Another page, which put a photo into its room."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    theirs = [tmp_path / "letter.txt", tmp_path / "koutu-notes" / "photo.jpg"]
    theirs[1].parent.mkdir()
    for path in theirs:
        path.write_text("keep")
    (tmp_path / "koutu-link").symlink_to(theirs[1].parent)
    with temporary_uploads_folder(tmp_path) as room:
        (room / "deep").mkdir()
        (room / "deep" / "photo.jpg").touch()
        assert room.parent == tmp_path
        assert room.stat().st_mode & 0o777 == 0o700
    assert not room.exists()
    assert all(path.exists() for path in theirs)


def test_what_a_page_that_was_killed_left_goes_and_what_a_page_holds_stays(tmp_path: Path) -> None:
    with holder(tmp_path) as dead, holder(tmp_path) as alive:
        left, held = (Path(of.stdout.readline().strip()) for of in (dead, alive) if of.stdout)
        dead.kill()
        dead.wait()
        assert (left / "photo").exists()
        with temporary_uploads_folder(tmp_path) as room:
            assert not left.exists()
            assert sorted(tmp_path.iterdir()) == sorted([held, room])
        assert (held / "photo").exists()
        alive.kill()


def test_pages_that_start_at_the_same_time_leave_each_other_their_rooms(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rooms = [pool.submit(stay_for_a_while, tmp_path) for _ in range(200)]
        assert all(room.result() for room in rooms)
    assert list(tmp_path.iterdir()) == []


def stay_for_a_while(base: Path) -> bool:
    with temporary_uploads_folder(base) as room:
        (room / "photo").touch()
        return (room / "photo").exists()


def test_a_place_that_takes_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageFull, match="GRADIO_TEMP_DIR"),
        temporary_uploads_folder(tmp_path / "file"),
    ):
        pass


def test_many_tiny_files_fill_a_room(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).touch()
    megabytes = 4 * LEAST_BYTES / 1e6
    check_free_space(tmp_path, 0, megabytes)
    (tmp_path / "3").touch()
    with pytest.raises(StorageFull):
        check_free_space(tmp_path, 1, megabytes)


def test_no_name_keeps_an_upload_from_counting(tmp_path: Path) -> None:
    (tmp_path / TENANT).write_bytes(bytes(1_000_000))
    check_free_space(tmp_path, 0, megabytes=0.5)
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / TENANT).write_bytes(bytes(1_000_000))
    with pytest.raises(StorageFull):
        check_free_space(tmp_path, 0, megabytes=0.5)


def test_a_room_is_named_by_nobody(tmp_path: Path) -> None:
    """Else whoever makes a folder of that name first could read along."""
    with temporary_uploads_folder(tmp_path) as one, temporary_uploads_folder(tmp_path) as other:
        assert one != other
        assert str(os.getpid()) not in (one.name, other.name)


def test_files_go_when_they_have_lain_for_long_whatever_the_clock_of_the_host_says(
    tmp_path: Path,
) -> None:
    """A host without a clock of its own is told the time long after it started, by years."""
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
    while changed.lstat().st_ctime_ns == before:  # the disk's own clock ticks coarsely
        changed.write_text("the same photo, sent again")
    seen = sweep(tmp_path, 3600, seen, clock=lambda: 3701.0)
    assert not kept.exists()
    assert changed.exists()
    seen = sweep(tmp_path, 3600, seen, clock=lambda: 7302.0)
    assert not any(tmp_path.iterdir()), "a folder left empty goes, too"
    assert not seen
