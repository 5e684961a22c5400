"""The network that corrects masks on a finer grid."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmentation.arrays import Bool, Float32, SizeHW
from segmentation.errors import InferenceFailed, ModelDamaged
from segmentation.inference import mask_refiner
from segmentation.inference.mask_refiner import NETWORK, correct_mask, network_hw, run_network
from segmentation.inference.metrics import boundary_f, iou

SIDE = 240


@pytest.fixture
def altered_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "refiner.onnx"
    content = bytearray(NETWORK.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(mask_refiner, "NETWORK", path)
    mask_refiner._network.cache_clear()
    yield path
    mask_refiner._network.cache_clear()


def disc(radius: int) -> Bool:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - 120) ** 2 + (columns - 110) ** 2 < radius**2


def blurred_logits(mask: Bool) -> Float32:
    """Logits as the model's, on its grid: certain inside, uncertain around the outline."""
    cells = cv2.resize(np.where(mask, 5, -5).astype(np.float32), (96, 96))
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), 2), np.float32)


def enlarged(mask_logits: Float32) -> Bool:
    return np.asarray(cv2.resize(mask_logits, (SIDE, SIDE)) > 0)


@pytest.mark.parametrize("radius", [52, 68])
def test_an_outline_beside_the_edge_moves_towards_it(radius: int) -> None:
    truth = disc(60)
    rgb = np.where(truth[..., None], (60, 80, 160), (220, 215, 200)).astype(np.uint8)
    mask_logits = blurred_logits(disc(radius))
    before, after = enlarged(mask_logits), enlarged(correct_mask(rgb, mask_logits))
    assert iou(after, truth) > iou(before, truth) + 0.05
    assert boundary_f(after, truth) > boundary_f(before, truth)


def test_a_mask_that_is_right_stays() -> None:
    truth = disc(60)
    rgb = np.where(truth[..., None], (60, 80, 160), (220, 215, 200)).astype(np.uint8)
    assert iou(enlarged(correct_mask(rgb, blurred_logits(truth))), truth) > 0.97


@pytest.mark.parametrize(
    ("crop_hw", "expected"),
    [((4000, 4000), (256, 256)), ((300, 200), (256, 176)), ((30, 900), (64, 256))],
)
def test_the_network_sees_a_crop_in_about_its_aspect_ratio(
    crop_hw: SizeHW, expected: SizeHW
) -> None:
    assert network_hw(crop_hw) == expected


def test_the_grid_is_finer_than_the_models() -> None:
    corrected = correct_mask(np.full((90, 60, 3), 128, np.uint8), np.ones((24, 16), np.float32))
    assert corrected.shape == (128, 88)
    assert corrected.dtype == np.float32
    assert np.isfinite(corrected).all()


def test_logits_beyond_half_precision_stay_finite() -> None:
    corrected = correct_mask(
        np.full((64, 64, 3), 128, np.uint8), np.full((16, 16), 1e6, np.float32)
    )
    assert np.isfinite(corrected).all()


@pytest.mark.usefixtures("altered_network")
def test_an_altered_network_is_not_run() -> None:
    with pytest.raises(ModelDamaged, match=r"refiner\.onnx is missing or altered") as raised:
        correct_mask(np.zeros((64, 64, 3), np.uint8), np.zeros((16, 16), np.float32))
    assert "重新安装" in raised.value.text.zh


def test_a_missing_network_is_told(altered_network: Path) -> None:
    altered_network.unlink()
    with pytest.raises(ModelDamaged):
        correct_mask(np.zeros((64, 64, 3), np.uint8), np.zeros((16, 16), np.float32))


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("no network")
    with pytest.raises(ModelDamaged, match=r"cannot load text\.onnx"):
        run_network(path, np.zeros((64, 64, 3), np.uint8), np.zeros((16, 16), np.float32))


def test_a_graph_with_other_inputs_is_a_failed_inference() -> None:
    other = NETWORK.parents[1] / "compact" / "model.onnx"
    with pytest.raises(InferenceFailed):
        run_network(other, np.zeros((64, 64, 3), np.uint8), np.zeros((16, 16), np.float32))
