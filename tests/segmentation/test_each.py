"""One file for each object, and a ZIP of them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.cutout import compute_alpha
from segmentation.each import cut_out_each, object_name, write_zip
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Instance
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(12, 12, 16, 18)))
RGB = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
PHOTO = Photo(RGB, None, "我的_猫", (), (300.0, 300.0))


def test_each_object_is_alone_in_its_file() -> None:
    files = dict(cut_out_each(PHOTO, SCENE, [1, 2]))
    assert list(files) == ["我的_猫_1_person.png", "我的_猫_2_dog.png"]
    for id_, data in enumerate(files.values(), start=1):
        image = Image.open(io.BytesIO(data))
        assert image.info["dpi"][0] > 299
        np.testing.assert_array_equal(np.asarray(image)[..., 3], compute_alpha(PHOTO, SCENE, [id_]))


def test_only_the_chosen_ones_and_cropped_if_wished() -> None:
    ((name, data),) = cut_out_each(PHOTO, SCENE, [2], crop="square")
    assert name == "我的_猫_2_dog.png"
    width, height = Image.open(io.BytesIO(data)).size
    assert width == height < 100


def test_a_label_of_two_words_is_one_name() -> None:
    plant = Instance(3, Text("potted plant", "盆栽"), 0.5, (0, 0, 1, 1), 0.1)
    assert object_name("photo", plant, ".webp") == "photo_3_potted_plant.webp"


def test_a_zip_holds_the_files_and_is_the_same_tomorrow(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write_zip(tmp_path / name, cut_out_each(PHOTO, SCENE, [1, 2]))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == dict(
            cut_out_each(PHOTO, SCENE, [1, 2])
        )
