"""The Ascend engine on the small model: what its tests have in common."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from segmentation.arrays import SizeHW
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import InferenceFailed
from segmentation.model_card import ModelCard
from tests.stand_ins.om_card import small_card, write_om
from tests.stand_ins.small_model import random_image

SIZE_HW = (32, 32)

# Takes a card, a precision and a timeout in seconds, as AscendEngine does.
StartEngine = Callable[..., AscendEngine]


def card_with_oms(
    folder: Path, layout: str = "NCHW", sizes_hw: Sequence[SizeHW] = (SIZE_HW,)
) -> ModelCard:
    """A card with one OM for each size."""
    oms = [write_om(folder, [size_hw], layout) for size_hw in sizes_hw]
    return small_card(folder, oms, layout)


def failure_of(engine: AscendEngine) -> str:
    """The English message of an inference that must fail."""
    with pytest.raises(InferenceFailed) as failure:
        engine.run(random_image())
    return str(failure.value)
