"""The controls of the page, and their translation to `CutoutOptions`."""

from dataclasses import dataclass, fields, replace

from segmentation.compositing.backgrounds import BACKGROUNDS, Background, BackgroundParameters, Fit
from segmentation.compositing.crop import CROPS, Crop
from segmentation.compositing.effects import Effects, Outline, Shadow
from segmentation.compositing.matting.alpha import Edge
from segmentation.cutout import CutoutOptions
from segmentation.errors import ChoiceError
from segmentation.image.formats import find_format
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.size_options import SizeOptions
from segmentation.page.strings import STRINGS
from segmentation.text_options import accepts

# The choices of the page, by their keys in STRINGS.
FRAMES = ("whole", *CROPS)


@dataclass(frozen=True, slots=True)
class PageOptions(SizeOptions):
    """The values of the controls, by name; those of the size are inherited.

    Attributes:
        min_score: minimum score of an object that is shown.
        refine: run the model a second time on the selected objects.
        background: one of BACKGROUNDS.
        colour, colour_below, fit, scale, x, y: see `BackgroundParameters`.
        backdrop: path of the upload that is the background, if it is another photo.
        softness, grow, fine_hair: see `Edge`.
        outline, shadow: whether the objects have one.
        frame: of the file, one of FRAMES.
        format: of the file, see `find_format`.
        quality: 1..100; ignored by formats that have none.

    Raises:
        ChoiceError: a value has the wrong type.
    """

    min_score: float
    refine: bool
    background: str
    colour: str
    colour_below: str
    backdrop: str | None
    fit: Fit
    scale: float
    x: float
    y: float
    softness: float
    grow: float
    fine_hair: bool
    outline: bool
    shadow: bool
    frame: str
    format: str
    quality: int

    def __post_init__(self) -> None:
        # Gradio passes on values that no control has, and None where one was emptied.
        if not all(accepts(field.type, getattr(self, field.name)) for field in fields(self)):
            raise ChoiceError.from_text(STRINGS["bad_setting"])

    @property
    def lacks_backdrop(self) -> bool:
        """Whether the background is another photo that has not been chosen yet."""
        return "backdrop" in BACKGROUNDS[self.background].parameters and not self.backdrop

    def to_cutout_options(self, photos: PhotoCache) -> CutoutOptions:
        """Translate to `CutoutOptions`.

        Raises:
            ChoiceError: a value is out of range, or the format cannot hold the background.
            PhotoError: the background photo cannot be used, or was deleted in the meantime.
        """
        has_quality = find_format(self.format).has_quality
        return CutoutOptions(
            min_score=self.min_score,
            refine=self.refine,
            edge=Edge(self.softness, self.grow, self.fine_hair),
            background=self._background(photos),
            effects=self._effects(),
            crop=self._crop(),
            size=self.output_size(),
            dpi=self.output_dpi(),
            sheet=self.makes_sheet,
            max_kilobytes=self.max_kb or None,
            format=self.format,
            quality=self.quality if has_quality else None,
        )

    def for_layers(self) -> "PageOptions":
        """Return the options of PNGs of single objects, without background, sheet and limit."""
        frame = self.frame if self._crop() else "whole"
        layers = replace(self, background="transparent", format="png", frame=frame)
        return replace(layers, sheet=False, max_kb=0)

    def _background(self, photos: PhotoCache) -> Background:
        kind = BACKGROUNDS[self.background]
        backdrop = None
        if "backdrop" in kind.parameters and self.backdrop:
            backdrop = photos.read(self.backdrop, STRINGS["backdrop_deleted"])
        return kind.from_parameters(
            BackgroundParameters(
                colour=self.colour,
                colour_below=self.colour_below,
                backdrop=backdrop,
                fit=self.fit,
                scale=self.scale,
                position_xy=(self.x, self.y),
            )
        )

    def _effects(self) -> Effects:
        outline: Effects = (Outline(),) if self.outline else ()
        return (*outline, Shadow()) if self.shadow else outline

    def _crop(self) -> Crop | None:
        has_own_frame = BACKGROUNDS[self.background].has_own_frame or self.is_exact
        crops: dict[str, Crop] = {crop: crop for crop in CROPS}
        return None if has_own_frame else crops.get(self.frame)
