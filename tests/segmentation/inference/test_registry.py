"""The models of a page, each loaded once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation.errors import EngineUnavailable, ModelError, ModelNotFound
from segmentation.inference.registry import ModelRegistry, available_models
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import ModelCard, find_model, save_card
from tests.stand_ins.toolkit import fresh_acl

COMPACT = find_model("compact")
HALF = tuple(replace(artifact, precision="fp16") for artifact in COMPACT.artifacts)
OTHER = replace(COMPACT, name="other", artifacts=(*COMPACT.artifacts, *HALF))


def test_the_first_model_is_the_default() -> None:
    models = ModelRegistry([OTHER, COMPACT])
    assert models.card() is OTHER
    assert models.card("compact") is COMPACT
    assert models.segmenter().card is OTHER


@pytest.mark.parametrize("name", ["", "../compact", "hf:someone/else", "Compact"])
def test_an_unknown_model_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound, match="Choose another one"):
        ModelRegistry([COMPACT]).segmenter(name)


def test_equal_requests_share_a_segmenter_and_different_ones_do_not() -> None:
    models = ModelRegistry([COMPACT, OTHER])
    assert models.segmenter() is models.segmenter("compact")
    assert models.segmenter() is not models.segmenter("other")
    assert models.segmenter("other") is not models.segmenter("other", "fp16")
    assert models.segmenter() is not models.segmenter(engine="onnx")
    with ThreadPoolExecutor(8) as pool:
        segmenters: list[Segmenter] = list(pool.map(models.segmenter, ["other"] * 64))
    assert len({id(segmenter) for segmenter in segmenters}) == 1


def test_the_default_precision_applies_to_models_that_have_it() -> None:
    models = ModelRegistry([OTHER, COMPACT], precision="fp16")
    assert models.segmenter() is models.segmenter("other", "fp16")
    models.segmenter("compact").open()
    models.close()
    with pytest.raises(EngineUnavailable, match="does not come in that precision"):
        models.segmenter("compact", "fp16")


def test_close_closes_opened_engines() -> None:
    models = ModelRegistry([COMPACT], "onnx", threads=1)
    models.segmenter().open()
    assert models.segmenter().device
    models.close()
    assert models.segmenter().device is None


def test_variants_are_the_artifacts_that_this_host_can_run() -> None:
    int8 = replace(COMPACT.artifacts[0], precision="int8")
    om = replace(COMPACT.artifacts[0], precision="fp16", format="om", soc="Ascend310P3")
    both = replace(COMPACT, name="both", artifacts=(*COMPACT.artifacts, int8, om))
    variants = ModelRegistry([both, COMPACT], "onnx").variants()
    assert [(variant.model, variant.precision, variant.engine) for variant in variants] == [
        ("both", None, None),
        ("both", "int8", None),
        ("compact", None, None),
    ]
    default, *_ = ModelRegistry([both], "onnx", "int8").variants()
    assert (default.precision, default.title.en[-4:]) == (None, "int8")


@pytest.mark.parametrize(
    ("precision", "titles"),
    [
        (None, ["Compact (bundled)"]),
        ("fp32", ["Compact (bundled) · fp32"]),
        ("int8", ["Compact (bundled) · int8", "Compact (bundled) · fp32"]),
    ],
)
def test_a_graph_with_the_weights_of_another_is_a_variant_if_it_is_asked_for(
    precision: str | None, titles: list[str]
) -> None:
    variants = ModelRegistry([COMPACT], "onnx", precision).variants()
    assert [variant.title.en for variant in variants] == titles
    assert variants[0].precision is None, "the page's own"


def test_beside_a_chip_all_variants_are_named_by_their_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chip = fresh_acl(monkeypatch).stand_in.chip.soc
    om = replace(COMPACT.artifacts[0], precision="fp16", format="om", soc=chip)
    card = replace(COMPACT, artifacts=(*COMPACT.artifacts, om))
    variants = [
        (variant.title.en, variant.precision, variant.engine)
        for variant in ModelRegistry([card]).variants()
    ]
    assert variants == [
        ("Compact (bundled) · fp16 · Ascend", None, None),
        ("Compact (bundled) · fp32 · onnxruntime", "fp32", "onnx"),
    ]


def card_in(folder: Path, name: str) -> ModelCard:
    folder.mkdir(parents=True)
    card = replace(COMPACT, name=name, folder=folder)
    save_card(card)
    return card


def test_named_models_come_before_the_folder_and_the_bundled_ones(tmp_path: Path) -> None:
    named = card_in(tmp_path / "elsewhere", "named")
    small = card_in(tmp_path / "models" / "small", "small")
    cards, missing = available_models([str(named.folder)], tmp_path / "models")
    assert cards == (named, small, COMPACT)
    assert missing == ()
    assert available_models(["compact"], tmp_path / "none") == ((COMPACT,), ())


def test_a_model_of_the_same_name_replaces_the_bundled_one(tmp_path: Path) -> None:
    own = card_in(tmp_path / "own", "compact")
    small = card_in(tmp_path / "models" / "small", "small")
    cards, _ = available_models([str(own.folder)], tmp_path / "models")
    assert cards == (own, small)


def test_a_damaged_card_in_the_folder_is_reported_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("{")
    cards, (error,) = available_models(["compact"], tmp_path)
    assert cards == (COMPACT,)
    assert "cannot be read" in error.text.en
    assert "无法读取" in error.text.zh


def test_two_named_models_of_the_same_name_are_refused(tmp_path: Path) -> None:
    first, second = (card_in(tmp_path / folder, "small") for folder in ("first", "second"))
    with pytest.raises(ModelError, match="called small"):
        available_models([str(first.folder), str(second.folder)], tmp_path / "none")
    assert available_models(["compact", "compact"], tmp_path / "none") == ((COMPACT,), ())
