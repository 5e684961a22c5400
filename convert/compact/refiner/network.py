"""The network that corrects the mask of an object on the crop around it."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convert.compact.architecture import ENCODER
from convert.graph.efficientnet_lite import STEM_CHANNELS, VARIANTS, EfficientNetLite
from convert.graph.half_weights import halve_weights

# The mask's logits enter the network within this range, so that a correction can turn them around.
MAX_LOGIT = 6.0
# The stages of the bundled model's backbone that are kept: strides 2, 4, 8 and 16.
ENCODER_STAGES = VARIANTS["lite0"][:4]
# The stem and these stages see the photo alone and keep the weights of the bundled model.
FROZEN_STAGES = 2
# Strides of the decoder's maps, and their channels.
STRIDES, WIDTHS = (16, 8, 4, 2), (64, 48, 32, 16)
# Old enough for all versions of onnxruntime and OpenVINO in use.
OPSET = 16
BACKBONE_PREFIX = f"{ENCODER}_backbone."


class _Merge(nn.Module):
    """Depthwise-separable convolution over an enlarged map, a skip connection and the mask."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(out_channels)
        self.spatial = nn.Conv2d(
            out_channels, out_channels, 5, padding=2, groups=out_channels, bias=False
        )
        self.spatial_norm = nn.BatchNorm2d(out_channels)
        self.mix = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        reduced = F.relu6(self.reduce_norm(self.reduce(features)))
        spatial = F.relu6(self.spatial_norm(self.spatial(reduced)))
        return reduced + F.relu6(self.mix_norm(self.mix(spatial)))


class MaskRefiner(nn.Module):
    """A U-Net on the first stages of EfficientNet-Lite0 whose output is added to the mask.

    The last layer starts at zero: an untrained network returns the mask that it gets.
    """

    def __init__(self) -> None:
        super().__init__()
        backbone = EfficientNetLite(ENCODER_STAGES)
        # The names of the backbone, so that its weights fit.
        self.conv_stem, self.bn1 = backbone.conv_stem, backbone.bn1
        self.blocks = backbone.blocks
        channels = [stage.channels for stage in ENCODER_STAGES]
        stage2 = channels[FROZEN_STAGES - 1]
        # 4 x 4 pixels of the mask for each cell of stride 4.
        self.mask_in = nn.Conv2d(16, stage2, 1)
        nn.init.normal_(self.mask_in.weight, std=0.02)
        self.merges = nn.ModuleList()
        below = 0
        for width, skip in zip(WIDTHS, reversed(channels), strict=True):
            self.merges.append(_Merge(below + skip + 1, width))
            below = width
        # The photo and the mask themselves, 2 x 2 pixels in each cell of stride 2.
        self.detail = _Merge(below + STEM_CHANNELS + 16, WIDTHS[-1])
        self.head = nn.Conv2d(WIDTHS[-1], 4, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def forward(self, photo: Tensor, mask_logits: Tensor) -> Tensor:
        """Correct masks.

        Args:
            photo: float32 (B, 3, H, W), normalised with mean 0.5 and std 0.5; sides are multiples
                of 16.
            mask_logits: float32 (B, 1, H, W).

        Returns:
            float32 (B, 1, H, W), the corrected logits.
        """
        mask = mask_logits.clamp(-MAX_LOGIT, MAX_LOGIT)
        hint = mask / MAX_LOGIT
        stem, *maps = self._encode(photo, hint)
        features: list[Tensor] = []
        for stride, merge, skip in zip(STRIDES, self.merges, reversed(maps), strict=True):
            larger = [F.interpolate(item, scale_factor=2, mode="bilinear") for item in features]
            hints = F.avg_pool2d(hint, stride)
            features = [merge(torch.cat([skip, hints, *larger], dim=1))]
        pixels = F.pixel_unshuffle(torch.cat([photo, hint], dim=1), 2)
        detail = self.detail(torch.cat([*features, stem, pixels], dim=1))
        return mask + F.pixel_shuffle(self.head(detail), 2)

    def trained_parameters(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The parameters that are trained: those of the backbone, and all others."""
        backbone = [item for stage in [*self.blocks][FROZEN_STAGES:] for item in stage.parameters()]
        encoder = (self.conv_stem, self.bn1, self.blocks)
        known = {id(item) for module in encoder for item in module.parameters()}
        return backbone, [item for item in self.parameters() if id(item) not in known]

    def _encode(self, photo: Tensor, hint: Tensor) -> list[Tensor]:
        """The maps of the stem and of each stage."""
        with torch.no_grad():
            maps = [F.relu6(self.bn1(self.conv_stem(photo)))]
            for stage in [*self.blocks][:FROZEN_STAGES]:
                maps.append(stage(maps[-1]))
        features = maps[-1] + self.mask_in(F.pixel_unshuffle(hint, 4))
        for stage in [*self.blocks][FROZEN_STAGES:]:
            features = stage(features)
            maps.append(features)
        return maps

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but keep the encoder's statistics: batches are small."""
        super().train(mode)
        for module in (self.bn1, self.blocks):
            module.eval()
        return self


def load_encoder(refiner: MaskRefiner, weights: Mapping[str, Tensor]) -> None:
    """Copy the first stages of a Mask2Former checkpoint's backbone into a refiner.

    Args:
        refiner: gets the weights.
        weights: the checkpoint's, by their names in `transformers`.
    """
    own = refiner.state_dict()
    names = [name for name in own if name.startswith(("conv_stem.", "bn1.", "blocks."))]
    refiner.load_state_dict(
        {name: weights[BACKBONE_PREFIX + name].float() for name in names}, strict=False
    )


class _HalfGrid(nn.Module):
    """A refiner that returns a cell for each 2 x 2 pixels: as much detail as the outline needs."""

    def __init__(self, refiner: MaskRefiner) -> None:
        super().__init__()
        self.refiner = refiner

    def forward(self, photo: Tensor, mask_logits: Tensor) -> Tensor:
        return F.avg_pool2d(self.refiner(photo, mask_logits), 2)


def write_graph(refiner: MaskRefiner, path: Path) -> None:
    """Write a refiner as ONNX, for photos of any size, with weights in half precision.

    Its inputs are `photo` and `mask_logits` as `MaskRefiner.forward` takes them, its output is
    `corrected_logits`, float32 (1, 1, H/2, W/2).
    """
    photo, mask_logits = torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    sides = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # The tracer takes the padding for constants, which it is for all even sides. The newer
        # exporter writes no opset as old as this.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _HalfGrid(refiner).eval(),
            (photo, mask_logits),
            str(path),
            input_names=["photo", "mask_logits"],
            output_names=["corrected_logits"],
            dynamic_axes={"photo": sides, "mask_logits": sides},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    halve_weights(model)
    onnx.save(model, path)
