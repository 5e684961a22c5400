"""The bundled model: its backbone, and the graph that is committed."""

import numpy as np
import pytest
import torch

from convert.graph.efficientnet_lite import (
    EfficientNetLiteBackbone,
    EfficientNetLiteConfig,
    SamePadConv2d,
)
from segmentation.engines.onnx import OnnxEngine
from segmentation.model_card import BUNDLED, load_card
from tests.paths import DATA

CHELSEA = DATA / "compact_chelsea_192x384.npz"


def test_the_committed_graph_gives_the_checkpoints_numbers() -> None:
    golden = np.load(CHELSEA)
    engine = OnnxEngine(load_card(BUNDLED / "compact"))
    logits = engine.run(golden["image"][None])
    np.testing.assert_allclose(
        logits.class_queries_logits, golden["class_queries_logits"], atol=1e-3
    )
    # The fixture's masks are kept in half precision.
    np.testing.assert_allclose(
        logits.masks_queries_logits, golden["masks_queries_logits"], atol=1e-3, rtol=1e-3
    )
    engine.close()


def test_the_committed_graph_finds_a_cat() -> None:
    golden = np.load(CHELSEA)
    card = load_card(BUNDLED / "compact")
    engine = OnnxEngine(card)
    best = engine.run(golden["image"][None]).class_queries_logits[:, :-1].max(0).argmax()
    assert card.labels[best].en == "cat"
    engine.close()


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


def test_the_backbone_gives_four_maps_at_strides_4_to_32() -> None:
    backbone = EfficientNetLiteBackbone(EfficientNetLiteConfig()).eval()
    with torch.inference_mode():
        maps = backbone(torch.zeros(1, 3, 64, 96)).feature_maps
    assert [tuple(of.shape[1:]) for of in maps] == [
        (24, 16, 24),
        (40, 8, 12),
        (112, 4, 6),
        (320, 2, 3),
    ]
    assert backbone.channels == [24, 40, 112, 320]
