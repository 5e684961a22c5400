"""The backbones as graphs: a photo's pixels to the four maps Mask2Former takes."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from transformers.backbone_utils import BackboneMixin

from convert.compact.backbone import EfficientNetLiteBackbone, InvertedResidual
from convert.graph import Graph, Value


def efficientnet_lite(
    graph: Graph, backbone: EfficientNetLiteBackbone, pixel_values: Value
) -> list[Value]:
    """The maps of our EfficientNet-Lite, (1, C, H, W) each, for sides that are multiples of 32."""
    network = backbone._backbone
    features = _relu6(graph, conv_norm(graph, pixel_values, network.conv_stem, network.bn1))
    maps = [features]
    for stage in network.blocks.children():
        for block in stage.children():
            features = _inverted_residual(graph, block, features)
        maps.append(features)
    return [maps[index] for index in backbone.out_indices]


def _inverted_residual(graph: Graph, block: Any, features: Value) -> Value:
    if isinstance(block, InvertedResidual):
        hidden = _relu6(graph, conv_norm(graph, features, block.conv_pw, block.bn1))
        hidden = _relu6(graph, conv_norm(graph, hidden, block.conv_dw, block.bn2))
        hidden = conv_norm(graph, hidden, block.conv_pwl, block.bn3)
    else:
        hidden = _relu6(graph, conv_norm(graph, features, block.conv_dw, block.bn1))
        hidden = conv_norm(graph, hidden, block.conv_pw, block.bn2)
    return graph.op("Add", features, hidden) if block.has_skip else hidden


def _relu6(graph: Graph, features: Value) -> Value:
    return graph.op("Clip", features, graph.floats(0), graph.floats(6))


def conv_norm(graph: Graph, features: Value, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Value:
    """A convolution with its batch normalisation folded in, padded as its class pads."""
    state = {name: tensor.double() for name, tensor in norm.state_dict().items()}
    scale = state["weight"] / (state["running_var"] + norm.eps).sqrt()
    weight = conv.weight.detach().double() * scale[:, None, None, None]
    bias = state["bias"] - state["running_mean"] * scale
    (kernel, _), (stride, _) = conv.kernel_size, conv.stride
    if conv.padding == (0, 0):
        # "SAME" for sides the stride divides; the odd pixel goes right and to the bottom.
        total = max(kernel - stride, 0)
        pads = [total // 2] * 2 + [total - total // 2] * 2
    else:
        pads = [*conv.padding, *conv.padding]
    return graph.op(
        "Conv",
        features,
        graph.floats(weight.numpy()),
        graph.floats(bias.numpy()),
        pads=pads,
        strides=[stride, stride],
        group=conv.groups,
    )


WRITERS: Mapping[str, Callable[[Graph, Any, Value], list[Value]]] = {
    "koutu_efficientnet_lite": efficientnet_lite,
}


def write_backbone(graph: Graph, backbone: BackboneMixin, pixel_values: Value) -> list[Value]:
    """The maps at strides 4, 8, 16, 32 of normalised pixels (1, 3, H, W)."""
    return WRITERS[backbone.config.model_type](graph, backbone, pixel_values)
