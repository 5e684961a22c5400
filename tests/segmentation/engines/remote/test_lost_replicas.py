"""Replicas that die, hang, are missing or are something else: retries and errors."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.engines import remote
from segmentation.engines.remote import RemoteEngine
from segmentation.engines.replica_protocol import pack_logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from tests.segmentation.engines.remote.servers import (
    CARD,
    HANG_UP,
    LOGITS,
    QuietHandler,
    description_answer,
    serve,
    serve_answers,
)


@pytest.mark.parametrize(
    "lost_answer", [(HANG_UP, b""), (500, b"Internal Server Error"), (503, b"full")]
)
def test_a_photo_of_a_lost_replica_is_sent_to_another_one(
    lost_answer: tuple[int, bytes], pixel_values: UInt8
) -> None:
    answers = [description_answer(), lost_answer, lost_answer, (200, pack_logits(LOGITS))]
    with serve_answers(*answers) as (address, methods):
        logits = RemoteEngine(CARD, address).run(pixel_values)
    assert methods == ["GET", "POST", "POST", "POST"]
    np.testing.assert_array_equal(logits.class_queries_logits, LOGITS.class_queries_logits)


def test_photos_fail_while_all_replicas_are_gone(pixel_values: UInt8) -> None:
    answers = [description_answer(), (HANG_UP, b""), (503, b""), (HANG_UP, b"")]
    with serve_answers(*answers) as (address, _):
        engine = RemoteEngine(CARD, address)
        with pytest.raises(InferenceFailed, match="do not respond") as all_lost:
            engine.run(pixel_values)
    with pytest.raises(InferenceFailed, match="do not respond") as server_gone:
        engine.run(pixel_values)
    for failure in (all_lost, server_gone):
        assert "请稍后再试" in failure.value.text.zh
        assert address not in failure.value.text.en


def test_an_overloaded_replica_gets_no_second_attempt(
    pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    posts: list[str] = []

    class SlowHandler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.answer(*description_answer())

        def do_POST(self) -> None:  # noqa: N802
            posts.append(self.path)
            release.wait()

    with serve(SlowHandler) as address:
        engine = RemoteEngine(CARD, address)
        monkeypatch.setattr(remote, "RESPONSE_TIMEOUT_S", 0.1)
        with pytest.raises(InferenceFailed, match="do not respond"):
            engine.run(pixel_values)
        release.set()
    assert len(posts) == 1


@pytest.mark.parametrize("change", [{"name": "another"}, {"mask_stride": 8}, {"labels": ()}])
def test_replicas_of_another_model_are_refused(address: str, change: dict[str, object]) -> None:
    with pytest.raises(EngineUnavailable, match="run another model"):
        RemoteEngine(replace(CARD, **change), address)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((503, b""), "No replica is ready"),
        ((404, b"Path '/' not found"), "not a replica of this version"),
        ((200, b"<html>"), "not a replica of this version"),
        ((200, b"[]"), "not a replica of this version"),
        ((200, b"{}"), "not a replica of this version"),
        ((HANG_UP, b""), "No replica responds"),
    ],
)
def test_another_service_at_the_address_is_refused(answer: tuple[int, bytes], message: str) -> None:
    with serve_answers(answer) as (address, _), pytest.raises(EngineUnavailable, match=message):
        RemoteEngine(CARD, address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://h:port"])
def test_an_address_without_a_server_is_refused(address: str) -> None:
    with pytest.raises(EngineUnavailable, match="No replica responds"):
        RemoteEngine(CARD, address)
