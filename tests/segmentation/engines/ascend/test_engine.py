"""The Ascend engine on the strict stand-in: numbers, threads, faults, and what is left behind."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest

from segmentation.arrays import SizeHW
from segmentation.engines.ascend import acl as ascend_acl
from segmentation.engines.ascend.chip import detect_chip
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import ModelCard, save_card
from tests.stand_ins.om_card import CHIP, describe, small_card, write_om
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import SITE_PACKAGES, fresh_acl, hide_acl

SIZE_HW = (32, 32)


Start = Callable[..., AscendEngine]


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_acl(monkeypatch)


@pytest.fixture
def start(acl: ModuleType) -> Iterator[Start]:
    """Starts engines, and at the end of the test sees to it that they leave nothing behind."""
    engines: list[AscendEngine] = []

    def start(card: ModelCard, precision: str | None = None, timeout_s: float = 60) -> AscendEngine:
        engines.append(AscendEngine(card, precision, timeout_s))
        return engines[-1]

    yield start
    acl.stand_in.chip.released.set()
    for engine in engines:
        engine.close()
    for thread in threading.enumerate():
        if thread.name == "ascend":
            thread.join()
    assert acl.stand_in.chip.leaks() == {}
    assert acl.stand_in.chip.warnings == []


def static_card(
    folder: Path, layout: str = "NCHW", sizes_hw: Sequence[SizeHW] = (SIZE_HW,)
) -> ModelCard:
    """A card with one OM for each size."""
    return small_card(folder, [write_om(folder, [size], layout) for size in sizes_hw], layout)


def photo(seed: int = 3, size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (1, 3, *size_hw)).astype(np.float32)


def by_onnxruntime(pixel_values: np.ndarray, layout: str = "NCHW") -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(small_model(None, layout))
    return [array[0] for array in session.run(None, {"image": pixel_values})]


class TestNumbers:
    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    def test_they_are_those_of_onnxruntime(
        self, start: Start, acl: ModuleType, tmp_path: Path, layout: str
    ) -> None:
        engine = start(static_card(tmp_path, layout))
        rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
        pixel_values, _ = preprocess(rgb, engine.input, engine.sizes_hw, 4)
        logits = engine.run(pixel_values)
        for ours, theirs in zip(logits, by_onnxruntime(pixel_values, layout), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert acl.stand_in.chip.calls["mdl.execute"] == 0

    def test_half_precision_outputs_come_out_as_float32(self, start: Start, tmp_path: Path) -> None:
        om = write_om(tmp_path, [SIZE_HW], precision="fp16", output_dtype="float16")
        engine = start(small_card(tmp_path, [om]))
        logits = engine.run(photo())
        for ours, theirs in zip(logits, by_onnxruntime(photo()), strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_array_equal(ours, theirs.astype(np.float16))

    def test_an_om_with_aipp_takes_the_photo_itself(self, start: Start, tmp_path: Path) -> None:
        om = write_om(tmp_path, [SIZE_HW], aipp=True)
        engine = start(small_card(tmp_path, [om]))
        assert (engine.input.dtype, engine.input.layout) == ("uint8", "NHWC")
        assert engine.input.normalised_inside
        rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
        pixel_values, _ = preprocess(rgb, engine.input, engine.sizes_hw, 4)
        masks = engine.run(pixel_values).masks_queries_logits
        theirs = by_onnxruntime(pixel_values, "NHWC")[1]
        np.testing.assert_allclose(masks, theirs, atol=0.02)
        assert iou(masks > 0, theirs > 0) >= 0.98

    def test_half_precision_input_is_converted(self, start: Start, tmp_path: Path) -> None:
        from stand_in_om import compile_om

        om = compile_om(small_model(SIZE_HW), [SIZE_HW])
        om = replace(om, inputs=(replace(om.inputs[0], dtype="float16"),))
        card = small_card(tmp_path, [describe(om, tmp_path / "half.om", [SIZE_HW])])
        engine = start(card)
        masks = engine.run(photo()).masks_queries_logits
        half = photo().astype(np.float16).astype(np.float32)
        np.testing.assert_allclose(masks, by_onnxruntime(half)[1], atol=1e-5)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


class TestSizes:
    def test_gears(self, start: Start, tmp_path: Path) -> None:
        sizes_hw = [(32, 32), (16, 32), (32, 16)]
        card = small_card(tmp_path, [write_om(tmp_path, sizes_hw)])
        engine = start(card)
        check_sizes(engine, sizes_hw)

    def test_one_om_for_each_size(self, start: Start, tmp_path: Path) -> None:
        sizes_hw = ((32, 32), (16, 32), (32, 16))
        check_sizes(start(static_card(tmp_path, sizes_hw=sizes_hw)), list(sizes_hw))

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
    def test_another_input_is_refused_before_the_device_sees_it(
        self, start: Start, acl: ModuleType, tmp_path: Path, shape: tuple[int, ...], dtype: type
    ) -> None:
        engine = start(static_card(tmp_path))
        copies = acl.stand_in.chip.calls["rt.memcpy"]
        with pytest.raises(InferenceFailed, match="not prepared"):
            engine.run(np.zeros(shape, dtype))
        assert acl.stand_in.chip.calls["rt.memcpy"] == copies

    def test_an_image_need_not_be_contiguous(self, start: Start, tmp_path: Path) -> None:
        view = photo().transpose(0, 1, 3, 2)
        masks = start(static_card(tmp_path)).run(view).masks_queries_logits
        np.testing.assert_array_equal(masks, by_onnxruntime(np.ascontiguousarray(view))[1])


def check_sizes(engine: AscendEngine, sizes_hw: list[tuple[int, int]]) -> None:
    assert engine.sizes_hw == tuple(sizes_hw)
    for size_hw in [*sizes_hw, *reversed(sizes_hw)]:
        masks = engine.run(photo(size_hw=size_hw)).masks_queries_logits
        assert masks.shape[1:] == (size_hw[0] // 4, size_hw[1] // 4)
        np.testing.assert_array_equal(masks, by_onnxruntime(photo(size_hw=size_hw))[1])


def test_500_calls_from_8_threads_leave_nothing(
    start: Start, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start(static_card(tmp_path))
    expected = [by_onnxruntime(photo(seed))[1] for seed in range(8)]
    engine.run(photo())
    chip = acl.stand_in.chip
    before, calls = chip.device_bytes, dict(chip.calls)

    def infer(number: int) -> bool:
        masks = engine.run(photo(number % 8)).masks_queries_logits
        return np.array_equal(masks, expected[number % 8])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(infer, range(500)))
    assert chip.device_bytes == before == chip.peak_bytes
    for call in ("rt.malloc", "rt.malloc_host", "create_data_buffer", "mdl.load_from_file"):
        assert chip.calls[call] == calls.get(call, 0)
    assert chip.calls["mdl.execute_async"] == calls["mdl.execute_async"] + 500


# Codes that a running model can end with, and words of the line that explains them.
EXECUTION_FAULTS = {
    107002: "failed",
    107019: "in time",
    207001: "memory",
    500002: "versions",
    507011: "computing",
    507014: "in time",
    507015: "computing",
    507018: "computing",
    507033: "lost",
    507046: "in time",
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


def test_an_older_pyacl_knows_no_timeout(start: Start, acl: ModuleType, tmp_path: Path) -> None:
    del acl.rt.synchronize_stream_with_timeout
    masks = start(static_card(tmp_path)).run(photo()).masks_queries_logits
    np.testing.assert_array_equal(masks, by_onnxruntime(photo())[1])


class TestExecutionFaults:
    def test_an_output_that_outgrows_its_memory(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.mdl.get_output_dims = lambda _desc, _index: ({"dims": [1, 3, 80, 80]}, 0)
        with pytest.raises(InferenceFailed, match="inputs or outputs"):
            engine.run(photo())

    @pytest.mark.parametrize("call", EXECUTION_CALLS)
    def test_one_failure_costs_a_reload_and_nothing_else(
        self, start: Start, acl: ModuleType, tmp_path: Path, call: str
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.inject(call, 507011)
        masks = engine.run(photo()).masks_queries_logits
        np.testing.assert_array_equal(masks, by_onnxruntime(photo())[1])
        assert acl.stand_in.chip.calls["mdl.load_from_file"] == 2

    @pytest.mark.parametrize(("code", "word"), EXECUTION_FAULTS.items())
    @pytest.mark.parametrize("call", ["mdl.execute_async", "stream"])
    def test_two_failures_are_told_and_the_next_photo_comes_through(
        self, start: Start, acl: ModuleType, tmp_path: Path, call: str, code: int, word: str
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.inject(call, code, times=2)
        with pytest.raises(InferenceFailed) as raised:
            engine.run(photo())
        assert word in raised.value.in_language("en")
        assert str(code) in raised.value.in_language("zh")
        assert f"E{code}" in raised.value.in_language("en")
        assert "\n" not in str(raised.value)
        np.testing.assert_array_equal(
            engine.run(photo()).masks_queries_logits, by_onnxruntime(photo())[1]
        )

    def test_a_lost_device_is_opened_anew(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.chip.lose_device()
        np.testing.assert_array_equal(
            engine.run(photo()).masks_queries_logits, by_onnxruntime(photo())[1]
        )

    def test_a_device_that_does_not_come_back_fails_each_photo(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.chip.lose_device()
        acl.stand_in.inject("rt.set_device", 507033, times=3)
        for _ in range(2):
            with pytest.raises(InferenceFailed, match="lost"):
                engine.run(photo())
        engine.run(photo())

    def test_a_lost_device_is_given_back_by_all_who_have_it(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        used, idle = start(static_card(tmp_path)), start(static_card(tmp_path))
        acl.stand_in.chip.lose_device()
        for engine in (used, used, idle):
            masks = engine.run(photo()).masks_queries_logits
            np.testing.assert_array_equal(masks, by_onnxruntime(photo())[1])

    def test_other_visitors_are_unharmed(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.inject("stream", 507015, skip=5, times=2)
        expected = by_onnxruntime(photo())[1]

        def infer(_: int) -> bool | None:
            try:
                return np.array_equal(engine.run(photo()).masks_queries_logits, expected)
            except InferenceFailed:
                return None

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(infer, range(40)))
        assert answers.count(None) == 1
        assert answers.count(True) == 39


# All codes of acl_base_rt.h, rt_error_codes.h and ge_error_codes.h that a program like this may
# meet, less 100002 (repeated init), which is no error here.
CODES = [
    *(100000, 100001, 100003, 100011, 100014, 100015, 100016, 100017, 100018, 100019, 100024),
    *(100026, 100037, 100038, 100039, 107000, 107001, 107002, 107003, 107004, 107017, 107019),
    *(107020, 148051, 145000, 145001, 145002, 145003, 145006, 145011, 145012, 145013, 145014),
    *(145015, 145016, 145019, 145020, 145021, 145022, 161001, 161002, 200000, 200001, 200006),
    *(207000, 207001, 207004, 207006, 207018, 245000, 245002, 500000, 500002, 500003, 500004),
    *(507008, 507011, 507014, 507015, 507017, 507018, 507033, 507034, 507035, 507036, 507046),
    *(507899, 507901, 545001, 545005, 545601),
]


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_told_at_the_start_and_in_the_middle(
    start: Start, acl: ModuleType, tmp_path: Path, code: int
) -> None:
    card = static_card(tmp_path)
    acl.stand_in.inject("mdl.load_from_file", code)
    with pytest.raises(EngineUnavailable, match=str(code)):
        start(card)
    engine = start(card)
    acl.stand_in.inject("stream", code, times=2)
    with pytest.raises(InferenceFailed, match=str(code)):
        engine.run(photo())
    engine.run(photo())


def told_of(engine: AscendEngine) -> str:
    with pytest.raises(InferenceFailed) as raised:
        engine.run(photo())
    return str(raised.value)


@pytest.fixture
def hung(start: Start, acl: ModuleType, tmp_path: Path) -> AscendEngine:
    """An engine whose device is at an inference that never ends, as one visitor was told."""
    engine = start(static_card(tmp_path), timeout_s=0.5)
    acl.stand_in.inject("stream", acl.stand_in.HANG, times=9)
    assert "has not responded" in told_of(engine)
    return engine


class TestHanging:
    def test_an_inference_that_takes_too_long_is_given_up(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path), timeout_s=0.5)
        # The first wait for each of the two attempts ends; the wait before the teardown goes on.
        acl.stand_in.inject("rt.synchronize_stream_with_timeout", acl.stand_in.HANG, times=2)
        assert "in time" in told_of(engine)
        engine.run(photo())

    def test_one_that_never_ends_holds_nobody(self, hung: AscendEngine, acl: ModuleType) -> None:
        # Whoever comes later need not wait to be told.
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: told_of(hung), range(8)))
        assert all("has not responded" in told for told in answers)
        assert acl.stand_in.chip.calls["mdl.execute_async"] == 1

    def test_an_older_pyacl_waits_without_limit_but_nobody_else_does(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        del acl.rt.synchronize_stream_with_timeout
        engine = start(static_card(tmp_path), timeout_s=0.5)
        acl.stand_in.inject("stream", acl.stand_in.HANG)
        assert "has not responded" in told_of(engine)

    def test_it_works_again_once_the_wait_is_over(
        self, hung: AscendEngine, acl: ModuleType
    ) -> None:
        acl.stand_in.chip.released.set()
        while hung._acl.current_call_seconds():
            pass
        hung.run(photo())

    def test_closing_does_not_wait_for_it(self, hung: AscendEngine) -> None:
        hung.close()


def test_a_forked_process_is_told_so(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start(static_card(tmp_path))
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: 1)
        assert "without --preload" in told_of(engine)
        engine.close()
    engine.run(photo())


# What can keep the engine from starting: the call, its code, and words of the explanation.
START_FAULTS = [
    ("init", 100003, "set_env.sh"),
    ("init", 100039, "devlib"),
    ("rt.get_device_count", 207006, "HwHiAiUser"),
    ("rt.get_device_count", 107001, "/dev/davinci0"),
    ("rt.get_device_count", 207004, "npu-smi"),
    ("rt.set_device", 207006, "HwHiAiUser"),
    ("rt.set_device", 507033, "lost"),
    ("rt.set_device", 500004, "versions"),
    ("rt.create_context", 500003, "versions"),
    ("mdl.load_from_file", 100014, "cannot be read"),
    ("mdl.load_from_file", 100016, "newer"),
    ("mdl.load_from_file", 145006, "cannot be read"),
    ("mdl.load_from_file", 145019, "set_env.sh"),
    ("mdl.load_from_file", 245000, "out of memory"),
    ("mdl.load_from_file", 507008, "another chip"),
    ("mdl.load_from_file", 545001, "newer"),
    ("mdl.load_from_file", 123456, "123456"),
    ("rt.malloc", 207001, "out of memory"),
    ("rt.malloc", 207018, "out of memory"),
    ("create_data_buffer", 200000, "This host"),
]


class TestStart:
    @pytest.mark.parametrize(("call", "code", "words"), START_FAULTS)
    def test_each_cause_is_told(
        self, start: Start, acl: ModuleType, tmp_path: Path, call: str, code: int, words: str
    ) -> None:
        acl.stand_in.inject(call, code)
        with pytest.raises(EngineUnavailable) as raised:
            start(static_card(tmp_path))
        assert words in str(raised.value)
        assert f"acl.{call}" in raised.value.in_language("zh")

    def test_whatever_call_fails_nothing_is_left(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        start(static_card(tmp_path)).close()
        chip = acl.stand_in.chip
        teardown = ("destroy", "free", "unload", "reset", "synchronize", "get_recent")
        made = [(call, n) for call, n in chip.calls.items() if not any(t in call for t in teardown)]
        assert len(made) > 15
        for call, count in made:
            for skip in range(count):
                acl.stand_in.inject(call, 500000, skip=skip)
                with suppress(EngineUnavailable):
                    start(static_card(tmp_path)).close()
                chip.faults.clear()
                assert chip.leaks() == {}, call

    def test_the_first_reason_is_told_not_what_follows_from_it(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        acl.stand_in.inject("rt.create_context", 207018)
        acl.stand_in.inject("rt.reset_device", 500000)
        with pytest.raises(EngineUnavailable, match=r"out of memory.*rt\.create_context 207018"):
            start(static_card(tmp_path))
        acl.stand_in.chip.device_references = 0

    def test_oms_whose_sizes_others_serve_take_no_memory(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        (tmp_path / "gears").mkdir()
        sizes_hw = [(32, 32), (16, 32)]
        oms = [write_om(tmp_path, sizes_hw), write_om(tmp_path, [SIZE_HW])]
        engine = start(small_card(tmp_path, oms))
        assert engine.sizes_hw == tuple(sizes_hw)
        assert acl.stand_in.chip.calls["mdl.load_from_file"] == 1

    def test_a_device_too_small_for_the_om(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        acl.stand_in.chip.total_bytes = 100
        with pytest.raises(EngineUnavailable, match="out of memory"):
            start(static_card(tmp_path))

    def test_an_om_of_newer_make(self, start: Start, acl: ModuleType, tmp_path: Path) -> None:
        acl.stand_in.chip.version = (1, 0, 0)
        with pytest.raises(EngineUnavailable, match="newer CANN"):
            start(static_card(tmp_path))

    def test_another_init_in_the_process_is_no_matter(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        acl.init()
        start(static_card(tmp_path)).run(photo())

    def test_an_altered_om(self, start: Start, tmp_path: Path) -> None:
        om = write_om(tmp_path, [SIZE_HW])
        (tmp_path / om.file).write_bytes(b"\0" * om.bytes)
        with pytest.raises(ModelDamaged):
            start(small_card(tmp_path, [om]))

    def test_no_om_at_all(self, start: Start, tmp_path: Path) -> None:
        with pytest.raises(EngineUnavailable, match=f"atc .* --soc-version {CHIP}"):
            start(small_card(tmp_path))

    def test_oms_for_other_chips(self, start: Start, tmp_path: Path) -> None:
        card = small_card(tmp_path, [write_om(tmp_path, [SIZE_HW], soc="Ascend910B4")])
        with pytest.raises(EngineUnavailable, match="it has Ascend910B4"):
            start(card)

    def test_a_precision_that_is_not_there(self, start: Start, tmp_path: Path) -> None:
        card = small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])])
        with pytest.raises(EngineUnavailable, match=r"no int8 OM .* it has fp32"):
            start(card, "int8")

    def test_the_precision_asked_for_is_taken(self, start: Start, tmp_path: Path) -> None:
        oms = [
            write_om(tmp_path, [SIZE_HW]),
            write_om(tmp_path, [SIZE_HW], precision="fp16", output_dtype="float16"),
        ]
        engine = start(small_card(tmp_path, oms), "fp16")
        masks = engine.run(photo()).masks_queries_logits
        np.testing.assert_array_equal(masks, by_onnxruntime(photo())[1].astype(np.float16))

    def test_an_om_of_other_sizes_than_its_card_says(self, start: Start, tmp_path: Path) -> None:
        om = replace(write_om(tmp_path, [SIZE_HW]), sizes_hw=((64, 64),))
        with pytest.raises(EngineUnavailable, match="does not match its card"):
            start(small_card(tmp_path, [om]))

    def test_an_om_with_open_shapes(self, start: Start, tmp_path: Path) -> None:
        from stand_in_om import open_om

        om = describe(open_om(small_model(None)), tmp_path / "open.om", [SIZE_HW])
        with pytest.raises(EngineUnavailable, match="does not match its card"):
            start(small_card(tmp_path, [om]))

    @pytest.mark.parametrize(("more", "fits"), [(64, True), (65, False), (-1, False)])
    def test_an_input_may_be_padded_a_little(
        self, start: Start, acl: ModuleType, tmp_path: Path, more: int, fits: bool
    ) -> None:
        size_of = acl.mdl.get_input_size_by_index
        acl.mdl.get_input_size_by_index = lambda desc, index: size_of(desc, index) + more
        if fits:
            start(static_card(tmp_path)).run(photo())
            acl.stand_in.chip.warnings.clear()
        else:
            with pytest.raises(EngineUnavailable, match="does not match its card"):
                start(static_card(tmp_path))

    def test_oms_that_disagree_about_their_input(self, start: Start, tmp_path: Path) -> None:
        oms = [write_om(tmp_path, [SIZE_HW]), write_om(tmp_path, [(16, 32)], aipp=True)]
        with pytest.raises(EngineUnavailable, match="different inputs"):
            start(small_card(tmp_path, oms))


def ended(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own that had the stand-in, and ended as it likes."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{SITE_PACKAGES}{os.pathsep}."},
        capture_output=True,
        text=True,
        check=True,
    )


class TestEnd:
    def test_closing_twice_and_running_afterwards(
        self, start: Start, acl: ModuleType, tmp_path: Path
    ) -> None:
        engine = start(static_card(tmp_path))
        engine.close()
        engine.close()
        assert acl.stand_in.chip.leaks() == {}
        with pytest.raises(InferenceFailed, match="closed"):
            engine.run(photo())

    def test_two_engines_share_the_device(self, start: Start, tmp_path: Path) -> None:
        first, second = start(static_card(tmp_path)), start(static_card(tmp_path))
        first.run(photo())
        first.close()
        second.run(photo())

    def test_a_failing_teardown_goes_on_and_is_told(
        self, start: Start, acl: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = start(static_card(tmp_path))
        acl.stand_in.inject("mdl.destroy_desc", 500000)
        engine.close()
        assert acl.stand_in.chip.leaks() == {"desc": 1}
        assert "mdl.destroy_desc" in caplog.text
        acl.stand_in.chip.handles["desc"].clear()

    def test_a_process_that_just_ends_gives_everything_back(
        self,
        tmp_path: Path,
    ) -> None:
        save_card(small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])]))
        program = (
            "import sys, numpy as np\n"
            "from pathlib import Path\n"
            "from segmentation.engines.ascend.engine import AscendEngine\n"
            "from segmentation.model_card import load_card\n"
            "engine = AscendEngine(load_card(Path(sys.argv[1])))\n"
            "print(engine.device, engine.run(np.zeros((1, 3, 32, 32), 'f'))[1].shape)\n"
        )
        done = ended(program, tmp_path)
        assert done.stdout == f"{CHIP} (3, 8, 8)\n"
        assert done.stderr == ""

    def test_also_where_a_wait_hung_for_a_while(self, tmp_path: Path) -> None:
        save_card(small_card(tmp_path, [write_om(tmp_path, [SIZE_HW])]))
        program = (
            "import sys, numpy as np, acl.stand_in\n"
            "from pathlib import Path\n"
            "from segmentation.engines.ascend.engine import AscendEngine\n"
            "from segmentation.errors import InferenceFailed\n"
            "from segmentation.model_card import load_card\n"
            "engine = AscendEngine(load_card(Path(sys.argv[1])), timeout_s=0.2)\n"
            "acl.stand_in.inject('stream', acl.stand_in.HANG, times=9)\n"
            "try: engine.run(np.zeros((1, 3, 32, 32), 'f'))\n"
            "except InferenceFailed: print('told')\n"
            "acl.stand_in.chip.released.set()\n"
            "while engine._acl.current_call_seconds(): pass\n"
            "engine.run(np.zeros((1, 3, 32, 32), 'f'))\n"
        )
        done = ended(program, tmp_path)
        assert done.stdout == "told\n"
        assert "was not called" not in done.stderr
        assert "leaked" not in done.stderr


class TestFindChip:
    @pytest.mark.usefixtures("acl")
    def test_the_chip_that_answers(self) -> None:
        assert detect_chip() == CHIP

    def test_nothing_of_ascend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hide_acl(monkeypatch)
        assert detect_chip() is None

    def test_a_device_without_pyacl(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        hide_acl(monkeypatch)
        monkeypatch.setattr(ascend_acl, "DEVICE_NODE", tmp_path)
        with pytest.raises(EngineUnavailable, match=r"set_env\.sh"):
            detect_chip()

    def test_an_impostor(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        hide_acl(monkeypatch)
        (tmp_path / "acl.py").write_text("class Acl: pass\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(EngineUnavailable, match="pip uninstall acl pyacl"):
            detect_chip()

    @pytest.mark.parametrize(
        "source",
        [
            "raise ImportError('libascendcl.so: cannot open shared object file')",
            "import a_module_of_cann_that_is_missing",
        ],
    )
    def test_a_pyacl_that_does_not_load(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
    ) -> None:
        hide_acl(monkeypatch)
        (tmp_path / "acl.py").write_text(source + "\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(EngineUnavailable, match=r"cannot be loaded .*set_env\.sh"):
            detect_chip()

    def test_no_device(
        self,
        acl: ModuleType,
    ) -> None:
        acl.stand_in.chip.devices = 0
        with pytest.raises(EngineUnavailable, match="No Ascend device responds"):
            detect_chip()

    def test_no_permission(
        self,
        acl: ModuleType,
    ) -> None:
        acl.stand_in.inject("rt.get_device_count", 207006)
        with pytest.raises(EngineUnavailable, match="HwHiAiUser"):
            detect_chip()

    def test_a_forced_engine_without_pyacl(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        hide_acl(monkeypatch)
        with pytest.raises(EngineUnavailable, match="Install CANN"):
            AscendEngine(small_card(tmp_path))
