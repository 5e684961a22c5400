"""What models a page has, and that each is loaded once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation.errors import EngineUnavailable, ModelError, ModelNotFound
from segmentation.inference.registry import ModelRegistry, available_models
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import ModelCard, find_model, save_card

COMPACT = find_model("compact")
HALF = tuple(replace(artifact, precision="fp16") for artifact in COMPACT.artifacts)
OTHER = replace(COMPACT, name="other", artifacts=(*COMPACT.artifacts, *HALF))


def test_the_first_model_is_the_default() -> None:
    shelf = ModelRegistry([OTHER, COMPACT])
    assert shelf.card() is OTHER
    assert shelf.card("compact") is COMPACT
    assert shelf.segmenter().card is OTHER


@pytest.mark.parametrize("name", ["", "../compact", "hf:someone/else", "Compact"])
def test_what_is_not_on_the_shelf_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound, match="Choose another one"):
        ModelRegistry([COMPACT]).segmenter(name)


def test_everybody_shares_what_is_the_same_and_only_that() -> None:
    shelf = ModelRegistry([COMPACT, OTHER])
    assert shelf.segmenter() is shelf.segmenter("compact")
    assert shelf.segmenter() is not shelf.segmenter("other")
    assert shelf.segmenter("other") is not shelf.segmenter("other", "fp16")
    assert shelf.segmenter() is not shelf.segmenter(engine="onnx")
    with ThreadPoolExecutor(8) as pool:
        asked: list[Segmenter] = list(pool.map(shelf.segmenter, ["other"] * 64))
    assert len({id(segmenter) for segmenter in asked}) == 1


def test_the_pages_precision_is_for_the_models_that_have_it() -> None:
    shelf = ModelRegistry([OTHER, COMPACT], precision="fp16")
    assert shelf.segmenter() is shelf.segmenter("other", "fp16")
    shelf.segmenter("compact").open()
    shelf.close()
    with pytest.raises(EngineUnavailable, match="does not come in that precision"):
        shelf.segmenter("compact", "fp16")


def test_close_gives_back_what_was_opened() -> None:
    shelf = ModelRegistry([COMPACT], "onnx", threads=1)
    shelf.segmenter().open()
    assert shelf.segmenter().device
    shelf.close()
    assert shelf.segmenter().device is None


def card_in(folder: Path, name: str) -> ModelCard:
    folder.mkdir(parents=True)
    card = replace(COMPACT, name=name, folder=folder)
    save_card(card)
    return card


def test_what_is_wanted_comes_first_then_the_folder_then_the_bundled(tmp_path: Path) -> None:
    wanted = card_in(tmp_path / "elsewhere", "wanted")
    small = card_in(tmp_path / "models" / "small", "small")
    cards, missing = available_models([str(wanted.folder)], tmp_path / "models")
    assert cards == (wanted, small, COMPACT)
    assert missing == ()
    assert available_models(["compact"], tmp_path / "none") == ((COMPACT,), ())


def test_a_model_of_the_same_name_stands_in_for_the_bundled_one(tmp_path: Path) -> None:
    own = card_in(tmp_path / "own", "compact")
    small = card_in(tmp_path / "models" / "small", "small")
    cards, _ = available_models([str(own.folder)], tmp_path / "models")
    assert cards == (own, small)


def test_a_damaged_card_in_the_folder_is_told_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("{")
    cards, (error,) = available_models(["compact"], tmp_path)
    assert cards == (COMPACT,)
    assert "cannot be read" in error.text.en
    assert "无法读取" in error.text.zh


def test_of_two_wanted_by_one_name_neither_is_silently_left_out(tmp_path: Path) -> None:
    one, other = card_in(tmp_path / "one", "small"), card_in(tmp_path / "other", "small")
    with pytest.raises(ModelError, match="called small"):
        available_models([str(one.folder), str(other.folder)], tmp_path / "none")
    assert available_models(["compact", "compact"], tmp_path / "none") == ((COMPACT,), ())
