"""The page's texts are complete in both languages, and all of them are used."""

import re
from pathlib import Path

import pytest

import segmentation
from segmentation.compositing.backgrounds import BACKGROUNDS, FITS
from segmentation.compositing.sizing.presets import ID_COLOURS, ID_SIZES, SHOP_SIZES, SIZE_PRESETS
from segmentation.i18n import Text
from segmentation.image.formats import OUTPUT_FORMATS
from segmentation.page.batch_tab.batch import BATCH_RULES
from segmentation.page.components import I18N
from segmentation.page.options import FRAMES
from segmentation.page.size_options import SIZE_KINDS, UNITS
from segmentation.page.strings import FOOTER, STRINGS

PACKAGE = Path(segmentation.__file__).parent
SOURCES = [*sorted(PACKAGE.rglob("*.py")), PACKAGE.parent / "app.py"]


def placeholders(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{[^}]*\}", sentence))


@pytest.mark.parametrize("text", [*STRINGS.values(), FOOTER], ids=[*STRINGS, "FOOTER"])
def test_a_text_has_both_languages_and_the_same_placeholders(text: Text) -> None:
    assert text.en.strip() == text.en != ""
    assert re.search("[\u4e00-\u9fff]", text.zh)
    assert placeholders(text.en) == placeholders(text.zh)
    assert text.in_language("en") is text.en
    assert text.in_language("zh") is text.zh


def test_every_text_is_used() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SOURCES if path.name != "strings.py")
    unused = {key for key in STRINGS if not re.search(f"""["']{key}["']""", code)}
    # Their registry puts some names together from parts; the page shows these two kinds.
    assert unused <= {*SHOP_SIZES, *ID_SIZES}


def test_no_value_of_a_control_is_a_translation_key() -> None:
    """Gradio's page translates every string that is a key, even the value of a control."""
    values = {*BACKGROUNDS, *FITS, *FRAMES, *BATCH_RULES, *OUTPUT_FORMATS}
    values |= {*SIZE_KINDS, *SIZE_PRESETS, *ID_COLOURS, *UNITS}
    assert not values & I18N.translations["en"].keys()
