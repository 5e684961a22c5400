"""The loss whose matches are found at once, against that of `transformers`."""

from pathlib import Path

import pytest
import torch
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from convert.checkpoint import load_checkpoint
from convert.compact.training import criterion
from convert.compact.training.criterion import THIN_SHARE, BatchedLoss

QUERIES, LABELS = 6, 7


def regular_points(*shape: int, **_: object) -> torch.Tensor:
    """The same points for every photo and layer, instead of random ones."""
    *_, points, _ = shape
    steps = torch.arange(points)
    points_xy = torch.stack([(steps * 0.618) % 1, (steps * 0.414) % 1], 1)
    return points_xy.expand(*shape).clone()


@pytest.mark.parametrize(
    "counts", [(2, 0, 3), (1, 1), (0, 0)], ids=["one_is_empty", "one_each", "all_are_empty"]
)
def test_losses_are_those_of_transformers(
    start_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, counts: tuple[int, ...]
) -> None:
    model = load_checkpoint(start_checkpoint).model
    model.config.train_num_points = 200
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 3

    layers = [
        {
            "masks_queries_logits": draw(len(counts), QUERIES, 8, 12),
            "class_queries_logits": draw(len(counts), QUERIES, LABELS + 1),
        }
        for _ in range(3)
    ]
    # Blocks of 16 pixels are four cells wide, so no part is thin.
    blocks = [(draw(count, 2, 3) > 0).float() for count in counts]
    masks = [block.repeat_interleave(16, 1).repeat_interleave(16, 2) for block in blocks]
    labels = [torch.arange(count) + 2 for count in counts]
    monkeypatch.setattr(torch, "rand", regular_points)
    expected, losses = (
        loss(model.config, model.weight_dict)(
            **layers[0],
            mask_labels=masks,
            class_labels=labels,
            auxiliary_predictions=layers[1:],
        )
        for loss in (Mask2FormerLoss, BatchedLoss)
    )
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, rtol=0, atol=0)


def test_a_lost_thin_part_costs_more_with_points_on_it(
    start_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_checkpoint(start_checkpoint).model
    model.config.train_num_points = 200
    masks = torch.zeros(1, 128, 128)
    masks[:, 64:] = 1
    predicted = torch.where(masks[:, ::4, ::4] > 0, 9.0, -9.0)
    masks[:, 16:64, 60:64] = 1  # a leg that the prediction lacks
    losses = []
    for share in (0.0, THIN_SHARE):
        monkeypatch.setattr(criterion, "THIN_SHARE", share)
        torch.manual_seed(0)
        loss = BatchedLoss(model.config, model.weight_dict)
        logits = torch.zeros(1, 1, LABELS + 1)
        losses.append(loss(predicted[None], logits, [masks], [torch.tensor([0])])["loss_mask"])
    # 12 cells of 1,024 are thin: about 2 of 200 points without, and 48 with points on them.
    assert losses[1] > 5 * losses[0]
