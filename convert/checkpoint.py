"""Load a Mask2Former checkpoint: model, image processor settings and labels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from transformers.utils import logging

from convert.checkpoint_files import (
    check_architecture,
    find_checkpoint,
    first_line,
    read_json,
)
from convert.graph import efficientnet_lite
from convert.graph.subject_decoder import SubjectMask2Former, model_class
from convert.labels import translate_labels
from convert.supported_options import check_backbone, check_options, check_processor
from segmentation.arrays import UInt8
from segmentation.engines.base import Logits
from segmentation.errors import ConversionError
from segmentation.model_card import InputSpec, Layout, ModelCard

INPUT_NAME = "image"
# Keys that may be missing. The backbone normalises each stage by itself and does not use its last
# norm, which transformers 4.x did not save; the loss is for training only.
OPTIONAL_KEYS = ("model.pixel_level_module.encoder.swin.layernorm.", "criterion.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        model: the transformers model, in evaluation mode.
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
        """Input of the graphs that we write: uint8 pixels, normalised inside the graph.

        Fields that preprocessor_config.json leaves out have the defaults of transformers'
        Mask2FormerImageProcessor.
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

    def graph_input(self, layout: Layout) -> InputSpec:
        """Return the input of a graph: the photo itself as NHWC, or normalised pixels as NCHW."""
        spec = self.input_spec
        if layout == "NHWC":
            return spec
        return replace(spec, layout="NCHW", dtype="float32", normalised_inside=False)

    @property
    def has_subject(self) -> bool:
        """Whether the model has a query for the whole subject."""
        return isinstance(self.model, SubjectMask2Former)

    @property
    def is_normalised(self) -> bool:
        """Whether the processor subtracts the mean and divides by the standard deviation."""
        return bool(self.processor.get("do_normalize", True))

    def pixel_values(self, image: UInt8) -> torch.Tensor:
        """Normalise an image as the checkpoint's processor does.

        Args:
            image: uint8 (1, H, W, 3).

        Returns:
            float32 (1, 3, H, W).
        """
        spec = self.input_spec
        pixels = torch.from_numpy(image).permute(0, 3, 1, 2).float() * spec.rescale_factor
        mean, std = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.std))
        return (pixels - mean) / std

    def run(self, image: UInt8) -> Logits:
        """Run the model in transformers.

        Args:
            image: uint8 (1, H, W, 3).

        Returns:
            float32 class logits (Q, labels + 1) and mask logits (Q, H/4, W/4), with one row more
            for the subject if the model has a subject query.
        """
        with torch.inference_mode():
            output = self.model(self.pixel_values(image))
        masks = output.masks_queries_logits[0]
        if self.has_subject:
            masks = torch.cat([masks, output.subject_logits[-1]])
        return Logits(output.class_queries_logits[0].numpy(), masks.numpy())


def load_checkpoint(folder: Path) -> Checkpoint:
    """Load a folder written by save_pretrained of transformers 4.25 or later.

    A backbone that was trained as timm's EfficientNet-Lite0 is replaced by ours, which has the same
    keys. Nothing else is changed.

    Raises:
        ConversionError: a file is missing or damaged, or the checkpoint is not a Mask2Former that
            can be exported.
    """
    check_architecture(folder)
    fields = read_json(folder, "config.json")
    processor = read_json(folder, "preprocessor_config.json")
    # transformers warns about every backbone except Swin, and shows a progress bar for one second.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    efficientnet_lite.register()
    fields = _with_own_backbone(folder, fields)
    if fields.get("backbone_config"):
        check_backbone(folder, fields["backbone_config"].get("model_type"))
    config = _read_config(folder, fields)
    check_options(folder, config)
    check_processor(folder, processor)
    try:
        return Checkpoint(_load_model(folder, config), processor)
    except ConversionError as error:
        if fields.get("backbone_config"):
            raise
        # transformers took its default, a Swin-S, for the backbone.
        raise ConversionError(
            f"{folder}/config.json has no backbone_config, and the weights are not those of "
            "Swin-S, which is the default. Save the checkpoint again with a backbone_config.",
            f"{folder}/config.json 没有 backbone_config，而权重与默认的 Swin-S 不符。"
            "请补全后重新保存检查点。",
        ) from error


def reference_checkpoint(name: str, card: ModelCard) -> Checkpoint:
    """Load the checkpoint that a model is compared with.

    If the card names this checkpoint as its source, the commit in the card is taken.

    Args:
        name: Hub id or folder.
        card: the model's card.

    Raises:
        ConversionError: the checkpoint cannot be read, or its labels are not those of the model.
        FetchFailed: the checkpoint cannot be downloaded.
    """
    revision = card.source.revision if name == card.source.checkpoint else None
    checkpoint = load_checkpoint(find_checkpoint(name, revision).folder)
    if translate_labels(checkpoint.labels) != card.labels:
        raise ConversionError(
            f"{name} is not the checkpoint of {card.name}: the labels differ. Give the one that "
            "the model was exported from.",
            f"{name} 不是模型 {card.name} 的检查点：标签不同。请给出导出该模型时所用的检查点。",
        )
    return checkpoint


def _with_own_backbone(folder: Path, fields: dict[str, Any]) -> dict[str, Any]:
    """Replace the config of timm's EfficientNet-Lite0 by that of our backbone."""
    backbone = fields.get("backbone_config") or {}
    if fields.get("backbone") and not backbone:
        # transformers would look the name up on the Hub.
        raise ConversionError(
            f"{folder}/config.json names its backbone ({fields['backbone']}) but does not describe "
            "it. Save the checkpoint again with a backbone_config.",
            f"{folder}/config.json 只写了骨干网络的名称（{fields['backbone']}），没有 "
            "backbone_config。请补全后重新保存检查点。",
        )
    if not isinstance(backbone, dict):
        raise _bad_backbone(folder, type(backbone).__name__)
    if backbone.get("backbone") != "tf_efficientnet_lite0":
        return fields
    try:
        return fields | {"backbone_config": efficientnet_lite.from_timm(backbone)}
    except (LookupError, TypeError) as error:
        raise _bad_backbone(folder, f"out_indices: {backbone.get('out_indices')}") from error


def _bad_backbone(folder: Path, reason: str) -> ConversionError:
    return ConversionError(
        f"{folder}/config.json has a backbone_config that cannot be read ({reason}). Download it "
        "again.",
        f"{folder}/config.json 中的 backbone_config 无法读取（{reason}）。请重新下载。",
    )


def _read_config(folder: Path, fields: dict[str, Any]) -> Mask2FormerConfig:
    try:
        return Mask2FormerConfig.from_dict(fields)
    except Exception as error:  # transformers raises a different type for most fields
        reason = first_line(error)
        raise ConversionError(
            f"transformers cannot read {folder}/config.json ({reason}). Download it again.",
            f"transformers 无法读取 {folder}/config.json（{reason}）。请重新下载。",
        ) from error


def _load_model(folder: Path, config: Mask2FormerConfig) -> Mask2FormerForUniversalSegmentation:
    kind = model_class(config)
    try:
        with torch.device("meta"):  # without weights
            kind(config)
    except Exception as error:  # transformers and torch raise a different type for most mistakes
        reason = first_line(error)
        raise ConversionError(
            f"{folder}/config.json: transformers cannot build the model ({reason}). Check the "
            "file.",
            f"{folder}/config.json：transformers 无法构建模型（{reason}）。请检查该文件。",
        ) from error
    try:
        # Some checkpoints are stored in half precision; the export computes in float32.
        model, report = kind.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    except Exception as error:  # safetensors, pickle and transformers raise types of their own
        raise ConversionError(
            f"{folder} has no readable weights (model.safetensors). Download it again.",
            f"{folder} 中没有可用的权重文件（model.safetensors）。请重新下载。",
        ) from error
    # transformers leaves missing weights at random values, with a warning only.
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(OPTIONAL_KEYS))
    if missing:
        raise ConversionError(
            f"{folder} lacks weights, for example {missing[0]}. Check that the checkpoint is "
            "complete.",
            f"{folder} 缺少权重，例如 {missing[0]}。请确认检查点完整。",
        )
    if mismatched := sorted(report["mismatched_keys"]):
        key, saved, expected = mismatched[0]
        raise ConversionError(
            f"{folder}: the shape of {key} is {tuple(saved)}, but config.json implies "
            f"{tuple(expected)}. Check that the two files belong together.",
            f"{folder}：{key} 的形状是 {tuple(saved)}，按 config.json 应为 {tuple(expected)}。"
            "请确认两个文件属于同一检查点。",
        )
    return model.eval()
