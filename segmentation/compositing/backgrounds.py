"""The kinds of background: one class each, and a registry of them.

To add a kind, write a class and list it in BACKGROUNDS. The command line, the API and the page take
its name, syntax and controls from there; the page needs a string for its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.compositing.background_base import FITS, Background, BackgroundParameters, Fit
from segmentation.compositing.background_images import (
    blurred_image,
    contain_image,
    cover_image,
    gradient_image,
)
from segmentation.compositing.colours import is_colour_name, parse_rgb
from segmentation.compositing.placement import place_layer
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer
from segmentation.image.photo import Photo

__all__ = [
    "BACKGROUNDS",
    "BACKGROUND_SYNTAXES",
    "FITS",
    "Background",
    "BackgroundParameters",
    "Blurred",
    "Colour",
    "Fit",
    "Gradient",
    "Picture",
    "Scene",
    "Transparent",
    "parse_backdrop",
    "parse_background",
    "parse_colour",
]


@dataclass(frozen=True, slots=True)
class Transparent(Background):
    """No background: the result has an alpha channel."""

    name = "transparent"
    syntax = "transparent"

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        return cls()

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        return None


@dataclass(frozen=True, slots=True)
class Colour(Background):
    """One colour, as 8-bit red, green, blue."""

    name = "colour"
    syntax = "#RRGGBB"
    parameters = ("colour",)

    rgb: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        is_colour = text.startswith("#") or is_colour_name(text)
        return cls(parse_rgb(text)) if is_colour else None

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        return cls(parse_rgb(parameters.colour))

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        return np.full((*_size_hw(frame_xyxy), 3), self.rgb, np.uint8)


@dataclass(frozen=True, slots=True)
class Gradient(Background):
    """A vertical gradient between two colours, as 8-bit red, green, blue."""

    name = "gradient"
    syntax = "gradient:#RRGGBB,#RRGGBB"
    parameters = ("colour", "colour_below")

    top_rgb: tuple[int, int, int]
    bottom_rgb: tuple[int, int, int]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        kind, _, colours = text.partition(":")
        if kind.lower() != cls.name or kind == text:
            return None
        top, comma, bottom = colours.partition(",")
        if not comma:
            raise ChoiceError(
                "A gradient has two colours. Write it like gradient:#FFFFFF,#88AACC.",
                "渐变需要两种颜色，请写成 gradient:#FFFFFF,#88AACC 的形式。",
            )
        return cls(parse_rgb(top), parse_rgb(bottom))

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        return cls(parse_rgb(parameters.colour), parse_rgb(parameters.colour_below))

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        return gradient_image(self.top_rgb, self.bottom_rgb, _size_hw(frame_xyxy))


@dataclass(frozen=True, slots=True)
class Blurred(Background):
    """The photo's own background, out of focus."""

    name = "blur"
    syntax = "blur"

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        return cls()

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        return blurred_image(photo.on_white, alpha, frame_xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Picture(Background):
    """Another photo, fitted into the frame of the first.

    Attributes:
        photo: the other photo.
        fit: "cover" fills the frame and cuts off what sticks out; "contain" shows the whole photo
            and fills the rest with its own colours, strongly blurred.
    """

    name = "picture"
    parameters = ("backdrop", "fit")

    photo: Photo
    fit: Fit = "cover"

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        if parameters.backdrop is None:
            return Transparent()
        return cls(parameters.backdrop, parameters.fit)

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        fit_image = cover_image if self.fit == "cover" else contain_image
        return fit_image(self.photo.on_white, _size_hw(frame_xyxy))


@dataclass(frozen=True, slots=True, eq=False)
class Scene(Background):
    """Another photo in which the objects are placed; the result has that photo's size.

    Attributes:
        photo: the other photo.
        scale: size of the objects; at 1 they just fit into it.
        position_xy: of their middle, as shares of its width and height.

    Raises:
        ChoiceError: scale is not in 0..3 or is 0, or the position is not in 0..1.
    """

    name = "scene"
    parameters = ("backdrop", "place")
    has_own_frame = True

    photo: Photo
    scale: float = 0.7
    position_xy: tuple[float, float] = (0.5, 0.6)

    @property
    def own_frame_hw(self) -> SizeHW | None:
        return self.photo.hw

    def __post_init__(self) -> None:
        if not (0 < self.scale <= 3 and all(0 <= share <= 1 for share in self.position_xy)):
            raise ChoiceError(
                "Place objects with a scale above 0, up to 3, and a position from 0 to 1.",
                "放置物体时，缩放须大于 0 且不超过 3，位置须在 0 到 1 之间。",
            )

    @classmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> Background:
        if parameters.backdrop is None:
            return Transparent()
        return cls(parameters.backdrop, parameters.scale, parameters.position_xy)

    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        return self.photo.on_white.copy()

    def place(self, layer: Layer) -> Layer:
        return place_layer(layer, self.photo.hw, self.scale, self.position_xy)


BACKGROUNDS: Mapping[str, type[Background]] = {
    kind.name: kind for kind in (Transparent, Colour, Gradient, Blurred, Picture, Scene)
}
# How text names a background, for help texts and error messages.
BACKGROUND_SYNTAXES = tuple(kind.syntax for kind in BACKGROUNDS.values() if kind.syntax)


def parse_background(text: str) -> Background | None:
    """Read a background written in one of BACKGROUND_SYNTAXES, in any case.

    A colour may also be a name of CSS, such as white.

    Returns:
        None if the text is none of these; it may then be the path of a photo, where that is
        allowed.

    Raises:
        ChoiceError: a colour or gradient is not valid.
    """
    parsed = (kind.parse(text.strip()) for kind in BACKGROUNDS.values())
    return next((background for background in parsed if background is not None), None)


def parse_backdrop(photo: Photo, fit: Fit, place: str | None) -> Picture | Scene:
    """Make a background from another photo.

    Args:
        photo: the other photo.
        fit: how it fills the frame; ignored if the objects are placed in it.
        place: SCALE,X,Y places the objects in it (see `Scene`).

    Raises:
        ChoiceError: `place` is not three numbers, or one is out of range.
    """
    if place is None:
        return Picture(photo, fit)
    try:
        scale, x, y = (float(number) for number in place.split(","))
    except ValueError as error:
        raise ChoiceError(
            "A place is three numbers: scale, x and y. Write it like 0.5,0.3,0.7.",
            "位置需要三个数：缩放、横、纵，请写成 0.5,0.3,0.7 的形式。",
        ) from error
    return Scene(photo, scale, (x, y))


def parse_colour(text: str) -> Colour:
    """Read a colour; forms and errors as of `parse_rgb`.

    Raises:
        ChoiceError: the text is not a colour.
    """
    return Colour(parse_rgb(text))


def _size_hw(box_xyxy: BoxXYXY) -> SizeHW:
    left, top, right, bottom = box_xyxy
    return bottom - top, right - left
