"""The loss of Mask2Former with points on thin parts, and with all matches found at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerLoss,
    dice_loss,
    sample_point,
    sigmoid_cross_entropy_loss,
)

from convert.compact.training.thin_points import ThinPoints, draw_thin_points

# Of the points of each mask, at most this share lies on its thin parts.
THIN_SHARE = 0.25

# Of one photo: indices of its queries and of its instances, both int64 (n,).
Match = tuple[Tensor, Tensor]


class Layer(NamedTuple):
    """The predictions of a decoder layer.

    Attributes:
        masks_queries_logits: float32 (B, Q, h, w).
        class_queries_logits: float32 (B, Q, C+1).
    """

    masks_queries_logits: Tensor
    class_queries_logits: Tensor


class BatchedLoss(Mask2FormerLoss):  # type: ignore[misc]
    """The loss of `transformers`, but for points on the thin parts of the masks.

    `transformers` matches one photo and layer after the other. On a GPU each of those hundreds of
    matches waits for the device. Here the costs of all of them are computed together and copied to
    the processor once.
    """

    def forward(
        self,
        masks_queries_logits: Tensor,
        class_queries_logits: Tensor,
        mask_labels: Sequence[Tensor],
        class_labels: Sequence[Tensor],
        auxiliary_predictions: Sequence[dict[str, Tensor]] = (),
    ) -> dict[str, Tensor]:
        """Compute the losses.

        Args:
            masks_queries_logits: float32 (B, Q, h, w), of the last layer.
            class_queries_logits: float32 (B, Q, C+1), of the last layer.
            mask_labels: float32 (n, H, W) for each photo.
            class_labels: int64 (n,) for each photo.
            auxiliary_predictions: both kinds of logits by name, of each earlier layer.

        Returns:
            loss_mask, loss_dice and loss_cross_entropy of the last layer, and of layer i with the
            suffix _i.
        """
        layers = [
            Layer(masks_queries_logits, class_queries_logits),
            *(Layer(**predictions) for predictions in auxiliary_predictions),
        ]
        masks, _ = self._pad_images_to_max_in_batch(list(mask_labels))
        matches = self.match(layers, masks, class_labels)
        grid_hw = masks_queries_logits.shape[2], masks_queries_logits.shape[3]
        thin = draw_thin_points(masks, grid_hw, int(THIN_SHARE * self.num_points))
        num_masks = self.get_num_masks(class_labels, device=masks_queries_logits.device)
        losses: dict[str, Tensor] = {}
        suffixes = ["", *(f"_{index}" for index in range(len(layers) - 1))]
        for suffix, layer, layer_matches in zip(suffixes, layers, matches, strict=True):
            layer_losses: dict[str, Any] = {
                **self._mask_losses(
                    layer.masks_queries_logits, masks, thin, layer_matches, num_masks
                ),
                **self.loss_labels(layer.class_queries_logits, class_labels, layer_matches),
            }
            losses |= {f"{name}{suffix}": loss for name, loss in layer_losses.items()}
        return losses

    def _mask_losses(
        self,
        masks_queries_logits: Tensor,
        masks: Tensor,
        thin: ThinPoints,
        matches: Sequence[Match],
        num_masks: Tensor,
    ) -> dict[str, Tensor]:
        """The losses of the masks of a layer, at uncertain points, thin parts and random points."""
        instances = self._get_targets_permutation_indices(matches)
        logits = masks_queries_logits[self._get_predictions_permutation_indices(matches)][:, None]
        with torch.no_grad():
            points_xy = self.sample_points_using_uncertainty(
                logits,
                self.calculate_uncertainty,
                self.num_points,
                self.oversample_ratio,
                self.importance_sample_ratio,
            )
            # The uncertain points come first, the least uncertain one as the last of them.
            stop = int(self.importance_sample_ratio * self.num_points)
            replaced = points_xy[:, stop - thin.are_thin.shape[-1] : stop]
            are_thin = thin.are_thin[instances][..., None]
            replaced.copy_(torch.where(are_thin, thin.points_xy[instances], replaced))
            targets = sample_point(masks[instances][:, None], points_xy, align_corners=False)
        predicted = sample_point(logits, points_xy, align_corners=False).squeeze(1)
        targets = targets.squeeze(1)
        return {
            "loss_mask": sigmoid_cross_entropy_loss(predicted, targets, num_masks),
            "loss_dice": dice_loss(predicted, targets, num_masks),
        }

    @torch.no_grad()
    def match(
        self,
        layers: Sequence[Layer],
        masks: Tensor,
        class_labels: Sequence[Tensor],
    ) -> list[list[Match]]:
        """Assign the instances of each photo to queries of each layer, at the least cost.

        The costs are those of Cheng et al. 2021, Masked-attention Mask Transformer, section 3.2:
        class probability, and cross-entropy and dice of the masks at random points.

        Args:
            layers: the predictions of all layers.
            masks: float32 (B, n, H, W), of the instances of each photo, with zeros for those that
                a photo lacks.
            class_labels: int64 (n,) for each photo.

        Returns:
            For each layer, the match of each photo, on the device of the masks.
        """
        device = layers[0].masks_queries_logits.device
        counts = [len(labels) for labels in class_labels]
        labels = torch.nn.utils.rnn.pad_sequence(list(class_labels), batch_first=True)
        points_xy = torch.rand(len(counts), self.num_points, 2, device=device)
        targets = sample_point(masks, points_xy, align_corners=False)
        costs = torch.stack([self._costs(layer, points_xy, targets, labels) for layer in layers])
        worst = torch.finfo(costs.dtype).max
        on_processor = costs.nan_to_num(nan=worst, posinf=worst, neginf=worst).cpu().numpy()
        return [
            [
                _as_match(linear_sum_assignment(photo_costs[:, :count]), device)
                for photo_costs, count in zip(layer_costs, counts, strict=True)
            ]
            for layer_costs in on_processor
        ]

    def _costs(self, layer: Layer, points_xy: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        """The costs (B, Q, n) of a layer, given points (B, P, 2), targets (B, n, P) and labels."""
        logits = sample_point(layer.masks_queries_logits, points_xy, align_corners=False)
        probabilities = layer.class_queries_logits.softmax(-1)
        index = labels[:, None].expand(-1, probabilities.shape[1], -1)
        class_costs = -probabilities.gather(2, index)
        opposite = 1 - targets
        points = logits.shape[-1]
        mask_costs = torch.einsum("bqp,bnp->bqn", functional.softplus(-logits) / points, targets)
        mask_costs += torch.einsum("bqp,bnp->bqn", functional.softplus(logits) / points, opposite)
        chances = logits.sigmoid()
        overlap = 2 * torch.einsum("bqp,bnp->bqn", chances, targets)
        area = chances.sum(-1)[..., None] + targets.sum(-1)[:, None]
        dice_costs = 1 - (overlap + 1) / (area + 1)
        weights = self.matcher
        costs: Tensor = (
            weights.cost_mask * mask_costs
            + weights.cost_class * class_costs
            + weights.cost_dice * dice_costs
        )
        return costs


def _as_match(assigned: tuple[Any, Any], device: torch.device) -> Match:
    queries, instances = (torch.as_tensor(indices, device=device) for indices in assigned)
    return queries, instances
