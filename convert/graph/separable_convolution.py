"""A depthwise-separable convolution at stride 4 of the pixel decoder, in place of the full one.

The full 3 x 3 convolution of all channels takes a fifth of the compact model's time. A 3 x 3
convolution of each channel and then a 1 x 1 convolution of all channels take an eighth of its
products.
"""

import torch
from torch import Tensor, nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from convert.graph.efficientnet_lite import SamePadConv2d


class SeparableConv2d(nn.Module):
    """A 3 x 3 convolution of each channel, then a 1 x 1 convolution of all channels.

    Args:
        channels: before and after.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = SamePadConv2d(channels, channels, 3, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve float32 (B, channels, H, W) without a change of shape."""
        convolved: Tensor = self.pointwise(self.depthwise(features))
        return convolved


class SeparableMask2Former(Mask2FormerForUniversalSegmentation):  # type: ignore[misc]
    """A Mask2Former whose convolution at stride 4 is depthwise-separable."""

    def __init__(self, config: Mask2FormerConfig) -> None:
        super().__init__(config)
        set_convolution(self, SeparableConv2d(config.feature_size))
        self.post_init()


def is_separable(config: Mask2FormerConfig) -> bool:
    """Whether a model's convolution at stride 4 is depthwise-separable."""
    return bool(getattr(config, "separable_convolution", False))


def set_convolution(model: Mask2FormerForUniversalSegmentation, conv: nn.Module) -> None:
    """Replace the convolution at stride 4, whose norm and Relu stay."""
    model.model.pixel_level_module.decoder.layer_1[0] = conv


def separate_convolution(model: Mask2FormerForUniversalSegmentation) -> None:
    """Make a model's full convolution at stride 4 separable, with as similar weights as can be.

    The kernels of one input channel, a matrix (out, 9), become the product of a column and a row.
    Its singular value decomposition gives those with the least squared error.
    """
    full = model.model.pixel_level_module.decoder.layer_1[0]
    separable = SeparableConv2d(model.config.feature_size).to(full.weight.device)
    with torch.no_grad():
        kernels = full.weight.flatten(2).transpose(0, 1)
        columns, values, rows = torch.linalg.svd(kernels, full_matrices=False)
        scale = values[:, :1].sqrt()
        separable.depthwise.weight.copy_((rows[:, 0] * scale).view_as(separable.depthwise.weight))
        separable.pointwise.weight.copy_((columns[..., 0] * scale).T[..., None, None])
    model.config.separable_convolution = True
    set_convolution(model, separable)
