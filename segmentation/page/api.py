"""What a program asks the page for in one call, in the words of the command line."""

from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from segmentation.compositing.backgrounds import Background, Fit, parse_backdrop, parse_background
from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effects, Shadow, parse_outline
from segmentation.compositing.matting import Edge
from segmentation.cutout import compute_alpha
from segmentation.errors import ChoiceError
from segmentation.filenames import file_extension
from segmentation.i18n import Text
from segmentation.image.read import Limits, Photo, read_photo
from segmentation.image.write import Format
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement, try_refine
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import check_objects, select
from segmentation.page.strings import STRINGS
from segmentation.recipe import Recipe, make_file

JSON_NAMES = {
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    NoneType: "null",
}


@dataclass(frozen=True, slots=True)
class Order:
    """How the objects are to be cut out; every field as the flag of the same name.

    Attributes:
        objects: see `select`.
        background: see `parse_background`.
        fit: of the backdrop.
        place: puts the objects into the backdrop, see `parse_backdrop`.
        softness, grow, fine_hair: see `Edge`.
        outline: WIDTH,#RRGGBB, see `parse_outline`; None draws none.
        shadow: whether there is one.
        crop: None leaves the photo's own frame.
        format: of the file.
        quality: 1..100 of WebP and JPEG; None takes the format's default.
        threshold: least score of an object, 0..1; None takes the model's.
        one_look: leave out the second look.

    Raises:
        ChoiceError: a value is of the wrong type, beyond its range, or does not go with another.
    """

    objects: str = "auto"
    background: str = "transparent"
    fit: Fit = "cover"
    place: str | None = None
    softness: float = 0
    grow: float = 0
    fine_hair: bool = False
    outline: str | None = None
    shadow: bool = False
    crop: Crop | None = None
    format: Format = "png"
    quality: int | None = None
    threshold: float | None = None
    one_look: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, field.type, getattr(self, field.name))
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ChoiceError("threshold goes from 0 to 1.", "threshold 范围为 0 到 1。")
        if self.place and self.crop:
            raise ChoiceError(
                "place takes the frame of the backdrop. Leave crop out.",
                "place 使用 backdrop 的画面，请去掉 crop。",
            )

    @property
    def edge(self) -> Edge:
        """How the edge is wanted."""
        return Edge(self.softness, self.grow, self.fine_hair)

    @property
    def effects(self) -> Effects:
        """What the objects get around them."""
        outline: Effects = (parse_outline(self.outline),) if self.outline else ()
        return (*outline, Shadow()) if self.shadow else outline

    def recipe(self, backdrop: Path | None, limits: Limits) -> Recipe:
        """How the objects become a file, in front of the other photo if there is one."""
        behind = self._background(backdrop, limits)
        return Recipe(self.edge, behind, self.effects, self.crop, self.format, self.quality)

    def _background(self, backdrop: Path | None, limits: Limits) -> Background:
        if backdrop:
            return parse_backdrop(read_photo(backdrop, limits), self.fit, self.place)
        if self.place:
            raise ChoiceError(
                "place needs another photo to place the objects in: backdrop.",
                "place 需要用 backdrop 给出另一张照片。",
            )
        if named := parse_background(self.background):
            return named
        raise ChoiceError(
            f"There is no background {self.background[:20]!r}. Choose transparent, #RRGGBB, "
            "gradient:#RRGGBB,#RRGGBB or blur, or give another photo as backdrop.",
            f"没有背景 {self.background[:20]!r}。可选 transparent、#RRGGBB、"
            "gradient:#RRGGBB,#RRGGBB、blur，或用 backdrop 给出另一张照片。",
        )


def carry_out(
    order: Order, segmenter: Segmenter, path: Path, backdrop: Path | None, limits: Limits
) -> tuple[str, bytes, tuple[Text, ...]]:
    """Bring a photo the whole way, from file to file, keeping nothing.

    Args:
        order: what to make of it.
        segmenter: finds the objects.
        path: the photo.
        backdrop: another photo behind the objects, in place of the background that is named.
        limits: of both photos.

    Returns:
        A name for the file, its bytes, and what a person should be told.

    Raises:
        KoutuError: what was asked for does not exist, or the photo could not be brought through.
    """
    check_objects(order.objects, segmenter.card.labels)
    recipe = order.recipe(backdrop, limits)
    photo = read_photo(path, limits)
    segmentation, _ = segmenter.segment(photo, order.threshold)
    ids = _chosen(segmentation, order.objects)
    look: Refinement | None = None
    notices: tuple[Text, ...] = ()
    if not order.one_look:
        look, notices = try_refine(segmenter, photo, segmentation, ids)
    alpha = compute_alpha(photo, segmentation, ids, look, recipe.edge)
    data = make_file(photo, alpha, recipe)
    return f"{photo.stem}_cutout{file_extension(order.format)}", data, (*photo.notices, *notices)


def found(photo: Photo, segmentation: Segmentation) -> dict[str, Any]:
    """What was found in a photo, as JSON knows it: size_hw, instances, chosen."""
    return {
        "size_hw": photo.hw,
        "instances": [instance.as_json() for instance in segmentation.instances],
        "chosen": select(segmentation, "auto"),
    }


def _chosen(segmentation: Segmentation, objects: str) -> tuple[int, ...]:
    if not segmentation.instances:
        raise ChoiceError(STRINGS["nothing"].en, STRINGS["nothing"].zh)
    if ids := select(segmentation, objects):
        return ids
    count = len(segmentation.instances)
    raise ChoiceError(
        f"None of the {count} objects found is what `objects` asks for.",
        f"找到的 {count} 个物体都不符合 objects 的要求。",
    )


def _check(name: str, kind: Any, value: object) -> None:
    if not _accepts(kind, value):
        options, shown = _options(kind), repr(value)[:40]
        raise ChoiceError(
            f"{name} takes {', '.join(options)}, not {shown}.",
            f"{name} 可取 {'、'.join(options)}，不能是 {shown}。",
        )


def _accepts(kind: Any, value: object) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_args(kind):
        return any(_accepts(option, value) for option in get_args(kind))
    return isinstance(value, (int, float) if kind is float else kind)


def _options(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if get_args(kind):
        return [name for option in get_args(kind) for name in _options(option)]
    return [JSON_NAMES[kind]]
