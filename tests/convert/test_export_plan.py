"""Which graphs a checkpoint is exported to."""

import pytest

from convert.export_plan import default_size, plan_graphs
from segmentation.errors import ConversionError
from tests.convert.small_checkpoints import small_checkpoint


@pytest.mark.parametrize(
    ("size", "expected_hw"),
    [
        ({"height": 384, "width": 512}, (384, 512)),
        ({"shortest_edge": 320, "longest_edge": 448}, (320, 320)),
        ({"shortest_edge": 800, "longest_edge": 1333}, (512, 512)),
        (480, (480, 480)),
        ([256, 384], (256, 384)),
        ([800], (512, 512)),
        ([320], (320, 320)),
        (None, (512, 512)),
    ],
)
def test_the_default_size_is_that_of_the_processor_up_to_512(
    size: object, expected_hw: tuple[int, int]
) -> None:
    assert default_size({"size": size}) == expected_hw


@pytest.mark.parametrize(
    "size", [[1, 2, 3], "800", ["800"], {"height": None, "width": 64}, {"height": "x"}]
)
def test_a_size_of_another_form_is_named(size: object) -> None:
    with pytest.raises(ConversionError, match=r"a size that cannot be read: .*--size"):
        default_size({"size": size})


def test_atc_gets_one_graph_for_each_size() -> None:
    sizes_hw = [(64, 64), (64, 96)]
    graphs = plan_graphs(small_checkpoint("resnet"), sizes_hw, None, "ascend")
    assert [graph.size_hw for graph in graphs] == sizes_hw
