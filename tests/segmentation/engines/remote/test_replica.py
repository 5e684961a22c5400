"""What a replica refuses, how it passes errors on, and when it asks to be replaced."""

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.cluster.deployment import MAX_FAILURES_IN_A_ROW, Replica
from segmentation.engines.base import Engine, Logits
from segmentation.engines.remote import RemoteEngine
from segmentation.errors import InferenceFailed
from segmentation.i18n import Text
from tests.segmentation.engines.remote.servers import CARD


class BrokenEngine(Engine):
    """An engine whose device always fails."""

    input = CARD.input
    sizes_hw = ((192, 384),)
    device = "broken"

    def run(self, pixel_values: UInt8) -> Logits:  # noqa: ARG002
        raise InferenceFailed("The chip is too hot.", "芯片过热。")

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("shape", [(1, 100, 100, 3), (1, 192, 384), (1, 384, 384, 6)])
def test_pixels_of_another_shape_are_refused(address: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InferenceFailed, match="have changed"):
        RemoteEngine(CARD, address).run(np.zeros(shape, np.uint8))


def test_bytes_that_do_not_fill_the_shape_are_refused(address: str) -> None:
    with pytest.raises(InferenceFailed, match="have changed"):
        RemoteEngine(CARD, address).run(np.zeros((1, 192, 384, 3), np.float32))


def test_a_replica_of_another_model_refuses_photos(
    address: str, replica: Replica, pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RemoteEngine(CARD, address)
    monkeypatch.setattr(replica, "_name", "another")
    with pytest.raises(InferenceFailed, match="have changed"):
        engine.run(pixel_values)


def test_the_error_of_a_replicas_device_reaches_the_page(
    address: str, replica: Replica, pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RemoteEngine(CARD, address)
    monkeypatch.setattr(replica, "_engine", BrokenEngine())
    with pytest.raises(InferenceFailed) as failure:
        engine.run(pixel_values)
    assert failure.value.text == Text("The chip is too hot.", "芯片过热。")


def test_a_replica_that_fails_several_photos_in_a_row_is_unhealthy(
    address: str, replica: Replica, pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RemoteEngine(CARD, address)

    def fail(times: int) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(replica, "_engine", BrokenEngine())
            for _ in range(times):
                with pytest.raises(InferenceFailed):
                    engine.run(pixel_values)

    fail(MAX_FAILURES_IN_A_ROW - 1)
    engine.run(pixel_values)
    fail(MAX_FAILURES_IN_A_ROW - 1)
    replica.check_health()
    fail(1)
    with pytest.raises(RuntimeError, match="photos in a row"):
        replica.check_health()
