"""Results of the photos of a batch, and their table in the ZIP."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.i18n import Language, Text, join_sentences
from segmentation.inference.postprocess import Instance
from segmentation.page.cutout_tab.open_request import OpenRequest

TABLE_NAME = "objects.csv"
COLUMNS = ["photo", "id", "label", "score", "left", "top", "right", "bottom", "area"]
COLUMNS += ["chosen", "file", "seconds", "note"]
# Spreadsheets run a cell that begins like this as a formula, some also with full-width characters.
# Source: OWASP, CSV Injection.
FORMULA_PREFIXES = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """The result of one photo.

    Attributes:
        path: of the upload.
        file: the cut-out's name in the ZIP, or None if there is none.
        instances: the objects found.
        chosen: ids of those that were cut out.
        seconds: time spent.
        notes: the reason why there is no cut-out, or notices about it.
        name: the name that the ZIP has for the cut-out, even if there is none yet.
        is_readable: whether the photo can be opened.
        thumbnail: path of a small picture of the cut-out, or None if there is none.
        fix: how to open the photo as a visitor fixed it, or None if nobody did.
    """

    path: Path
    file: str | None
    instances: tuple[Instance, ...]
    chosen: tuple[int, ...]
    seconds: float
    notes: tuple[Text, ...]
    name: str
    is_readable: bool = True
    thumbnail: str | None = None
    fix: OpenRequest | None = None

    @property
    def photo(self) -> str:
        """File name of the photo."""
        return self.path.name

    def note(self, language: Language) -> str:
        """The notes as one text, which may be empty."""
        return join_sentences(self.notes, language)


def csv_table(results: Sequence[PhotoResult], language: Language) -> bytes:
    """Return everything found as CSV: a row for each object, or for a photo without any.

    Boxes are in photo pixels, ends excluded; areas are shares of the photo. No cell is a formula. A
    byte order mark tells spreadsheets that it is UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for result in results:
        writer.writerows(_rows(result, language))
    return text.getvalue().encode("utf-8-sig")


def _rows(result: PhotoResult, language: Language) -> Iterator[Sequence[str | int]]:
    note = _not_a_formula(result.note(language))
    end = (_not_a_formula(result.file or ""), f"{result.seconds:.2f}", note)
    photo = _not_a_formula(result.photo)
    for instance in result.instances:
        label = _not_a_formula(instance.label.in_language(language))
        score, area = f"{instance.score:.4f}", f"{instance.area:.5f}"
        start = (photo, instance.id, label, score, *instance.box_xyxy, area)
        yield *start, int(instance.id in result.chosen), *end
    if not result.instances:
        yield photo, *[""] * (len(COLUMNS) - 1 - len(end)), *end


def _not_a_formula(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_PREFIXES) else text
