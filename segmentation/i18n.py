"""Texts in the product's two languages, and the choice between them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

Language = Literal["en", "zh"]
# The first one is the default.
LANGUAGES: tuple[Language, ...] = get_args(Language)
# zh, and the larger Chinese languages with a tag of their own (IANA Language Subtag Registry).
CHINESE = frozenset(["zh", "cdo", "cjy", "cmn", "gan", "hak", "hsn", "nan", "wuu", "yue"])
# A weight of RFC 9110, 12.4.2, with any number of digits.
WEIGHT = re.compile(r"\s*q=(0(?:\.[0-9]*)?|1(?:\.0*)?)\s*")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or name in both languages.

    Attributes:
        en: the English wording.
        zh: the Chinese wording.
    """

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """Return the wording for a reader of `language`."""
        return self.zh if language == "zh" else self.en


def join_choices(names: Sequence[str]) -> Text:
    """Join names that a person can choose from, as in "PNG, WebP or JPEG"."""
    *others, last = names
    if not others:
        return Text(last, last)
    return Text(f"{', '.join(others)} or {last}", f"{'、'.join(others)} 或 {last}")


def join_sentences(sentences: Iterable[Text], language: Language) -> str:
    """Join sentences in a language; there is no space between Chinese ones."""
    space = "" if language == "zh" else " "
    return space.join(sentence.in_language(language) for sentence in sentences)


# Starlette and Gradio do not parse this header; babel and werkzeug would be new dependencies.
# Cached, since every event of a page comes with the same header.
@lru_cache(maxsize=64)
def preferred_language(accept_language: str) -> Language:
    """Choose a language by the order and the weights of an Accept-Language header.

    A `*` stands for the languages that are not listed, weight 0 excludes a language, and a range
    with a malformed weight is ignored (RFC 9110, 12.5.4).

    Args:
        accept_language: the header's value; empty if the request has no such header.

    Returns:
        The preferred language; English if the header leaves the choice open.
    """
    ranges = list(_parse_ranges(accept_language))
    listed = {language for language, _ in ranges}
    default = next((language for language in LANGUAGES if language not in listed), LANGUAGES[0])
    acceptable = [(language or default, weight) for language, weight in ranges if weight > 0]
    # The first of several maxima wins, so the order decides between equal weights.
    return max(acceptable, key=lambda choice: choice[1], default=(default, 0))[0]


def _parse_ranges(accept_language: str) -> Iterator[tuple[Language | None, float]]:
    """Yield language (None for `*`) and weight of each range that names one of `LANGUAGES`."""
    for item in accept_language.lower().split(","):
        tag, _, parameter = item.partition(";")
        primary = tag.strip().replace("_", "-").partition("-")[0]  # some programs send zh_CN
        if weight := WEIGHT.fullmatch(parameter or "q=1"):
            if primary == "*":
                yield None, float(weight[1])
            elif primary in CHINESE:
                yield "zh", float(weight[1])
            elif primary == "en":
                yield "en", float(weight[1])
