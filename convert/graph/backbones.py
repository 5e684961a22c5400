"""The backbones as graphs: a photo's pixels to the four maps Mask2Former takes."""

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
    """The maps of transformers' ResNet, (1, C, H, W) each."""
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
    if isinstance(conv, SamePadConv2d):
        # For sides the stride divides.
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


def _free_size(write: Callable[[Graph, Any, Value], list[Value]]) -> BackboneWriter:
    """A convolutional backbone as a writer: it takes normalised pixels and any size."""

    def writer(
        graph: Graph, backbone: Any, spec: InputSpec, _size_hw: SizeHW | None
    ) -> list[Value]:
        maps = write(graph, backbone, _normalised(graph, spec))
        return [
            graph.reshape(features, channels, -1)
            for features, channels in zip(maps, backbone.channels, strict=True)
        ]

    return writer


def _normalised(graph: Graph, spec: InputSpec) -> Value:
    """Pixels (1, 3, H, W) as the checkpoint's processor would give them."""
    pixels = graph.op("Cast", graph.transpose(spec.name, 0, 3, 1, 2), to=1)
    scale = [[[spec.rescale_factor / std]] for std in spec.std]
    shift = [[[-mean / std]] for mean, std in zip(spec.mean, spec.std, strict=True)]
    return graph.op("Add", graph.op("Mul", pixels, graph.floats(scale)), graph.floats(shift))


WRITERS: Mapping[str, BackboneWriter] = {
    "swin": swin,
    "resnet": _free_size(resnet),
    "koutu_efficientnet_lite": _free_size(efficientnet_lite),
}
# Swin computes windows at fixed places: a size known beforehand turns all of that into constants.
# Convolutions do not care, and one graph serves every size.
FREE_SIZE = ("resnet", "koutu_efficientnet_lite")


def write_backbone(
    graph: Graph, backbone: BackboneMixin, spec: InputSpec, size_hw: SizeHW | None
) -> list[Value]:
    """The maps (C, cells) at strides 4, 8, 16, 32 of the graph's input."""
    return WRITERS[backbone.config.model_type](graph, backbone, spec, size_hw)
