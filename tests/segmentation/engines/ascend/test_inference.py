"""The Ascend engine's logits, for every kind of OM, size and input, and from many threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segmentation.arrays import Bool, SizeHW
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import InferenceFailed
from segmentation.inference.preprocess import preprocess
from tests.segmentation.engines.ascend.small_engine import SIZE_HW, StartEngine, card_with_oms
from tests.stand_ins.om_card import small_card, write_artifact, write_om
from tests.stand_ins.small_model import onnx_outputs, random_image, small_model


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_logits_equal_those_of_onnxruntime(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, layout: str
) -> None:
    engine = start_engine(card_with_oms(tmp_path, layout))
    rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    pixel_values, _ = preprocess(rgb, engine.input, engine.sizes_hw, 4)
    logits = engine.run(pixel_values)
    for array, expected in zip(logits, onnx_outputs(pixel_values, layout), strict=True):
        np.testing.assert_array_equal(array, expected[0])
    assert acl.stand_in.chip.calls["mdl.execute"] == 0, "it would hold the GIL"


def test_half_precision_outputs_become_float32(start_engine: StartEngine, tmp_path: Path) -> None:
    om = write_om(tmp_path, [SIZE_HW], precision="fp16", output_dtype="float16")
    engine = start_engine(small_card(tmp_path, [om]))
    logits = engine.run(random_image())
    for array, expected in zip(logits, onnx_outputs(random_image()), strict=True):
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[0].astype(np.float16))


def test_an_om_with_aipp_takes_the_photo_itself(start_engine: StartEngine, tmp_path: Path) -> None:
    om = write_om(tmp_path, [SIZE_HW], aipp=True)
    engine = start_engine(small_card(tmp_path, [om]))
    assert (engine.input.dtype, engine.input.layout) == ("uint8", "NHWC")
    assert engine.input.normalised_inside
    rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    pixel_values, _ = preprocess(rgb, engine.input, engine.sizes_hw, 4)
    masks = engine.run(pixel_values).masks_queries_logits
    expected = onnx_outputs(pixel_values, "NHWC")[1][0]
    np.testing.assert_allclose(masks, expected, atol=0.02)
    assert intersection_over_union(masks > 0, expected > 0) >= 0.98


def intersection_over_union(first: Bool, second: Bool) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_half_precision_input_is_converted(start_engine: StartEngine, tmp_path: Path) -> None:
    from stand_in_om import compile_om

    om = compile_om(small_model(SIZE_HW), [SIZE_HW])
    om = replace(om, inputs=(replace(om.inputs[0], dtype="float16"),))
    card = small_card(tmp_path, [write_artifact(om, tmp_path / "half.om", [SIZE_HW])])
    engine = start_engine(card)
    masks = engine.run(random_image()).masks_queries_logits
    rounded = random_image().astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(masks, onnx_outputs(rounded)[1][0], atol=1e-5)


def test_an_om_with_gears_runs_every_size(start_engine: StartEngine, tmp_path: Path) -> None:
    sizes_hw = [(32, 32), (16, 32), (32, 16)]
    engine = start_engine(small_card(tmp_path, [write_om(tmp_path, sizes_hw)]))
    check_sizes(engine, sizes_hw)


def test_one_om_per_size_runs_every_size(start_engine: StartEngine, tmp_path: Path) -> None:
    sizes_hw = [(32, 32), (16, 32), (32, 16)]
    check_sizes(start_engine(card_with_oms(tmp_path, sizes_hw=sizes_hw)), sizes_hw)


def check_sizes(engine: AscendEngine, sizes_hw: list[SizeHW]) -> None:
    assert engine.sizes_hw == tuple(sizes_hw)
    for size_hw in [*sizes_hw, *reversed(sizes_hw)]:
        masks = engine.run(random_image(size_hw=size_hw)).masks_queries_logits
        assert masks.shape[1:] == (size_hw[0] // 4, size_hw[1] // 4)
        np.testing.assert_array_equal(masks, onnx_outputs(random_image(size_hw=size_hw))[1][0])


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 3, 16, 32), np.float32),
        ((1, 32, 32, 3), np.float32),
        ((1, 3, 32, 32), np.uint8),
        ((2, 3, 32, 32), np.float32),
        ((3, 32, 32), np.float32),
    ],
)
def test_another_input_is_refused_before_it_reaches_the_device(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, shape: tuple[int, ...], dtype: type
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    copies = acl.stand_in.chip.calls["rt.memcpy"]
    with pytest.raises(InferenceFailed, match="not prepared"):
        engine.run(np.zeros(shape, dtype))
    assert acl.stand_in.chip.calls["rt.memcpy"] == copies


def test_an_image_need_not_be_contiguous(start_engine: StartEngine, tmp_path: Path) -> None:
    view = random_image().transpose(0, 1, 3, 2)
    masks = start_engine(card_with_oms(tmp_path)).run(view).masks_queries_logits
    np.testing.assert_array_equal(masks, onnx_outputs(np.ascontiguousarray(view))[1][0])


def test_500_calls_from_8_threads_allocate_nothing(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    expected = [onnx_outputs(random_image(seed))[1][0] for seed in range(8)]
    engine.run(random_image())
    chip = acl.stand_in.chip
    before, calls = chip.device_bytes, dict(chip.calls)

    def infer(number: int) -> bool:
        masks = engine.run(random_image(number % 8)).masks_queries_logits
        return np.array_equal(masks, expected[number % 8])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(infer, range(500)))
    assert chip.device_bytes == before == chip.peak_bytes
    for call in ("rt.malloc", "rt.malloc_host", "create_data_buffer", "mdl.load_from_file"):
        assert chip.calls[call] == calls.get(call, 0)
    assert chip.calls["mdl.execute_async"] == calls["mdl.execute_async"] + 500


def test_an_older_pyacl_without_a_timeout_is_used_too(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    del acl.rt.synchronize_stream_with_timeout
    masks = start_engine(card_with_oms(tmp_path)).run(random_image()).masks_queries_logits
    np.testing.assert_array_equal(masks, onnx_outputs(random_image())[1][0])
