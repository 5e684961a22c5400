"""The columns of a comparison, one for each setting, made now or in advance."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from segmentation.arrays import UInt8
from segmentation.i18n import Language, Text
from segmentation.page.compare_tab.compare import Comparison, Seconds, Setting
from segmentation.page.compare_tab.difference import (
    ONLY_FIRST,
    ONLY_OTHER,
    Similarity,
    compare_alphas,
    difference_map,
)
from segmentation.page.components import picture_buttons
from segmentation.page.preview import on_checkerboard
from segmentation.page.strings import STRINGS

# Names of the settings.
LETTERS = "ABCD"
# The file beside the images of comparisons that were made in advance.
PREPARED_NAME = "comparisons.json"
# The fields of `Seconds` in the order of the work, and their keys in STRINGS.
STAGES = {
    "load": "seconds_load",
    "prepare": "seconds_prepare",
    "infer": "seconds_infer",
    "instances": "seconds_instances",
    "closer": "seconds_refine",
    "edge": "seconds_edge",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One setting of a comparison, small enough to keep for every open page.

    Attributes:
        setting: its name.
        variant: the model that found the objects.
        object_count: number of objects.
        image: path of the cut-out.
        difference: path of the map of differences to the first column; the first has none.
        similarity: to the first column; the first has none.
        seconds: time spent.
        device: the device, and its host if the comparison was made in advance.
    """

    setting: Text
    variant: Text
    object_count: int
    image: str
    difference: str | None
    similarity: Similarity | None
    seconds: Seconds
    device: str


def draw_columns(comparison: Comparison, store: Callable[[str, UInt8], str]) -> tuple[Column, ...]:
    """Draw a comparison.

    Args:
        comparison: the comparison.
        store: takes a name and an image uint8 (h, w, 3), stores it, and returns its path.
    """
    first = comparison.cutouts[0]
    columns = []
    for letter, cutout in zip(LETTERS, comparison.cutouts, strict=False):
        difference: str | None = None
        if cutout is not first:
            image = difference_map(comparison.rgb, first.alpha, cutout.alpha)
            difference = store(f"difference_{letter}", image)
        columns.append(
            Column(
                setting=setting_name(cutout.setting),
                variant=cutout.setting.variant.title,
                object_count=cutout.object_count,
                image=store(f"cut_out_{letter}", on_checkerboard(cutout.image)),
                difference=difference,
                similarity=compare_alphas(first.alpha, cutout.alpha) if difference else None,
                seconds=cutout.seconds,
                device=cutout.device,
            )
        )
    return tuple(columns)


def write_prepared(
    folder: Path, model: str, host: str, comparisons: Mapping[str, Sequence[Column]]
) -> None:
    """Write comparisons that were made in advance, so that a page can show them at once.

    Args:
        folder: of their images.
        model: sha256 of the model that found the objects.
        host: where they were made, since times depend on it.
        comparisons: by the file name of the photo.
    """
    entries = {
        name: [asdict(replace(column, device=f"{column.device}, {host}")) for column in columns]
        for name, columns in comparisons.items()
    }
    text = json.dumps({"model": model, "comparisons": entries}, ensure_ascii=False, indent=1)
    (folder / PREPARED_NAME).write_text(text + "\n", "utf-8")


def read_prepared(folder: Path) -> dict[str, tuple[Column, ...]]:
    """Read the comparisons of `write_prepared`, with the paths of their images."""
    entries = json.loads((folder / PREPARED_NAME).read_text("utf-8"))["comparisons"]
    return {
        name: tuple(_column(folder, column) for column in columns)
        for name, columns in entries.items()
    }


def setting_name(setting: Setting) -> Text:
    """Describe how a setting differs from the standard one, apart from the model."""
    edge = setting.options.edge
    parts = []
    if not setting.options.refine:
        parts.append(STRINGS["not_refined"])
    if edge.softness:
        kind = STRINGS["softer" if edge.softness > 0 else "sharper"]
        parts.append(Text(f"{kind.en} {abs(edge.softness):g}", f"{kind.zh} {abs(edge.softness):g}"))
    if edge.grow:
        kind = STRINGS["grown" if edge.grow > 0 else "shrunk"]
        parts.append(Text(f"{kind.en} {abs(edge.grow):g} ‰", f"{kind.zh} {abs(edge.grow):g} ‰"))
    if edge.fine_hair:
        parts.append(STRINGS["fine_hair"])
    parts = parts or [STRINGS["standard"]]
    return Text(", ".join(part.en for part in parts), "、".join(part.zh for part in parts))


def side_by_side(columns: Sequence[Column], language: Language) -> str:
    """Return the cut-outs as HTML: a button for each, below what a click does."""
    pictures = [
        (column.image, f"<span>{letter} · {escape(column.setting.in_language(language))}</span>")
        for letter, column in zip(LETTERS, columns, strict=False)
    ]
    heading = escape(STRINGS["side_by_side"].in_language(language))
    return f"<p>{heading}</p><div>{picture_buttons(pictures)}</div>"


def legend(letter: str, language: Language) -> str:
    """Return the legend of the map between the first column and another one, as HTML."""
    colours = [f"rgb{colour}" for colour in (ONLY_FIRST, ONLY_OTHER)]
    first, other = (f'<span style="color: {colour}">■</span>' for colour in colours)
    text = STRINGS["legend"].in_language(language)
    return text.format(first=first, other=other, letter=letter)


def figures_table(columns: Sequence[Column], language: Language) -> str:
    """Return the figures of a comparison as Markdown: a row for each, so that it fits a phone."""
    head = [STRINGS["setting"].in_language(language), *LETTERS[: len(columns)]]
    rows = [head, ["---"] * len(head), *_rows(columns, language)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _rows(columns: Sequence[Column], language: Language) -> Iterator[list[str]]:
    def text(key: str) -> str:
        return STRINGS[key].in_language(language)

    yield [
        text("difference_to_standard"),
        *(column.setting.in_language(language) for column in columns),
    ]
    yield [text("model"), *(column.variant.in_language(language) for column in columns)]
    yield [text("device"), *(column.device for column in columns)]
    yield [text("objects"), *(str(column.object_count) for column in columns)]
    values = [column.similarity for column in columns]
    yield [text("iou"), *(f"{value.iou:.3f}" if value else "–" for value in values)]
    yield [text("boundary_f"), *(f"{value.boundary_f:.3f}" if value else "–" for value in values)]
    yield [text("visibly_changed"), *(f"{value.changed:.1%}" if value else "–" for value in values)]
    times = [column.seconds for column in columns]
    for stage, key in STAGES.items():
        yield [text(key), *(f"{getattr(seconds, stage):.3f}" for seconds in times)]
    yield [text("seconds_per_photo"), *(f"**{seconds.each_photo:.3f}**" for seconds in times)]


def _column(folder: Path, entry: dict[str, Any]) -> Column:
    difference, similarity = entry["difference"], entry["similarity"]
    return Column(
        setting=Text(**entry["setting"]),
        variant=Text(**entry["variant"]),
        object_count=entry["object_count"],
        image=str(folder / entry["image"]),
        difference=str(folder / difference) if difference else None,
        similarity=Similarity(**similarity) if similarity else None,
        seconds=Seconds(**entry["seconds"]),
        device=entry["device"],
    )
