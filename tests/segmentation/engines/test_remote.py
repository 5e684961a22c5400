"""A page and its replica, talking HTTP as they would to each other through Ray Serve."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from segmentation.arrays import UInt8
from segmentation.cluster.deployment import MAX_FAILURES_IN_A_ROW, Replica
from segmentation.engines import remote
from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.registry import Engine, open_engine
from segmentation.engines.remote import RemoteEngine
from segmentation.engines.replica_protocol import describe_replica, pack_logits, unpack_logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from segmentation.i18n import Text
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from tests.paths import EXAMPLES

CARD = find_model("compact")
EXAMPLE = EXAMPLES / "chelsea.png"
REPLICAS = 3


@pytest.fixture(scope="module")
def replica() -> Replica:
    return Replica("compact", "onnx", None, threads=1, replicas=REPLICAS)


@pytest.fixture(scope="module")
def address(replica: Replica) -> Iterator[str]:
    """The replica under a path of its own, as where several models share a cluster."""
    served = Starlette(routes=[Route("/compact", replica.__call__, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/compact"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def pixel_values() -> UInt8:
    values, _ = preprocess(read_photo(EXAMPLE).rgb, CARD.input, [(192, 384)], CARD.mask_stride)
    return values


@contextmanager
def answering(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers one after the other; its address, and what it was asked.

    Status 0 hangs up without a word, as a replica does that is killed.
    """
    asked: list[str] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = left.pop(0)
            if status:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def greeting() -> tuple[int, bytes]:
    told = describe_replica(CARD, OnnxEngine(CARD, threads=1), REPLICAS)
    return 200, json.dumps(told).encode()


LOGITS = Logits(
    np.arange(16, dtype=np.float32).reshape(2, 8), np.arange(24, dtype=np.float32).reshape(2, 3, 4)
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPT_PAUSES_S", (0.0, 0.0, 0.0))


def test_what_is_packed_is_unpacked() -> None:
    for sent, received in zip(LOGITS, unpack_logits(pack_logits(LOGITS)), strict=True):
        np.testing.assert_array_equal(received, sent)
        assert received.dtype == np.float32


def test_a_remote_engine_is_as_good_as_one_here(address: str, pixel_values: UInt8) -> None:
    here = OnnxEngine(CARD, threads=1)
    there, notices = open_engine(CARD, address)
    assert isinstance(there, RemoteEngine)
    assert notices == ()
    assert there.input == here.input
    assert there.sizes_hw == here.sizes_hw
    assert there.max_concurrency == REPLICAS
    assert there.device == f"onnxruntime CPU × {REPLICAS}"
    for expected, got in zip(here.run(pixel_values), there.run(pixel_values), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_photos_sent_together_come_back_each_to_its_own(address: str, pixel_values: UInt8) -> None:
    here, there = OnnxEngine(CARD, threads=1), RemoteEngine(CARD, address)
    photos = [np.roll(pixel_values, 20 * shift, axis=2) for shift in range(4)]
    alone = [here.run(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(there.run, photos))
    for expected, got in zip(alone, together, strict=True):
        np.testing.assert_array_equal(got.masks_queries_logits, expected.masks_queries_logits)


def test_a_whole_photo_goes_through(address: str) -> None:
    photo = read_photo(EXAMPLE)
    segmenter = Segmenter(CARD, address)
    assert segmenter.max_concurrency == 1
    found, _ = segmenter.segment(photo)
    assert segmenter.max_concurrency == REPLICAS
    expected, _ = Segmenter(CARD, "onnx", threads=1).segment(photo)
    assert found.instances == expected.instances
    segmenter.close()


@pytest.mark.parametrize("lost", [(0, b""), (500, b"Internal Server Error"), (503, b"full")])
def test_a_photo_that_a_lost_replica_had_goes_to_another_one(
    lost: tuple[int, bytes], pixel_values: UInt8
) -> None:
    with answering(greeting(), lost, lost, (200, pack_logits(LOGITS))) as (address, asked):
        logits = RemoteEngine(CARD, address).run(pixel_values)
    assert asked == ["GET", "POST", "POST", "POST"]
    np.testing.assert_array_equal(logits.class_queries_logits, LOGITS.class_queries_logits)


def test_a_page_outlives_its_replicas(pixel_values: UInt8) -> None:
    with answering(greeting(), (0, b""), (503, b""), (0, b"")) as (address, _):
        engine = RemoteEngine(CARD, address)
        with pytest.raises(InferenceFailed, match="do not respond") as lost:
            engine.run(pixel_values)
    with pytest.raises(InferenceFailed, match="do not respond") as gone:
        engine.run(pixel_values)
    for failure in (lost, gone):
        assert "请稍后再试" in failure.value.text.zh
        assert address not in failure.value.text.en


def test_a_replica_that_is_drowning_is_not_asked_again(
    pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self) -> None:
            status, body = greeting()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            Slow.asked += 1
            release.wait()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever).start()
        engine = RemoteEngine(CARD, f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setattr(remote, "RESPONSE_TIMEOUT_S", 0.1)
        with pytest.raises(InferenceFailed, match="do not respond"):
            engine.run(pixel_values)
        release.set()
        server.shutdown()
    assert Slow.asked == 1


class Broken(Engine):
    """An engine whose device always fails."""

    input = CARD.input
    sizes_hw = ((192, 384),)
    device = "broken"

    def run(self, pixel_values: UInt8) -> Logits:  # noqa: ARG002
        raise InferenceFailed("The chip is too hot.", "芯片过热。")

    def close(self) -> None:
        """Nothing to give back."""


def test_what_a_replica_says_of_its_device_reaches_the_visitor(
    address: str,
    replica: Replica,
    pixel_values: UInt8,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = RemoteEngine(CARD, address)
    monkeypatch.setattr(replica, "_engine", Broken())
    with pytest.raises(InferenceFailed) as failure:
        engine.run(pixel_values)
    assert failure.value.text == Text("The chip is too hot.", "芯片过热。")


def test_a_replica_whose_device_fails_photo_after_photo_asks_to_be_replaced(
    address: str,
    replica: Replica,
    pixel_values: UInt8,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = RemoteEngine(CARD, address)

    def fail(times: int) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(replica, "_engine", Broken())
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


@pytest.mark.parametrize("shape", [(1, 100, 100, 3), (1, 192, 384), (1, 384, 384, 6)])
def test_pixels_of_another_shape_are_refused(address: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InferenceFailed, match="have changed"):
        RemoteEngine(CARD, address).run(np.zeros(shape, np.uint8))


def test_bytes_that_do_not_fill_the_shape_are_refused(address: str) -> None:
    with pytest.raises(InferenceFailed, match="have changed"):
        RemoteEngine(CARD, address).run(np.zeros((1, 192, 384, 3), np.float32))


@pytest.mark.parametrize("change", [{"name": "another"}, {"mask_stride": 8}, {"labels": ()}])
def test_replicas_of_another_model_are_refused(address: str, change: dict[str, object]) -> None:
    with pytest.raises(EngineUnavailable, match="run another model"):
        RemoteEngine(replace(CARD, **change), address)


def test_replicas_that_were_given_another_model_are_noticed(
    address: str,
    replica: Replica,
    pixel_values: UInt8,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = RemoteEngine(CARD, address)
    monkeypatch.setattr(replica, "_name", "another")
    with pytest.raises(InferenceFailed, match="have changed"):
        engine.run(pixel_values)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((503, b""), "No replica is ready"),
        ((404, b"Path '/' not found"), "not a replica of this version"),
        ((200, b"<html>"), "not a replica of this version"),
        ((200, b"[]"), "not a replica of this version"),
        ((200, b"{}"), "not a replica of this version"),
        ((0, b""), "No replica responds"),
    ],
)
def test_what_is_no_replica_is_refused(answer: tuple[int, bytes], message: str) -> None:
    with answering(answer) as (address, _), pytest.raises(EngineUnavailable, match=message):
        RemoteEngine(CARD, address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://h:port"])
def test_where_nothing_answers_the_engine_is_unavailable(address: str) -> None:
    with pytest.raises(EngineUnavailable, match="No replica responds"):
        RemoteEngine(CARD, address)
