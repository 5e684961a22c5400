"""Chinese names for the labels of COCO, Cityscapes, ADE20K and the bundled model."""

import json
from collections.abc import Iterable
from pathlib import Path

from segmentation.i18n import Text


def translate_labels(labels: Iterable[str]) -> tuple[Text, ...]:
    """Pair each label with its Chinese name; a label without one keeps the English name."""
    chinese = json.loads(Path(__file__).with_name("labels_zh.json").read_text("utf-8"))
    return tuple(Text(en=label, zh=chinese.get(_key(label), label)) for label in labels)


def _key(label: str) -> str:
    # ADE20K lists synonyms: "road, route".
    return label.split(",")[0].strip().lower()
