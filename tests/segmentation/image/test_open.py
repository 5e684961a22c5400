"""Files that are not photos are refused with the reason."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.image.photo import Limits
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import corner_photo, sample, save_image

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
HEIC_START = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"Dear Sir or Madam, this is no photo.", "not a photo"),
        ("drawing.svg", SVG, "SVG is a drawing"),
        ("drawing.png", b"  \n" + SVG, "SVG is a drawing"),
        ("page.pdf", b"%PDF-1.7\n", "not a photo"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a photo"),
        ("start.png", b"\x89PNG\r\n\x1a\n", "not a photo"),
        ("start.jpg", b"\xff\xd8\xff", "not a photo"),
    ],
)
def test_a_file_that_is_not_a_photo_is_refused_with_the_reason(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PhotoError, match=says) as caught:
        read_photo(tmp_path / name)
    assert "\n" not in caught.value.text.en + caught.value.text.zh


@pytest.fixture
def without_heif(decoded_here: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Make pillow-heif look as if it was not installed."""
    for registry in ("OPEN", "MIME", "EXTENSION", "DECODERS"):
        monkeypatch.setattr(Image, registry, dict(getattr(Image, registry)))
    Image.OPEN.pop("HEIF", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


def test_heic_is_named_among_the_formats(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"Dear Sir or Madam, this is no photo.")
    with pytest.raises(PhotoError, match="HEIC"):
        read_photo(tmp_path / "x")


def test_what_reads_heic_is_required() -> None:
    requirements = Path(__file__).parents[3] / "requirements.txt"
    assert "\npillow-heif==" in requirements.read_text()


def test_heic_is_read_with_pillow_heif(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.heic").write_bytes(sample("HEIF"))
    photo = read_photo(tmp_path / "IMG_1.heic")
    assert photo.hw == (20, 24)
    assert photo.notices == ()


@pytest.mark.usefixtures("decoding_forbidden")
def test_limits_are_checked_on_the_header_of_heic(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.heic").write_bytes(sample("HEIF"))
    with pytest.raises(PhotoTooLarge):
        read_photo(tmp_path / "IMG_1.heic", Limits(longest_side=23))


def test_damaged_heic_is_not_blamed_on_a_missing_package(tmp_path: Path) -> None:
    (tmp_path / "x.heic").write_bytes(HEIC_START)
    with pytest.raises(PhotoError, match="not a photo"):
        read_photo(tmp_path / "x.heic")


@pytest.mark.usefixtures("without_heif")
def test_without_pillow_heif_only_heic_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.heic").write_bytes(HEIC_START)
    with pytest.raises(PhotoError, match="pip install pillow-heif"):
        read_photo(tmp_path / "x.heic")
    assert read_photo(save_image(tmp_path / "x.png", corner_photo(), "PNG")).hw == (20, 24)
