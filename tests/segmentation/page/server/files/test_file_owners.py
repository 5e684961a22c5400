"""The share of the storage that the files of each network have."""

from pathlib import Path

import pytest

from segmentation.errors import StorageFull
from segmentation.page.server.client_address import current_network
from segmentation.page.server.files.downloads import (
    hold_files,
    new_file_path,
    replace_download,
    store_file,
)
from segmentation.page.server.files.file_owners import HOLD_SECONDS, FileOwners, owners_of
from segmentation.page.server.files.storage import MIN_FILE_BYTES, usage_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    owners_of(tmp_path).share_bytes = 3 * MIN_FILE_BYTES
    return tmp_path


def store(network: str, data: bytes) -> Path:
    token = current_network.set(network)
    try:
        return Path(store_file("photo.png", data))
    finally:
        current_network.reset(token)


def test_a_network_at_its_limit_loses_its_own_oldest_files(folder: Path) -> None:
    other = store("b", b"0")
    paths = [store("a", b"%d" % number) for number in range(5)]
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert other.exists()
    assert owners_of(folder).used_bytes("a") == 3 * MIN_FILE_BYTES
    assert usage_of(folder).used_bytes == 4 * MIN_FILE_BYTES


def test_a_file_that_was_stored_again_is_the_newest(folder: Path) -> None:
    paths = [store("a", b"%d" % number) for number in (0, 1, 2, 0, 3)]
    assert [path.exists() for path in paths] == [True, False, True, True, True]
    assert usage_of(folder).used_bytes == 3 * MIN_FILE_BYTES


def test_held_files_stay_and_what_needs_their_space_is_refused(folder: Path) -> None:
    held = [store("a", b"%d" % number) for number in range(2)]
    hold_files(folder / "batch", held)
    loose = store("a", b"2")
    assert store("a", b"3").exists()
    assert not loose.exists(), "the oldest file that nothing holds"
    hold_files(folder / "other batch", [store("a", b"4")])
    with pytest.raises(StorageFull, match="batch"):
        store("a", b"5")
    assert store("b", b"5").exists(), "another network has its own share"
    hold_files(folder / "batch", held[1:])
    assert store("a", b"5").exists()
    assert [path.exists() for path in held] == [False, True]


def test_a_hold_that_is_not_renewed_ends(tmp_path: Path) -> None:
    now = [0.0]
    owners = FileOwners(usage_of(tmp_path), clock=lambda: now[0])
    owners.share_bytes = MIN_FILE_BYTES
    path = tmp_path / "upload.png"
    path.write_bytes(b"photo")
    owners.add("a", path)
    owners.hold(tmp_path / "batch", [path])
    now[0] = HOLD_SECONDS
    with pytest.raises(StorageFull):
        owners.make_room("a", 1)
    now[0] += 1
    owners.make_room("a", 1)
    assert not path.exists()


def test_equal_files_of_two_networks_are_two(folder: Path) -> None:
    assert store("a", b"1") != store("b", b"1")
    assert store("a", b"1") == store("a", b"1")
    assert usage_of(folder).used_bytes == 2 * MIN_FILE_BYTES


def test_a_file_that_two_networks_uploaded_goes_with_the_last(folder: Path) -> None:
    owners = owners_of(folder)
    path = folder / "upload.png"
    path.write_bytes(b"photo")
    for network in "ab":
        owners.add(network, path)
    owners.delete("a", path)
    assert path.exists()
    owners.delete("b", path)
    assert not path.exists()


def test_a_deleted_file_that_grew_is_subtracted_once(folder: Path) -> None:
    store("", b"photo")
    path = new_file_path("cutouts.zip")
    path.write_bytes(bytes(500_000))
    owners_of(folder).delete("", path)
    assert not path.parent.exists()
    assert usage_of(folder).used_bytes == MIN_FILE_BYTES


def test_a_replaced_or_swept_download_counts_no_more(folder: Path) -> None:
    downloads: tuple[str, ...] = ()
    for number in range(3):
        downloads = replace_download(downloads, "1.png", b"%d" % number)
    assert owners_of(folder).used_bytes("") == 2 * MIN_FILE_BYTES
    Path(downloads[0]).unlink()
    owners_of(folder).refresh()
    assert owners_of(folder).used_bytes("") == MIN_FILE_BYTES
