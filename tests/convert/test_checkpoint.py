"""Loading checkpoints: what is read, and what is refused."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor

from convert.checkpoint import load_checkpoint
from convert.synthetic_photo import synthetic_photo
from segmentation.errors import ConversionError
from tests.convert.small_checkpoints import SWIN_4_46, save, small_checkpoint


def test_a_checkpoint_without_weights_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "cut")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConversionError, match="no readable weights"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"\x10", "no readable weights"),
        (
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "no readable weights",
        ),
        ("config.json", b"[1]", "not a JSON object"),
        ("preprocessor_config.json", b"none", "not a JSON object"),
    ],
)
def test_a_damaged_file_is_reported_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "damaged")
    (folder / name).write_bytes(content)
    with pytest.raises(ConversionError, match=message) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_queries": "100"}, "transformers cannot read"),
        ({"id2label": {str(i): f"label {i}" for i in range(150)}}, "belong together"),
        (
            {"backbone": "resnet50", "use_timm_backbone": True, "backbone_config": None},
            "names its backbone .resnet50.",
        ),
    ],
)
def test_a_config_that_does_not_fit_is_reported_in_one_line(
    tmp_path: Path, fields: dict[str, object], message: str
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | fields))
    with pytest.raises(ConversionError, match=message) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"do_normalize": False},
        {"do_rescale": False, "image_mean": [120, 110, 100], "image_std": [60, 58, 57]},
        {"rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1]},
        {"image_mean": None, "image_std": None},
    ],
)
def test_pixels_are_normalised_as_by_the_checkpoints_own_processor(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    path = folder / "preprocessor_config.json"
    fields = {**json.loads(path.read_text()), **changed, "do_resize": False}
    path.write_text(
        json.dumps({name: value for name, value in fields.items() if value is not None})
    )
    photo = synthetic_photo((64, 96))
    processor = AutoImageProcessor.from_pretrained(folder)
    expected = processor(photo, return_tensors="np")["pixel_values"]
    ours = load_checkpoint(folder).pixel_values(photo[None])
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("vit", "vit"), ("resnext", "resnext"), (None, "None"), (["swin"], r"\['swin'\]")],
)
def test_an_unknown_backbone_is_refused(tmp_path: Path, kind: object, name: str) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    path = folder / "config.json"
    fields = json.loads(path.read_text())
    fields["backbone_config"]["model_type"] = kind
    path.write_text(json.dumps(fields))
    sentence = rf"backbone {name} cannot be exported\..*: swin, resnet"
    with pytest.raises(ConversionError, match=sentence):
        load_checkpoint(folder)


def test_a_checkpoint_in_half_precision_is_loaded_in_float32(tmp_path: Path) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    checkpoint.model.half()
    loaded = load_checkpoint(save(checkpoint, tmp_path / "half"))
    assert {values.dtype for values in loaded.model.parameters()} == {torch.float32}
