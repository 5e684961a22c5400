"""Fixtures of the Ascend engine's tests: the stand-in, and engines that must leave nothing."""

import threading
from collections.abc import Iterator, Sequence
from types import ModuleType

import pytest

from segmentation.engines.ascend.engine import AscendEngine
from segmentation.model_card import ModelCard
from tests.segmentation.engines.ascend.small_engine import StartEngine
from tests.stand_ins.toolkit import fresh_acl


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The stand-in of pyACL, in its initial state."""
    return fresh_acl(monkeypatch)


@pytest.fixture
def start_engine(acl: ModuleType) -> Iterator[StartEngine]:
    """Starts engines; after the test it closes them and checks that nothing is left behind."""
    engines: list[AscendEngine] = []

    def start(
        card: ModelCard,
        precision: str | None = None,
        timeout_s: float = 60,
        device_ids: Sequence[int] | None = None,
    ) -> AscendEngine:
        engines.append(AscendEngine(card, precision, timeout_s, device_ids))
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
