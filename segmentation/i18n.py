"""Sentences for people, in the two languages of the product."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or name in both languages, so that neither can be forgotten.

    Attributes:
        en: the English wording.
        zh: the Chinese wording.
    """

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """The wording for a reader of `language`."""
        return self.zh if language == "zh" else self.en


def preferred_language(accepted: str) -> Language:
    """The language that Accept-Language names first, of the two there are."""
    return "zh" if accepted.startswith("zh") else "en"
