"""Small Mask2Former checkpoints with random weights, one per kind of backbone."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from convert.checkpoint import Checkpoint
from convert.graph import efficientnet_lite
from tests.paths import DATA

SWIN_4_46 = DATA / "swin_transformers_4_46"
STAGES = ["stage1", "stage2", "stage3", "stage4"]
BACKBONES: dict[str, dict[str, Any]] = {
    "swin": {
        "model_type": "swin",
        "embed_dim": 16,
        "depths": [2, 1, 2, 1],
        "num_heads": [1, 2, 2, 4],
        "window_size": 7,
        "out_features": STAGES,
    },
    "swin-window-4": {
        "model_type": "swin",
        "embed_dim": 16,
        "depths": [2, 2, 1, 1],
        "num_heads": [1, 1, 2, 4],
        "window_size": 4,
        "qkv_bias": False,
        "out_features": STAGES,
    },
    "resnet": {
        "model_type": "resnet",
        "embedding_size": 16,
        "hidden_sizes": [32, 32, 64, 64],
        "depths": [1, 2, 1, 1],
        "out_features": STAGES,
    },
    "resnet-basic": {
        "model_type": "resnet",
        "embedding_size": 16,
        "hidden_sizes": [16, 32, 32, 64],
        "depths": [2, 1, 1, 1],
        "layer_type": "basic",
        "out_features": STAGES,
    },
    "compact": {"model_type": "koutu_efficientnet_lite"},
    # The seven stages with fewer channels and blocks, for tests that train.
    "compact-small": {
        "model_type": "koutu_efficientnet_lite",
        "stages": [
            [3, 1, 1, 8, 1],
            [3, 2, 2, 16, 2],
            [5, 2, 2, 16, 1],
            [3, 2, 2, 24, 1],
            [5, 1, 2, 24, 1],
            [5, 2, 2, 32, 1],
            [3, 1, 2, 48, 1],
        ],
    },
}
# These backbones have up to fifty layers: with more noise, the values grow so large that rounding
# flips attention masks.
NOISE = {"compact": 0.02, "compact-small": 0.02}
PROCESSOR = {
    "image_processor_type": "Mask2FormerImageProcessor",
    "size": {"height": 96, "width": 128},
    "rescale_factor": 1 / 255,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


@cache
def small_checkpoint(backbone: str, **fields: Any) -> Checkpoint:
    """A checkpoint in memory. All weights get noise, since zeros and ones would hide mistakes."""
    efficientnet_lite.register()
    torch.manual_seed(0)
    config = Mask2FormerConfig(
        backbone_config=dict(BACKBONES[backbone]),
        **{
            "feature_size": 32,
            "mask_feature_size": 32,
            "hidden_dim": 32,
            "encoder_layers": 2,
            "decoder_layers": 5,
            "encoder_feedforward_dim": 48,
            "dim_feedforward": 48,
            "num_queries": 8,
            "num_attention_heads": 4,
            "num_labels": 3,
        }
        | fields,
    )
    model = Mask2FormerForUniversalSegmentation(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if tensor.dtype == torch.float32:
                noise = torch.randn(tensor.shape, generator=generator) * NOISE.get(backbone, 0.1)
                tensor.add_(noise.abs() if name.endswith("running_var") else noise)
    return Checkpoint(model, PROCESSOR)


def save(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write a checkpoint as transformers does."""
    checkpoint.model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(dict(checkpoint.processor)))
    return folder
