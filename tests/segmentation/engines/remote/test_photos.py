"""Photos sent to a replica over HTTP, as through Ray Serve, and the logits that come back."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.registry import open_engine
from segmentation.engines.remote import RemoteEngine
from segmentation.engines.replica_protocol import pack_logits, unpack_logits
from segmentation.image.read import read_photo
from segmentation.inference.segmenter import Segmenter
from tests.paths import EXAMPLES
from tests.segmentation.engines.remote.servers import CARD, LOGITS, REPLICAS


def test_packed_logits_are_unpacked_unchanged() -> None:
    for array, expected in zip(unpack_logits(pack_logits(LOGITS)), LOGITS, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float32


def test_a_remote_engine_equals_a_local_one_of_the_first_precision(
    address: str, pixel_values: UInt8
) -> None:
    local = OnnxEngine(CARD, "fp32", threads=1)
    remote, notices = open_engine(CARD, address)
    assert isinstance(remote, RemoteEngine)
    assert notices == ()
    assert remote.input == local.input
    assert remote.sizes_hw == local.sizes_hw
    assert remote.max_concurrency == REPLICAS
    assert not remote.computes_on_host
    assert remote.device == f"onnxruntime CPU × {REPLICAS}"
    for array, expected in zip(remote.run(pixel_values), local.run(pixel_values), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_photos_sent_together_get_their_own_logits(address: str, pixel_values: UInt8) -> None:
    local, remote = OnnxEngine(CARD, "fp32", threads=1), RemoteEngine(CARD, address)
    photos = [np.roll(pixel_values, 20 * shift, axis=2) for shift in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(remote.run, photos))
    for photo, logits in zip(photos, results, strict=True):
        expected = local.run(photo).masks_queries_logits
        np.testing.assert_array_equal(logits.masks_queries_logits, expected)


def test_a_whole_photo_is_segmented_remotely(address: str) -> None:
    photo = read_photo(EXAMPLES / "chelsea.png")
    segmenter = Segmenter(CARD, address)
    assert segmenter.max_concurrency == 1
    segmentation, _ = segmenter.segment(photo)
    assert segmenter.max_concurrency == REPLICAS
    expected, _ = Segmenter(CARD, "onnx", "fp32", threads=1).segment(photo)
    assert segmentation.instances == expected.instances
    segmenter.close()


def test_proxies_of_the_environment_are_not_used(
    address: str, pixel_values: UInt8, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    RemoteEngine(CARD, address).run(pixel_values)
