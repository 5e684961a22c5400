"""Options as text: the words that the command line's flags and the API's arguments share."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import cv2
import numpy as np

from segmentation.compositing.backgrounds import (
    BACKGROUND_SYNTAXES,
    Background,
    Fit,
    parse_backdrop,
    parse_background,
)
from segmentation.compositing.crop import Crop
from segmentation.compositing.effects import Effects, Shadow, parse_outline
from segmentation.compositing.matting.alpha import Edge
from segmentation.compositing.matting.stroke_masks import Correction, mask_corrections
from segmentation.compositing.sizing.presets import SHOP_SIZES, SIZE_PRESETS, find_id_size
from segmentation.compositing.sizing.size import (
    DEFAULT_DPI,
    DEFAULT_MARGIN,
    ExactSize,
    LongestSide,
    OutputSize,
    parse_size,
)
from segmentation.compositing.strokes import parse_strokes
from segmentation.cutout import CutoutOptions
from segmentation.errors import ChoiceError
from segmentation.i18n import join_choices
from segmentation.image.formats import find_format
from segmentation.image.photo import Photo
from segmentation.inference.select import object_rule

JSON_TYPES = {
    str: "string",
    float: "number",
    int: "integer",
    bool: "boolean",
    NoneType: "null",
}
# Options whose words are the same in any case.
CASELESS = ("fit", "crop")


@dataclass(frozen=True, slots=True)
class TextOptions:
    """`CutoutOptions` as text and numbers. Types are checked, since a program may send any value.

    Attributes:
        objects: see `select`.
        keep, erase: strokes, see `parse_strokes`. Where they overlap, `erase` wins.
        background: see `parse_background`.
        fit: of a backdrop.
        place: puts the objects into the backdrop, see `parse_backdrop`.
        softness, grow, fine_hair: see `Edge`.
        outline: WIDTH,#RRGGBB, see `parse_outline`; None draws none.
        shadow: draw a soft shadow.
        crop: None keeps the photo's frame.
        size: WIDTHxHEIGHT, see `parse_size`, or one of SHOP_SIZES; None keeps the frame's size.
        longest: pixels of the longer side, instead of `size`.
        id: format of an ID photo, one of ID_SIZES, instead of `size`.
        margin: around the subject of a `size`, in percent of the frame; None takes the default.
        dpi: dots per inch, written into the file; also of a `size` in mm or inches.
        sheet: copies on photo paper, see `make_sheet`.
        format: of the file; see `find_format`.
        quality: 1..100 of WebP and JPEG; None takes the format's default.
        max_kb: the largest file, in 1000 bytes; None sets no limit.
        threshold: minimum score of an object, 0..1; None takes the model's.
        one_look: leave out the second inference.
        prefix: of the names in messages, such as `--`.

    Raises:
        ChoiceError: a value has the wrong type, is out of range, or contradicts another one.
    """

    objects: str = "auto"
    keep: str | None = None
    erase: str | None = None
    background: str = "transparent"
    fit: Fit = "cover"
    place: str | None = None
    softness: float = 0
    grow: float = 0
    fine_hair: bool = False
    outline: str | None = None
    shadow: bool = False
    crop: Crop | None = None
    size: str | None = None
    longest: int | None = None
    id: str | None = None
    margin: float | None = None
    dpi: float | None = None
    sheet: bool = False
    format: str = "png"
    quality: int | None = None
    max_kb: float | None = None
    threshold: float | None = None
    one_look: bool = False
    prefix: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in CASELESS and isinstance(value, str):
                value = value.strip().lower()
                object.__setattr__(self, field.name, value)  # the dataclass is frozen
            _check_type(field.name, field.type, value)
        object.__setattr__(self, "format", find_format(self.format).name)
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ChoiceError("threshold goes from 0 to 1.", "threshold 范围为 0 到 1。")
        frames = [name for name in ("crop", "size", "id") if getattr(self, name)]
        if self.place and frames:
            place, frame = f"{self.prefix}place", f"{self.prefix}{frames[0]}"
            raise ChoiceError(
                f"{place} takes the frame of the background photo. Leave {frame} out.",
                f"{place} 使用背景照片的画面，请去掉 {frame}。",
            )

        self._check_sizes()

    def to_cutout_options(
        self, backdrop: Photo | None, masks: Sequence[Photo] = ()
    ) -> CutoutOptions:
        """Translate to `CutoutOptions`.

        Args:
            backdrop: another photo behind the objects, in place of `background`.
            masks: mask files, see `mask_corrections`; they come before the strokes.

        Raises:
            ChoiceError: a text cannot be parsed, or a value contradicts another one.
        """
        return CutoutOptions(
            objects=object_rule(self.objects) or self.objects,
            min_score=self.threshold,
            refine=not self.one_look,
            edge=Edge(self.softness, self.grow, self.fine_hair),
            strokes=self._strokes(masks),
            background=self._background(backdrop),
            effects=self._effects(),
            crop=self.crop,
            size=self._size(),
            dpi=self._dpi(),
            sheet=self.sheet,
            format=self.format,
            quality=self.quality,
            max_kilobytes=self.max_kb,
        )

    def _strokes(self, masks: Sequence[Photo]) -> tuple[Correction, ...]:
        strokes: list[Correction] = []
        for mask in masks:
            levels = np.asarray(cv2.cvtColor(mask.rgb, cv2.COLOR_RGB2GRAY), np.uint8)
            strokes += mask_corrections(levels, mask.alpha)
        if self.keep is not None:
            strokes += parse_strokes(self.keep, "keep")
        if self.erase is not None:
            strokes += parse_strokes(self.erase, "erase")
        return tuple(strokes)

    def _check_sizes(self) -> None:
        """Check that at most one size is given, and what belongs to it.

        Raises:
            ChoiceError: two sizes contradict each other, or `margin` or `dpi` has no use.
        """
        size, longest, id_ = (f"{self.prefix}{name}" for name in ("size", "longest", "id"))
        if sum(value is not None for value in (self.size, self.longest, self.id)) > 1:
            raise ChoiceError(
                f"{size}, {longest} and {id_} each set the size. Choose one of them.",
                f"{size}、{longest}、{id_} 都用来指定尺寸，请只用其中一个。",
            )
        if self.margin is not None and self.size is None:
            raise ChoiceError(
                f"{self.prefix}margin needs {size}.",
                f"{self.prefix}margin 需要与 {size} 一起使用。",
            )
        if self.dpi is not None and self.id is not None:
            raise ChoiceError(
                f"{id_} sets the resolution. Leave {self.prefix}dpi out.",
                f"{id_} 已规定分辨率，请去掉 {self.prefix}dpi。",
            )

    def _size(self) -> OutputSize | None:
        if self.longest is not None:
            return LongestSide(self.longest)
        if self.id is not None:
            return find_id_size(self.id).size
        if self.size is None:
            return None
        margin = None if self.margin is None else self.margin / 100
        if self.size in SHOP_SIZES:
            preset = SIZE_PRESETS[self.size].size
            return preset if margin is None else replace(preset, margin=margin)
        size_hw = parse_size(self.size, self.dpi or DEFAULT_DPI)
        return ExactSize(size_hw, DEFAULT_MARGIN if margin is None else margin)

    def _dpi(self) -> float | None:
        if self.id is not None:
            return find_id_size(self.id).dpi
        has_unit = self.size is not None and self.size.strip().lower().endswith(("mm", "in"))
        return self.dpi or (DEFAULT_DPI if has_unit else None)

    def _effects(self) -> Effects:
        outline: Effects = (parse_outline(self.outline),) if self.outline else ()
        return (*outline, Shadow()) if self.shadow else outline

    def _background(self, backdrop: Photo | None) -> Background:
        if backdrop:
            return parse_backdrop(backdrop, self.fit, self.place)
        if self.place:
            raise ChoiceError(
                f"{self.prefix}place needs another photo as the background.",
                f"{self.prefix}place 需要另一张照片作为背景。",
            )
        if background := parse_background(self.background):
            return background
        choices, text = join_choices(BACKGROUND_SYNTAXES), self.background[:20]
        raise ChoiceError(
            f"There is no background {text!r}. Choose {choices.en}, or give another photo as "
            "backdrop.",
            f"没有背景 {text!r}。可选 {choices.zh}，或用 backdrop 给出另一张照片。",
        )


def is_number(value: object) -> bool:
    """Whether a value is a finite number of double precision, and not a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # integers have any length
        return False


def accepts(kind: Any, value: object) -> bool:
    """Whether a value is of a kind: a type of `JSON_TYPES`, a union of them, or a Literal."""
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_args(kind):
        return any(accepts(option, value) for option in get_args(kind))
    if kind in (int, float):
        return is_number(value) and isinstance(value, (int, kind))
    return isinstance(value, kind)


def _check_type(name: str, kind: Any, value: object) -> None:
    if not accepts(kind, value):
        names, shown = _type_names(kind), _shown(value)
        raise ChoiceError(
            f"{name} takes {', '.join(names)}, not {shown}.",
            f"{name} 可取 {'、'.join(names)}，不能是 {shown}。",
        )


def _shown(value: object) -> str:
    try:
        return repr(value)[:40]
    except ValueError:  # Python writes no integer of thousands of digits
        return type(value).__name__


def _type_names(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if get_args(kind):
        return [name for option in get_args(kind) for name in _type_names(option)]
    return [JSON_TYPES[kind]]
