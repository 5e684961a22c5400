"""The one way from a photo to its cut-out, for the page, the batch, the command line and the API.

A `CutoutOptions` says everything that a person can choose. `cut_out` needs objects that are already
found; `cut_out_photo` goes the whole way from a photo.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import Background, Transparent
from segmentation.compositing.compose import compose_in_frame, mask_in_frame
from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effects
from segmentation.compositing.matting.alpha import Edge, grow_alpha, make_alpha
from segmentation.compositing.matting.stroke_masks import Correction
from segmentation.compositing.matting.stroke_matting import apply_strokes
from segmentation.compositing.sizing.frame import Frame, find_frame
from segmentation.compositing.sizing.photo_sheet import make_sheet
from segmentation.compositing.sizing.size import DEFAULT_DPI, OutputSize, check_dpi, check_frame
from segmentation.filenames import file_extension, object_filename
from segmentation.i18n import Text
from segmentation.image.encoding_time import check_encoding_time
from segmentation.image.formats import Format, check_format
from segmentation.image.photo import Photo
from segmentation.image.write import check_max_kilobytes, encode_within
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement, try_refine
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import Objects, segment_and_select


@dataclass(frozen=True, slots=True)
class CutoutOptions:
    """What to cut out of a photo, and what to make of it.

    Attributes:
        objects: which of the objects found, see `select`.
        min_score: minimum score of an object, 0..1; None takes the model's.
        refine: run the model a second time on the chosen objects.
        edge: see `make_alpha`.
        strokes: what belongs to the cut-out whatever the model says, see `apply_strokes`.
        background, effects, crop, size: see `compose`.
        dpi: dots per inch of the file; None keeps the photo's.
        sheet: make a sheet of photo paper with copies of the result, see `make_sheet`.
        format: of the file, see `encode`.
        quality: 1..100 of WebP and JPEG; None takes the format's default.
        max_kilobytes: the largest file, see `encode_within`; None sets no limit.

    Raises:
        ChoiceError: the format cannot hold the background or has no such quality, an exact size
            comes with a crop, a sheet without an exact size, or a number is out of range.
    """

    objects: Objects = "auto"
    min_score: float | None = None
    refine: bool = True
    edge: Edge = field(default_factory=Edge)
    strokes: tuple[Correction, ...] = ()
    background: Background = field(default_factory=Transparent)
    effects: Effects = ()
    crop: Crop | None = None
    size: OutputSize | None = None
    dpi: float | None = None
    sheet: bool = False
    format: Format = "png"
    quality: int | None = None
    max_kilobytes: float | None = None

    def __post_init__(self) -> None:
        transparent = isinstance(self.background, Transparent) and not self.sheet
        check_format(self.format, self.quality, transparent)
        if self.dpi is not None:
            check_dpi(self.dpi)
        check_max_kilobytes(self.max_kilobytes)
        check_frame(self.size, self.sheet, cropped=self.crop is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """Chosen objects, cut out.

    Attributes:
        alpha: uint8 (H, W), their opacity at the photo's own size.
        image: uint8 (h, w, 4) with straight alpha if the background is transparent, else
            uint8 (h, w, 3); cropped, with effects, and of the size asked for; or the sheet.
        options: what was asked for.
        frame: the part of the photo that `image` shows, before it is put on a sheet.
        dpi_xy: dots per inch of the file: those asked for, else the photo's, if it has any.
        alpha_seconds: time spent on `alpha`.
        refine_seconds: time spent on the second inference; 0 without one.
        notices: what a person should know about the second inference and the frame.
    """

    alpha: UInt8
    image: UInt8
    options: CutoutOptions
    frame: Frame
    dpi_xy: tuple[float, float] | None
    alpha_seconds: float
    refine_seconds: float = 0.0
    notices: tuple[Text, ...] = ()

    @property
    def mask(self) -> UInt8:
        """Opacity of the objects alone, uint8 (h, w), in the frame of `image`."""
        options = self.options
        mask = mask_in_frame(self.alpha, options.background, self.frame)
        return make_sheet(mask, options.dpi or DEFAULT_DPI) if options.sheet else mask

    def file_name(self, stem: str) -> str:
        """Name the file of the cut-out after the stem of its photo."""
        return f"{stem}_cutout{file_extension(self.options.format)}"

    def encode(self, max_seconds: float | None = None) -> bytes:
        """Encode `image` in the format asked for.

        Args:
            max_seconds: see `check_encoding_time`; None sets no limit.

        Returns:
            The bytes of the file.

        Raises:
            ChoiceError: the image is too large for the format, the largest file or the time.
        """
        options = self.options
        if max_seconds is not None:
            check_encoding_time(
                self.image, options.format, options.quality, options.max_kilobytes, max_seconds
            )
        return encode_within(
            self.image, options.max_kilobytes, options.format, options.quality, self.dpi_xy
        )


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCutout:
    """The outcome of `cut_out_photo`.

    Attributes:
        segmentation: the objects found.
        ids: of the objects chosen; empty if there are none.
        cutout: of the chosen objects and what the strokes keep; None if nothing was chosen and
            there are no strokes.
        notices: what a person should know.
    """

    segmentation: Segmentation
    ids: tuple[int, ...]
    cutout: Cutout | None
    notices: tuple[Text, ...]


def cut_out_photo(segmenter: Segmenter, photo: Photo, options: CutoutOptions) -> PhotoCutout:
    """Find the objects in a photo and cut out those that the options choose.

    Raises:
        ChoiceError: `options.objects` has a number that was not found; the crop is too large.
        EngineUnavailable, ModelDamaged: the model cannot be opened.
        InferenceFailed: the device failed on this photo.
    """
    segmentation, ids, _ = segment_and_select(segmenter, photo, options.objects, options.min_score)
    if not ids and not options.strokes:
        return PhotoCutout(segmentation, (), None, photo.notices)
    cutout = refine_and_cut_out(segmenter, photo, segmentation, ids, options)
    return PhotoCutout(segmentation, ids, cutout, (*photo.notices, *cutout.notices))


def refine_and_cut_out(
    segmenter: Segmenter,
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
) -> Cutout:
    """Cut some of the objects found out of a photo, after a second inference if asked for.

    Raises:
        ChoiceError: as `cut_out`.
    """
    refinement, notices = (
        try_refine(segmenter, photo, segmentation, ids) if options.refine else (None, ())
    )
    cutout = cut_out(photo, segmentation, ids, options, refinement)
    seconds = refinement.seconds if refinement else 0.0
    return replace(cutout, refine_seconds=seconds, notices=(*notices, *cutout.notices))


def cut_out(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
    refinement: Refinement | None = None,
    alpha: UInt8 | None = None,
) -> Cutout:
    """Cut some of the objects found out of a photo.

    Args:
        photo: the photo, or a reduced copy of it.
        segmentation: the objects found in it.
        ids: of the objects to cut out.
        options: edge, strokes, background, effects, frame, size and format count here.
        refinement: used only if it is of just these objects.
        alpha: `compute_alpha` of all this; None computes it.

    Raises:
        ChoiceError: the crop is too large, the background has its own frame, or no copy fits.
    """
    start = time.perf_counter()
    if alpha is None:
        alpha = compute_alpha(photo, segmentation, ids, refinement, options.edge, options.strokes)
    alpha_seconds = time.perf_counter() - start
    background, effects = options.background, options.effects
    frame = find_frame(alpha, background, effects, options.crop, options.size)
    image = compose_in_frame(photo, alpha, background, effects, frame)
    if options.sheet:
        image = make_sheet(image, options.dpi or DEFAULT_DPI)
    dpi = options.dpi or (DEFAULT_DPI if options.sheet else None)
    dpi_xy = (dpi, dpi) if dpi else photo.dpi_xy
    return Cutout(alpha, image, options, frame, dpi_xy, alpha_seconds, notices=frame.notices)


def cut_out_each(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
    refinement: Refinement | None = None,
    max_seconds: float | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Cut out each of some objects alone; arguments and errors as of `cut_out`.

    Without a crop all files have the photo's size, so that they can be stacked as layers. The time
    of each file is limited to `max_seconds`, see `Cutout.encode`.

    Returns:
        File name and content of one object after another; only one is in memory.
    """
    for instance in segmentation.instances:
        if instance.id in ids:
            cutout = cut_out(photo, segmentation, [instance.id], options, refinement)
            yield object_filename(photo.stem, instance, options.format), cutout.encode(max_seconds)


def compute_alpha(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    refinement: Refinement | None = None,
    edge: Edge | None = None,
    strokes: Sequence[Correction] = (),
) -> UInt8:
    """Compute the opacity of some objects. What is transparent in the photo stays transparent.

    Args:
        photo: the photo, or a reduced copy of it.
        segmentation: the objects found in it.
        ids: of the objects.
        refinement: used only if it is of just these objects.
        edge: None takes `Edge()`.
        strokes: corrections, see `apply_strokes`.

    Returns:
        uint8 (H, W) of the photo's size.
    """
    rgb = photo.on_white
    alpha = _object_alpha(rgb, segmentation, ids, refinement, edge or Edge())
    alpha = apply_strokes(alpha, rgb, strokes)
    if photo.alpha is None:
        return alpha
    return np.asarray(cv2.multiply(alpha, photo.alpha, scale=1 / 255), np.uint8)


def _object_alpha(
    rgb: UInt8,
    segmentation: Segmentation,
    ids: Collection[int],
    refinement: Refinement | None,
    edge: Edge,
) -> UInt8:
    if refinement is None or not refinement.matches(segmentation, ids):
        return make_alpha(rgb, segmentation.mask_logits(ids), edge)
    height, width = rgb.shape[:2]
    photo_h, photo_w = segmentation.geometry.photo_hw
    left, right = (round(x * width / photo_w) for x in refinement.box_xyxy[::2])
    top, bottom = (round(y * height / photo_h) for y in refinement.box_xyxy[1::2])
    crop = rgb[top:bottom, left:right]
    # `grow` is a share of the photo, not of the crop, and may reach beyond the crop: so it comes
    # last, on the whole alpha.
    alpha = np.zeros((height, width), np.uint8)
    alpha[top:bottom, left:right] = make_alpha(
        crop, refinement.mask_logits.astype(np.float32), replace(edge, grow=0.0)
    )
    return grow_alpha(alpha, edge)
