"""Training the mask refiner: steps, the loss and the command."""

from pathlib import Path

import numpy as np
import pytest
import torch

from convert.compact.__main__ import main
from convert.compact.data import Sample, encode_image, write_samples
from convert.compact.refiner.crops import ObjectCrop
from convert.compact.refiner.learner import (
    WARM_UP_STEPS,
    CropBatches,
    Learner,
    mask_loss,
    rate_factor,
)
from convert.compact.refiner.network import MaskRefiner
from convert.compact.refiner.scores import score
from convert.compact.refiner.train import GRAPH, STATE
from segmentation import read_photo
from tests.paths import EXAMPLES


def crops_with_shifted_masks() -> list[ObjectCrop]:
    """Bright squares, whose masks lie a little too far to the right."""
    rgb = np.full((96, 96, 3), 40, np.uint8)
    rgb[24:72, 24:72] = 220
    mask_logits = np.full((48, 48), -3, np.float16)
    mask_logits[12:36, 15:39] = 3
    return [ObjectCrop(rgb, mask_logits, (rgb[..., 0] > 127).astype(np.uint8))]


def test_steps_lower_the_loss_below_that_of_the_masks() -> None:
    torch.manual_seed(0)
    learner = Learner(MaskRefiner(), rate=2e-2)
    batch = tuple(
        tensor[:2, :, ::2, ::2] for tensor in CropBatches(crops_with_shifted_masks(), 0)[0]
    )
    losses = [learner.step(batch, share=0) for _ in range(12)]  # type: ignore[arg-type]
    first, before = losses[0]
    assert first == pytest.approx(before, rel=1e-3), "an untrained network changes nothing"
    assert losses[-1][0] < 0.9 * before
    assert learner.averaged().head.weight.abs().max() > 0


def test_the_loss_is_least_for_the_truth_and_ignores_undecided_pixels() -> None:
    truth = torch.zeros(1, 1, 8, 8)
    truth[..., 4:] = 1
    weight = torch.ones_like(truth)
    logits = 8 * (2 * truth - 1)
    assert mask_loss(logits, truth, weight) < 0.1 < mask_loss(-logits, truth, weight)
    weight[..., 0] = 0
    other = logits.clone()
    other[..., 0] = 8
    torch.testing.assert_close(mask_loss(other, truth, weight), mask_loss(logits, truth, weight))


def test_the_rate_rises_and_then_falls() -> None:
    assert (
        rate_factor(0, 0) < rate_factor(WARM_UP_STEPS // 2, 0) < rate_factor(WARM_UP_STEPS, 0) == 1
    )
    assert rate_factor(1000, 0.5) > rate_factor(2000, 1) > 0


def test_a_correction_to_the_truth_has_full_scores() -> None:
    crops = crops_with_shifted_masks()
    before = score(crops)
    after = score(crops, lambda rgb, _: np.where(rgb[..., 0] > 127, 8, -8).astype(np.float32))
    assert before.iou < 0.95 < after.iou
    assert after.boundary_f == 1
    assert "IoU 0." in str(before)


def test_the_command_makes_a_graph_from_photos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One photo of a cat for training and one that is kept apart, with circles as the truth."""
    photo = read_photo(EXAMPLES / "chelsea.png")
    height, width = photo.hw
    rows, columns = np.mgrid[:height, :width]
    ids = ((rows / height - 0.5) ** 2 + (columns / width - 0.45) ** 2 < 0.38**2).astype(np.uint8)
    files = encode_image(photo.rgb, "webp"), encode_image(ids, "png")
    write_samples(tmp_path / "data", [Sample("cats", name, *files, (1,)) for name in ("0", "14")])
    options = ["--data", str(tmp_path / "data"), "-o", str(tmp_path / "run"), "--threads", "1"]
    assert main(["refiner", *options, "--minutes", "0.001"]) == 0
    output = capsys.readouterr().out
    assert "1 crops for training, 1 kept apart" in output
    assert "step 1: loss" in output
    assert "before: IoU" in output
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"crops", STATE, GRAPH}
