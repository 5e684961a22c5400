"""Options that the graphs do not reproduce are named before the weights are read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import Mask2FormerConfig

from convert.__main__ import main
from convert.checkpoint import load_checkpoint
from convert.graph import efficientnet_lite
from convert.supported_options import check_options, check_processor
from segmentation.errors import ConversionError
from tests.convert.small_checkpoints import BACKBONES, STAGES, SWIN_4_46, save, small_checkpoint

FIVE = {"depths": [1] * 5, "out_features": [*STAGES, "stage5"]}


def config(kind: str, backbone: dict[str, Any] | None = None, **fields: Any) -> Mask2FormerConfig:
    """A config with some options of its backbone and of the model changed."""
    efficientnet_lite.register()
    return Mask2FormerConfig(backbone_config=BACKBONES[kind] | (backbone or {}), **fields)


@pytest.mark.parametrize("kind", BACKBONES)
def test_each_kind_of_backbone_is_accepted(kind: str) -> None:
    check_options(Path("checkpoint"), config(kind))


@pytest.mark.parametrize(
    ("kind", "backbone"),
    [
        ("swin", {"hidden_act": "gelu_python"}),
        ("swin", {"depths": [1] * 5, "num_heads": [1] * 5}),
        ("swin", {"out_features": ["stem", *STAGES[1:]]}),
        ("resnet", {"downsample_in_first_stage": True, "out_features": ["stem", *STAGES[:3]]}),
    ],
)
def test_other_options_with_the_same_numbers_are_accepted(
    kind: str, backbone: dict[str, Any]
) -> None:
    check_options(Path("checkpoint"), config(kind, backbone))


@pytest.mark.parametrize(
    ("kind", "backbone", "fields", "sentence"),
    [
        ("swin", {}, {"activation_function": "gelu"}, "activation_function is gelu"),
        ("swin", {}, {"common_stride": 8}, "common_stride is 8, and .* for 4 only"),
        ("swin", {}, {"feature_strides": [2, 4, 8, 16]}, r"feature_strides is \[2, 4, 8, 16\]"),
        ("swin", {}, {"pre_norm": True}, "pre_norm is True"),
        ("swin", {"hidden_act": "gelu_new"}, {}, "backbone_config.hidden_act is gelu_new"),
        ("swin", {"use_absolute_embeddings": True}, {}, "use_absolute_embeddings is True"),
        ("swin", {"patch_size": 2}, {}, "have the strides 2, 4, 8, 16"),
        ("swin", {"out_features": STAGES[1:]}, {}, r"\(stage2, .*\) have the strides 8, 16, 32;"),
        ("swin", {**FIVE, "num_heads": [1] * 5}, {}, "the strides 4, 8, 16, 32, 64"),
        ("swin", {"num_heads": [3, 3, 3, 3]}, {}, "transformers cannot build the backbone"),
        ("resnet", {"hidden_act": "gelu"}, {}, "backbone_config.hidden_act is gelu"),
        ("resnet", {"out_features": STAGES[1:]}, {}, "the strides 8, 16, 32;"),
        ("resnet", {"downsample_in_first_stage": True}, {}, "the strides 8, 16, 32, 64"),
        ("resnet", {**FIVE, "hidden_sizes": [32] * 5}, {}, "the strides 4, 8, 16, 32, 64"),
        ("compact", {"out_features": ["stage2", "stage3", "stage5"]}, {}, "strides 4, 8, 16;"),
    ],
)
def test_options_that_the_graphs_do_not_reproduce_are_named(
    kind: str, backbone: dict[str, Any], fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConversionError, match=f"^checkpoint/config.json: .*{sentence}") as caught:
        check_options(Path("checkpoint"), config(kind, backbone, **fields))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "backbone",
    [
        {"depths": [1] * 5, "num_heads": [1] * 5},
        {"out_features": ["stem", *STAGES[1:]]},
    ],
    ids=["five-stages", "stem"],
)
def test_a_swin_with_unused_stages_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone: dict[str, Any]
) -> None:
    name = "-".join(backbone)  # small_checkpoint keeps one checkpoint for each name
    monkeypatch.setitem(BACKBONES, name, BACKBONES["swin"] | backbone)
    folder = save(small_checkpoint(name), tmp_path / "checkpoint")
    assert main(["export", str(folder), "-o", str(tmp_path / "m"), "--size", "96x64"]) == 0


@pytest.mark.parametrize(
    ("backbone", "sentence"),
    [
        (None, "has no backbone_config, and the weights are not those of Swin-S"),
        (["swin"], r"a backbone_config that cannot be read \(list\)"),
        (
            {"model_type": "timm_backbone", "backbone": "tf_efficientnet_lite0"},
            r"cannot be read \(out_indices: None\)",
        ),
        (
            {
                "model_type": "timm_backbone",
                "backbone": "tf_efficientnet_lite0",
                "out_indices": [1, 2, 3, 9],
            },
            r"cannot be read \(out_indices: \[1, 2, 3, 9\]\)",
        ),
    ],
)
def test_a_config_without_a_usable_backbone_is_refused(
    tmp_path: Path, backbone: object, sentence: str
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    fields = json.loads((folder / "config.json").read_text())
    del fields["backbone_config"]
    if backbone is not None:
        fields["backbone_config"] = backbone
    (folder / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ConversionError, match=sentence):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_mean", [0.5, 0.5]),
        ("image_mean", 0.5),
        ("image_std", [0.5, 0, 0.5]),
        ("image_std", ["0.5"] * 3),
        ("rescale_factor", 0),
        ("rescale_factor", "1/255"),
    ],
)
def test_numbers_that_no_pixel_can_be_normalised_with_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ConversionError, match=f"preprocessor_config.json: {field} is "):
        check_processor(Path("checkpoint"), {field: value})


def test_a_model_that_cannot_be_built_is_no_fault_of_its_weights(tmp_path: Path) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(fields | {"num_attention_heads": 3}))
    with pytest.raises(ConversionError, match="transformers cannot build the model"):
        load_checkpoint(folder)
