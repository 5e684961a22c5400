"""Graphs of several photos give the numbers of one photo at a time."""

import numpy as np
import onnx
import pytest

from convert.graph.mask2former import write_graph
from convert.graph.operator_rules.check import check
from convert.graph.retarget.batch import batch
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.graph.retarget.retarget import retarget
from segmentation.errors import ConversionError
from segmentation.model_card import BUNDLED
from tests.convert.graph.retarget.test_retarget import outputs_of
from tests.convert.small_checkpoints import small_checkpoint

SIZE_HW = (64, 96)
COUNT = 3


def one_photo(backbone: str, sampling: str) -> onnx.ModelProto:
    if backbone == "bundled":
        model = onnx.load(BUNDLED / "compact" / "model.onnx")
        return retarget(model, SIZE_HW, sampling)
    checkpoint = small_checkpoint(backbone)
    return write_graph(checkpoint.model, checkpoint.input_spec, SIZE_HW, "ascend", sampling)


@pytest.mark.parametrize(
    ("backbone", "sampling", "sampler"),
    [
        ("bundled", "grid-sample", "grid-sample"),
        ("swin", "gather", "grid-sample"),
        ("resnet", "grid-sample", "gather"),
    ],
)
def test_photos_are_computed_as_if_alone(backbone: str, sampling: str, sampler: str) -> None:
    model = one_photo(backbone, sampling)
    batched = batch(model, COUNT, POINT_SAMPLERS[sampler])
    assert check(batched, soc="Ascend310P3") == ()
    images = np.random.default_rng(1).integers(0, 256, (COUNT, *SIZE_HW, 3), np.uint8)
    found = outputs_of(batched, images)
    for number in range(COUNT):
        expected = outputs_of(model, images[number : number + 1])
        for logits, of_one in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                logits[number : number + 1], of_one, atol=1e-4 * np.abs(of_one).max()
            )


def activations(model: onnx.ModelProto) -> list[str]:
    """The operator before each Relu."""
    producers = {name: node.op_type for node in model.graph.node for name in node.output}
    return [producers[node.input[0]] for node in model.graph.node if node.op_type == "Relu"]


def test_products_and_convolutions_stay_beside_their_activations() -> None:
    """atc fuses them only if no Reshape is between."""
    model = one_photo("resnet", "gather")
    assert activations(batch(model, COUNT, POINT_SAMPLERS["gather"])) == activations(model)


def test_an_operator_without_a_rule_is_refused() -> None:
    model = one_photo("resnet", "gather")
    next(node for node in model.graph.node if node.op_type == "Softmax").op_type = "LogSoftmax"
    with pytest.raises(ConversionError, match="Leave --batch out"):
        batch(model, COUNT, POINT_SAMPLERS["gather"])
