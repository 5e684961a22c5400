"""From the opacity of chosen objects to a file: how it is wanted, and the making of it."""

from dataclasses import dataclass, field

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import Background, Transparent
from segmentation.compositing.compose import compose
from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effects
from segmentation.compositing.matting import Edge
from segmentation.image.formats import Format, check_format
from segmentation.image.photo import Photo
from segmentation.image.write import encode


@dataclass(frozen=True, slots=True)
class Recipe:
    """How chosen objects become a file.

    Attributes:
        edge: how it is wanted, see `compute_alpha`.
        background, effects, crop: see `compose`.
        format: of the file.
        quality: 1..100 of WebP and JPEG; None takes the format's default.

    Raises:
        ChoiceError: a format that cannot hold the background or has no such quality.
    """

    edge: Edge = field(default_factory=Edge)
    background: Background = field(default_factory=Transparent)
    effects: Effects = ()
    crop: Crop | None = None
    format: Format = "png"
    quality: int | None = None

    def __post_init__(self) -> None:
        check_format(self.format, self.quality, isinstance(self.background, Transparent))


def make_file(photo: Photo, alpha: UInt8, recipe: Recipe) -> bytes:
    """Compose and encode, with the photo's density.

    Args:
        photo: where the objects come from.
        alpha: uint8 (H, W), their opacity with the recipe's edge.
        recipe: what to make of them.

    Raises:
        ChoiceError: a crop of a scene, or an image too large for the crop or the format.
    """
    image = compose(photo, alpha, recipe.background, recipe.effects, recipe.crop)
    return encode(image, recipe.format, recipe.quality, photo.dpi_xy)
