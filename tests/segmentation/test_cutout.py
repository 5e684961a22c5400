"""What cut-out options refuse, and that files are what the options say."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.compositing.backgrounds import Colour, Transparent
from segmentation.compositing.strokes import Stroke
from segmentation.cutout import CutoutOptions, compute_alpha, cut_out, cut_out_each, cut_out_photo
from segmentation.errors import ChoiceError
from segmentation.filenames import object_filename
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.image.write import write_zip
from segmentation.inference.postprocess import Instance
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from tests.paths import EXAMPLES
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(12, 12, 16, 18)))
RGB = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
PHOTO = Photo(RGB, None, "我的_猫", (), (300.0, 300.0))


def file_of(options: CutoutOptions) -> Image.Image:
    return Image.open(io.BytesIO(cut_out(PHOTO, SCENE, [1], options).encode()))


def test_by_default_a_file_is_a_transparent_png_of_the_photos_size_and_density() -> None:
    image = file_of(CutoutOptions())
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (200, 200))
    np.testing.assert_array_equal(np.asarray(image)[..., 3], compute_alpha(PHOTO, SCENE, [1]))
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_background_and_format_are_those_of_the_options() -> None:
    background = Colour((200, 30, 30))
    image = file_of(CutoutOptions(background=background, format="jpeg", quality=100))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    np.testing.assert_allclose(image.getpixel((190, 10)), (200, 30, 30), atol=4)


@pytest.mark.parametrize(
    "options",
    [
        {"format": "jpeg", "background": Transparent()},
        {"format": "png", "quality": 90},
        {"format": "webp", "quality": 0},
        {"format": "webp", "quality": 101},
    ],
)
def test_options_that_no_file_can_fulfil_are_refused_before_any_work(
    options: dict[str, object],
) -> None:
    with pytest.raises(ChoiceError):
        CutoutOptions(**options)  # type: ignore[arg-type]


def test_the_mask_has_the_frame_of_the_image() -> None:
    cutout = cut_out(PHOTO, SCENE, [2], CutoutOptions(crop="square"))
    assert cutout.mask.shape == cutout.image.shape[:2]
    np.testing.assert_array_equal(cutout.mask, cutout.image[..., 3])


def test_a_photo_goes_the_whole_way() -> None:
    segmenter = Segmenter(find_model("compact"))
    photo = read_photo(EXAMPLES / "flower.jpg")
    outcome = cut_out_photo(segmenter, photo, CutoutOptions())
    assert outcome.ids == (1,)
    assert outcome.cutout is not None
    assert outcome.cutout.refine_seconds > 0
    assert outcome.cutout.image.shape == (*photo.hw, 4)
    plain = cut_out_photo(segmenter, photo, CutoutOptions(refine=False))
    assert plain.cutout is not None
    assert plain.cutout.refine_seconds == 0
    assert (plain.cutout.alpha != outcome.cutout.alpha).any()
    assert cut_out_photo(segmenter, photo, CutoutOptions(objects="person")).cutout is None


def test_each_object_is_alone_in_its_file() -> None:
    files = dict(cut_out_each(PHOTO, SCENE, [1, 2], CutoutOptions()))
    assert list(files) == ["我的_猫_1_person.png", "我的_猫_2_dog.png"]
    for id_, data in enumerate(files.values(), start=1):
        image = Image.open(io.BytesIO(data))
        assert image.info["dpi"][0] > 299
        np.testing.assert_array_equal(np.asarray(image)[..., 3], compute_alpha(PHOTO, SCENE, [id_]))


def test_only_the_chosen_objects_get_a_file_cropped_if_asked_for() -> None:
    ((name, data),) = cut_out_each(PHOTO, SCENE, [2], CutoutOptions(crop="square"))
    assert name == "我的_猫_2_dog.png"
    width, height = Image.open(io.BytesIO(data)).size
    assert width == height < 100


def test_a_label_of_two_words_is_one_name() -> None:
    plant = Instance(3, Text("potted plant", "盆栽"), 0.5, (0, 0, 1, 1), 0.1)
    assert object_filename("photo", plant, "webp") == "photo_3_potted_plant.webp"


def test_a_zip_holds_the_files_and_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    files = dict(cut_out_each(PHOTO, SCENE, [1, 2], CutoutOptions()))
    for name in ("one.zip", "two.zip"):
        write_zip(tmp_path / name, files.items())
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files


KEEP = Stroke("keep", 0.05, ((0.7, 0.2), (0.8, 0.2)))
ERASE = Stroke("erase", 0.05, ((0.2, 0.2), (0.2, 0.3)))


def test_strokes_change_a_cut_out_only_where_they_reach() -> None:
    plain = cut_out(PHOTO, SCENE, [1], CutoutOptions()).alpha
    alpha = cut_out(PHOTO, SCENE, [1], CutoutOptions(strokes=(KEEP, ERASE))).alpha
    assert (alpha[40, 145:155] == 255).all()
    assert (alpha[45:55, 40] == 0).all()
    assert (alpha == plain)[80:].all()
    assert (alpha == plain)[:, 65:120].all()


def test_strokes_alone_make_a_cut_out() -> None:
    alpha = cut_out(PHOTO, SCENE, [], CutoutOptions(strokes=(KEEP,))).alpha
    assert alpha[40, 150] == 255
    assert not alpha[60:].any()


def test_a_photo_without_objects_is_cut_out_by_its_strokes() -> None:
    grey = Photo(np.full((64, 48, 3), 128, np.uint8), None, "grey", ())
    segmenter = Segmenter(find_model("compact"))
    assert cut_out_photo(segmenter, grey, CutoutOptions()).cutout is None
    outcome = cut_out_photo(segmenter, grey, CutoutOptions(strokes=(KEEP,)))
    assert outcome.cutout is not None
    assert outcome.cutout.alpha[13, 36] == 255


def test_what_a_photo_s_own_transparency_hides_no_stroke_brings_back() -> None:
    photo = Photo(RGB, np.zeros((200, 200), np.uint8), "clear", ())
    assert not compute_alpha(photo, SCENE, [1], strokes=[KEEP]).any()
