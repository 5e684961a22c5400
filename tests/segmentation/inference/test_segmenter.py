"""From a photo to its objects, on an engine that is opened once, when it is needed."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentation.arrays import SizeHW, UInt8
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.engines.registry import Engine, Logits
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference import segmenter as module
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.model_card import InputSpec, find_model
from tests.paths import EXAMPLES

CARD = find_model("compact")
PHOTOS = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".jpg", ".png"))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(CARD)


def test_there_are_at_least_eight_examples() -> None:
    assert len(PHOTOS) >= 8


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_each_example_has_a_subject_and_a_matching_alpha(segmenter: Segmenter, path: Path) -> None:
    photo = read_photo(path)
    assert photo.notices == ()
    segmentation, _ = segmenter.segment(photo)
    ids = select(segmentation, "auto")
    assert ids
    for instance in segmentation.instances:
        left, top, right, bottom = instance.box_xyxy
        assert 0 <= left < right <= photo.hw[1]
        assert 0 <= top < bottom <= photo.hw[0]
        assert CARD.score_threshold <= instance.score <= 1
        assert 0 < instance.area <= 1
    alpha = make_alpha(photo.rgb, segmentation.mask_logits(ids))
    assert alpha.shape == photo.hw
    assert alpha.min() == 0
    assert alpha.max() == 255
    share = (segmentation.mask_logits(ids) > 0).mean()
    assert (alpha / 255).mean() == pytest.approx(share, rel=0.15, abs=0.005)


@pytest.mark.parametrize("size_hw", [(16, 16), (30, 900), (900, 30), (1, 1)])
def test_photos_of_any_shape_are_segmented(segmenter: Segmenter, size_hw: SizeHW) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    segmentation, timings = segmenter.segment(Photo(noise, None, "x", ()), threshold=0)
    assert segmentation.geometry.photo_hw == size_hw
    assert min(timings.prepare, timings.infer, timings.instances) > 0


def test_the_engine_opens_with_the_first_photo_and_again_after_close() -> None:
    segmenter = Segmenter(CARD, "onnx", threads=1)
    photo = Photo(np.full((64, 64, 3), 127, np.uint8), None, "x", ())
    assert segmenter.device is None
    assert segmenter.notices == ()
    assert segmenter.segment(photo)[1].load > 0
    assert segmenter.device == "onnxruntime CPU"
    segmenter.close()
    segmenter.close()
    assert segmenter.device is None
    segmenter.segment(photo)
    assert segmenter.device == "onnxruntime CPU"


class FixedEngine(Engine):
    """Returns the same logits for every photo."""

    def __init__(self, logits: Logits) -> None:
        self._logits = logits

    @property
    def input(self) -> InputSpec:
        return CARD.input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        return ((64, 64),)

    @property
    def device(self) -> str:
        return "fixed"

    def run(self, pixel_values: UInt8) -> Logits:  # noqa: ARG002
        return self._logits

    def close(self) -> None:
        """Nothing to close."""


def test_threads_share_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Engine] = []

    def open_engine(*_: object) -> tuple[Engine, tuple[()]]:
        opened.append(FixedEngine(Logits(np.zeros((1, 8)), np.zeros((1, 16, 16)))))
        return opened[-1], ()

    monkeypatch.setattr(module, "open_engine", open_engine)
    segmenter = Segmenter(CARD)
    with ThreadPoolExecutor(8) as pool:
        engines = {id(engine) for engine, _ in pool.map(lambda _: segmenter.open(), range(16))}
    assert len(engines) == len(opened) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("invalid", [0, 1])
def test_logits_that_are_not_numbers_raise(
    invalid: int, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = [np.zeros((2, 8), np.float32), np.zeros((2, 16, 16), np.float32)]
    logits[invalid][0, 3] = value
    engine = FixedEngine(Logits(*logits))
    monkeypatch.setattr(module, "open_engine", lambda *_: (engine, ()))
    with pytest.raises(InferenceFailed, match="not numbers"):
        Segmenter(CARD).segment(Photo(np.zeros((64, 64, 3), np.uint8), None, "x", ()))


def test_a_model_that_cannot_be_opened_raises_each_time(tmp_path: Path) -> None:
    segmenter = Segmenter(replace(CARD, folder=tmp_path), "onnx")
    for _ in range(2):
        with pytest.raises(ModelDamaged):
            segmenter.open()
    with pytest.raises(EngineUnavailable):
        Segmenter(CARD, "onnx", "int3").open()


def test_a_pickled_segmenter_opens_its_engine_again(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "chelsea.png")
    found, _ = segmenter.segment(photo)
    copy = pickle.loads(pickle.dumps(segmenter))
    assert copy.device is None
    again, timings = copy.segment(photo)
    assert timings.load > 0
    assert again.instances == found.instances
    assert segmenter.device is not None, "the first one stays open"
    copy.close()
