"""The same objects cut out in several ways: what differs, where, and what each way costs."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from segmentation.arrays import UInt8
from segmentation.compositing.matting import Edge
from segmentation.cutout import compute_alpha
from segmentation.i18n import Text
from segmentation.image.read import Photo
from segmentation.inference.postprocess import Segmentation, match_instances
from segmentation.inference.refine import Refinement, crop_around, try_refine
from segmentation.inference.registry import ModelRegistry, ModelVariant
from segmentation.inference.segmenter import Segmenter, Timings
from segmentation.inference.select import select
from segmentation.page.session import LEAST_SCORE, NOTABLE_SECONDS, preview

# Less overlap than this is another object.
LEAST_OVERLAP = 0.1


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to cut out.

    Attributes:
        finder: what finds the objects.
        edge: how the edge is wanted.
        closer: whether the model looks a second time at what is cut out.
    """

    finder: ModelVariant
    edge: Edge = field(default_factory=Edge)
    closer: bool = True


@dataclass(frozen=True, slots=True)
class Seconds:
    """What one way of cutting out takes.

    Attributes:
        load: opening the model, for which only its first photo waits.
        prepare, infer, instances: as in `Timings`.
        closer: the second look.
        edge: opacity at the photo's own size.
    """

    load: float
    prepare: float
    infer: float
    instances: float
    closer: float
    edge: float

    @property
    def each_photo(self) -> float:
        """What every photo waits for: all but the loading."""
        return self.prepare + self.infer + self.instances + self.closer + self.edge


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What one setting made of a photo.

    Attributes:
        setting: the way it was cut out.
        device: what computed.
        found: how many objects the model is sure enough of.
        alpha: uint8 (h, w), opacity of the objects that are compared.
        seconds: what it took.
        notices: what did not go as it should.
    """

    setting: Setting
    device: str
    found: int
    alpha: UInt8
    seconds: Seconds
    notices: tuple[Text, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The same part of a photo, cut out in several ways.

    Attributes:
        rgb: uint8 (h, w, 3), the part around the objects, no larger than a preview.
        compared: for each setting, in the same frame.
    """

    rgb: UInt8
    compared: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one finder saw: the objects that are compared, and the second look at them."""

    finder: ModelVariant
    device: str
    sure: int
    segmentation: Segmentation
    timings: Timings
    ids: tuple[int, ...]
    look: Refinement | None
    notices: tuple[Text, ...]


def see(
    shelf: ModelRegistry,
    photo: Photo,
    settings: Sequence[Setting],
    wanted: tuple[Segmentation, Collection[int]] | None = None,
) -> Iterator[Seen]:
    """See the same objects of a photo with each finder of some settings, one after the other.

    This is what takes long of a comparison, and can be left between two of them.

    Args:
        shelf: has the models.
        photo: the photo.
        settings: those of one finder share what it sees, and each is charged for it.
        wanted: instances found in the photo before; where there are none, the subject, as the
            first setting's model sees it.

    Raises:
        EngineUnavailable, ModelNotFound, ModelDamaged: a finder is not here.
        InferenceFailed: a device did not bring the photo through.
    """
    for finder in finders_of(settings):
        segmenter = shelf.segmenter(finder.model, finder.precision, finder.engine)
        segmentation, timings = _find(segmenter, photo)
        sure = segmentation.above(segmenter.card.score_threshold)
        if not (wanted and wanted[1]):
            wanted = segmentation, select(sure, "auto")
        ids = match_instances(*wanted, segmentation, LEAST_OVERLAP)
        look: Refinement | None = None
        notices: tuple[Text, ...] = ()
        if any(setting.closer for setting in settings if setting.finder == finder):
            look, notices = try_refine(segmenter, photo, segmentation, ids)
        device, number = segmenter.device or "", len(sure.instances)
        yield Seen(finder, device, number, segmentation, timings, ids, look, notices)


def finders_of(settings: Sequence[Setting]) -> tuple[ModelVariant, ...]:
    """The finders of some settings, each once."""
    return tuple(dict.fromkeys(setting.finder for setting in settings))


def compare(photo: Photo, settings: Sequence[Setting], seen: Iterable[Seen]) -> Comparison:
    """Cut the same objects out of a photo in several ways.

    Args:
        photo: the photo.
        settings: the first one is what the others are compared with.
        seen: what `see` answers for these.
    """
    by_finder = {one.finder: one for one in seen}
    frame = _frame(photo, list(by_finder.values()))
    compared = tuple(_cut_out(photo, way, by_finder[way.finder], frame) for way in settings)
    rgb = preview(replace(photo, rgb=photo.rgb[frame], alpha=None))
    return Comparison(rgb, compared)


def _find(segmenter: Segmenter, photo: Photo) -> tuple[Segmentation, Timings]:
    found, first = segmenter.segment(photo, LEAST_SCORE)
    if first.load <= NOTABLE_SECONDS:
        return found, first
    # A model that was just loaded is slower than it will ever be again.
    found, again = segmenter.segment(photo, LEAST_SCORE)
    return found, replace(again, load=first.load)


def _frame(photo: Photo, seen: Sequence[Seen]) -> tuple[slice, slice]:
    """The part of the photo around all that is compared, or all of it."""
    crops = [crop_around(found.segmentation, found.ids) for found in seen]
    boxes = [crop for crop in crops if crop] or [(0, 0, *photo.hw[::-1])]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return slice(min(tops), max(bottoms)), slice(min(lefts), max(rights))


def _cut_out(photo: Photo, setting: Setting, seen: Seen, frame: tuple[slice, slice]) -> Compared:
    look = seen.look if setting.closer else None
    start = time.perf_counter()
    alpha = compute_alpha(photo, seen.segmentation, seen.ids, look, setting.edge)
    edge = time.perf_counter() - start
    timings = seen.timings
    seconds = Seconds(
        load=timings.load,
        prepare=timings.prepare,
        infer=timings.infer,
        instances=timings.instances,
        closer=look.seconds if look else 0,
        edge=edge,
    )
    small = preview(replace(photo, rgb=photo.rgb[frame], alpha=alpha[frame]))[..., 3]
    notices = seen.notices if setting.closer else ()
    return Compared(setting, seen.device, seen.sure, small, seconds, notices)
