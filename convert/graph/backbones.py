"""Write backbones as graphs, from the pixels of a photo to the four maps that Mask2Former takes."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from transformers.backbone_utils import BackboneMixin
from transformers.models.resnet.modeling_resnet import (
    ResNetBackbone,
    ResNetConvLayer,
    ResNetShortCut,
)

from convert.graph.efficientnet_lite import (
    EfficientNetLiteBackbone,
    InvertedResidual,
    SamePadConv2d,
)
from convert.graph.graph import Graph, Value
from convert.graph.swin import swin
from segmentation.arrays import SizeHW
from segmentation.model_card import InputSpec

BackboneWriter = Callable[[Graph, Any, InputSpec, SizeHW | None], list[Value]]
"""(graph, backbone, input, size or None) to the maps (C, cells) at strides 4, 8, 16, 32."""


def resnet(graph: Graph, backbone: ResNetBackbone, pixel_values: Value) -> list[Value]:
    """Write transformers' ResNet.

    Args:
        graph: the graph to add to.
        backbone: the checkpoint's backbone.
        pixel_values: normalised pixels (1, 3, H, W).

    Returns:
        The maps named in the backbone's config, (1, C, h, w) each.
    """
    features = _conv_layer(graph, pixel_values, backbone.embedder.embedder)
    features = graph.op("MaxPool", features, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    maps = [features]
    for stage in backbone.encoder.stages:
        for block in stage.layers:
            residual = features
            if isinstance(block.shortcut, ResNetShortCut):
                shortcut = block.shortcut
                residual = conv_norm(graph, features, shortcut.convolution, shortcut.normalization)
            for layer in block.layer:
                features = _conv_layer(graph, features, layer)
            features = graph.op("Relu", graph.op("Add", features, residual))
        maps.append(features)
    return [maps[index] for index in backbone.out_indices]


def _conv_layer(graph: Graph, features: Value, layer: ResNetConvLayer) -> Value:
    convolved = conv_norm(graph, features, layer.convolution, layer.normalization)
    return convolved if isinstance(layer.activation, nn.Identity) else graph.op("Relu", convolved)


def efficientnet_lite(
    graph: Graph, backbone: EfficientNetLiteBackbone, pixel_values: Value
) -> list[Value]:
    """Write our EfficientNet-Lite.

    Args:
        graph: the graph to add to.
        backbone: the checkpoint's backbone.
        pixel_values: normalised pixels (1, 3, H, W), whose sides are multiples of 32.

    Returns:
        The maps named in the backbone's config, (1, C, h, w) each.
    """
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
    """Write a convolution of features (1, C, H, W) with its batch normalisation folded in."""
    state = {name: tensor.double() for name, tensor in norm.state_dict().items()}
    scale = state["weight"] / (state["running_var"] + norm.eps).sqrt()
    weight = conv.weight.detach().double() * scale[:, None, None, None]
    bias = state["bias"] - state["running_mean"] * scale
    (kernel, _), (stride, _) = conv.kernel_size, conv.stride
    if isinstance(conv, SamePadConv2d):
        # Right for sides that are multiples of the stride.
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


def _convolutional(write: Callable[[Graph, Any, Value], list[Value]]) -> BackboneWriter:
    """Turn a writer that takes normalised pixels of any size into a BackboneWriter."""

    def write_backbone_maps(
        graph: Graph, backbone: Any, spec: InputSpec, _size_hw: SizeHW | None
    ) -> list[Value]:
        maps = write(graph, backbone, _normalise(graph, spec))
        return [
            graph.reshape(features, channels, -1)
            for features, channels in zip(maps, backbone.channels, strict=True)
        ]

    return write_backbone_maps


def _normalise(graph: Graph, spec: InputSpec) -> Value:
    """Pixels (1, 3, H, W) as the checkpoint's processor normalises them."""
    if not spec.normalised_inside:
        return spec.name
    pixels = graph.op("Cast", graph.transpose(spec.name, 0, 3, 1, 2), to=1)
    scale = [[[spec.rescale_factor / std]] for std in spec.std]
    shift = [[[-mean / std]] for mean, std in zip(spec.mean, spec.std, strict=True)]
    return graph.op("Add", graph.op("Mul", pixels, graph.floats(scale)), graph.floats(shift))


BACKBONE_WRITERS: Mapping[str, BackboneWriter] = {
    "swin": swin,
    "resnet": _convolutional(resnet),
    "koutu_efficientnet_lite": _convolutional(efficientnet_lite),
}
# Swin's windows, masks and positions become constants only if the size is fixed. Convolutions gain
# nothing from a fixed size, so one graph serves all sizes.
DYNAMIC_SIZE_BACKBONES = ("resnet", "koutu_efficientnet_lite")


def write_backbone(
    graph: Graph, backbone: BackboneMixin, spec: InputSpec, size_hw: SizeHW | None
) -> list[Value]:
    """Write the backbone of a checkpoint.

    Args:
        graph: the graph to add to.
        backbone: the checkpoint's backbone.
        spec: the graph's input: uint8 NHWC, normalised inside, or normalised float32 NCHW.
        size_hw: the only size that the graph takes; None for any.

    Returns:
        The maps (C, cells) at strides 4, 8, 16, 32.

    Raises:
        ValueError: the backbone needs a fixed size, and `size_hw` is None.
    """
    return BACKBONE_WRITERS[backbone.config.model_type](graph, backbone, spec, size_hw)
