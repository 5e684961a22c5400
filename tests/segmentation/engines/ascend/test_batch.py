"""OMs for several photos: those that wait are run together, with the numbers of one by one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segmentation.engines.ascend.engine import AscendEngine
from segmentation.engines.base import Logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from tests.segmentation.engines.ascend.small_engine import SIZE_HW, StartEngine
from tests.stand_ins.om_card import small_card, write_om
from tests.stand_ins.small_model import onnx_outputs, random_image

BATCH = 4


@pytest.fixture
def engine(start_engine: StartEngine, tmp_path: Path) -> AscendEngine:
    """An engine with an OM for one photo and one for BATCH of them."""
    oms = [write_om(tmp_path, [SIZE_HW], batch=batch) for batch in (1, BATCH)]
    return start_engine(small_card(tmp_path, oms))


@contextmanager
def submit_behind_a_busy_device(
    engine: AscendEngine, acl: ModuleType, seeds: Sequence[int]
) -> Iterator[list[Future[Logits]]]:
    """Submit a photo that keeps the device busy until the others wait; yield all of them."""
    (worker,) = engine._pool.workers
    acl.stand_in.inject("stream", acl.stand_in.HANG)
    with ThreadPoolExecutor(len(seeds)) as pool:
        futures = [pool.submit(engine.run, random_image(seeds[0]))]
        while not worker._acl.current_call_seconds():
            pass
        futures += [pool.submit(engine.run, random_image(seed)) for seed in seeds[1:]]
        while len(worker._waiting) < len(seeds) - 1:
            pass
        acl.stand_in.chip.released.set()
        yield futures


def check_photo(logits: Logits, seed: int) -> None:
    classes, masks = onnx_outputs(random_image(seed))
    np.testing.assert_allclose(logits.class_queries_logits, classes[0], atol=1e-5)
    np.testing.assert_allclose(logits.masks_queries_logits, masks[0], atol=1e-5)


def test_photos_that_wait_are_run_together(engine: AscendEngine, acl: ModuleType) -> None:
    seeds = range(1 + BATCH + 2)
    with submit_behind_a_busy_device(engine, acl, seeds) as futures:
        for future, seed in zip(futures, seeds, strict=True):
            check_photo(future.result(), seed)
    # The first photo, BATCH of the others, and the last two with padding.
    assert acl.stand_in.chip.executions.total() == 3
    assert engine.max_concurrency == 2 * BATCH


def test_photos_of_a_batch_that_fails_are_tried_alone(
    engine: AscendEngine, acl: ModuleType
) -> None:
    seeds = range(1 + BATCH)
    acl.stand_in.inject("rt.memcpy", 507015, skip=3)  # one for the input, two for the outputs
    with submit_behind_a_busy_device(engine, acl, seeds) as futures:
        for future, seed in zip(futures, seeds, strict=True):
            check_photo(future.result(), seed)
    assert acl.stand_in.chip.executions.total() == 1 + BATCH


def test_an_engine_without_an_om_for_one_photo_pads(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(small_card(tmp_path, [write_om(tmp_path, [SIZE_HW], batch=BATCH)]))
    check_photo(engine.run(random_image(3)), 3)
    with pytest.raises(InferenceFailed, match="not prepared"):
        engine.run(np.repeat(random_image(3), BATCH, axis=0))


def test_an_om_for_another_number_of_photos_is_refused(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    om = replace(write_om(tmp_path, [SIZE_HW], batch=BATCH), batch=2)
    with pytest.raises(EngineUnavailable, match="does not match its card"):
        start_engine(small_card(tmp_path, [om]))
