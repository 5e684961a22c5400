"""The comparisons of the examples that are made in advance."""

import numpy as np

from convert.measure.example_comparisons import with_shortest_times
from segmentation.i18n import Text
from segmentation.inference.registry import ModelVariant
from segmentation.page.compare_tab.compare import ComparedCutout, Comparison, Seconds, Setting

IMAGE = np.zeros((4, 6, 4), np.uint8)
SETTING = Setting(ModelVariant(Text("Compact", "轻量"), "compact"))


def run(*seconds: Seconds) -> Comparison:
    cutouts = (ComparedCutout(SETTING, "CPU", 1, IMAGE, times, ()) for times in seconds)
    return Comparison(IMAGE[..., :3], tuple(cutouts))


def test_each_step_has_its_shortest_time_but_loading_that_of_the_first_run() -> None:
    first = run(Seconds(0.5, 0.1, 0.9, 0.1, 0.3, 0.2), Seconds(0.5, 0.1, 0.9, 0.1, 0, 0.4))
    second = run(Seconds(0, 0.2, 0.4, 0.1, 0.4, 0.1), Seconds(0, 0.2, 0.4, 0.1, 0, 0.5))
    shortest = with_shortest_times([first, second])
    assert [cutout.seconds for cutout in shortest.cutouts] == [
        Seconds(0.5, 0.1, 0.4, 0.1, 0.3, 0.1),
        Seconds(0.5, 0.1, 0.4, 0.1, 0, 0.4),
    ]
    assert shortest.rgb is first.rgb
