"""The size of the file as the page's controls say it, and its translation."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from segmentation.compositing.sizing.presets import (
    ID_SIZES,
    SHOP_SIZES,
    SIZE_PRESETS,
    SizePreset,
)
from segmentation.compositing.sizing.size import (
    DEFAULT_DPI,
    DEFAULT_MARGIN,
    ExactSize,
    FrameMove,
    LongestSide,
    OutputSize,
    parse_size,
)
from segmentation.errors import ChoiceError
from segmentation.i18n import Text

SizeKind = Literal["original", "longest", "exact", "shop", "id_photo"]
SIZE_KINDS: tuple[SizeKind, ...] = get_args(SizeKind)
# Kinds with a frame of their own, which take no crop.
EXACT_KINDS: tuple[SizeKind, ...] = ("exact", "shop", "id_photo")
MARGIN_KINDS: tuple[SizeKind, ...] = ("exact", "shop")
Unit = Literal["px", "mm"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """The values of the controls of the size, by name. A number field may be empty: None.

    Attributes:
        size_kind: which of the sizes counts.
        longest: pixels of the longer side.
        width, height, unit: of an exact size.
        dpi: dots per inch of an exact size, written into the file.
        shop: one of SHOP_SIZES.
        margin: around the subject of an exact size or a shop's, in percent of the frame.
        id_format: one of ID_SIZES.
        zoom, shift_x, shift_y: correct the frame of an ID photo, see `FrameMove`.
        sheet: fill 6-inch paper with copies of the ID photo.
        max_kb: the largest file, in kB; 0 or None sets no limit.
    """

    size_kind: SizeKind = "original"
    longest: float | None = 2000
    width: float | None = 800
    height: float | None = 800
    unit: Unit = "px"
    dpi: float | None = DEFAULT_DPI
    shop: str = SHOP_SIZES[0]
    margin: float = 100 * DEFAULT_MARGIN
    id_format: str = ID_SIZES[0]
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    sheet: bool = False
    max_kb: float | None = 0

    @property
    def is_exact(self) -> bool:
        """Whether the size has a frame of its own, so that no crop applies."""
        return self.size_kind in EXACT_KINDS

    @property
    def makes_sheet(self) -> bool:
        """Whether the file is a sheet of ID photos."""
        return self.sheet and self.size_kind == "id_photo"

    def output_size(self) -> OutputSize | None:
        """Translate the size.

        Raises:
            ChoiceError: a number is missing or out of range.
        """
        match self.size_kind:
            case "longest":
                return LongestSide(round(_entered(self.longest)))
            case "exact":
                text = f"{_entered(self.width):g}x{_entered(self.height):g}{self.unit}"
                return ExactSize(parse_size(text, _entered(self.dpi)), self.margin / 100)
            case "shop":
                return replace(SIZE_PRESETS[self.shop].size, margin=self.margin / 100)
            case "id_photo":
                move = FrameMove(self.zoom, (self.shift_x, self.shift_y))
                return replace(SIZE_PRESETS[self.id_format].size, move=move)
            case _:
                return None

    def output_dpi(self) -> float | None:
        """Return the dots per inch to write into the file; None keeps the photo's."""
        if self.size_kind == "exact":
            return self.dpi
        return SIZE_PRESETS[self.id_format].dpi if self.size_kind == "id_photo" else None


def size_title(preset: SizePreset) -> Text:
    """Return a size as its menu shows it: pixels, and name and millimetres if it is printed."""
    height, width = preset.size.size_hw
    if preset.size_wh_mm is None:
        return Text(f"{width} × {height} px", f"{width} × {height} 像素")
    width_mm, height_mm = preset.size_wh_mm
    sides = f"{width} × {height} px · {width_mm} × {height_mm} mm"
    return Text(f"{preset.title.en} · {sides}", f"{preset.title.zh} · {sides}")


def _entered(number: float | None) -> float:
    if number is None:
        raise ChoiceError(
            "A number of the size is missing. Enter it in the Size panel.",
            "尺寸中有数值未填写，请在“尺寸”中填写。",
        )
    return number
