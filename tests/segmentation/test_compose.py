"""Objects on a background: exact, of the photo's size, without a trace of what was behind."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from segmentation.compose import (
    Background,
    Blurred,
    Colour,
    Picture,
    Transparent,
    compose,
    crop_to_subject,
    parse_colour,
)
from segmentation.errors import ChoiceError
from segmentation.photo import Photo

UInt8 = npt.NDArray[np.uint8]


def photo(rgb: UInt8, alpha: UInt8 | None = None) -> Photo:
    return Photo(rgb, alpha, "photo", ())


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def disc(height: int, width: int) -> UInt8:
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return np.clip((min(height, width) / 4 - distance) * 60 + 128, 0, 255).astype(np.uint8)


BACKGROUNDS: list[Background] = [
    Transparent(),
    Colour((1, 2, 3)),
    Blurred(),
    Picture(photo(noise(30, 70, 5))),
]


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("size_hw", [(16, 16), (60, 41), (17, 900), (1100, 40)])
def test_the_size_is_the_photos_and_the_inside_untouched(
    background: Background, size_hw: tuple[int, int]
) -> None:
    rgb, alpha = noise(*size_hw), disc(*size_hw)
    before = rgb.copy(), alpha.copy()
    image = compose(photo(rgb), alpha, background)
    channels = 4 if isinstance(background, Transparent) else 3
    assert image.shape == (*size_hw, channels)
    assert image.dtype == np.uint8
    assert (image[alpha == 255][:, :3] == rgb[alpha == 255]).all()
    assert (rgb == before[0]).all()
    assert (alpha == before[1]).all()


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda kind: type(kind).__name__)
def test_a_large_photo_takes_few_times_its_own_memory(background: Background) -> None:
    source, alpha = photo(np.full((2000, 3000, 3), 90, np.uint8)), disc(2000, 3000)
    tracemalloc.start()
    compose(source, alpha, background)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * source.rgb.nbytes


def test_a_transparent_background_keeps_alpha_straight() -> None:
    rgb, alpha = noise(40, 40), disc(40, 40)
    image = compose(photo(rgb), alpha, Transparent())
    assert (image[..., 3] == alpha).all()
    assert (image[alpha == 0][:, :3] == rgb[alpha == 0]).all()


def test_a_colour_is_exact_outside_and_blended_by_the_formula_between() -> None:
    rgb, alpha = np.full((40, 40, 3), 200, np.uint8), disc(40, 40)
    image = compose(photo(rgb), alpha, Colour((10, 20, 30)))
    assert (image[alpha == 0] == (10, 20, 30)).all()
    share = alpha[..., None] / 255
    np.testing.assert_array_equal(image, np.rint(rgb * share + (1 - share) * (10, 20, 30)))


def test_a_blurred_background_is_smooth_and_has_no_glow() -> None:
    """Nothing of a white object may reach the grey behind it."""
    alpha = disc(300, 400)
    rgb = np.where(alpha[..., None] > 0, 255, 90).astype(np.uint8).repeat(3, axis=2)
    image = compose(photo(rgb), alpha, Blurred())
    assert np.abs(image[alpha == 0].astype(int) - 90).max() <= 1
    rough = compose(photo(noise(300, 400)), np.zeros((300, 400), np.uint8), Blurred())
    assert rough.std() < 12


def test_where_all_is_object_the_blur_has_still_something_to_show() -> None:
    image = compose(photo(noise(50, 50)), np.full((50, 50), 255, np.uint8), Blurred())
    np.testing.assert_array_equal(image, noise(50, 50))


@pytest.mark.parametrize("size_hw", [(100, 400), (400, 100), (30, 30), (16, 1000), (1000, 16)])
@pytest.mark.parametrize("other_hw", [(90, 90), (16, 3000), (3000, 16), (600, 800)])
def test_a_picture_covers_the_frame_from_its_middle(
    size_hw: tuple[int, int], other_hw: tuple[int, int]
) -> None:
    other = np.zeros((*other_hw, 3), np.uint8)
    other[..., 0] = np.linspace(0, 255, other_hw[1])
    other[..., 1] = np.linspace(0, 255, other_hw[0])[:, None]
    nothing = np.zeros(size_hw, np.uint8)
    image = compose(photo(noise(*size_hw)), nothing, Picture(photo(other)))
    assert image.shape == (*size_hw, 3)
    assert image[..., :2].mean(axis=(0, 1)) == pytest.approx([127.5, 127.5], abs=6)
    scale = max(size_hw[0] / other_hw[0], size_hw[1] / other_hw[1])
    for channel, axis in ((0, 1), (1, 0)):
        shown = size_hw[axis] / (other_hw[axis] * scale)
        spread = np.ptp(image[..., channel].astype(int))
        assert spread == pytest.approx(255 * shown, abs=20)


def test_a_picture_is_not_changed_by_being_used() -> None:
    other = noise(40, 40, 9)
    before = other.copy()
    image = compose(photo(noise(40, 40)), disc(40, 40), Picture(photo(other)))
    assert (other == before).all()
    assert (image[disc(40, 40) == 0] == before[disc(40, 40) == 0]).all()


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((40, 40, 60, 80), (36, 36, 64, 84)),  # 10 % of 40 on each side
        ((0, 0, 20, 20), (0, 0, 22, 22)),
        ((80, 90, 100, 100), (78, 88, 100, 100)),
        ((0, 0, 100, 100), (0, 0, 100, 100)),
        ((50, 50, 51, 51), (50, 50, 51, 51)),
    ],
)
def test_a_crop_has_a_margin_inside_the_photo(
    box: tuple[int, int, int, int], expected: tuple[int, int, int, int]
) -> None:
    image, alpha = noise(100, 100), np.zeros((100, 100), np.uint8)
    left, top, right, bottom = box
    alpha[top:bottom, left:right] = 255
    alpha[5, 95] = 10  # dust
    left, top, right, bottom = expected
    cropped = crop_to_subject(image, alpha, margin=0.1)
    np.testing.assert_array_equal(cropped, image[top:bottom, left:right])
    np.testing.assert_array_equal(
        crop_to_subject(alpha, alpha, margin=0.1), alpha[top:bottom, left:right]
    )


@pytest.mark.parametrize("value", [0, 10])
def test_with_nothing_to_crop_to_all_stays(value: int) -> None:
    image = noise(30, 30)
    assert crop_to_subject(image, np.full((30, 30), value, np.uint8)).shape == image.shape


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#FFFFFF", (255, 255, 255)),
        ("#0aF", (0, 170, 255)),
        (" #102030 ", (16, 32, 48)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("rgb(1,2,3)", (1, 2, 3)),
        ("rgba(1.4, 2.6, 3, 1)", (1, 3, 3)),
        ("rgba(300, 0, 255, 0.5)", (255, 0, 255)),
    ],
)
def test_a_colour_is_read(text: str, rgb: tuple[int, int, int]) -> None:
    assert parse_colour(text) == Colour(rgb)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#1234",
        "#12345",
        "#GGGGGG",
        "#1234567",
        "red",
        "rgb(1,2)",
        "rgb(1.2.3,1,1)",
        "rgb(.,.,.)",
        "rgb(-1,2,3)",
        "hsl(1,2,3)",
        "#ffffff;x",
        "#fff\n#fff",
    ],
)
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="not a colour"):
        parse_colour(text)
