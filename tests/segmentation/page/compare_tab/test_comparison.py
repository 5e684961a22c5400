"""Comparisons of settings: the cut-outs, their differences, and the columns shown."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation.compositing.matting.alpha import Edge
from segmentation.cutout import CutoutOptions
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.registry import ModelRegistry
from segmentation.inference.select import select
from segmentation.model_card import find_model
from segmentation.page.compare_tab.columns import (
    Column,
    draw_columns,
    figures_table,
    read_prepared,
    setting_name,
    write_prepared,
)
from segmentation.page.compare_tab.compare import (
    Comparison,
    Seconds,
    Setting,
    compare,
    segment_with_variants,
)
from segmentation.page.compare_tab.difference import (
    ONLY_FIRST,
    ONLY_OTHER,
    compare_alphas,
    difference_map,
)
from tests.paths import EXAMPLES

pytestmark = pytest.mark.usefixtures("cached_inference")

PREPARED = EXAMPLES / "compare"
REGISTRY = ModelRegistry([find_model("compact")])
[VARIANT] = REGISTRY.variants()
STANDARD = Setting(VARIANT)


def setting(**options: Any) -> Setting:
    return Setting(VARIANT, CutoutOptions(**options))


def compared(photo: Photo, settings: Sequence[Setting], selection: Any = None) -> Comparison:
    results = segment_with_variants(REGISTRY, photo, settings, selection)
    return compare(photo, settings, results)


def test_two_alphas_are_compared_by_iou_boundary_and_changed_share() -> None:
    empty = np.zeros((40, 60), np.uint8)
    left, top = empty.copy(), empty.copy()
    left[:, :30] = 255
    top[:20] = 255
    assert compare_alphas(left, left).iou == 1
    assert compare_alphas(left, top).iou == pytest.approx(1 / 3)
    assert compare_alphas(left, top).changed == pytest.approx(1 / 2)
    assert (compare_alphas(empty, empty).iou, compare_alphas(empty, empty).boundary_f) == (1, 1)
    softer = np.where(left > 0, 200, 0).astype(np.uint8)
    assert (compare_alphas(left, softer).iou, compare_alphas(left, softer).changed) == (1, 0.5)


def test_the_difference_map_colours_pixels_of_only_one_cut_out() -> None:
    rgb = np.full((1, 3, 3), 100, np.uint8)
    first_alpha, other_alpha = (
        np.array([[255, 0, 90]], np.uint8),
        np.array([[0, 255, 90]], np.uint8),
    )
    [[first, second, neither]] = difference_map(rgb, first_alpha, other_alpha).tolist()
    assert (tuple(first), tuple(second)) == (ONLY_FIRST, ONLY_OTHER)
    assert len(set(neither)) == 1


def test_settings_affect_their_own_cut_out_and_times_only() -> None:
    photo = read_photo(EXAMPLES / "chelsea.png")
    settings = [STANDARD, setting(refine=False), setting(edge=Edge(grow=10))]
    standard, unrefined, grown = compared(photo, settings).cutouts
    assert standard.seconds.closer > 0 == unrefined.seconds.closer
    assert standard.seconds.infer == unrefined.seconds.infer
    assert 0.9 < compare_alphas(standard.alpha, unrefined.alpha).iou < 1
    assert grown.alpha.sum() > standard.alpha.sum()
    assert standard.device
    assert standard.object_count >= 1


def test_the_objects_chosen_before_are_compared() -> None:
    photo = read_photo(EXAMPLES / "astronaut.png")
    found, _ = REGISTRY.segmenter().segment(photo)
    others = [id_ for id_ in select(found, "all") if id_ not in select(found, "auto")]
    subject = compared(photo, [STANDARD])
    chosen = compared(photo, [STANDARD], (found, others[:1]))
    assert chosen.rgb.shape != subject.rgb.shape
    assert compared(photo, [STANDARD], (found, ())).rgb.shape == subject.rgb.shape


@pytest.mark.parametrize(
    ("changed", "en"),
    [
        (setting(), "Standard"),
        (
            setting(refine=False, edge=Edge(0.5, -3)),
            "Not refined, Softer by 0.5, Shrunk by 3 ‰",
        ),
        (
            setting(edge=Edge(-1, 2, True)),
            "Harder by 1, Grown by 2 ‰, Fine hair and fur",
        ),
    ],
)
def test_a_setting_is_named_by_its_changes(changed: Setting, en: str) -> None:
    assert setting_name(changed).en == en


def test_the_table_has_the_device_and_the_times() -> None:
    plain = Text("Standard", "标准")
    timed = Column(plain, plain, 2, "", None, None, Seconds(1, 0.1, 0.2, 0.3, 0.4, 0.5), "CPU")
    lines = figures_table([timed, timed], "en").splitlines()
    assert "| Device | CPU | CPU |" in lines
    assert "| Run the model, s | 0.200 | 0.200 |" in lines
    assert "| Total per photo, s | **1.500** | **1.500** |" in lines


def test_prepared_comparisons_are_read_as_they_were_written(tmp_path: Path) -> None:
    photo = read_photo(EXAMPLES / "coffee.png")
    comparison = compared(photo, [STANDARD, setting(refine=False)])
    shown = draw_columns(comparison, lambda name, _: name)
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
    bundled = find_model("compact").artifacts[0].sha256
    assert model == bundled, "the bundled model has changed: run python -m convert compare"
