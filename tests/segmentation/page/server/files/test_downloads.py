"""Files that the page stores for its visitors."""

from pathlib import Path

import pytest

from segmentation.errors import StorageFull
from segmentation.page.server.files.downloads import new_file_path, replace_download, store_file
from segmentation.page.server.files.storage import MIN_FILE_BYTES, STORAGE_MEGABYTES, usage_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_equal_files_are_one_file(folder: Path) -> None:
    first, second = (Path(store_file("photo.png", b"photo")) for _ in range(2))
    assert first == second
    assert first.name == "photo.png"
    assert first.read_bytes() == b"photo"
    assert first.is_relative_to(folder)
    assert Path(store_file("photo.png", b"other photo")) != first


def test_a_stored_file_counts_as_used_storage(folder: Path) -> None:
    store_file("large.png", bytes(1_000_000))
    store_file("small.png", b"photo")
    assert usage_of(folder).used_bytes == 1_000_000 + MIN_FILE_BYTES


def test_a_download_replaces_the_second_last_one(folder: Path) -> None:
    """The last one may be on its way to the visitor."""
    downloads: tuple[str, ...] = ()
    paths = []
    for number in range(4):
        downloads = replace_download(downloads, "photo_cutout.png", b"%d" % number)
        paths.append(Path(downloads[-1]))
        assert downloads == tuple(map(str, paths[-2:]))
    assert [path.exists() for path in paths] == [False, False, True, True]
    assert paths[-1].read_bytes() == b"3"
    assert len(list(folder.iterdir())) == 2, "no empty folder is left"
    assert usage_of(folder).used_bytes == 2 * MIN_FILE_BYTES


def test_a_download_that_was_swept_needs_no_deletion(folder: Path) -> None:
    downloads = replace_download(("/nowhere/1.png", "/nowhere/2.png"), "3.png", b"")
    assert downloads[0] == "/nowhere/2.png"
    assert Path(downloads[1]).is_relative_to(folder)


def test_equal_downloads_are_two_files(folder: Path) -> None:
    """One visitor's next download must not delete the file of another."""
    (one,), (other,) = (replace_download((), "photo.png", b"photo") for _ in range(2))
    assert Path(one).parent != Path(other).parent
    assert folder == Path(one).parents[1]


def test_a_file_that_is_written_bit_by_bit_counts_as_it_grows(folder: Path) -> None:
    path = new_file_path("cutouts.zip")
    assert not path.exists()
    path.write_bytes(bytes(2_000_000))
    assert usage_of(folder).used_bytes == 2_000_000


def test_nothing_is_stored_beyond_the_limit(folder: Path) -> None:
    downloads = replace_download(replace_download((), "1.png", b""), "2.png", b"")
    usage = usage_of(folder)
    with (folder / "big").open("wb") as big:
        big.truncate(int(STORAGE_MEGABYTES * 1e6))
    usage.add_file(int(STORAGE_MEGABYTES * 1e6))
    with pytest.raises(StorageFull):
        store_file("photo.png", b"photo")
    with pytest.raises(StorageFull):
        replace_download(downloads, "3.png", b"")
    assert not Path(downloads[0]).exists(), "the second-last download is deleted even then"
    assert Path(downloads[1]).exists()


def test_a_folder_that_takes_no_files_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    with pytest.raises(StorageFull):
        store_file("photo.png", b"photo")
    with pytest.raises(StorageFull):
        replace_download((), "photo.png", b"photo")
    with pytest.raises(StorageFull):
        new_file_path("cutouts.zip")
