"""A plain torch.onnx.export of Mask2Former breaks the rules that our own graphs keep."""

import io
import warnings

import onnx
import pytest
import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

from convert.graph.operator_rules.check import check

SIDE = 64


class Logits(torch.nn.Module):
    """Mask2Former that returns its logits only."""

    def __init__(self, model: Mask2FormerForUniversalSegmentation) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.model(pixel_values=pixel_values)
        return output.class_queries_logits, output.masks_queries_logits


@pytest.fixture(scope="module")
def tiny() -> Logits:
    """A small model with the architecture of the published checkpoints."""
    torch.manual_seed(0)
    stages = [f"stage{index}" for index in range(1, 5)]
    config = Mask2FormerConfig(
        backbone_config=SwinConfig(
            embed_dim=16,
            depths=[1, 1, 2, 1],
            num_heads=[1, 2, 2, 4],
            window_size=4,
            out_features=stages,
        ),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        num_attention_heads=2,
        encoder_feedforward_dim=32,
        dim_feedforward=32,
        encoder_layers=1,
        decoder_layers=2,
        num_queries=4,
    )
    return Logits(Mask2FormerForUniversalSegmentation(config).eval())


def test_a_plain_export_breaks_each_of_these_rules(tiny: Logits) -> None:
    file = io.BytesIO()
    photo = torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad(), warnings.catch_warnings():
        # The tracing exporter warns that it is deprecated, and about every size it makes constant.
        warnings.simplefilter("ignore")
        torch.onnx.export(tiny, (photo,), file, opset_version=17, dynamo=False)
    violations = "\n".join(map(str, check(onnx.load_from_string(file.getvalue()))))
    for rule in (
        "opset 17",
        "Einsum",
        "LayerNormalization",
        "the grid is DOUBLE",
        "scales or sizes must be constants",
        "infinite",
    ):
        assert rule in violations
