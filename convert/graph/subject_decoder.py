"""A Mask2Former with one more query, whose mask is the whole subject of the photo.

The query joins after the last layer of the decoder, in layers of its own. So the other queries give
the same numbers with and without it, and it can be trained alone.
"""

from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerForUniversalSegmentationOutput,
    Mask2FormerMaskedAttentionDecoder,
)

from convert.graph.separable_convolution import (
    SeparableConv2d,
    SeparableMask2Former,
    is_separable,
    set_convolution,
)

# One layer for each level of the pixel decoder.
SUBJECT_LAYERS = 3


@dataclass
class SubjectOutput(Mask2FormerForUniversalSegmentationOutput):  # type: ignore[misc]
    """The output of transformers, and the subject's masks.

    Attributes:
        subject_logits: float32 (L, B, h, w), after each of the L subject layers.
    """

    subject_logits: Tensor | None = None


class SubjectDecoder(nn.Module):
    """Further decoder layers, for the instance queries and the subject query.

    Args:
        config: of the model; `subject_layers` is the number of layers.

    Attributes:
        queries_features: the subject query, (1, C).
        queries_embedder: its position, (1, C).
        decoder: the layers and their mask predictor.
    """

    def __init__(self, config: Mask2FormerConfig) -> None:
        super().__init__()
        own = copy(config)
        # transformers makes one layer less than this number.
        own.decoder_layers = config.subject_layers + 1
        self.queries_features = nn.Embedding(1, config.hidden_dim)
        self.queries_embedder = nn.Embedding(1, config.hidden_dim)
        self.decoder = Mask2FormerMaskedAttentionDecoder(own)

    def forward(self, instance_queries: Tensor, memory: dict[str, Any]) -> Tensor:
        """Compute the subject's masks.

        Args:
            instance_queries: (Q, B, C), after the last layer of the model's decoder.
            memory: the other arguments of the model's decoder.

        Returns:
            float32 (L, B, h, w), after each layer.
        """
        shape = 1, instance_queries.shape[1], -1
        subject = self.queries_features.weight[:, None].expand(shape)
        position = self.queries_embedder.weight[:, None].expand(shape)
        positions = torch.cat([memory["query_position_embeddings"], position])
        output = self.decoder(
            **memory
            | {
                "inputs_embeds": torch.cat([instance_queries, subject]),
                "query_position_embeddings": positions,
                "output_hidden_states": False,
                "return_dict": True,
            }
        )
        return torch.stack([masks[:, -1] for masks in output.masks_queries_logits[1:]])


class SubjectMask2Former(Mask2FormerForUniversalSegmentation):  # type: ignore[misc]
    """A Mask2Former with a subject query.

    Its checkpoints are those of transformers with more weights, which transformers ignores.

    Attributes:
        subject: the layers of the subject query.
    """

    def __init__(self, config: Mask2FormerConfig) -> None:
        super().__init__(config)
        if is_separable(config):
            set_convolution(self, SeparableConv2d(config.feature_size))
        self.subject = SubjectDecoder(config)
        self.post_init()

    def forward(self, *args: Any, **kwargs: Any) -> SubjectOutput:
        """Run the model of transformers, and the subject query on its maps."""
        seen: dict[str, Any] = {}

        def remember(_: nn.Module, __: Any, memory: dict[str, Any], output: Any) -> None:
            seen.update(memory=memory, queries=output.last_hidden_state.transpose(0, 1))

        decoder = self.model.transformer_module.decoder
        with decoder.register_forward_hook(remember, with_kwargs=True):
            output = super().forward(*args, **kwargs)
        masks = self.subject(seen["queries"], seen["memory"])
        return SubjectOutput(**output, subject_logits=masks)


def with_subject(model: Mask2FormerForUniversalSegmentation) -> SubjectMask2Former:
    """Add a subject query to a model that has none.

    Its layers start as copies of the model's first ones, and the query as the mean of the model's.

    Returns:
        A model that shares all other weights with the given one.
    """
    model.config.subject_layers = SUBJECT_LAYERS
    extended = SubjectMask2Former(model.config)
    extended.to(model.device)
    extended.model, extended.class_predictor = model.model, model.class_predictor
    transformer, subject = model.model.transformer_module, extended.subject
    for layer, source in zip(subject.decoder.layers, transformer.decoder.layers, strict=False):
        layer.load_state_dict(source.state_dict())
    for name in ("layernorm", "mask_predictor"):
        setattr(subject.decoder, name, deepcopy(getattr(transformer.decoder, name)))
    with torch.no_grad():
        for name in ("queries_features", "queries_embedder"):
            mean = getattr(transformer, name).weight.mean(0, keepdim=True)
            getattr(subject, name).weight.copy_(mean)
    extended.train(model.training)
    return extended


def model_class(config: Mask2FormerConfig) -> type[Mask2FormerForUniversalSegmentation]:
    """Return the class of a model: that of transformers, or one of ours if the config says so."""
    if getattr(config, "subject_layers", 0):
        return SubjectMask2Former
    return SeparableMask2Former if is_separable(config) else Mask2FormerForUniversalSegmentation
