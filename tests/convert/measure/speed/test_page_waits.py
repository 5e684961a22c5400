"""What a visitor waits for, measured without a server."""

from typing import Any

import pytest

from convert.measure.speed.page_waits import open_page
from segmentation import find_model, read_photo
from segmentation.compositing.strokes import Stroke
from segmentation.cutout import compute_alpha
from segmentation.page import photo_cache
from tests.paths import EXAMPLES
from tests.segmentation.page.serving import in_event_loop


def test_each_action_computes_its_result_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []

    def count_and_compute(*arguments: Any) -> Any:
        computed.append(1)
        return compute_alpha(*arguments)

    monkeypatch.setattr(photo_cache, "compute_alpha", count_and_compute)
    photo = read_photo(EXAMPLES / "flower.jpg")

    def act_twice() -> None:
        with open_page(find_model("compact"), photo, Stroke("keep", 0.02, ((0.5, 0.5),))) as page:
            computed.clear()
            for action in [*page.values()] * 2:
                updates: Any = action()
                assert any("_preview" in str(value) for value in updates.values())

    in_event_loop(act_twice)
    assert len(computed) == 4
