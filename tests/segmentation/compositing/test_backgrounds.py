"""The registry of backgrounds: how each kind is written, made and drawn."""

from dataclasses import fields

import numpy as np
import pytest

from segmentation.compositing.backgrounds import (
    BACKGROUND_SYNTAXES,
    BACKGROUNDS,
    Background,
    BackgroundParameters,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
    parse_backdrop,
    parse_background,
    parse_colour,
)
from segmentation.compositing.compose import compose
from segmentation.errors import ChoiceError
from tests.segmentation.compositing.images import noise, photo, soft_disc

BACKDROP = photo(noise(20, 20))
PARAMETERS = BackgroundParameters("#010203", "#c86432", BACKDROP, "contain", 0.5, (0.2, 0.7))
WITHOUT_BACKDROP = BackgroundParameters("#010203", "#c86432", None, "cover", 9, (9, 9))


def test_the_registry_holds_each_kind_by_its_name() -> None:
    assert list(BACKGROUNDS) == ["transparent", "colour", "gradient", "blur", "picture", "scene"]
    assert all(kind.name == name for name, kind in BACKGROUNDS.items())


@pytest.mark.parametrize("kind", BACKGROUNDS.values(), ids=lambda kind: kind.name)
def test_the_syntax_of_a_kind_is_parsed_by_that_kind_alone(kind: type[Background]) -> None:
    if kind.syntax is None:
        assert "backdrop" in kind.parameters
        return
    text = kind.syntax.replace("RRGGBB", "102030")
    assert isinstance(parse_background(text), kind)
    others = [other for other in BACKGROUNDS.values() if other is not kind]
    assert all(other.parse(text) is None for other in others)


@pytest.mark.parametrize("kind", BACKGROUNDS.values(), ids=lambda kind: kind.name)
def test_a_kind_uses_only_the_controls_it_lists(kind: type[Background]) -> None:
    made = kind.from_parameters(PARAMETERS)
    assert type(made) is kind
    invalid = BackgroundParameters(
        PARAMETERS.colour if "colour" in kind.parameters else "none",
        PARAMETERS.colour_below if "colour_below" in kind.parameters else "none",
        BACKDROP if "backdrop" in kind.parameters else None,
        "contain" if "fit" in kind.parameters else "cover",
        0.5 if "place" in kind.parameters else 9,
        (0.2, 0.7) if "place" in kind.parameters else (9, 9),
    )
    again = kind.from_parameters(invalid)
    for field in fields(kind):
        assert getattr(again, field.name) == getattr(made, field.name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("transparent", Transparent()),
        ("colour", Colour((1, 2, 3))),
        ("gradient", Gradient((1, 2, 3), (200, 100, 50))),
        ("blur", Blurred()),
        ("picture", Transparent()),
        ("scene", Transparent()),
    ],
)
def test_kinds_are_made_from_the_controls_of_a_page_without_a_backdrop(
    name: str, expected: Background
) -> None:
    assert BACKGROUNDS[name].from_parameters(WITHOUT_BACKDROP) == expected


def test_a_backdrop_becomes_a_picture_or_a_scene() -> None:
    picture = BACKGROUNDS["picture"].from_parameters(PARAMETERS)
    assert isinstance(picture, Picture)
    assert (picture.photo, picture.fit) == (BACKDROP, "contain")
    scene = BACKGROUNDS["scene"].from_parameters(PARAMETERS)
    assert isinstance(scene, Scene)
    assert (scene.photo, scene.scale, scene.position_xy) == (BACKDROP, 0.5, (0.2, 0.7))


def test_a_place_decides_between_picture_and_scene() -> None:
    picture = parse_backdrop(BACKDROP, "contain", None)
    assert isinstance(picture, Picture)
    assert picture.fit == "contain"
    scene = parse_backdrop(BACKDROP, "cover", "0.5,0.2,0.7")
    assert isinstance(scene, Scene)
    assert (scene.scale, scene.position_xy) == (0.5, (0.2, 0.7))


@pytest.mark.parametrize("place", ["", "1", "1,2", "1,2,3,4", "a,b,c", "1;0.5;0.5"])
def test_a_place_that_is_not_three_numbers_is_refused(place: str) -> None:
    with pytest.raises(ChoiceError, match="three numbers"):
        parse_backdrop(BACKDROP, "cover", place)


@pytest.mark.parametrize("text", ["", "colour", "picture", "photo.jpg", "blurred", "gradient"])
def test_other_text_names_no_background(text: str) -> None:
    assert parse_background(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#12", "not a colour"),
        ("gradient:", "two colours"),
        ("gradient:#fff", "two colours"),
        ("gradient:#fff,bluish", "not a colour"),
    ],
)
def test_an_invalid_colour_or_gradient_is_refused(text: str, message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        parse_background(text)


@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("Blur", Blurred()),
        ("TRANSPARENT", Transparent()),
        ("White", Colour((255, 255, 255))),
        ("Gradient:White,#000", Gradient((255, 255, 255), (0, 0, 0))),
    ],
)
def test_words_are_the_same_in_any_case(text: str, background: Background) -> None:
    assert parse_background(text) == background


@pytest.mark.parametrize(("text", "opaque"), [("#11223344", "#112233"), ("#123f", "#123")])
def test_a_colour_with_an_opacity_is_refused_with_the_reason(text: str, opaque: str) -> None:
    with pytest.raises(ChoiceError, match=f"^{text} has an opacity, .* Write it like {opaque}"):
        parse_background(text)


def test_each_syntax_is_listed_once() -> None:
    assert BACKGROUND_SYNTAXES == ("transparent", "#RRGGBB", "gradient:#RRGGBB,#RRGGBB", "blur")


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#FFFFFF", (255, 255, 255)),
        ("#0aF", (0, 170, 255)),
        ("red", (255, 0, 0)),
        (" DarkSlateGrey ", (47, 79, 79)),
        (" #102030 ", (16, 32, 48)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("rgb(1,2,3)", (1, 2, 3)),
        ("rgba(1.4, 2.6, 3, 1)", (1, 3, 3)),
        ("rgba(300, 0, 255, 0.5)", (255, 0, 255)),
    ],
)
def test_hex_and_rgb_colours_are_parsed(text: str, rgb: tuple[int, int, int]) -> None:
    assert parse_colour(text) == Colour(rgb)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#12345G78",
        "#12345",
        "#GGGGGG",
        "#1234567",
        "reddish",
        "rgb(1,2)",
        "rgb(1.2.3,1,1)",
        "rgb(.,.,.)",
        "rgb(-1,2,3)",
        "hsl(1,2,3)",
        "#ffffff;x",
        "#fff\n#fff",
    ],
)
def test_text_that_is_not_a_colour_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="not a colour"):
        parse_colour(text)


def test_a_blurred_background_is_smooth_and_has_no_glow() -> None:
    """Nothing of a white object may reach the grey behind it."""
    alpha = soft_disc(300, 400)
    rgb = np.where(alpha[..., None] > 0, 255, 90).astype(np.uint8).repeat(3, axis=2)
    image = compose(photo(rgb), alpha, Blurred())
    assert np.abs(image[alpha == 0].astype(int) - 90).max() <= 1
    rough = compose(photo(noise(300, 400)), np.zeros((300, 400), np.uint8), Blurred())
    assert rough.std() < 12


def test_a_blurred_background_is_drawn_even_if_the_object_covers_the_photo() -> None:
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


def test_using_a_picture_does_not_change_it() -> None:
    other = noise(40, 40, 9)
    before = other.copy()
    image = compose(photo(noise(40, 40)), soft_disc(40, 40), Picture(photo(other)))
    assert (other == before).all()
    assert (image[soft_disc(40, 40) == 0] == before[soft_disc(40, 40) == 0]).all()


@pytest.mark.parametrize("other_hw", [(90, 90), (16, 900), (900, 16), (60, 80)])
@pytest.mark.parametrize("size_hw", [(100, 400), (400, 100), (60, 80)])
def test_a_contained_picture_is_shown_whole(
    size_hw: tuple[int, int], other_hw: tuple[int, int]
) -> None:
    """Its first corner is red and its last one blue; both are in the frame."""
    other = np.full((*other_hw, 3), 128, np.uint8)
    height, width = (side // 4 for side in other_hw)
    other[:height, :width], other[-height:, -width:] = (255, 0, 0), (0, 0, 255)
    nothing = np.zeros(size_hw, np.uint8)
    image = compose(photo(noise(*size_hw)), nothing, Picture(photo(other), "contain"))
    assert image.shape == (*size_hw, 3)
    scale = min(size_hw[0] / other_hw[0], size_hw[1] / other_hw[1])
    shown_h, shown_w = (max(1, round(side * scale)) for side in other_hw)
    top, left = (size_hw[0] - shown_h) // 2, (size_hw[1] - shown_w) // 2
    assert image[top, left].argmax() == 0
    assert image[top + shown_h - 1, left + shown_w - 1].argmax() == 2
    if size_hw == other_hw:
        assert (image == other).all()


def test_a_gradient_runs_from_top_to_bottom() -> None:
    image = compose(
        photo(noise(51, 20)), np.zeros((51, 20), np.uint8), Gradient((0, 50, 255), (100, 50, 5))
    )
    assert (image == image[:, :1]).all()
    assert image[:, 0, 0].tolist() == list(range(0, 101, 2))
    assert (image[..., 1] == 50).all()
    assert image[:, 0, 2].tolist() == list(range(255, 4, -5))
