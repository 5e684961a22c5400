"""What every kind of background has."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, get_args

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.image.blend import Layer
from segmentation.image.photo import Photo

Fit = Literal["cover", "contain"]
FITS: tuple[Fit, ...] = get_args(Fit)
# The page's controls that a background may use.
Parameter = Literal["colour", "colour_below", "backdrop", "fit", "place"]


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundParameters:
    """Values of the page's controls for the background.

    Attributes:
        colour: see `parse_colour`.
        colour_below: the second colour of a gradient.
        backdrop: another photo, or None if there is none yet.
        fit: see `Picture`.
        scale, position_xy: see `Scene`.
    """

    colour: str
    colour_below: str
    backdrop: Photo | None
    fit: Fit
    scale: float
    position_xy: tuple[float, float]


class Background(ABC):
    """What is behind the objects.

    Attributes:
        name: key of the kind in BACKGROUNDS, and of its name on the page.
        syntax: how the command line and the API spell it; None for kinds that need another photo.
        parameters: the page's controls that it uses.
        has_own_frame: whether the result has the background's size instead of the photo's.
    """

    __slots__ = ()

    name: ClassVar[str]
    syntax: ClassVar[str | None] = None
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    has_own_frame: ClassVar[bool] = False

    @property
    def own_frame_hw(self) -> SizeHW | None:
        """Height and width of the background's own frame; None if it has none."""
        return None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a background of this kind, written in its `syntax` in any case.

        Returns:
            None if the text is of another kind.

        Raises:
            ChoiceError: the text starts like this kind but is not valid.
        """
        return cls() if text.lower() == cls.syntax else None

    @classmethod
    @abstractmethod
    def from_parameters(cls, parameters: BackgroundParameters) -> "Background":
        """Make the background from the page's controls.

        Returns:
            `Transparent()` if a photo is needed and not chosen yet.

        Raises:
            ChoiceError: a value is invalid or out of range.
        """

    @abstractmethod
    def render(self, photo: Photo, alpha: UInt8, frame_xyxy: BoxXYXY) -> UInt8 | None:
        """Draw the background.

        Args:
            photo: the photo that the objects come from.
            alpha: uint8 (H, W), the objects' opacity in it.
            frame_xyxy: the part to draw, in its pixels; it may reach beyond the photo. Ignored by
                kinds with a frame of their own.

        Returns:
            uint8 (h, w, 3), a new array of the frame's size; None if the result is transparent.
        """

    def place(self, layer: Layer) -> Layer:
        """Move the objects into the background's own frame; the same layer if it has none."""
        return layer
