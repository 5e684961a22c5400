"""The backbone of the bundled model."""

import pytest
import torch

from convert.graph.efficientnet_lite import (
    VARIANTS,
    EfficientNetLiteBackbone,
    EfficientNetLiteConfig,
    SamePadConv2d,
)


@pytest.mark.parametrize("side", [6, 7, 8, 9])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_same_padding_gives_ceil_of_side_by_stride(side: int, kernel: int, stride: int) -> None:
    conv = SamePadConv2d(1, 1, kernel, stride, bias=False)
    assert conv(torch.zeros(1, 1, side, side)).shape[2:] == (-(-side // stride),) * 2


def test_the_odd_padding_goes_right_and_to_the_bottom() -> None:
    conv = SamePadConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    counts = conv(torch.ones(1, 1, 4, 4))
    assert counts.squeeze().tolist() == [[9, 6], [6, 4]]


@pytest.mark.parametrize("in_bfloat16", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_depthwise_convolutions_stay_in_float32(in_bfloat16: bool, groups: int) -> None:
    conv = SamePadConv2d(2, 2, 3, 2, groups=groups, bias=False)
    with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
        dtype = conv(torch.zeros(1, 2, 4, 4)).dtype
    assert dtype == (torch.bfloat16 if in_bfloat16 and groups == 1 else torch.float32)


@pytest.mark.parametrize(
    ("variant", "channels"),
    [
        ("lite0", [24, 40, 112, 320]),
        ("lite1", [24, 40, 112, 320]),
        ("lite2", [24, 48, 120, 352]),
    ],
)
def test_the_backbone_gives_four_maps_at_strides_4_to_32(variant: str, channels: list[int]) -> None:
    with torch.device("meta"):  # without weights
        backbone = EfficientNetLiteBackbone(EfficientNetLiteConfig(VARIANTS[variant])).eval()
        maps = backbone(torch.zeros(1, 3, 64, 96)).feature_maps
    assert [tuple(feature_map.shape[1:]) for feature_map in maps] == [
        (width, 64 // stride, 96 // stride)
        for width, stride in zip(channels, (4, 8, 16, 32), strict=True)
    ]
    assert backbone.channels == channels


def test_variants_differ_in_depth_too() -> None:
    blocks = {name: sum(stage.blocks for stage in stages) for name, stages in VARIANTS.items()}
    assert blocks == {"lite0": 16, "lite1": 21, "lite2": 21}


def test_a_config_without_stages_is_that_of_lite0_and_others_are_saved() -> None:
    assert EfficientNetLiteConfig.from_dict({}).stages == [list(s) for s in VARIANTS["lite0"]]
    saved = EfficientNetLiteConfig(VARIANTS["lite2"]).to_dict()
    assert EfficientNetLiteConfig.from_dict(saved).stages == [list(s) for s in VARIANTS["lite2"]]
