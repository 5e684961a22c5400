"""What a recipe refuses, and that a file is what its recipe says."""

import io

import numpy as np
import pytest
from PIL import Image

from segmentation.compositing.backgrounds import Colour, Transparent
from segmentation.errors import ChoiceError
from segmentation.image.photo import Photo
from segmentation.recipe import Recipe, make_file

GREY = np.full((8, 12, 3), 90, np.uint8)
LEFT_HALF = np.repeat(np.array([[255] * 6 + [0] * 6], np.uint8), 8, axis=0)


def made(recipe: Recipe) -> Image.Image:
    photo = Photo(GREY, None, "grey", (), dpi_xy=(300, 300))
    return Image.open(io.BytesIO(make_file(photo, LEFT_HALF, recipe)))


def test_a_plain_recipe_makes_a_transparent_png_of_the_photos_size_and_density() -> None:
    image = made(Recipe())
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (12, 8))
    np.testing.assert_array_equal(np.asarray(image)[..., 3], LEFT_HALF)
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_background_and_format_are_the_recipes() -> None:
    image = made(Recipe(background=Colour((200, 30, 30)), format="jpeg", quality=100))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    np.testing.assert_allclose(image.getpixel((11, 4)), (200, 30, 30), atol=4)


@pytest.mark.parametrize(
    "options",
    [
        {"format": "jpeg", "background": Transparent()},
        {"format": "png", "quality": 90},
        {"format": "webp", "quality": 0},
        {"format": "webp", "quality": 101},
    ],
)
def test_what_no_file_can_hold_is_refused_before_any_work(options: dict[str, object]) -> None:
    with pytest.raises(ChoiceError):
        Recipe(**options)  # type: ignore[arg-type]
