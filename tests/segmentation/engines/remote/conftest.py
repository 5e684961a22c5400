"""Fixtures of the remote engine's tests: a replica that serves HTTP, and pixels to send."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from segmentation.arrays import UInt8
from segmentation.cluster.deployment import Replica
from segmentation.engines import remote
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from tests.paths import EXAMPLES
from tests.segmentation.engines.remote.servers import CARD, REPLICAS


@pytest.fixture(scope="module")
def replica() -> Replica:
    return Replica("compact", "onnx", None, threads=1, replicas=REPLICAS)


@pytest.fixture(scope="module")
def address(replica: Replica) -> Iterator[str]:
    """Serve the replica under a path, as in a cluster with several models."""
    application = Starlette(routes=[Route("/compact", replica.__call__, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/compact"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def pixel_values() -> UInt8:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    values, _ = preprocess(rgb, CARD.input, [(192, 384)], CARD.mask_stride)
    return values


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ATTEMPT_PAUSES_S", (0.0, 0.0, 0.0))
