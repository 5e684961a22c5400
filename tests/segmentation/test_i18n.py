"""What people read: both languages say the same things."""

import re
from pathlib import Path

import pytest

import segmentation
from segmentation.i18n import Text
from segmentation.page.strings import FOOTER, STRINGS

SOURCES = sorted(Path(segmentation.__file__).parent.rglob("*.py"))


def placeholders(sentence: str) -> list[str]:
    return sorted(re.findall(r"\{[^}]*\}", sentence))


@pytest.mark.parametrize("text", [*STRINGS.values(), FOOTER], ids=[*STRINGS, "FOOTER"])
def test_words_are_there_in_both_languages(text: Text) -> None:
    assert text.en.strip() == text.en != ""
    assert re.search("[\u4e00-\u9fff]", text.zh)
    assert placeholders(text.en) == placeholders(text.zh)
    assert text.in_language("en") is text.en
    assert text.in_language("zh") is text.zh


def test_every_word_is_used() -> None:
    sources = [*SOURCES, Path(segmentation.__file__).parents[1] / "app.py"]
    code = "\n".join(path.read_text("utf-8") for path in sources if path.name != "words.py")
    assert [key for key in STRINGS if not re.search(f"""["']{key}["']""", code)] == []
