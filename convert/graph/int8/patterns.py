"""Find the parts of a float graph of ours that are worth computing in int8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

Weights = Mapping[str, onnx.TensorProto]
"""The constants of a graph by name."""
Producers = Mapping[str, onnx.NodeProto]
"""The node that computes a value, by the value's name."""
Consumers = Mapping[str, Sequence[onnx.NodeProto]]
"""The nodes that take a value, by the value's name."""

# Below this, quantising and dequantising cost more than the product saves.
MIN_SIDE = 32


@dataclass(frozen=True, slots=True)
class FeedForward:
    """The three nodes of `Graph.relu_feed_forward`: max(x W1, -b1) W2 + (W2 b1 + b2)."""

    first: onnx.NodeProto
    relu: onnx.NodeProto
    second: onnx.NodeProto

    @property
    def source(self) -> str:
        """Name of the input tokens."""
        return str(self.first.input[0])

    @property
    def middle(self) -> str:
        """Name of the value between the layers, which lacks the first layer's bias."""
        return str(self.relu.output[0])


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The nodes and values of `pixel_decoder._pyramid` up to the convolution.

    Attributes:
        finest: name of the finest map (in, N).
        projection: name of its constant projection (C, in).
        norm: the InstanceNormalization of the projected map.
        scale: name of the norm's constant scale (C, 1).
        shift: name of the norm's constant shift (C, 1).
        fine_shape: name of the shape (1, C, H, W) of the normalised map.
        tokens: name of the finest tokens (n, C).
        coarse_shape: name of the shape (1, C, h, w) that they get.
        resize: the node that scales them up.
        convolution: the convolution of the sum.
    """

    finest: str
    projection: str
    norm: onnx.NodeProto
    scale: str
    shift: str
    fine_shape: str
    tokens: str
    coarse_shape: str
    resize: onnx.NodeProto
    convolution: onnx.NodeProto


def weights_by_name(model: onnx.ModelProto) -> Weights:
    """Index the constants of a graph."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def consumers_by_value(model: onnx.ModelProto) -> Consumers:
    """Index the nodes of a graph by the values they take."""
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    return consumers


def producers_by_value(model: onnx.ModelProto) -> Producers:
    """Index the nodes of a graph by the values they compute."""
    return {name: node for node in model.graph.node for name in node.output}


def calibrated_values(model: onnx.ModelProto) -> list[str]:
    """Name the values whose ranges `quantize_graph` needs to be measured.

    They are the inputs and outputs of wide convolutions, and the inputs and middles of feed-forward
    layers but those over the queries.
    """
    weights, consumers = weights_by_name(model), consumers_by_value(model)
    over_queries = query_products(model)
    names: list[str] = []
    for node in model.graph.node:
        if node.name in over_queries:
            continue
        if is_wide_convolution(node, weights):
            names += [node.input[0], node.output[0]]
        elif layer := feed_forward_at(node, consumers, weights):
            names += [layer.source, layer.middle]
    return list(dict.fromkeys(names))


def query_products(model: onnx.ModelProto) -> frozenset[str]:
    """Name the products over the queries of the mask decoder.

    They are few rows, so int8 saves little there. But a query decides what its object is and which
    cells it looks at, so that a small error may select another object.

    Args:
        model: a graph with the output class_queries_logits (1, Q, labels + 1) first.
    """
    shapes = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    rows = {
        info.name: info.type.tensor_type.shape.dim[0].dim_value
        for info in shapes.value_info
        if len(info.type.tensor_type.shape.dim) == 2
    }
    queries = shapes.output[0].type.tensor_type.shape.dim[1].dim_value
    # A subject query is one more.
    return frozenset(
        node.name
        for node in shapes.node
        if node.op_type in ("MatMul", "Gemm") and 0 < rows.get(node.output[0], 0) <= queries + 1
    )


def is_wide_product(node: onnx.NodeProto, weights: Weights) -> bool:
    """Whether a node multiplies by a constant matrix that is large enough to gain from int8."""
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights:
        return False
    dims = weights[node.input[1]].dims
    return len(dims) == 2 and min(dims) >= MIN_SIDE and not node.attribute


def is_wide_convolution(node: onnx.NodeProto, weights: Weights) -> bool:
    """Whether a node is a dense convolution with a spatial kernel and many channels.

    These do nearly all of the work of a convolutional graph.
    """
    if node.op_type != "Conv" or node.input[1] not in weights:
        return False
    dims = weights[node.input[1]].dims
    return bool(min(dims[:2]) >= MIN_SIDE and dims[2] > 1)


def feed_forward_at(
    node: onnx.NodeProto, consumers: Consumers, weights: Weights
) -> FeedForward | None:
    """Return the feed-forward layer whose first node is given, or None."""
    if node.op_type != "MatMul" or not is_wide_product(node, weights):
        return None
    relu = consumers[node.output[0]][0]
    if relu.op_type != "Max" or relu.input[1] not in weights:
        return None
    second = consumers[relu.output[0]][0]
    return FeedForward(node, relu, second) if is_wide_product(second, weights) else None


def bias_after(
    node: onnx.NodeProto, consumers: Consumers, weights: Weights
) -> onnx.NodeProto | None:
    """Return the Sub that subtracts a negated bias from a product (see `Graph.linear`), or None."""
    following = consumers.get(node.output[0], [])
    if len(following) == 1 and following[0].op_type == "Sub":
        minuend, subtrahend = following[0].input
        if minuend == node.output[0] and subtrahend in weights:
            return following[0]
    return None


def pyramid_at(convolution: onnx.NodeProto, producers: Producers) -> Pyramid | None:
    """Return the last step of the pixel decoder if it ends with this convolution, or None."""

    def back(value: str, *op_types: str) -> list[onnx.NodeProto] | None:
        """The nodes that lead to a value through their first inputs, the last one first."""
        nodes: list[onnx.NodeProto] = []
        for op_type in op_types:
            node = producers.get(value)
            if node is None or node.op_type != op_type:
                return None
            nodes.append(node)
            value = node.input[0]
        return nodes

    added = back(convolution.input[0], "Add")
    if added is None or len(convolution.input) > 2:
        return None
    fine = back(
        added[0].input[0],
        *("Reshape", "Add", "Mul", "Reshape", "InstanceNormalization", "Reshape", "MatMul"),
    )
    coarse = back(added[0].input[1], "Resize", "Reshape", "Transpose")
    if fine is None or coarse is None:
        return None
    return Pyramid(
        finest=fine[6].input[1],
        projection=fine[6].input[0],
        norm=fine[4],
        scale=fine[2].input[1],
        shift=fine[1].input[1],
        fine_shape=fine[0].input[1],
        tokens=coarse[2].input[0],
        coarse_shape=coarse[1].input[1],
        resize=coarse[0],
        convolution=convolution,
    )


def sampling_products(model: onnx.ModelProto) -> frozenset[str]:
    """Name the products before and after the sampling of deformable attention.

    They are small, and what they compute is added to every token: in the bundled model they cause
    most of the error of all int8 products and save 2 % of the time.
    """
    producers, consumers = producers_by_value(model), consumers_by_value(model)
    names: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in ("DeformConv", "GridSample"):
            continue
        before = producers[node.input[0]]
        while before.op_type in ("Pad", "Reshape", "Split", "Transpose"):
            before = producers[before.input[0]]
        after = node
        while after.op_type not in ("MatMul", "Gemm"):
            after = consumers[after.output[0]][0]
        names |= {before.name, after.name}
    return frozenset(names)
