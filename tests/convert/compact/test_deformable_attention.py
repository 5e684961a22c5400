"""Deformable attention of the training against transformers' own: values and gradients."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers.models.mask2former import modeling_mask2former

from convert.compact.deformable_attention import deformable_attention, in_transformers

THEIRS = modeling_mask2former.multi_scale_deformable_attention


def arguments(
    shapes: list[tuple[int, int]], channels: int, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Value, locations and weights of two photos, five queries, two heads and three points."""
    generator = torch.Generator().manual_seed(0)
    cells = sum(height * width for height, width in shapes)

    def random(*size: int) -> Tensor:
        return torch.rand(size, generator=generator)

    value = random(2, cells, 2, channels).to(dtype)
    # About half lies outside of the photo.
    locations = random(2, 5, 2, len(shapes), 3, 2) * 1.4 - 0.2
    weights = random(2, 5, 2, len(shapes), 3)
    return [of.requires_grad_() for of in (value, locations, weights)]


@pytest.mark.parametrize(
    ("shapes", "channels"),
    [
        pytest.param([(4, 6), (8, 12), (16, 24)], 16, id="three_levels"),
        pytest.param([(1, 1)], 1, id="one_cell"),
        pytest.param([(1, 7), (7, 1)], 5, id="lines"),
    ],
)
def test_values_and_gradients_are_those_of_transformers(
    shapes: list[tuple[int, int]], channels: int
) -> None:
    value, locations, weights = arguments(shapes, channels)
    expected = THEIRS(value, shapes, locations, weights)
    found = deformable_attention(value, torch.tensor(shapes), locations, weights)
    torch.testing.assert_close(found, expected)
    towards = torch.linspace(-1, 1, found.numel()).view_as(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, (value, locations, weights), towards),
        torch.autograd.grad(expected, (value, locations, weights), towards),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_point_on_a_cell_takes_that_cell_and_one_between_two_takes_their_mean() -> None:
    value = torch.tensor([1.0, 3.0, 5.0]).view(1, 3, 1, 1)
    on_cell, between, half_outside, outside = 0.5, 1 / 3, 0.0, 2.0
    x = torch.tensor([on_cell, between, half_outside, outside])
    locations = torch.stack([x, torch.full_like(x, 0.5)], -1).view(1, 4, 1, 1, 1, 2)
    weights = torch.ones(1, 4, 1, 1, 1)
    found = deformable_attention(value, [(1, 3)], locations, weights)
    np.testing.assert_allclose(found.flatten(), [3, 2, 0.5, 0], atol=1e-5)


@pytest.mark.parametrize("far", [-1e30, 1e30, float("inf"), float("-inf")])
def test_what_is_far_outside_is_nothing(far: float) -> None:
    value, locations, weights = arguments([(2, 3)], 4)
    with torch.no_grad():
        locations[..., 1] = far
    found = deformable_attention(value, [(2, 3)], locations, weights)
    assert not found.any()
    for of in torch.autograd.grad(found.sum(), (value, locations, weights)):
        assert not of.any()


def test_arguments_may_be_views() -> None:
    shapes = [(4, 6), (2, 3)]
    value, locations, weights = (of.detach() for of in arguments(shapes, 8))
    as_they_are = deformable_attention(value, shapes, locations, weights)
    view = value.transpose(1, 2).contiguous().transpose(1, 2)
    assert not view.is_contiguous()
    assert torch.equal(deformable_attention(view, shapes, locations, weights), as_they_are)


def test_levels_that_are_not_those_of_the_cells_are_refused() -> None:
    value, locations, weights = arguments([(2, 3)], 4)
    with pytest.raises(ValueError, match="do not have 6 cells"):
        deformable_attention(value, [(3, 3)], locations, weights)


def test_bfloat16_is_summed_in_float32() -> None:
    value, locations, weights = arguments([(4, 6)], 16, torch.bfloat16)
    found = deformable_attention(value, [(4, 6)], locations, weights)
    assert found.dtype == torch.float32
    expected = THEIRS(value.float(), [(4, 6)], locations, weights)
    torch.testing.assert_close(found, expected)
    ours, theirs = (torch.autograd.grad(of.sum(), value)[0] for of in (found, expected))
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs)


def test_transformers_has_its_own_again_behind_the_block() -> None:
    with in_transformers():
        assert modeling_mask2former.multi_scale_deformable_attention is deformable_attention
    assert modeling_mask2former.multi_scale_deformable_attention is THEIRS
