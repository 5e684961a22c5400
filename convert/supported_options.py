"""Checks that a checkpoint's config is one whose numbers the graphs reproduce."""

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from transformers import AutoBackbone, Mask2FormerConfig

from convert.checkpoint_files import first_line
from convert.graph.backbones import BACKBONE_WRITERS
from segmentation.errors import ConversionError
from segmentation.i18n import join_choices

# The strides that the pixel decoder's graph is written for.
STRIDES = (4, 8, 16, 32)
# Options that the graphs do not read, with the values that they are written for.
MODEL_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "activation_function": ("relu",),
    "common_stride": (STRIDES[0],),
    "pre_norm": (False,),
}
BACKBONE_OPTIONS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "swin": {
        # gelu_new is an approximation, whose error the comparison takes for rounding.
        "hidden_act": ("gelu", "gelu_python"),
        "use_absolute_embeddings": (False,),
        "num_channels": (3,),
    },
    "resnet": {"hidden_act": ("relu",), "num_channels": (3,)},
}


def check_backbone(folder: Path, kind: object) -> None:
    """Check the type of a checkpoint's backbone, which transformers may not know.

    Args:
        folder: of the checkpoint, for messages.
        kind: model_type of its backbone_config.

    Raises:
        ConversionError: the backbone is not one of BACKBONE_WRITERS.
    """
    if str(kind) not in BACKBONE_WRITERS:
        raise ConversionError(
            f"{folder}: the backbone {kind} cannot be exported. Choose a checkpoint with one of "
            f"these: {', '.join(BACKBONE_WRITERS)}.",
            f"{folder}：无法导出骨干网络 {kind}。请选择采用以下骨干网络的检查点："
            f"{'、'.join(BACKBONE_WRITERS)}。",
        )


def check_options(folder: Path, config: Mask2FormerConfig) -> None:
    """Check the options of a checkpoint before its weights are read.

    Args:
        folder: of the checkpoint, for messages.
        config: the checkpoint's config.

    Raises:
        ConversionError: an option has another value than the graphs are written for, or the
            backbone's maps have other strides.
    """
    for name, value, supported in _unsupported(config):
        choices = join_choices([str(choice) for choice in supported])
        raise ConversionError(
            f"{folder}/config.json: {name} is {value}, and graphs are written for {choices.en} "
            "only. Choose another checkpoint.",
            f"{folder}/config.json：{name} 为 {value}，导出只支持 {choices.zh}。请换一个检查点。",
        )
    _check_strides(folder, config)


def check_processor(folder: Path, processor: Mapping[str, Any]) -> None:
    """Check the numbers that a checkpoint's image processor normalises pixels with.

    Args:
        folder: of the checkpoint, for messages.
        processor: the fields of preprocessor_config.json; one that is missing has its default.

    Raises:
        ConversionError: a field is not of three numbers, or a factor is not above 0.
    """
    checks: Mapping[str, Callable[[Any], bool]] = {
        "image_mean": lambda value: _are_numbers(value, 3),
        "image_std": lambda value: _are_numbers(value, 3) and min(value) > 0,
        "rescale_factor": lambda value: _are_numbers([value], 1) and value > 0,
    }
    for name, is_usable in checks.items():
        value = processor.get(name)
        if value is not None and not is_usable(value):
            raise ConversionError(
                f"{folder}/preprocessor_config.json: {name} is {value}. Check the file.",
                f"{folder}/preprocessor_config.json：{name} 为 {value}，无法使用。请检查该文件。",
            )


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(type(value) in (int, float) and isfinite(value) for value in values)
    )


def _unsupported(config: Mask2FormerConfig) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield name, value and supported values of each option that the graphs do not reproduce."""
    for name, supported in MODEL_OPTIONS.items():
        if (value := getattr(config, name)) not in supported:
            yield name, value, supported
    # transformers reads the last three, and of these only the smallest.
    if min(config.feature_strides[-3:], default=0) != STRIDES[1]:
        yield "feature_strides", list(config.feature_strides), (list(STRIDES),)
    backbone = config.backbone_config
    for name, supported in BACKBONE_OPTIONS.get(backbone.model_type, {}).items():
        if (value := getattr(backbone, name)) not in supported:
            yield f"backbone_config.{name}", value, supported


def _check_strides(folder: Path, config: Mask2FormerConfig) -> None:
    features = ", ".join(config.backbone_config.out_features)
    try:
        strides = _backbone_strides(config)
    except Exception as error:  # transformers and torch raise a different type for most mistakes
        reason = first_line(error)
        raise ConversionError(
            f"{folder}/config.json: transformers cannot build the backbone ({reason}). Check its "
            "backbone_config.",
            f"{folder}/config.json：transformers 无法构建骨干网络（{reason}）。请检查 "
            "backbone_config。",
        ) from error
    if strides != STRIDES:
        present, needed = (", ".join(map(str, numbers)) for numbers in (strides, STRIDES))
        raise ConversionError(
            f"{folder}/config.json: the backbone's maps ({features}) have the strides {present}; "
            f"graphs are written for {needed} only. Choose another checkpoint.",
            f"{folder}/config.json：骨干网络的特征图（{features}）步幅为 {present}，"
            f"导出只支持 {needed}。请换一个检查点。",
        )


def _backbone_strides(config: Mask2FormerConfig) -> tuple[int, ...]:
    """Measure the strides of the backbone's maps on a network without weights.

    Tensors of the meta device have a shape and no content.
    """
    side = 8 * STRIDES[-1]
    with torch.device("meta"), torch.no_grad():
        backbone = AutoBackbone.from_config(config.backbone_config).eval()
        maps = backbone(torch.zeros(1, 3, side, side)).feature_maps
    return tuple(side // features.shape[-1] for features in maps)
