"""The options of the `/cutout` call, and the errors about wrong ones."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation import Limits, PhotoTooLarge, Segmenter, encode, find_model
from segmentation.arrays import UInt8
from segmentation.compositing.sizing.frame import HEAD_NOTICES, NO_HEAD
from segmentation.errors import ChoiceError, PhotoError
from segmentation.page.api import cut_out_upload
from segmentation.page.server.limits.policy import PUBLIC_PAGE
from segmentation.text_options import TextOptions
from tests.paths import EXAMPLES

pytestmark = pytest.mark.usefixtures("cached_inference")

DOGS = EXAMPLES / "two_dogs.jpg"
COFFEE = EXAMPLES / "coffee.png"


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def made(
    segmenter: Segmenter, path: Path = COFFEE, backdrop: Path | None = None, **options: Any
) -> UInt8:
    data = cut_out_upload(TextOptions(**options), segmenter, path, backdrop, Limits()).data
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def test_the_default_result_is_a_transparent_png_of_the_subject(
    segmenter: Segmenter, small_dogs: Path
) -> None:
    file = cut_out_upload(TextOptions(), segmenter, small_dogs, None, Limits())
    assert file.name == "two_dogs_cutout.png"
    assert file.data.startswith(b"\x89PNG")
    assert made(segmenter, small_dogs).shape[2] == 4


def test_the_report_says_what_the_command_line_says(segmenter: Segmenter) -> None:
    file = cut_out_upload(TextOptions(id="cn-1inch"), segmenter, COFFEE, None, Limits())
    assert file.size_hw == (413, 295)
    assert len(file.chosen) > 0
    assert NO_HEAD in file.notices


def test_a_portrait_becomes_an_id_photo(segmenter: Segmenter) -> None:
    options = TextOptions(id="cn-1inch", one_look=True)
    file = cut_out_upload(options, segmenter, EXAMPLES / "astronaut.png", None, Limits())
    assert not {*HEAD_NOTICES} & {*file.notices}
    alpha = cv2.imdecode(np.frombuffer(file.data, np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]
    # The hair starts a tenth below the upper edge, in the middle; the suit goes to the lower edge.
    rows, columns = np.nonzero(alpha[: alpha.shape[0] // 2] >= 128)
    assert rows.min() / 413 == pytest.approx(0.1, abs=0.02)
    assert np.median(columns) / 295 == pytest.approx(0.5, abs=0.05)
    assert alpha[-1, 295 // 2] == 255


def test_options_have_the_syntax_of_the_command_line(
    segmenter: Segmenter, small_dogs: Path
) -> None:
    whole = cv2.imread(str(small_dogs))
    coffee = cv2.imread(str(COFFEE))
    assert whole is not None
    assert coffee is not None
    options = {"objects": "dog", "background": "#ffffff", "format": "jpeg", "quality": 80}
    white = made(segmenter, small_dogs, **options)
    assert white.shape == whole.shape
    assert white[2, 2].min() > 250
    assert made(segmenter, small_dogs, COFFEE, place="0.5,0.5,0.5").shape == coffee.shape
    assert made(segmenter, small_dogs, COFFEE, fit="contain").shape == whole.shape
    options = {"crop": "square", "outline": "2,#FF0000", "shadow": True, "one_look": True}
    square = made(segmenter, small_dogs, **options)
    assert square.shape[0] == square.shape[1]
    assert made(segmenter, size="35x45mm", margin=5, one_look=True).shape == (531, 413, 4)
    assert made(segmenter, longest=300, one_look=True).shape[:2] == (200, 300)
    sheet = made(segmenter, id="cn-1inch", sheet=True, format="jpeg", max_kb=150, one_look=True)
    assert sheet.shape == (1205, 1800, 3)


def test_strokes_and_points_of_a_call(segmenter: Segmenter) -> None:
    strokes = {"keep": "0.1,0.1,0.03", "erase": "0.1,0.1,0.01 0.35,0.3"}
    alpha = made(segmenter, objects="at:0.35,0.3", one_look=True, **strokes)[..., 3]
    height, width = alpha.shape
    assert alpha[int(0.115 * height), width // 10] == 255
    assert alpha[height // 10, width // 10] == 0
    assert alpha[int(0.3 * height), int(0.35 * width)] == 0


def test_a_mask_file_of_a_call_keeps_and_erases(segmenter: Segmenter, tmp_path: Path) -> None:
    # Any size will do: it lies over the frame of the photo, 600 x 400.
    mask = np.full((200, 300), 128, np.uint8)
    mask[10:50, 10:50], mask[65:85, 135:155] = 255, 0
    path = tmp_path / "mask.png"
    path.write_bytes(encode(mask))
    options = TextOptions(one_look=True)
    file = cut_out_upload(options, segmenter, COFFEE, None, Limits(), path)
    alpha = cv2.imdecode(np.frombuffer(file.data, np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]
    former = made(segmenter, one_look=True)[..., 3]
    assert (former[60, 60], former[150, 290]) == (0, 255)
    assert (alpha[60, 60], alpha[150, 290]) == (255, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"keep": 1}, "keep takes string, null, not 1."),
        ({"objects": 1}, "objects takes string, not 1."),
        ({"softness": "soft"}, "softness takes number, not 'soft'."),
        ({"softness": [0]}, "softness takes number, not [0]."),
        ({"quality": 80.5}, "quality takes integer, null, not 80.5."),
        ({"crop": "circle"}, "crop takes subject, square, portrait, null, not 'circle'."),
        ({"format": "exe"}, "format takes png, webp, jpeg, not 'exe'."),
        ({"fit": ["cover"]}, "fit takes cover, contain, not ['cover']."),
        ({"size": 300}, "size takes string, null, not 300."),
        ({"size": "300x300", "id": "cn-1inch"}, "size, longest and id each set the size."),
        ({"margin": 8}, "margin needs size."),
        ({"threshold": float("nan")}, "threshold takes number, null, not nan."),
        ({"threshold": 2}, "threshold goes from 0 to 1."),
        ({"softness": True}, "softness takes number, not True."),
        ({"dpi": float("inf"), "size": "35x45mm"}, "dpi takes number, null, not inf."),
        ({"margin": 10**400, "size": "shop-1000"}, "margin takes number, null, not 1000"),
        ({"longest": -(10**5000)}, "longest takes integer, null, not int."),
        ({"objects": [10**5000]}, "objects takes string, not list."),
        ({"place": "1,0,0", "crop": "square"}, "place takes the frame of the background photo."),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChoiceError) as refusal:
        TextOptions(**options)
    assert refusal.value.text.en.startswith(sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"objects": "unicorn"}, "The model has no label 'unicorn'"),
        ({"objects": "1" * 5000}, "Name the objects in at most"),
        ({"objects": "99"}, "There is no object 99"),
        ({"objects": "cow"}, "None of the"),
        ({"objects": "none"}, "None of the"),
        ({"background": "/etc/passwd"}, "There is no background '/etc/passwd'"),
        ({"background": "https://example.com/a.jpg"}, "There is no background"),
        ({"background": "#xyz"}, "#xyz is not a colour"),
        ({"place": "1,0,0"}, "place needs another photo"),
        ({"outline": "9999,#fff"}, "An outline is WIDTH"),
        ({"softness": 2}, "The edge's softness goes from"),
        ({"format": "jpeg"}, "JPEG has no transparency"),
        ({"quality": 80}, "PNG keeps every pixel"),
    ],
)
def test_impossible_options_are_explained(
    segmenter: Segmenter, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ChoiceError) as refusal:
        made(segmenter, **options)
    assert refusal.value.text.en.startswith(sentence)


def test_words_are_those_of_the_command_line(segmenter: Segmenter) -> None:
    words: dict[str, Any] = {
        "objects": "ALL",
        "background": "White",
        "crop": "Square",
        "format": "JPG",
    }
    file = cut_out_upload(TextOptions(**words), segmenter, DOGS, None, Limits())
    assert file.name == "two_dogs_cutout.jpg"
    image = made(segmenter, **words)
    assert file.data.startswith(b"\xff\xd8")
    assert image.shape[0] == image.shape[1]
    assert image[2, 2].min() > 250


def test_limits_count_for_both_photos(segmenter: Segmenter, tmp_path: Path) -> None:
    # The dogs have 2056 x 3088 pixels, the cup 600 x 400.
    small = Limits(megapixels=1)
    cut_out_upload(TextOptions(), segmenter, COFFEE, None, small)
    for photo, backdrop in ((DOGS, None), (COFFEE, DOGS)):
        with pytest.raises(PhotoTooLarge):
            cut_out_upload(TextOptions(), segmenter, photo, backdrop, small)
    words = tmp_path / "words.jpg"
    words.write_text("these are words")
    with pytest.raises(PhotoError):
        made(segmenter, words)


def test_a_result_that_takes_strangers_too_long_is_refused(segmenter: Segmenter) -> None:
    limits = PUBLIC_PAGE.limits
    slow = TextOptions(size="2200x2200", format="webp", quality=100)
    with pytest.raises(ChoiceError, match="too long to make"):
        cut_out_upload(slow, segmenter, COFFEE, None, limits)
