"""The same objects in several ways, what differs, and what is shown of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation.compositing.matting import Edge
from segmentation.i18n import Text
from segmentation.image.read import Photo, read_photo
from segmentation.inference.registry import ModelRegistry
from segmentation.inference.select import select
from segmentation.model_card import find_model
from segmentation.page.comparison.columns import (
    Column,
    columns,
    in_words,
    read_prepared,
    table,
    write_prepared,
)
from segmentation.page.comparison.compare import (
    Comparison,
    Seconds,
    Setting,
    compare,
    see,
)
from segmentation.page.comparison.difference import ONLY_FIRST, ONLY_OTHER, difference_map, likeness
from tests.paths import EXAMPLES

PREPARED = EXAMPLES / "compare"
SHELF = ModelRegistry([find_model("compact")])
[FINDER] = SHELF.variants()
STANDARD = Setting(FINDER)


def compared(photo: Photo, settings: Sequence[Setting], wanted: Any = None) -> Comparison:
    return compare(photo, settings, see(SHELF, photo, settings, wanted))


def test_likeness() -> None:
    empty = np.zeros((40, 60), np.uint8)
    left, top = empty.copy(), empty.copy()
    left[:, :30] = 255
    top[:20] = 255
    assert likeness(left, left).iou == 1
    assert likeness(left, top).iou == pytest.approx(1 / 3)
    assert likeness(left, top).changed == pytest.approx(1 / 2)
    assert (likeness(empty, empty).iou, likeness(empty, empty).outline) == (1, 1)
    softer = np.where(left > 0, 200, 0).astype(np.uint8)
    assert (likeness(left, softer).iou, likeness(left, softer).changed) == (1, 0.5)


def test_the_map_says_which_one_has_it() -> None:
    rgb = np.full((1, 3, 3), 100, np.uint8)
    one, other = np.array([[255, 0, 90]], np.uint8), np.array([[0, 255, 90]], np.uint8)
    [[first, second, neither]] = difference_map(rgb, one, other).tolist()
    assert (tuple(first), tuple(second)) == (ONLY_FIRST, ONLY_OTHER)
    assert len(set(neither)) == 1


def test_settings_change_what_they_name_and_cost_what_they_take() -> None:
    photo = read_photo(EXAMPLES / "chelsea.png")
    settings = [STANDARD, replace(STANDARD, closer=False), replace(STANDARD, edge=Edge(grow=10))]
    standard, one_look, grown = compared(photo, settings).compared
    assert standard.seconds.closer > 0 == one_look.seconds.closer
    assert standard.seconds.infer == one_look.seconds.infer
    assert 0.9 < likeness(standard.alpha, one_look.alpha).iou < 1
    assert grown.alpha.sum() > standard.alpha.sum()
    assert standard.device
    assert standard.found >= 1


def test_what_was_chosen_before_is_what_is_compared() -> None:
    photo = read_photo(EXAMPLES / "astronaut.png")
    found, _ = SHELF.segmenter().segment(photo)
    others = [id_ for id_ in select(found, "all") if id_ not in select(found, "auto")]
    subject = compared(photo, [STANDARD])
    chosen = compared(photo, [STANDARD], (found, others[:1]))
    assert chosen.rgb.shape != subject.rgb.shape
    assert compared(photo, [STANDARD], (found, ())).rgb.shape == subject.rgb.shape


@pytest.mark.parametrize(
    ("setting", "en"),
    [
        (STANDARD, "Standard"),
        (
            replace(STANDARD, closer=False, edge=Edge(0.5, -3)),
            "One look, Softer by 0.5, Further in by 3 ‰",
        ),
        (
            replace(STANDARD, edge=Edge(-1, 2, True)),
            "Harder by 1, Further out by 2 ‰, Fine hair and fur",
        ),
    ],
)
def test_a_setting_is_named_by_what_it_changes(setting: Setting, en: str) -> None:
    assert in_words(setting).en == en


def test_the_table_has_what_it_took() -> None:
    plain = Text("Standard", "标准")
    timed = Column(plain, plain, 2, "", None, None, Seconds(1, 0.1, 0.2, 0.3, 0.4, 0.5), "CPU")
    lines = table([timed, timed], "en").splitlines()
    assert "| Device | CPU | CPU |" in lines
    assert "| Run the model, s | 0.200 | 0.200 |" in lines
    assert "| Each photo, s | **1.500** | **1.500** |" in lines


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    photo = read_photo(EXAMPLES / "coffee.png")
    comparison = compared(photo, [STANDARD, replace(STANDARD, closer=False)])
    shown = columns(comparison, lambda name, _: name)
    write_prepared(tmp_path, "", "a slow host", {"coffee.png": shown})
    first, second = read_prepared(tmp_path)["coffee.png"]
    assert (first.image, first.difference) == (str(tmp_path / "cut_out_A"), None)
    assert second == replace(
        shown[1],
        image=str(tmp_path / "cut_out_B"),
        difference=str(tmp_path / "difference_B"),
        device=f"{shown[1].device}, a slow host",
    )


def test_the_examples_were_compared_with_the_bundled_model() -> None:
    entries = json.loads((EXAMPLES / "gallery.json").read_text("utf-8"))
    prepared = read_prepared(PREPARED)
    assert list(prepared) == [entry["file"] for entry in entries]
    for column in (column for shown in prepared.values() for column in shown):
        assert cv2.imread(column.image) is not None
    model = json.loads((PREPARED / "comparisons.json").read_text("utf-8"))["model"]
    now = find_model("compact").artifacts[0].sha256
    assert model == now, "the model is another one: run python -m convert compare"
