"""The model during training: its initial weights, its frozen parts, and one step."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from convert.compact.architecture import ENCODER, PROCESSOR, Start, initial_model
from convert.compact.training import deformable_attention
from convert.compact.training.batches import Batch
from convert.compact.training.criterion import BatchedLoss
from convert.compact.training.device import Setup
from convert.compact.training.subject_loss import subject_losses
from convert.graph import efficientnet_lite
from convert.graph.subject_decoder import SubjectMask2Former, with_subject
from segmentation.errors import ConversionError

# Points at which the loss samples a mask of some 6,000 cells. The paper's 12,544 are for masks
# twenty times as large.
POINTS = 1024
BACKBONE_RATE = 0.3
WEIGHT_DECAY = 0.05
# Far below the usual gradient norm of this loss, so that the rate alone sets the length of a step.
MAX_GRADIENT_NORM = 1.0
# So many batches in a row without a finite gradient are not a coincidence.
MAX_SKIPPED_IN_A_ROW = 20
LOGGED_LOSSES = (
    "loss_cross_entropy",
    "loss_mask",
    "loss_dice",
    "loss_subject_bce",
    "loss_subject_dice",
    "loss_subject_l1",
)
SubjectTraining = Literal["alone", "jointly"]
"""Whether the subject query is trained on a frozen network, or together with all the rest."""


class Learner:
    """A model, the exponential moving average (EMA) of its weights, and its optimiser.

    Args:
        start: the architecture and the initial weights.
        seed: for the weights that start at random and for the points of the loss.
        setup: where and how to train.
        subject: whether to add a subject query to a model without one, and what else to train;
            without it, all that the checkpoint has is trained.

    Attributes:
        model: the model.
        left_out: names of the weights of the start's checkpoint that do not fit the model.
        parameters: those that are trained, by name.
        ema: their averages, by name.
        setup: see above.
        trains_instances: whether instance ids are learned.
        trains_subject: whether the subject is learned.

    Raises:
        ConversionError: the checkpoint, or the package with ImageNet's weights, cannot be read.
    """

    def __init__(
        self, start: Start, seed: int, setup: Setup, subject: SubjectTraining | None = None
    ) -> None:
        torch.manual_seed(seed)
        self._seed, self.setup = seed, setup
        self._skipped_in_a_row = 0
        initial = initial_model(start)
        model, self.left_out = initial.model, initial.left_out
        has_subject = isinstance(model, SubjectMask2Former)
        self.model = with_subject(model) if subject and not has_subject else model
        self.trains_instances = subject != "alone"
        self.trains_subject = bool(subject) or has_subject
        self.model.config.train_num_points = POINTS
        self.model.criterion = BatchedLoss(self.model.config, self.model.weight_dict)
        # Evaluation mode keeps ImageNet's statistics in batch norm. There is no dropout, so nothing
        # else differs from training mode.
        self.model.eval().to(device=setup.device, memory_format=torch.channels_last)
        network = self.model.model.pixel_level_module.encoder._backbone
        for module in _frozen(network, setup.frozen_stages):
            module.requires_grad_(False)
        if not self.trains_instances:
            self.model.requires_grad_(False)
            self.model.subject.requires_grad_(True)
        self.parameters = {
            name: parameter
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }
        self.ema = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._optimizer = torch.optim.AdamW(_groups(self.parameters), betas=(0.9, 0.999))

    def step(self, batch: Batch, rate: float) -> dict[str, float] | None:
        """Learn from a batch.

        Args:
            batch: the photos.
            rate: learning rate.

        Returns:
            The sum of the losses of all layers, the gradient norm, the weighted losses of the
            last layer, and those of the subject. None if the gradient is not finite: the batch is
            skipped, and the weights are unchanged.

        Raises:
            ConversionError: MAX_SKIPPED_IN_A_ROW batches were skipped one after the other.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        torch.manual_seed(self._seed * 1_000_003 + batch.index)
        losses = self._losses(batch)
        loss = self.model.get_loss(losses)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), MAX_GRADIENT_NORM)
        if not torch.isfinite(norm):
            self._skip(batch.index)
            return None
        self._skipped_in_a_row = 0
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._update_ema(batch.index)
        return {
            "loss": loss.item(),
            "gradient": norm.item(),
            **{
                name.removeprefix("loss_"): losses[name].item()
                for name in LOGGED_LOSSES
                if name in losses
            },
        }

    def save_ema(self, folder: Path) -> None:
        """Write the averaged weights as a checkpoint that `python -m convert export` takes."""
        current = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self._set_parameters(self.ema)
        self.model.save_pretrained(folder)
        self._set_parameters(current)
        path = folder / "preprocessor_config.json"
        path.write_text(json.dumps(PROCESSOR, indent=1) + "\n", "utf-8")

    def state(self) -> dict[str, Any]:
        """Everything needed to resume, for torch.save."""
        return {
            "frozen": self._frozen_digest(),
            "parameters": {name: parameter.detach() for name, parameter in self.parameters.items()},
            "mean": self.ema,
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Resume from a `state`.

        Raises:
            ConversionError: the run started from another checkpoint.
        """
        if state["frozen"] != self._frozen_digest():
            raise ConversionError(
                "This run started from another checkpoint. Give the same --from.",
                "该训练是从另一个检查点开始的。请使用相同的 --from。",
            )
        self._set_parameters(state["parameters"])
        self.ema = dict(state["mean"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _skip(self, index: int) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row == MAX_SKIPPED_IN_A_ROW:
            raise ConversionError(
                f"Batch {index}: the loss of the last {MAX_SKIPPED_IN_A_ROW} batches is not a "
                "number. Resume with a lower --rate.",
                f"第 {index} 批：最近 {MAX_SKIPPED_IN_A_ROW} 批的损失都不是有效数值。"
                "请用更低的 --rate 继续训练。",
            )

    def _update_ema(self, index: int) -> None:
        # The first steps weigh more, so that the average soon leaves the initial weights.
        decay = min(self.setup.ema_decay, (index + 1) / (index + 10))
        averages = list(self.ema.values())
        values = [parameter.detach() for parameter in self.parameters.values()]
        torch._foreach_lerp_(averages, values, 1 - decay)

    def _frozen_digest(self) -> str:
        digest = hashlib.sha256()
        for name, tensor in self.model.state_dict().items():
            if name not in self.parameters and tensor.dtype == torch.float32:
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _set_parameters(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(values[name])

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        device = self.setup.device
        on_device = batch.to(device)
        # The attention of `transformers` is fast on a GPU.
        is_cpu = device.type == "cpu"
        attention = deformable_attention.in_transformers() if is_cpu else nullcontext()
        with attention, torch.autocast(device.type, torch.bfloat16, enabled=self.setup.bf16):
            output = self.model(
                pixel_values=on_device.pixel_values.contiguous(memory_format=torch.channels_last),
                output_auxiliary_logits=True,
            )
        losses: dict[str, Tensor] = {}
        if self.trains_instances and any(batch.are_annotated):
            losses |= self._instance_losses(output, on_device)
        if self.trains_subject:
            losses |= subject_losses(output.subject_logits.float(), on_device.alphas)
        return losses

    def _instance_losses(self, output: Any, batch: Batch) -> dict[str, Tensor]:
        """The losses of the photos whose instances are annotated."""
        photos = [index for index, known in enumerate(batch.are_annotated) if known]
        masks, labels = batch.masks_by_photo, batch.labels_by_photo
        losses: dict[str, Tensor] = self.model.get_loss_dict(
            output.masks_queries_logits[photos].float(),
            output.class_queries_logits[photos].float(),
            [masks[photo].float() for photo in photos],
            [labels[photo] for photo in photos],
            [
                {name: logits[photos].float() for name, logits in layer.items()}
                for layer in output.auxiliary_logits
            ],
        )
        return losses


def learning_rate_at(progress: float, peak: float) -> float:
    """The learning rate: a short linear rise, then a cosine.

    Args:
        progress: share of the training time that is over, 0..1.
        peak: the highest rate.
    """
    rise = min(1.0, (progress + 0.001) / 0.02)
    cosine = 0.5 + 0.5 * float(torch.cos(torch.tensor(progress * torch.pi)))
    return peak * rise * (0.01 + 0.99 * cosine)


def _frozen(network: efficientnet_lite.EfficientNetLite, stages: int | None) -> list[nn.Module]:
    if stages is None:
        return []
    return [network.conv_stem, network.bn1, *list(network.blocks)[:stages]]


def _groups(parameters: Mapping[str, nn.Parameter]) -> list[dict[str, Any]]:
    """Group parameters by rate and weight decay; norms, biases and queries do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters.items():
        rate = BACKBONE_RATE if name.startswith(ENCODER) else 1.0
        decays = parameter.ndim > 1 and "queries" not in name and "level_embed" not in name
        groups.setdefault((rate, WEIGHT_DECAY if decays else 0.0), []).append(parameter)
    return [
        {"params": group, "rate": rate, "weight_decay": decay}
        for (rate, decay), group in groups.items()
    ]
