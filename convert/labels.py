"""Chinese names for the labels of the usual datasets: COCO, Cityscapes, ADE20K and our own."""

import json
from collections.abc import Iterable
from pathlib import Path

from segmentation.i18n import Text


def in_both_languages(labels: Iterable[str]) -> tuple[Text, ...]:
    """Each label with its Chinese name; where none is known, the English one stands for it."""
    chinese = json.loads(Path(__file__).with_name("labels_zh.json").read_text("utf-8"))
    return tuple(Text(en=label, zh=chinese.get(_key(label), label)) for label in labels)


def _key(label: str) -> str:
    # ADE20K lists synonyms: "road, route".
    return label.split(",")[0].strip().lower()
