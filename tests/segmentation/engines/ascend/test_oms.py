"""Which OMs of a card the Ascend engine loads, and how it checks that they match the card."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segmentation.errors import EngineUnavailable, ModelDamaged
from tests.segmentation.engines.ascend.small_engine import SIZE_HW, StartEngine, card_with_oms
from tests.stand_ins.om_card import CHIP, small_card, write_artifact, write_om
from tests.stand_ins.small_model import onnx_outputs, random_image, small_model


def test_a_card_without_oms_is_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=f"atc .* --soc-version {CHIP}"):
        start_engine(small_card(tmp_path))


def test_oms_for_other_chips_are_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    card = small_card(tmp_path, [write_om(tmp_path, [SIZE_HW], soc="Ascend910B4")])
    with pytest.raises(EngineUnavailable, match="it has Ascend910B4"):
        start_engine(card)


def test_a_missing_precision_is_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    card = small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])])
    with pytest.raises(EngineUnavailable, match=r"no int8 OM .* it has fp32"):
        start_engine(card, "int8")


def test_the_requested_precision_is_loaded(start_engine: StartEngine, tmp_path: Path) -> None:
    oms = [
        write_om(tmp_path, [SIZE_HW]),
        write_om(tmp_path, [SIZE_HW], precision="fp16", output_dtype="float16"),
    ]
    engine = start_engine(small_card(tmp_path, oms), "fp16")
    masks = engine.run(random_image()).masks_queries_logits
    np.testing.assert_array_equal(masks, onnx_outputs(random_image())[1][0].astype(np.float16))


def test_an_om_whose_sizes_are_covered_takes_no_memory(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "gears").mkdir()
    sizes_hw = [(32, 32), (16, 32)]
    oms = [write_om(tmp_path, sizes_hw), write_om(tmp_path, [SIZE_HW])]
    engine = start_engine(small_card(tmp_path, oms))
    assert engine.sizes_hw == tuple(sizes_hw)
    assert acl.stand_in.chip.calls["mdl.load_from_file"] == 1


def test_an_altered_om_is_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    om = write_om(tmp_path, [SIZE_HW])
    (tmp_path / om.file).write_bytes(b"\0" * om.bytes)
    with pytest.raises(ModelDamaged):
        start_engine(small_card(tmp_path, [om]))


def test_an_om_of_other_sizes_than_its_card_is_refused(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    om = replace(write_om(tmp_path, [SIZE_HW]), sizes_hw=((64, 64),))
    with pytest.raises(EngineUnavailable, match="does not match its card"):
        start_engine(small_card(tmp_path, [om]))


def test_an_om_with_open_shapes_is_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    from stand_in_om import compile_open_om

    om = write_artifact(compile_open_om(small_model(None)), tmp_path / "open.om", [SIZE_HW])
    with pytest.raises(EngineUnavailable, match="does not match its card"):
        start_engine(small_card(tmp_path, [om]))


@pytest.mark.parametrize(("extra_bytes", "fits"), [(64, True), (65, False), (-1, False)])
def test_an_input_may_be_padded_by_64_bytes(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, extra_bytes: int, fits: bool
) -> None:
    size_of = acl.mdl.get_input_size_by_index
    acl.mdl.get_input_size_by_index = lambda desc, index: size_of(desc, index) + extra_bytes
    if fits:
        start_engine(card_with_oms(tmp_path)).run(random_image())
        acl.stand_in.chip.warnings.clear()
    else:
        with pytest.raises(EngineUnavailable, match="does not match its card"):
            start_engine(card_with_oms(tmp_path))


def test_oms_with_different_inputs_are_refused(start_engine: StartEngine, tmp_path: Path) -> None:
    oms = [write_om(tmp_path, [SIZE_HW]), write_om(tmp_path, [(16, 32)], aipp=True)]
    with pytest.raises(EngineUnavailable, match="different inputs"):
        start_engine(small_card(tmp_path, oms))
