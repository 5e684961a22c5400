"""How a visitor wants his result: what the controls of the page say, as one value."""

from dataclasses import dataclass, replace

from segmentation.compositing.backgrounds import (
    Background,
    Blurred,
    Fit,
    Gradient,
    Picture,
    Scene,
    Transparent,
    parse_colour,
)
from segmentation.compositing.crop import CROPS, Crop
from segmentation.compositing.effects import Effects, Outline, Shadow
from segmentation.compositing.matting import Edge
from segmentation.image.formats import Format, find_format
from segmentation.image.photo import Limits, Photo
from segmentation.page.server.uploads import read_upload
from segmentation.page.session import preview
from segmentation.page.strings import STRINGS
from segmentation.recipe import Recipe

# The choices of the page, by the names of their STRINGS.
BACKGROUNDS = ("transparent", "colour", "gradient", "blur", "picture", "scene")
FRAMES = ("whole", *CROPS)
FITS: tuple[Fit, ...] = ("cover", "contain")


@dataclass(frozen=True, slots=True)
class Style:
    """What the controls say.

    Attributes:
        threshold: least score of an object that is shown.
        kind: of the background, one of BACKGROUNDS.
        colour: of the background, or of its top.
        colour_below: of the bottom of a gradient.
        backdrop: path of the upload for the background, if it is another photo.
        fit: of that photo behind the objects, one of FITS.
        scale, across, down: size and place of the objects in that photo (see `Scene`).
        softness, grow, fine_hair: as in `Edge`.
        outline, shadow: whether the objects get one.
        frame: of the file, one of FRAMES.
        format: of the file.
        quality: 1..100, of JPEG and WebP.
    """

    threshold: float
    kind: str
    colour: str
    colour_below: str
    backdrop: str | None
    fit: Fit
    scale: float
    across: float
    down: float
    softness: float
    grow: float
    fine_hair: bool
    outline: bool
    shadow: bool
    frame: str
    format: Format
    quality: int

    @property
    def edge(self) -> Edge:
        """How the edge is wanted.

        Raises:
            ChoiceError: beyond what the controls offer.
        """
        return Edge(self.softness, self.grow, self.fine_hair)

    @property
    def effects(self) -> Effects:
        """What the objects get around them."""
        outline: Effects = (Outline(),) if self.outline else ()
        return (*outline, Shadow()) if self.shadow else outline

    @property
    def crop(self) -> Crop | None:
        """How the file is cropped; a scene keeps its own frame."""
        frames: dict[str, Crop] = {crop: crop for crop in CROPS}
        return None if self.kind == "scene" else frames.get(self.frame)

    def recipe(self, limits: Limits) -> Recipe:
        """How the objects become a file; the quality counts where the format has one.

        Raises:
            ChoiceError, PhotoError: as `edge` and `background`; a format that cannot hold it.
        """
        quality = self.quality if find_format(self.format).has_quality else None
        behind = self.background(limits)
        return Recipe(self.edge, behind, self.effects, self.crop, self.format, quality)

    def background(self, limits: Limits) -> Background:
        """What to put behind the objects; nothing as long as the other photo is not chosen.

        Raises:
            ChoiceError: a colour, size or place is none.
            PhotoError: the other photo cannot be used.
        """
        match self.kind:
            case "colour":
                return parse_colour(self.colour)
            case "gradient":
                return Gradient(parse_colour(self.colour).rgb, parse_colour(self.colour_below).rgb)
            case "blur":
                return Blurred()
            case "picture" if self.backdrop:
                return Picture(self._other(self.backdrop, limits), self.fit)
            case "scene" if self.backdrop:
                other = self._other(self.backdrop, limits)
                return Scene(other, self.scale, (self.across, self.down))
            case _:
                return Transparent()

    def _other(self, path: str, limits: Limits) -> Photo:
        return read_upload(path, limits, STRINGS["backdrop_gone"])


def reduced(background: Background) -> Background:
    """The background for a preview: a scene gives the result its size, so it shrinks too."""
    if not isinstance(background, Scene):
        return background
    photo = background.photo
    image = preview(replace(photo, rgb=photo.on_white, alpha=None))
    return replace(background, photo=replace(background.photo, rgb=image, alpha=None))
