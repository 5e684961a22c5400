"""What a page shows of a comparison: a column for each setting, whether made now or beforehand."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import Transparent
from segmentation.compositing.compose import compose
from segmentation.i18n import Language, Text
from segmentation.image.photo import Photo
from segmentation.page.comparison.compare import Comparison, Seconds, Setting
from segmentation.page.comparison.difference import (
    ONLY_FIRST,
    ONLY_OTHER,
    Likeness,
    difference_map,
    likeness,
)
from segmentation.page.session import on_checkerboard
from segmentation.page.strings import STRINGS

# What the settings are called.
LETTERS = "ABCD"
# Beside the images of comparisons that were made beforehand.
PREPARED = "comparisons.json"
# The fields of `Seconds`, in the order of the work, and the words for them.
STAGES = {
    "load": "spent_load",
    "prepare": "spent_prepare",
    "infer": "spent_infer",
    "instances": "spent_instances",
    "closer": "spent_closer",
    "edge": "spent_edge",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One setting of a comparison, small enough to keep for every open page.

    Attributes:
        setting: what it is.
        finder: what found the objects.
        found: how many objects.
        image: path of the cut-out.
        difference: path of the map of what differs from the first column, which has none.
        likeness: to the first column, which has none.
        seconds: what it took.
        device: what computed; for what was made beforehand, on which host.
    """

    setting: Text
    finder: Text
    found: int
    image: str
    difference: str | None
    likeness: Likeness | None
    seconds: Seconds
    device: str


def columns(comparison: Comparison, keep: Callable[[str, UInt8], str]) -> tuple[Column, ...]:
    """Draw a comparison.

    Args:
        comparison: the comparison.
        keep: takes a name and an image (h, w, 3), stores it, and tells where.
    """
    first = comparison.compared[0]
    drawn = []
    for letter, compared in zip(LETTERS, comparison.compared, strict=False):
        cut_out = compose(Photo(comparison.rgb, None, "", ()), compared.alpha, Transparent())
        differs = None
        if compared is not first:
            map_ = difference_map(comparison.rgb, first.alpha, compared.alpha)
            differs = keep(f"difference_{letter}", map_)
        drawn.append(
            Column(
                setting=in_words(compared.setting),
                finder=compared.setting.finder.title,
                found=compared.found,
                image=keep(f"cut_out_{letter}", on_checkerboard(cut_out)),
                difference=differs,
                likeness=likeness(first.alpha, compared.alpha) if differs else None,
                seconds=compared.seconds,
                device=compared.device,
            )
        )
    return tuple(drawn)


def write_prepared(
    folder: Path, model: str, host: str, comparisons: Mapping[str, Sequence[Column]]
) -> None:
    """Note comparisons that were made beforehand, so that a page can show them at once.

    Args:
        folder: where their images are.
        model: sha256 of what found the objects.
        host: that they were made on, since their times are its.
        comparisons: by the file name of the photo.
    """
    noted = {
        name: [asdict(replace(column, device=f"{column.device}, {host}")) for column in shown]
        for name, shown in comparisons.items()
    }
    text = json.dumps({"model": model, "comparisons": noted}, ensure_ascii=False, indent=1)
    (folder / PREPARED).write_text(text + "\n", "utf-8")


def read_prepared(folder: Path) -> dict[str, tuple[Column, ...]]:
    """The comparisons of `write_prepared`, with the paths of their images."""
    noted = json.loads((folder / PREPARED).read_text("utf-8"))["comparisons"]
    return {
        name: tuple(_column(folder, fields_) for fields_ in shown) for name, shown in noted.items()
    }


def in_words(setting: Setting) -> Text:
    """In what a setting differs from the page's standard one, apart from what finds the objects."""
    edge = setting.edge
    said = []
    if not setting.closer:
        said.append(STRINGS["one_look"])
    if edge.softness:
        kind = STRINGS["softer" if edge.softness > 0 else "harder"]
        said.append(Text(f"{kind.en} {abs(edge.softness):g}", f"{kind.zh} {abs(edge.softness):g}"))
    if edge.grow:
        kind = STRINGS["further_out" if edge.grow > 0 else "further_in"]
        said.append(Text(f"{kind.en} {abs(edge.grow):g} ‰", f"{kind.zh} {abs(edge.grow):g} ‰"))
    if edge.fine_hair:
        said.append(STRINGS["fine_hair"])
    said = said or [STRINGS["standard"]]
    return Text(", ".join(part.en for part in said), "、".join(part.zh for part in said))


def caption(column: Column, letter: str, language: Language) -> str:
    """What stands under a cut-out."""
    return f"{letter} · {column.setting.in_language(language)}"


def legend(letter: str, language: Language) -> str:
    """What the colours of the map between the first column and another one mean, in HTML."""
    colours = [f"rgb{colour}" for colour in (ONLY_FIRST, ONLY_OTHER)]
    first, other = (f'<span style="color: {colour}">■</span>' for colour in colours)
    said = STRINGS["legend"].in_language(language)
    return said.format(first=first, other=other, letter=letter)


def table(shown: Sequence[Column], language: Language) -> str:
    """The figures of a comparison in Markdown: a row a figure, so that it also fits a phone."""
    head = [STRINGS["setting"].in_language(language), *LETTERS[: len(shown)]]
    lines = [head, ["---"] * len(head), *_rows(shown, language)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _rows(shown: Sequence[Column], language: Language) -> Iterator[list[str]]:
    def said(key: str) -> str:
        return STRINGS[key].in_language(language)

    yield [said("way"), *(column.setting.in_language(language) for column in shown)]
    yield [said("model"), *(column.finder.in_language(language) for column in shown)]
    yield [said("device"), *(column.device for column in shown)]
    yield [said("objects"), *(str(column.found) for column in shown)]
    likenesses = [column.likeness for column in shown]
    yield [said("iou"), *(f"{like.iou:.3f}" if like else "–" for like in likenesses)]
    yield [said("outlines"), *(f"{like.outline:.3f}" if like else "–" for like in likenesses)]
    yield [said("changed"), *(f"{like.changed:.1%}" if like else "–" for like in likenesses)]
    spent = [column.seconds for column in shown]
    for stage, word in STAGES.items():
        yield [said(word), *(f"{getattr(seconds, stage):.3f}" for seconds in spent)]
    yield [said("spent_each_photo"), *(f"**{seconds.each_photo:.3f}**" for seconds in spent)]


def _column(folder: Path, noted: dict[str, Any]) -> Column:
    differs, like = noted["difference"], noted["likeness"]
    return Column(
        setting=Text(**noted["setting"]),
        finder=Text(**noted["finder"]),
        found=noted["found"],
        image=str(folder / noted["image"]),
        difference=str(folder / differs) if differs else None,
        likeness=Likeness(**like) if like else None,
        seconds=Seconds(**noted["seconds"]),
        device=noted["device"],
    )
