"""The loss of the subject query."""

import torch

from convert.compact.data import IGNORED, OPAQUE
from convert.compact.training.subject_loss import subject_losses

SURE = 20.0


def left_half(size: int, inside: float, outside: float) -> torch.Tensor:
    values = torch.full((1, size, size), outside)
    values[..., : size // 2] = inside
    return values


ALPHAS = left_half(16, OPAQUE, 0).to(torch.uint8)
RIGHT = left_half(4, SURE, -SURE)[None]


def total(logits: torch.Tensor, alphas: torch.Tensor) -> float:
    return float(torch.stack(list(subject_losses(logits, alphas).values())).sum())


def test_the_right_mask_has_no_loss_and_a_wrong_one_has_much() -> None:
    assert total(RIGHT, ALPHAS) < 1e-3
    assert total(-RIGHT, ALPHAS) > 20
    unsure = subject_losses(torch.zeros_like(RIGHT), ALPHAS)
    torch.testing.assert_close(unsure["loss_subject_l1"], torch.tensor(5 * 0.5))
    torch.testing.assert_close(unsure["loss_subject_bce"], 5 * torch.log(torch.tensor(2.0)))


def test_half_an_opacity_wants_half_a_chance() -> None:
    grey = torch.full_like(ALPHAS, OPAQUE // 2)
    assert subject_losses(torch.zeros_like(RIGHT), grey)["loss_subject_l1"] < 1e-6


def test_undecided_pixels_and_photos_without_a_subject_are_ignored() -> None:
    undecided = ALPHAS.clone()
    undecided[..., 8:] = IGNORED
    assert total(torch.full_like(RIGHT, SURE), undecided) < 1e-3
    unknown = torch.full_like(ALPHAS, IGNORED)
    assert total(-RIGHT, unknown) == 0
    both = torch.cat([ALPHAS, unknown])
    logits = torch.cat([-RIGHT, RIGHT], dim=1)
    assert abs(total(logits, both) - total(-RIGHT, ALPHAS)) < 1e-4


def test_the_loss_is_a_mean_over_layers_and_pulls_towards_the_target() -> None:
    logits = torch.cat([RIGHT, -RIGHT]).requires_grad_()
    losses = subject_losses(logits, ALPHAS)
    assert abs(total(logits.detach(), ALPHAS) - total(-RIGHT, ALPHAS) / 2) < 1e-3
    torch.autograd.backward(losses["loss_subject_bce"])
    assert logits.grad is not None
    assert (logits.grad[1, 0, :, :2] < 0).all()
    assert (logits.grad[1, 0, :, 2:] > 0).all()
