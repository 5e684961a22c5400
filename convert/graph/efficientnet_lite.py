"""EfficientNet-Lite as a `transformers` backbone; Lite0 is that of the bundled model.

The architecture is that of EfficientNet-Lite in tensorflow/tpu (Apache-2.0): the MobileNetV2-style
blocks of EfficientNet-B0 (Tan and Le 2019) with ReLU6, without squeeze-and-excite, with a stem of
fixed width and TensorFlow's "SAME" padding. The modules have timm's names, so checkpoints trained
with `timm_backbone` load without renaming keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoBackbone, AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.backbone_utils import BackboneConfigMixin, BackboneMixin
from transformers.modeling_outputs import BackboneOutput

STEM_CHANNELS = 32


class Stage(NamedTuple):
    """Blocks of the same width.

    Attributes:
        kernel: of the depthwise convolutions.
        stride: of the first block; that of the others is 1.
        expansion: how many times as many channels a block has inside as before it.
        channels: after each block.
        blocks: their number.
    """

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


def _seven_stages(channels: tuple[int, ...], blocks: tuple[int, ...]) -> tuple[Stage, ...]:
    """The stages of a variant; variants differ in channels and numbers of blocks only."""
    fixed = (3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6)
    return tuple(
        Stage(*stage, width, depth)
        for stage, width, depth in zip(fixed, channels, blocks, strict=True)
    )


VARIANTS: Mapping[str, tuple[Stage, ...]] = {
    "lite0": _seven_stages((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)),
    "lite1": _seven_stages((16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1)),
    "lite2": _seven_stages((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)),
}


class EfficientNetLiteConfig(BackboneConfigMixin, PretrainedConfig):  # type: ignore[misc]
    """Config of the stages, and of those to return.

    Args:
        stages: the fields of each `Stage`; those of Lite0 if a checkpoint does not say.
        out_features: names of the stages to return; by default the four that Mask2Former takes.
        out_indices: the same as indices.
    """

    model_type = "koutu_efficientnet_lite"

    def __init__(
        self,
        stages: Sequence[Sequence[int]] = VARIANTS["lite0"],
        out_features: list[str] | None = None,
        out_indices: list[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stages = [list(stage) for stage in stages]
        self.stage_names = ["stem", *(f"stage{number}" for number in range(1, len(stages) + 1))]
        if out_features is None and out_indices is None:
            out_features = ["stage2", "stage3", "stage5", "stage7"]
        self.set_output_features_output_indices(out_features=out_features, out_indices=out_indices)


class SamePadConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" padding: the output has ceil(side / stride) pixels.

    Where the padding is odd, the right and the bottom get one pixel more.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own parameter name
        """Pad, then convolve, float32 (B, C, H, W)."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        pads: list[int] = []
        for side in (input.shape[3], input.shape[2]):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        padded = F.pad(input, pads)
        if self.groups == 1 or input.device.type != "cpu":
            return F.conv2d(padded, self.weight, None, self.stride, groups=self.groups)
        # On processors, oneDNN's backward pass of depthwise convolutions is three to seven times
        # slower in bfloat16 than in float32.
        with torch.autocast("cpu", enabled=False):
            return F.conv2d(padded.float(), self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class DepthwiseSeparableConv(nn.Module):
    """Block of the first stage: a depthwise and a linear pointwise convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = SamePadConv2d(
            in_channels, in_channels, kernel, stride, groups=in_channels, bias=False
        )
        self.bn1 = _norm(in_channels)
        self.conv_pw = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = _norm(out_channels)
        self.has_skip = stride == 1 and in_channels == out_channels

    def forward(self, features: Tensor) -> Tensor:
        """Map float32 (B, in_channels, H, W) to (B, out_channels, H/stride, W/stride)."""
        hidden: Tensor = F.relu6(self.bn1(self.conv_dw(features)))
        hidden = self.bn2(self.conv_pw(hidden))
        return features + hidden if self.has_skip else hidden


class InvertedResidual(nn.Module):
    """Block of all other stages: pointwise expansion, depthwise, linear pointwise."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.conv_pw = nn.Conv2d(in_channels, wide, 1, bias=False)
        self.bn1 = _norm(wide)
        self.conv_dw = SamePadConv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self.bn2 = _norm(wide)
        self.conv_pwl = nn.Conv2d(wide, out_channels, 1, bias=False)
        self.bn3 = _norm(out_channels)
        self.has_skip = stride == 1 and in_channels == out_channels

    def forward(self, features: Tensor) -> Tensor:
        """Map float32 (B, in_channels, H, W) to (B, out_channels, H/stride, W/stride)."""
        hidden: Tensor = F.relu6(self.bn1(self.conv_pw(features)))
        hidden = F.relu6(self.bn2(self.conv_dw(hidden)))
        hidden = self.bn3(self.conv_pwl(hidden))
        return features + hidden if self.has_skip else hidden


def _stage_blocks(stage: Stage, in_channels: int) -> nn.Sequential:
    blocks: list[nn.Module] = []
    channels, stride = in_channels, stage.stride
    for _ in range(stage.blocks):
        blocks.append(
            DepthwiseSeparableConv(channels, stage.channels, stage.kernel, stride)
            if stage.expansion == 1
            else InvertedResidual(channels, stage.channels, stage.kernel, stride, stage.expansion)
        )
        channels, stride = stage.channels, 1
    return nn.Sequential(*blocks)


class EfficientNetLite(nn.Module):
    """Stem and stages.

    Args:
        stages: the stages in their order.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.conv_stem = SamePadConv2d(3, STEM_CHANNELS, 3, 2, bias=False)
        self.bn1 = _norm(STEM_CHANNELS)
        widths = [STEM_CHANNELS, *(stage.channels for stage in stages)]
        self.blocks = nn.Sequential(*map(_stage_blocks, stages, widths))

    def forward(self, pixel_values: Tensor) -> list[Tensor]:
        """Return the maps of the stem and of each stage.

        Args:
            pixel_values: float32 (B, 3, H, W).
        """
        features = [F.relu6(self.bn1(self.conv_stem(pixel_values)))]
        for stage in self.blocks:
            features.append(stage(features[-1]))
        return features


class EfficientNetLiteBackbone(BackboneMixin, PreTrainedModel):  # type: ignore[misc]
    """Backbone that `AutoBackbone` creates from an `EfficientNetLiteConfig`."""

    config_class = EfficientNetLiteConfig
    base_model_prefix = "_backbone"
    main_input_name = "pixel_values"
    has_attentions = False

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        stages = [Stage(*fields) for fields in config.stages]
        self._backbone = EfficientNetLite(stages)
        self.num_features = [STEM_CHANNELS, *(stage.channels for stage in stages)]
        self.post_init()

    def forward(self, pixel_values: Tensor, **_: Any) -> BackboneOutput:
        """Return the feature maps named in the config.

        Args:
            pixel_values: float32 (B, 3, H, W), normalised with mean 0.5 and std 0.5.
        """
        maps = self._backbone(pixel_values)
        return BackboneOutput(feature_maps=tuple(maps[index] for index in self.out_indices))


def register() -> None:
    """Register the backbone with `AutoConfig` and `AutoBackbone`; may be called more than once."""
    AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig, exist_ok=True)
    AutoBackbone.register(EfficientNetLiteConfig, EfficientNetLiteBackbone, exist_ok=True)


def from_timm(backbone_config: dict[str, Any]) -> dict[str, Any]:
    """Translate a `timm_backbone` config of Lite0 into the config of our backbone.

    timm counts the last stage of each resolution: its indices 0 to 4 are stages 1, 2, 3, 5 and 7.
    """
    stages = [f"stage{(1, 2, 3, 5, 7)[index]}" for index in backbone_config["out_indices"]]
    return {"model_type": EfficientNetLiteConfig.model_type, "out_features": stages}
