"""Reading a Mask2Former checkpoint: weights, processor settings, labels, where it is from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from transformers.utils import logging

from convert.graph import efficientnet_lite
from convert.graph.backbones import WRITERS
from convert.labels import in_both_languages
from convert.source import check_architecture, find_checkpoint, read_json
from segmentation.arrays import UInt8
from segmentation.engines.base import Logits
from segmentation.errors import ConversionError
from segmentation.model_card import InputSpec, ModelCard

INPUT_NAME = "image"
# The backbone norms each stage on its own, and the loss is for training: transformers 4.x did not
# save the one, and training may have left out the other.
UNUSED = ("model.pixel_level_module.encoder.swin.layernorm.", "criterion.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        model: in transformers, for evaluation.
        processor: the fields of preprocessor_config.json.
    """

    model: Mask2FormerForUniversalSegmentation
    processor: Mapping[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the class logits."""
        names = self.model.config.id2label
        return tuple(names[index] for index in sorted(names))

    @property
    def input_spec(self) -> InputSpec:
        """The input of the graphs we write: the photo as it is, the processor's numbers inside.

        What it leaves out is as in transformers' Mask2FormerImageProcessor.
        """
        fields = self.processor
        mean, std = (
            fields.get("image_mean") or IMAGENET_DEFAULT_MEAN,
            fields.get("image_std") or IMAGENET_DEFAULT_STD,
        )
        return InputSpec(
            name=INPUT_NAME,
            layout="NHWC",
            dtype="uint8",
            normalised_inside=True,
            mean=tuple(mean) if self.is_normalised else (0.0, 0.0, 0.0),
            std=tuple(std) if self.is_normalised else (1.0, 1.0, 1.0),
            rescale_factor=(
                fields.get("rescale_factor", 1 / 255) if fields.get("do_rescale", True) else 1.0
            ),
        )

    @property
    def is_normalised(self) -> bool:
        """Whether the processor takes off the mean and divides by the deviation."""
        return bool(self.processor.get("do_normalize", True))

    def pixel_values(self, image: UInt8) -> torch.Tensor:
        """Pixels (1, H, W, 3) as the processor hands them to the model, (1, 3, H, W)."""
        spec = self.input_spec
        pixels = torch.from_numpy(image).permute(0, 3, 1, 2).float() * spec.rescale_factor
        mean, std = (torch.tensor(of)[:, None, None] for of in (spec.mean, spec.std))
        return (pixels - mean) / std

    def run(self, image: UInt8) -> Logits:
        """What transformers makes of pixels (1, H, W, 3)."""
        with torch.inference_mode():
            output = self.model(self.pixel_values(image))
        return Logits(
            output.class_queries_logits[0].numpy(), output.masks_queries_logits[0].numpy()
        )


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint folder as transformers saves it, in any key naming since 4.25.

    A checkpoint trained with timm's EfficientNet-Lite0 gets our own backbone, which carries the
    same keys; nothing else of a checkpoint is changed.

    Raises:
        ConversionError: a file is missing, or it is not a Mask2Former we can write.
    """
    check_architecture(folder)
    fields = read_json(folder, "config.json")
    processor = read_json(folder, "preprocessor_config.json")
    # It warns of every backbone but Swin, and a progress bar of a second is noise.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    efficientnet_lite.register()
    backbone = fields.get("backbone_config") or {}
    if fields.get("backbone") and not backbone:
        # transformers would ask the Hub what that name stands for.
        raise ConversionError(
            f"{folder}/config.json names its backbone ({fields['backbone']}) but does not describe "
            "it. Save the checkpoint again with a backbone_config.",
            f"{folder}/config.json 只写了骨干网络的名称（{fields['backbone']}），没有 "
            "backbone_config。请补全后重新保存检查点。",
        )
    if backbone.get("backbone") == "tf_efficientnet_lite0":
        fields["backbone_config"] = efficientnet_lite.from_timm(backbone)
    config = _config(folder, fields)
    if config.backbone_config.model_type not in WRITERS or config.pre_norm:
        raise ConversionError(
            f"{folder}: backbone {config.backbone_config.model_type}"
            f"{' with pre-norm' if config.pre_norm else ''} cannot be exported; "
            f"known are {', '.join(WRITERS)}.",
            f"{folder}：无法导出骨干网络 {config.backbone_config.model_type}；"
            f"目前支持 {'、'.join(WRITERS)}。",
        )
    return Checkpoint(_load_model(folder, config), processor)


def reference_checkpoint(name: str, card: ModelCard) -> Checkpoint:
    """The checkpoint that a model is compared with, at the commit the card names if it is its own.

    Args:
        name: Hub id or folder.
        card: the model.

    Raises:
        ConversionError, FetchFailed: it cannot be had, or its labels are not the model's.
    """
    revision = card.source.revision if name == card.source.checkpoint else None
    checkpoint = load_checkpoint(find_checkpoint(name, revision).folder)
    if in_both_languages(checkpoint.labels) != card.labels:
        raise ConversionError(
            f"{name} is not the checkpoint of {card.name}: its labels are others.",
            f"{name} 与模型 {card.name} 的标签不同，不是它的检查点。",
        )
    return checkpoint


def _config(folder: Path, fields: dict[str, Any]) -> Mask2FormerConfig:
    try:
        return Mask2FormerConfig.from_dict(fields)
    except Exception as error:  # a kind of its own for most fields
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConversionError(
            f"{folder}/config.json is not one that transformers reads ({why}). Download it again.",
            f"transformers 无法读取 {folder}/config.json（{why}）。请重新下载。",
        ) from error


def _load_model(folder: Path, config: Mask2FormerConfig) -> Mask2FormerForUniversalSegmentation:
    try:
        # Some weights are kept in half precision; the work on them is not.
        model, report = Mask2FormerForUniversalSegmentation.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    except Exception as error:  # safetensors, pickle and transformers each have their own
        raise ConversionError(
            f"{folder} has no readable weights (model.safetensors). Download it again.",
            f"{folder} 里没有可用的权重文件（model.safetensors）。请重新下载。",
        ) from error
    # Weights that are not there would silently stay random.
    absent = sorted(key for key in report["missing_keys"] if not key.startswith(UNUSED))
    if absent:
        raise ConversionError(
            f"{folder} lacks weights, first {absent[0]}. Is it the whole checkpoint?",
            f"{folder} 缺少权重，首个为 {absent[0]}。请确认检查点完整。",
        )
    if misfits := sorted(report["mismatched_keys"]):
        key, saved, expected = misfits[0]
        raise ConversionError(
            f"{folder}: {key} is {tuple(saved)}, but by config.json it would be "
            f"{tuple(expected)}. Do they belong together?",
            f"{folder}：{key} 的形状是 {tuple(saved)}，按 config.json 应为 {tuple(expected)}。"
            "请确认两者配套。",
        )
    return model.eval()
