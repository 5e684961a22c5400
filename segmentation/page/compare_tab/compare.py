"""The same objects cut out with several settings."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from segmentation.arrays import UInt8
from segmentation.cutout import CutoutOptions, cut_out
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation, match_instances
from segmentation.inference.refine import Refinement, crop_around, try_refine
from segmentation.inference.registry import ModelRegistry, ModelVariant
from segmentation.inference.segmenter import Segmenter, Timings
from segmentation.inference.select import MIN_OFFERED_SCORE, select
from segmentation.page.preview import reduce_image

# After a longer load of the model, its time is not that of other photos.
NOTABLE_LOAD_SECONDS = 0.05
# Masks that overlap less show different objects.
MIN_OVERLAP_IOU = 0.1


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to cut objects out.

    Attributes:
        variant: the model that finds the objects.
        options: `edge` and `refine` count.
    """

    variant: ModelVariant
    options: CutoutOptions = field(default_factory=CutoutOptions)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Time that a setting takes.

    Attributes:
        load: opening the model, for which only its first photo waits.
        prepare, infer, instances: see `Timings`.
        closer: the second inference.
        edge: the opacity at the photo's own size.
    """

    load: float
    prepare: float
    infer: float
    instances: float
    closer: float
    edge: float

    @property
    def each_photo(self) -> float:
        """Time that every photo takes: all but the loading."""
        return self.prepare + self.infer + self.instances + self.closer + self.edge


@dataclass(frozen=True, slots=True, eq=False)
class ComparedCutout:
    """The cut-out of one setting, reduced.

    Attributes:
        setting: how it was made.
        device: what computed.
        object_count: number of objects above the model's own minimum score.
        image: uint8 (h, w, 4) with straight alpha, in the frame of the comparison.
        seconds: time spent.
        notices: messages for the visitor.
    """

    setting: Setting
    device: str
    object_count: int
    image: UInt8
    seconds: Seconds
    notices: tuple[Text, ...]

    @property
    def alpha(self) -> UInt8:
        """Opacity of the objects, uint8 (h, w)."""
        return self.image[..., 3]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The same part of a photo, cut out with several settings.

    Attributes:
        rgb: uint8 (h, w, 3), the part around the objects, no larger than a preview.
        cutouts: one for each setting, in the same frame.
    """

    rgb: UInt8
    cutouts: tuple[ComparedCutout, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VariantResult:
    """The result of one variant: the objects to compare, and their refinement.

    Attributes:
        variant: the model.
        device: what computed.
        object_count: number of objects above the model's own minimum score.
        segmentation: all objects found.
        timings: of the search.
        ids: of the objects to compare.
        refinement: of these, if a setting wants it and it succeeded.
        notices: about the refinement.
    """

    variant: ModelVariant
    device: str
    object_count: int
    segmentation: Segmentation
    timings: Timings
    ids: tuple[int, ...]
    refinement: Refinement | None
    notices: tuple[Text, ...]


def segment_with_variants(
    registry: ModelRegistry,
    photo: Photo,
    settings: Sequence[Setting],
    selection: tuple[Segmentation, Collection[int]] | None = None,
) -> Iterator[VariantResult]:
    """Find the same objects with each variant of some settings, one after the other.

    This is the slow part of a comparison; it can be left between two variants.

    Args:
        registry: has the models.
        photo: the photo.
        settings: those of one variant share its result.
        selection: ids of instances found in the photo before. If there are none, the subject is
            taken as the first setting's model sees it.

    Raises:
        EngineUnavailable, ModelNotFound, ModelDamaged: a variant is not available.
        InferenceFailed: a device failed on the photo.
    """
    for variant in variants_of(settings):
        segmenter = registry.segmenter(variant.model, variant.precision, variant.engine)
        segmentation, timings = _segment_warm(segmenter, photo)
        certain = segmentation.above(segmenter.card.score_threshold)
        if not (selection and selection[1]):
            selection = segmentation, select(certain, "auto")
        ids = match_instances(*selection, segmentation, MIN_OVERLAP_IOU)
        refinement: Refinement | None = None
        notices: tuple[Text, ...] = ()
        if any(setting.options.refine for setting in settings if setting.variant == variant):
            refinement, notices = try_refine(segmenter, photo, segmentation, ids)
        yield VariantResult(
            variant=variant,
            device=segmenter.device or "",
            object_count=len(certain.instances),
            segmentation=segmentation,
            timings=timings,
            ids=ids,
            refinement=refinement,
            notices=notices,
        )


def variants_of(settings: Sequence[Setting]) -> tuple[ModelVariant, ...]:
    """Return the variants of some settings, each once."""
    return tuple(dict.fromkeys(setting.variant for setting in settings))


def compare(
    photo: Photo, settings: Sequence[Setting], results: Iterable[VariantResult]
) -> Comparison:
    """Cut the same objects out of a photo with several settings.

    Args:
        photo: the photo.
        settings: the others are compared with the first one.
        results: of `segment_with_variants` for these settings.
    """
    by_variant = {result.variant: result for result in results}
    frame = _common_frame(photo, list(by_variant.values()))
    cutouts = tuple(
        _cut_out(photo, setting, by_variant[setting.variant], frame) for setting in settings
    )
    return Comparison(reduce_image(photo.rgb[frame]), cutouts)


def _segment_warm(segmenter: Segmenter, photo: Photo) -> tuple[Segmentation, Timings]:
    segmentation, first = segmenter.segment(photo, MIN_OFFERED_SCORE)
    if first.load <= NOTABLE_LOAD_SECONDS:
        return segmentation, first
    # The first inference after loading is slower than all later ones.
    segmentation, second = segmenter.segment(photo, MIN_OFFERED_SCORE)
    return segmentation, replace(second, load=first.load)


def _common_frame(photo: Photo, results: Sequence[VariantResult]) -> tuple[slice, slice]:
    """Return the rows and columns of the photo around all objects compared, or all of it."""
    crops = [crop_around(result.segmentation, result.ids) for result in results]
    boxes = [crop for crop in crops if crop] or [(0, 0, *photo.hw[::-1])]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))


def _cut_out(
    photo: Photo, setting: Setting, result: VariantResult, frame: tuple[slice, slice]
) -> ComparedCutout:
    refinement = result.refinement if setting.options.refine else None
    cutout = cut_out(photo, result.segmentation, result.ids, setting.options, refinement)
    timings = result.timings
    seconds = Seconds(
        load=timings.load,
        prepare=timings.prepare,
        infer=timings.infer,
        instances=timings.instances,
        closer=refinement.seconds if refinement else 0,
        edge=cutout.alpha_seconds,
    )
    image = reduce_image(cutout.image[frame])
    notices = result.notices if setting.options.refine else ()
    return ComparedCutout(setting, result.device, result.object_count, image, seconds, notices)
