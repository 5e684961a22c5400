"""Errors while a photo is computed: one retry, a message for each code, and a working device."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segmentation.errors import EngineUnavailable, InferenceFailed
from tests.segmentation.engines.ascend.small_engine import StartEngine, card_with_oms
from tests.stand_ins.small_model import onnx_outputs, random_image

# Codes that a running model can end with, and words of their explanation.
EXECUTION_CODES = {
    107002: "failed",
    107019: "in time",
    207001: "memory",
    500002: "versions",
    507011: "computing",
    507014: "in time",
    507015: "computing",
    507016: "trap",
    **dict.fromkeys(range(507042, 507046), "trap"),
    507018: "computing",
    507033: "lost",
    507046: "in time",
    507010: "lost",
    **dict.fromkeys(range(507048, 507051), "FFTS+"),
    **dict.fromkeys(range(507051, 507055), "ecc"),
    507899: "versions",
    507901: "lost",
    545601: "in time",
}
EXECUTION_CALLS = (
    "rt.memcpy",
    "mdl.execute_async",
    "rt.synchronize_stream_with_timeout",
    "stream",
    "mdl.get_output_dims",
)
# All codes of acl_base_rt.h, rt_error_codes.h and ge_error_codes.h that a program like this may
# meet, except 100002 (repeated init), which is no error here.
ALL_CODES = [
    *(100000, 100001, 100003, 100011, 100014, 100015, 100016, 100017, 100018, 100019, 100024),
    *(100026, 100037, 100038, 100039, 107000, 107001, 107002, 107003, 107004, 107017, 107019),
    *(107020, 148051, 145000, 145001, 145002, 145003, 145006, 145011, 145012, 145013, 145014),
    *(145015, 145016, 145019, 145020, 145021, 145022, 161001, 161002, 200000, 200001, 200006),
    *(207000, 207001, 207004, 207006, 207018, 245000, 245002, 500000, 500002, 500003, 500004),
    *(507008, 507011, 507014, 507015, 507017, 507018, 507033, 507034, 507035, 507036, 507046),
    *(507010, 507016, 507042, 507043, 507044, 507045, 507048, 507049, 507050, 507051, 507052),
    *(507053, 507054),
    *(507899, 507901, 545001, 545005, 545601),
]


@pytest.fixture(scope="module")
def expected_masks() -> np.ndarray:
    """The mask logits of `random_image()`."""
    return onnx_outputs(random_image())[1][0]


def test_an_output_larger_than_its_memory_is_refused(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.mdl.get_output_dims = lambda _desc, _index: ({"dims": [1, 3, 80, 80]}, 0)
    with pytest.raises(InferenceFailed, match="inputs or outputs of the OM differ"):
        engine.run(random_image())


@pytest.mark.parametrize("call", EXECUTION_CALLS)
def test_one_failure_costs_one_reload_and_the_photo_succeeds(
    start_engine: StartEngine,
    acl: ModuleType,
    tmp_path: Path,
    call: str,
    expected_masks: np.ndarray,
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.inject(call, 507011)
    masks = engine.run(random_image()).masks_queries_logits
    np.testing.assert_array_equal(masks, expected_masks)
    assert acl.stand_in.chip.calls["mdl.load_from_file"] == 2


@pytest.mark.parametrize(("code", "word"), EXECUTION_CODES.items())
@pytest.mark.parametrize("call", ["mdl.execute_async", "stream"])
def test_two_failures_fail_one_photo_with_an_explanation(
    start_engine: StartEngine,
    acl: ModuleType,
    tmp_path: Path,
    call: str,
    code: int,
    word: str,
    expected_masks: np.ndarray,
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.inject(call, code, times=2)
    with pytest.raises(InferenceFailed) as failure:
        engine.run(random_image())
    assert word in failure.value.in_language("en")
    assert str(code) in failure.value.in_language("zh")
    assert f"E{code}" in failure.value.in_language("en")
    assert "\n" not in str(failure.value)
    masks = engine.run(random_image()).masks_queries_logits
    np.testing.assert_array_equal(masks, expected_masks)


def test_a_lost_device_is_reopened(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, expected_masks: np.ndarray
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.chip.lose_device()
    masks = engine.run(random_image()).masks_queries_logits
    np.testing.assert_array_equal(masks, expected_masks)


def test_photos_fail_until_a_lost_device_comes_back(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.chip.lose_device()
    acl.stand_in.inject("rt.set_device", 507033, times=3)
    for _ in range(2):
        with pytest.raises(InferenceFailed, match="lost"):
            engine.run(random_image())
    engine.run(random_image())


def test_all_engines_of_the_process_release_a_lost_device(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, expected_masks: np.ndarray
) -> None:
    used, idle = start_engine(card_with_oms(tmp_path)), start_engine(card_with_oms(tmp_path))
    acl.stand_in.chip.lose_device()
    for engine in (used, used, idle):
        masks = engine.run(random_image()).masks_queries_logits
        np.testing.assert_array_equal(masks, expected_masks)


def test_a_failed_photo_does_not_affect_other_photos(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, expected_masks: np.ndarray
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    acl.stand_in.inject("stream", 507015, skip=5, times=2)

    def infer(_: int) -> bool | None:
        try:
            masks = engine.run(random_image()).masks_queries_logits
        except InferenceFailed:
            return None
        return np.array_equal(masks, expected_masks)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(infer, range(40)))
    assert results.count(None) == 1
    assert results.count(True) == 39


@pytest.mark.parametrize("code", ALL_CODES)
def test_every_code_is_named_at_the_start_and_during_inference(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, code: int
) -> None:
    card = card_with_oms(tmp_path)
    acl.stand_in.inject("mdl.load_from_file", code)
    with pytest.raises(EngineUnavailable, match=str(code)):
        start_engine(card)
    engine = start_engine(card)
    acl.stand_in.inject("stream", code, times=2)
    with pytest.raises(InferenceFailed, match=str(code)):
        engine.run(random_image())
    engine.run(random_image())
