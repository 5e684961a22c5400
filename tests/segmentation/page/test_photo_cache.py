"""The cache of decoded photos: each is decoded once and kept while it fits."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmentation import encode
from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import Colour
from segmentation.compositing.matting.alpha import Edge
from segmentation.compositing.strokes import Stroke
from segmentation.cutout import CutoutOptions, compute_alpha
from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.image.photo import Limits, Photo
from segmentation.page import photo_cache
from segmentation.page.photo_cache import NewestAlpha, PhotoCache
from segmentation.page.preview import PREVIEW_SIDE
from segmentation.page.strings import STRINGS
from tests.paths import EXAMPLES
from tests.segmentation.page.serving import page_context, served_page
from tests.segmentation.scenes import DOG, PERSON, block, segmentation
from tests.visitor import Visitor


def write_photo(path: Path, side: int) -> str:
    path.write_bytes(encode(np.full((side, side, 3), 90, np.uint8)))
    return str(path)


def test_a_photo_is_decoded_once(tmp_path: Path) -> None:
    cache = PhotoCache(Limits())
    path = write_photo(tmp_path / "a.png", 100)
    assert cache.read(path) is cache.read(path)
    assert cache.get(path).preview is cache.read(path), "it is no larger than a preview"
    assert cache.bytes == 2 * 100 * 100 * 4


def test_a_large_photo_has_a_reduced_preview(tmp_path: Path) -> None:
    cache = PhotoCache(Limits())
    path = write_photo(tmp_path / "a.png", 2 * PREVIEW_SIDE)
    assert cache.get(path).preview.hw == (PREVIEW_SIDE, PREVIEW_SIDE)
    assert cache.read(path).hw == (2 * PREVIEW_SIDE, 2 * PREVIEW_SIDE)


def test_the_photo_used_least_recently_is_dropped(tmp_path: Path) -> None:
    size = 2 * 100 * 100 * 4
    cache = PhotoCache(Limits(), max_bytes=2 * size)
    paths = [write_photo(tmp_path / f"{name}.png", 100) for name in "abc"]
    first, second = (cache.read(path) for path in paths[:2])
    assert cache.read(paths[0]) is first
    cache.read(paths[2])
    assert cache.bytes == 2 * size
    assert cache.read(paths[0]) is first
    assert cache.read(paths[1]) is not second


def test_a_photo_larger_than_the_cache_is_read_but_not_kept(tmp_path: Path) -> None:
    cache = PhotoCache(Limits(), max_bytes=1000)
    assert cache.read(write_photo(tmp_path / "a.png", 100)).hw == (100, 100)
    assert cache.bytes == 0


def test_a_deleted_photo_is_not_served_from_memory(tmp_path: Path) -> None:
    cache = PhotoCache(Limits())
    path = write_photo(tmp_path / "a.png", 100)
    cache.read(path)
    Path(path).unlink()
    with pytest.raises(PhotoError) as error:
        cache.read(path)
    assert error.value.text == STRINGS["photo_deleted"]
    with pytest.raises(PhotoError) as error:
        cache.read(path, STRINGS["backdrop_deleted"])
    assert error.value.text == STRINGS["backdrop_deleted"]
    cache.drop_deleted()
    assert cache.bytes == 0


def test_the_limits_apply(tmp_path: Path) -> None:
    with pytest.raises(PhotoTooLarge):
        PhotoCache(Limits(megapixels=0.001)).read(write_photo(tmp_path / "a.png", 100))


def test_an_upload_is_decoded_once_and_a_click_or_a_background_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_upload, decoded = photo_cache.read_upload, []

    def count(path: str, *rest: object) -> object:
        decoded.append(path)
        return read_upload(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(photo_cache, "read_upload", count)
    photo = (EXAMPLES / "astronaut.png").read_bytes()
    with served_page(context=page_context()) as address, Visitor(address) as visitor:
        visitor.open("astronaut.png", photo)
        assert visitor.values[visitor.component(elem_id="download")]
        assert len(decoded) == 1
        visitor.fire(visitor.handler("pick"), {"point_xy": [0.82, 0.88], "ids": []})
        visitor.fire(visitor.handler("draw"))
        assert len(decoded) == 1


def test_an_opacity_is_computed_again_only_if_it_changes() -> None:
    found = segmentation((DOG, block(4, 4, 16, 16)), (PERSON, block(0, 0, 3, 3)))
    photo = Photo(np.full((200, 200, 3), 90, np.uint8), None, "", ())
    alpha = NewestAlpha(photo)
    options = CutoutOptions()
    first = alpha.compute(found, [1], options, None)
    assert alpha.compute(found, (1,), replace(options, background=Colour((1, 2, 3))), None) is first
    erase = Stroke("erase", 0.05, ((0.5, 0.5),))
    softer = replace(options, edge=Edge(softness=1.0))
    for ids, other in (([2], options), ([1], softer), ([1], replace(options, strokes=(erase,)))):
        changed = alpha.compute(found, ids, other, None)
        assert (changed != first).any()
        expected = compute_alpha(photo, found, ids, None, other.edge, other.strokes)
        np.testing.assert_array_equal(changed, expected)
    again = segmentation((DOG, block(4, 4, 16, 10)))
    assert (alpha.compute(again, [1], options, None) != first).any(), "another segmentation"


@pytest.mark.parametrize("file_alpha", [None, 90])
def test_strokes_are_added_to_the_newest_opacity(file_alpha: int | None) -> None:
    transparency = None if file_alpha is None else np.full((200, 200), file_alpha, np.uint8)
    photo = Photo(np.full((200, 200, 3), 90, np.uint8), transparency, "", ())
    found = segmentation((DOG, block(4, 4, 16, 16)))
    first, second = Stroke("erase", 0.05, ((0.5, 0.5),)), Stroke("keep", 0.05, ((0.52, 0.1),))
    alpha = NewestAlpha(photo)
    # One more, one more, one less, other ones, none.
    for strokes in ((first,), (first, second), (first,), (second,), ()):
        changed = alpha.compute(found, [1], CutoutOptions(strokes=strokes), None)
        expected = compute_alpha(photo, found, [1], strokes=strokes)
        np.testing.assert_array_equal(changed, expected)


def test_the_objects_are_not_computed_again_for_a_stroke(monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = NewestAlpha(Photo(np.full((200, 200, 3), 90, np.uint8), None, "", ()))
    found = segmentation((DOG, block(4, 4, 16, 16)))
    whole = alpha.compute(found, [1], CutoutOptions(), None)
    monkeypatch.setattr(photo_cache, "compute_alpha", None)
    erase = Stroke("erase", 0.05, ((0.5, 0.5),))
    assert (alpha.compute(found, [1], CutoutOptions(strokes=(erase,)), None) != whole).any()


def test_a_file_is_made_of_the_opacity_that_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Photo] = []

    def count(photo: Photo, *rest: Any) -> UInt8:
        computed.append(photo)
        return compute_alpha(photo, *rest)

    monkeypatch.setattr(photo_cache, "compute_alpha", count)
    photo = (EXAMPLES / "astronaut.png").read_bytes()
    with served_page(context=page_context()) as address, Visitor(address) as visitor:
        visitor.open("astronaut.png", photo)
        assert len(computed) == 2, "before and after the refinement"
        visitor.fire(visitor.handler("draw"))
        visitor.fire(visitor.handler("export"))
        assert len(computed) == 2


def test_the_photo_of_another_path_is_another_photo(tmp_path: Path) -> None:
    cache = PhotoCache(Limits())
    first = shutil.copy(EXAMPLES / "flower.jpg", tmp_path / "first.jpg")
    second = shutil.copy(EXAMPLES / "flower.jpg", tmp_path / "second.jpg")
    assert cache.read(str(first)).stem == "first"
    assert cache.read(str(second)).stem == "second"


def test_a_result_is_decoded_once_and_not_served_when_deleted(tmp_path: Path) -> None:
    cache = PhotoCache(Limits())
    image = np.zeros((40, 60, 4), np.uint8)
    image[:, 30:] = 200, 10, 30, 128
    path = tmp_path / "result.png"
    path.write_bytes(encode(image))
    pixels = cache.read_result(str(path))
    assert pixels is not None
    assert (pixels == image).all()
    assert cache.read_result(str(path)) is pixels
    assert cache.bytes == image.nbytes
    path.unlink()
    assert cache.read_result(str(path)) is None
