"""The share of the storage that the files of each network have."""

from pathlib import Path

import pytest

from segmentation.page.server.client_address import current_network
from segmentation.page.server.files.downloads import new_file_path, replace_download, store_file
from segmentation.page.server.files.file_owners import owners_of
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
