"""The stages of a cut-out at several sizes."""

import pytest

from convert.measure.speed import stages
from convert.measure.speed.stages import format_stages, time_stages
from segmentation.model_card import find_model


def test_every_stage_is_timed_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MEGAPIXELS", (0.1, 0.2))
    monkeypatch.setattr(stages, "REPEAT", 1)
    rows = list(time_stages(find_model("compact"), threads=1))
    assert [megapixels for megapixels, _ in rows] == [0.1, 0.2]
    assert all(seconds > 0 for _, row in rows for seconds in row.values())
    head, _, *lines = format_stages(rows).splitlines()
    assert head == (
        "| MP | decode ms | find objects ms | alpha ms | colour ms | PNG ms | together ms |"
    )
    assert [line.split(" | ")[0] for line in lines] == ["| 0.1", "| 0.2"]
