"""Cards of model folders are read, written and checked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segmentation.errors import ModelDamaged, ModelError, ModelNotFound
from segmentation.model_card import (
    BUNDLED,
    Artifact,
    ModelCard,
    bundled_models,
    check_artifact,
    find_model,
    load_card,
    save_card,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with the bundled card and no graph."""
    shutil.copy(BUNDLED / "compact" / "card.json", tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: Any) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_the_bundled_model_is_complete() -> None:
    assert bundled_models() == ("compact",)
    card = find_model("compact")
    assert card.name == "compact"
    assert card.labels[0].zh == "人"
    for artifact in card.artifacts:
        assert check_artifact(card, artifact).is_file()


def test_a_saved_card_is_loaded_unchanged(tmp_path: Path) -> None:
    om = Artifact("m.om", "om", "fp16", ((512, 512), (384, 512)), 3, "ab", "Ascend310P3", "atc 8")
    card = replace(find_model("compact"), folder=tmp_path)
    card = replace(card, artifacts=(*card.artifacts, om))
    save_card(card)
    assert load_card(tmp_path) == card
    save_card(replace(card, name="other", subject_query=True))
    assert load_card(tmp_path).name == "other"
    assert load_card(tmp_path).subject_query
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]
    assert "人" in (tmp_path / "card.json").read_text("utf-8")


def test_a_model_is_found_by_its_folder(folder: Path) -> None:
    assert find_model(str(folder)) == replace(find_model("compact"), folder=folder)


@pytest.mark.parametrize("name", ["no-such-model", "compact/card.json", "", "a\0b", "../compact"])
def test_a_name_without_a_model_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound):
        find_model(name)


def test_the_error_for_a_folder_without_a_card_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="python -m convert export"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("schema", [0, 2, "1"])
def test_another_schema_is_refused(folder: Path, schema: Any) -> None:
    rewrite(folder, schema=schema)
    with pytest.raises(ModelError, match=f"has schema {schema}; this version reads 1"):
        load_card(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"schema": 1}', b"\xff\xfe", b'{"schema": null'],
)
def test_an_unreadable_card_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(ModelDamaged, match="cannot be read"):
        load_card(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels_zh": ["人"]},
        {"title": {"en": "no Chinese"}},
        {"source": {"checkpoint": "x"}},
        {"input": {"name": "image"}},
        {"input": None},
        {"outputs": ["one"]},
        {"artifacts": [{"file": "x"}]},
        {"artifacts": None},
    ],
)
def test_a_card_without_a_field_is_damaged(folder: Path, changes: dict[str, Any]) -> None:
    rewrite(folder, **changes)
    with pytest.raises(ModelDamaged):
        load_card(folder)


def test_a_folder_in_place_of_a_card_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "card.json").mkdir()
    with pytest.raises(ModelDamaged):
        load_card(tmp_path)


def with_graph(folder: Path, content: bytes) -> tuple[ModelCard, Artifact]:
    """A card that describes the file b"graph", and a file with other content in its place."""
    sha256 = "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d"
    artifact = Artifact("model.onnx", "onnx", "fp32", ((32, 32),), 5, sha256)
    (folder / "model.onnx").write_bytes(content)
    return replace(load_card(folder), artifacts=(artifact,)), artifact


@pytest.mark.parametrize("content", [b"", b"grap", b"grapH", b"graph and more"])
def test_an_altered_artifact_is_damaged(folder: Path, content: bytes) -> None:
    with pytest.raises(ModelDamaged, match="not the file its card describes"):
        check_artifact(*with_graph(folder, content))


def test_a_missing_artifact_is_damaged(folder: Path) -> None:
    card, artifact = with_graph(folder, b"")
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelDamaged, match=r"model\.onnx of model compact is missing"):
        check_artifact(card, artifact)


def test_fields_without_a_value_are_left_out_of_an_artifact(folder: Path) -> None:
    card = load_card(folder)
    artifact = Artifact("model.onnx", "onnx", "fp32", ((32, 32),), 5, "ab")
    save_card(replace(card, artifacts=(artifact,)))
    (fields,) = json.loads((folder / "card.json").read_text("utf-8"))["artifacts"]
    assert not {"soc", "made_with"} & set(fields)


def test_saving_the_bundled_card_changes_no_byte(folder: Path) -> None:
    before = (folder / "card.json").read_bytes()
    save_card(load_card(folder))
    assert (folder / "card.json").read_bytes() == before
