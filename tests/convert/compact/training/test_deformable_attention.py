"""The deformable attention of the training against that of transformers."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers.models.mask2former import modeling_mask2former

from convert.compact.training.deformable_attention import deformable_attention, in_transformers

ORIGINAL = modeling_mask2former.multi_scale_deformable_attention


def arguments(
    shapes: list[tuple[int, int]], channels: int, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Value, locations and weights of two photos, five queries, two heads and three points."""
    generator = torch.Generator().manual_seed(0)
    cells = sum(height * width for height, width in shapes)

    def random(*size: int) -> Tensor:
        return torch.rand(size, generator=generator)

    value = random(2, cells, 2, channels).to(dtype)
    # About half of them are outside the photo.
    locations = random(2, 5, 2, len(shapes), 3, 2) * 1.4 - 0.2
    weights = random(2, 5, 2, len(shapes), 3)
    return [tensor.requires_grad_() for tensor in (value, locations, weights)]


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
    expected = ORIGINAL(value, shapes, locations, weights)
    output = deformable_attention(value, torch.tensor(shapes), locations, weights)
    torch.testing.assert_close(output, expected)
    incoming = torch.linspace(-1, 1, output.numel()).view_as(output)
    for gradient, expected_gradient in zip(
        torch.autograd.grad(output, (value, locations, weights), incoming),
        torch.autograd.grad(expected, (value, locations, weights), incoming),
        strict=True,
    ):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-5)


def test_a_point_on_a_cell_takes_that_cell_and_one_between_two_takes_their_mean() -> None:
    value = torch.tensor([1.0, 3.0, 5.0]).view(1, 3, 1, 1)
    on_cell, between, half_outside, outside = 0.5, 1 / 3, 0.0, 2.0
    x = torch.tensor([on_cell, between, half_outside, outside])
    locations = torch.stack([x, torch.full_like(x, 0.5)], -1).view(1, 4, 1, 1, 1, 2)
    weights = torch.ones(1, 4, 1, 1, 1)
    output = deformable_attention(value, [(1, 3)], locations, weights)
    np.testing.assert_allclose(output.flatten(), [3, 2, 0.5, 0], atol=1e-5)


@pytest.mark.parametrize("far", [-1e30, 1e30, float("inf"), float("-inf")])
def test_a_point_far_outside_has_no_value_and_no_gradient(far: float) -> None:
    value, locations, weights = arguments([(2, 3)], 4)
    with torch.no_grad():
        locations[..., 1] = far
    output = deformable_attention(value, [(2, 3)], locations, weights)
    assert not output.any()
    for gradient in torch.autograd.grad(output.sum(), (value, locations, weights)):
        assert not gradient.any()


def test_arguments_may_be_views() -> None:
    shapes = [(4, 6), (2, 3)]
    value, locations, weights = (tensor.detach() for tensor in arguments(shapes, 8))
    expected = deformable_attention(value, shapes, locations, weights)
    view = value.transpose(1, 2).contiguous().transpose(1, 2)
    assert not view.is_contiguous()
    assert torch.equal(deformable_attention(view, shapes, locations, weights), expected)


def test_levels_that_do_not_match_the_cells_are_refused() -> None:
    value, locations, weights = arguments([(2, 3)], 4)
    with pytest.raises(ValueError, match="do not have 6 cells"):
        deformable_attention(value, [(3, 3)], locations, weights)


def test_bfloat16_is_summed_in_float32() -> None:
    value, locations, weights = arguments([(4, 6)], 16, torch.bfloat16)
    output = deformable_attention(value, [(4, 6)], locations, weights)
    assert output.dtype == torch.float32
    expected = ORIGINAL(value.float(), [(4, 6)], locations, weights)
    torch.testing.assert_close(output, expected)
    gradient, expected_gradient = (
        torch.autograd.grad(tensor.sum(), value)[0] for tensor in (output, expected)
    )
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient, expected_gradient)


def test_transformers_has_its_own_attention_again_after_the_block() -> None:
    with in_transformers():
        assert modeling_mask2former.multi_scale_deformable_attention is deformable_attention
    assert modeling_mask2former.multi_scale_deformable_attention is ORIGINAL
