"""A device that hangs, and a process that was forked: no caller waits forever."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from segmentation.engines.ascend.engine import AscendEngine
from tests.segmentation.engines.ascend.small_engine import (
    StartEngine,
    card_with_oms,
    failure_of,
)
from tests.stand_ins.small_model import random_image


@pytest.fixture
def hung_engine(start_engine: StartEngine, acl: ModuleType, tmp_path: Path) -> AscendEngine:
    """An engine whose device runs an inference that never ends, after one caller's error."""
    engine = start_engine(card_with_oms(tmp_path), timeout_s=0.5)
    acl.stand_in.inject("stream", acl.stand_in.HANG, times=9)
    assert "has not responded" in failure_of(engine)
    return engine


def test_an_inference_that_takes_too_long_is_given_up(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path), timeout_s=0.5)
    # The first wait of each of the two attempts ends; the wait before the teardown succeeds.
    acl.stand_in.inject("rt.synchronize_stream_with_timeout", acl.stand_in.HANG, times=2)
    assert "in time" in failure_of(engine)
    engine.run(random_image())


def test_later_callers_get_the_error_at_once(hung_engine: AscendEngine, acl: ModuleType) -> None:
    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(lambda _: failure_of(hung_engine), range(8)))
    assert all("has not responded" in message for message in messages)
    assert acl.stand_in.chip.calls["mdl.execute_async"] == 1


def test_callers_of_an_older_pyacl_without_a_timeout_do_not_wait_forever(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    del acl.rt.synchronize_stream_with_timeout
    engine = start_engine(card_with_oms(tmp_path), timeout_s=0.5)
    acl.stand_in.inject("stream", acl.stand_in.HANG)
    assert "has not responded" in failure_of(engine)


def test_the_engine_works_again_once_the_wait_is_over(
    hung_engine: AscendEngine, acl: ModuleType
) -> None:
    acl.stand_in.chip.released.set()
    while hung_engine._pool.workers[0]._acl.current_call_seconds():
        pass
    hung_engine.run(random_image())


def test_close_does_not_wait_for_a_hung_device(hung_engine: AscendEngine) -> None:
    hung_engine.close()


def test_a_forked_process_gets_an_error(
    start_engine: StartEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: 1)
        assert "without --preload" in failure_of(engine)
        engine.close()
    engine.run(random_image())
