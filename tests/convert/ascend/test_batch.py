"""`convert atc --batch N`: from a model folder to the engine on the stand-ins."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from segmentation.engines.ascend.engine import AscendEngine
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import load_card
from tests.convert.ascend.model_folders import convert_folder, write_folder
from tests.stand_ins.toolkit import fresh_acl

SIZE = ("--size", "32x32")


@pytest.mark.parametrize(("layout", "flags"), [("NHWC", []), ("NCHW", ["--aipp"])])
def test_oms_for_several_photos_stand_beside_those_for_one(
    tmp_path: Path,
    atc_log: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    flags: list[str],
) -> None:
    folder = write_folder(tmp_path / "small", layout)
    assert convert_folder(folder, *flags, *SIZE) == 0
    single = load_card(folder)
    assert convert_folder(folder, *flags, *SIZE, "--batch", "3") == 0
    shape = "3,32,32,3" if layout == "NHWC" else "3,3,32,32"
    assert f"--input_shape=image:{shape}" in atc_log.read_text().splitlines()
    card = load_card(folder)
    assert [om.batch for om in card.artifacts if om.format == "om"] == [1, 3]
    fresh_acl(monkeypatch)
    one_by_one, together = AscendEngine(single), AscendEngine(card)
    photos = np.random.default_rng(2).integers(0, 256, (12, 32, 32, 3), np.uint8)
    inputs = [preprocess(rgb, together.input, [(32, 32)], card.mask_stride)[0] for rgb in photos]
    with ThreadPoolExecutor(together.max_concurrency) as pool:
        for found, expected in zip(
            pool.map(together.run, inputs), map(one_by_one.run, inputs), strict=True
        ):
            np.testing.assert_allclose(found[1], expected[1], atol=1e-3)
    one_by_one.close()
    together.close()


def test_gears_and_a_batch_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW", one_graph=True)
    assert convert_folder(folder, "--gears", "--batch", "2", "--dry-run") == 1
    assert "Leave --gears or --batch out" in capsys.readouterr().err
