"""Graphs with a normalised NCHW input, through export, atc and the engine on the stand-ins."""

from pathlib import Path

import numpy as np
import pytest

from convert.__main__ import main
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.engines.onnx import OnnxEngine
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import load_card
from tests.convert.ascend.model_folders import convert_folder
from tests.convert.small_checkpoints import save, small_checkpoint
from tests.stand_ins.toolkit import fresh_acl

SIZES_HW = ((96, 128), (128, 96))


def export(backbone: str, folder: Path, *options: str) -> Path:
    """Export a small checkpoint for atc with a float input."""
    checkpoint = save(small_checkpoint(backbone), folder / "checkpoint")
    model = folder / "model"
    flags = ["--target", "ascend", "--input", "nchw", *options]
    assert main(["export", str(checkpoint), "-o", str(model), *flags]) == 0
    return model


def check_engine(folder: Path, monkeypatch: pytest.MonkeyPatch, tolerance: float) -> None:
    """Compare the engine with onnxruntime at the sizes of the OMs."""
    fresh_acl(monkeypatch)
    card = load_card(folder)
    ascend, onnx = AscendEngine(card), OnnxEngine(card)
    rgb = np.random.default_rng(5).integers(0, 256, (96, 128, 3), np.uint8)
    for size_hw in ascend.sizes_hw:
        masks, expected = (
            engine.run(preprocess(rgb, engine.input, [size_hw], card.mask_stride)[0])[1]
            for engine in (ascend, onnx)
        )
        assert np.abs(masks - expected).mean() <= tolerance * np.abs(expected).max()
    ascend.close()


@pytest.mark.parametrize("flags", [["--gears"], ["--aipp"]])
@pytest.mark.usefixtures("atc_log")
def test_gears_and_aipp_work_on_a_convolutional_model(
    tmp_path: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export("resnet", tmp_path, "--longest-side", "128")
    card = load_card(folder)
    assert (card.input.layout, card.input.dtype, card.input.normalised_inside) == (
        "NCHW",
        "float32",
        False,
    )
    sizes = [text for height, width in SIZES_HW for text in ("--size", f"{height}x{width}")]
    assert convert_folder(folder, *flags, *sizes) == 0
    check_engine(folder, monkeypatch, 0.02 if "--aipp" in flags else 1e-3)


@pytest.mark.usefixtures("atc_log")
def test_swin_takes_a_float_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = export("swin", tmp_path, "--size", "64x96")
    assert convert_folder(folder) == 0
    check_engine(folder, monkeypatch, 1e-3)
