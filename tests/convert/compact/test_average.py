"""The mean of checkpoints."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from convert.checkpoint import load_checkpoint
from convert.compact.__main__ import main
from tests.convert.small_checkpoints import save, small_checkpoint


def test_the_mean_of_checkpoints_is_between_them(tmp_path: Path) -> None:
    low, high = (deepcopy(small_checkpoint("compact-small")) for _ in range(2))
    with torch.no_grad():
        for parameter in high.model.parameters():
            parameter.add_(1.0)
    folders = {"low": str(save(low, tmp_path / "low")), "high": str(save(high, tmp_path / "high"))}
    checkpoints = [folders[name] for name in ("low", "high", "high", "low")]
    assert main(["average", *checkpoints, "-o", str(tmp_path / "mean")]) == 0
    mean = dict(load_checkpoint(tmp_path / "mean").model.named_parameters())
    for name, parameter in low.model.named_parameters():
        torch.testing.assert_close(mean[name], parameter + 0.5)


def test_different_architectures_have_no_mean(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folders = [
        str(save(small_checkpoint(kind), tmp_path / kind)) for kind in ("compact-small", "resnet")
    ]
    assert main(["average", *folders, "-o", str(tmp_path / "mean")]) == 1
    assert "different shapes" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()
