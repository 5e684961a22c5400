"""What a program may ask for, and what it is told where it may not."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation import Limits, PhotoTooLarge, Segmenter, find_model
from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError, PhotoError
from segmentation.page.api import cut_out_upload
from segmentation.text_options import TextOptions
from tests.paths import EXAMPLES

DOGS = EXAMPLES / "two_dogs.jpg"
COFFEE = EXAMPLES / "coffee.png"


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def made(
    segmenter: Segmenter, backdrop: Path | None = None, path: Path = DOGS, **options: Any
) -> UInt8:
    _, data = cut_out_upload(TextOptions(**options), segmenter, path, backdrop, Limits())
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def test_an_order_without_a_word_is_a_transparent_png_of_the_subject(segmenter: Segmenter) -> None:
    name, data = cut_out_upload(TextOptions(), segmenter, DOGS, None, Limits())
    assert name == "two_dogs_cutout.png"
    assert data.startswith(b"\x89PNG")
    assert made(segmenter).shape[2] == 4


def test_the_words_of_the_command_line(segmenter: Segmenter) -> None:
    whole = cv2.imread(str(DOGS))
    coffee = cv2.imread(str(COFFEE))
    assert whole is not None
    assert coffee is not None
    white = made(segmenter, objects="dog", background="#ffffff", format="jpeg", quality=80)
    assert white.shape == whole.shape
    assert white[2, 2].min() > 250
    assert made(segmenter, place="0.5,0.5,0.5", backdrop=COFFEE).shape == coffee.shape
    assert made(segmenter, fit="contain", backdrop=COFFEE).shape == whole.shape
    square = made(segmenter, crop="square", outline="2,#FF0000", shadow=True, one_look=True)
    assert square.shape[0] == square.shape[1]
    assert made(segmenter, size="35x45mm", margin=5, one_look=True).shape == (531, 413, 4)
    assert made(segmenter, longest=300, one_look=True).shape[0] == 300
    sheet = made(segmenter, id="cn-1inch", sheet=True, format="jpeg", max_kb=150, one_look=True)
    assert sheet.shape == (1205, 1800, 3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
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
        ({"threshold": float("nan")}, "threshold goes from 0 to 1."),
        ({"place": "1,0,0", "crop": "square"}, "place takes the frame of the background photo."),
    ],
)
def test_a_value_that_means_nothing_is_named(options: dict[str, Any], sentence: str) -> None:
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
def test_what_cannot_be_is_explained(
    segmenter: Segmenter, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ChoiceError) as refusal:
        made(segmenter, **options)
    assert refusal.value.text.en.startswith(sentence)


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
        made(segmenter, path=words)
