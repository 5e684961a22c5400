"""A whole training run: killed, resumed, refused."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from convert.checkpoint import load_checkpoint
from convert.compact.__main__ import main
from convert.compact.data import read_samples, write_samples
from convert.compact.train import CHECKPOINT, configure, train
from convert.compact.training.run_state import STATE
from segmentation.errors import ConversionError
from tests.convert.compact.drawn_photos import encoded

pytestmark = pytest.mark.usefixtures("one_numba_thread")


def ticking_clock(limit: int | None = None) -> Callable[[], float]:
    """A clock that is 150 s later at each call; the process is killed at call `limit`."""
    calls = iter(range(1000))

    def clock() -> float:
        call = next(calls)
        if call == limit:
            raise KeyboardInterrupt
        return call * 150.0

    return clock


def logged_photos(folder: Path) -> list[int]:
    return [json.loads(line)["photos"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_killed_run_resumes_with_the_same_numbers(
    training_data: Path, start_checkpoint: Path, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)

    def options(folder: str) -> argparse.Namespace:
        run = ["--data", str(training_data), "-o", str(tmp_path / folder), "--resume"]
        size = ["--minutes", "10", "--batch", "2", "--longest-side", "64"]
        return parser.parse_args([*run, *size, "--from", str(start_checkpoint)])

    train(options("whole"), ticking_clock())
    with pytest.raises(KeyboardInterrupt):
        # Saved at 300 s; the step and the row at 450 s are lost.
        train(options("killed"), ticking_clock(limit=4))
    assert len(logged_photos(tmp_path / "killed")) == 3
    train(options("killed"), ticking_clock())
    whole, resumed = (
        torch.load(tmp_path / folder / STATE, weights_only=True) for folder in ("whole", "killed")
    )
    assert whole["progress"] == resumed["progress"]
    for name, tensor in whole["learner"]["mean"].items():
        torch.testing.assert_close(resumed["learner"]["mean"][name], tensor, rtol=0, atol=1e-6)
    assert logged_photos(tmp_path / "whole") == logged_photos(tmp_path / "killed")
    assert (tmp_path / "whole" / "curves.png").stat().st_size > 1000
    load_checkpoint(tmp_path / "whole" / CHECKPOINT)
    other = options("whole")
    other.seed = 3
    with pytest.raises(ConversionError, match="--seed 0, --batch 2"):
        train(other, ticking_clock())


def test_the_subject_query_alone_needs_photos_with_a_subject(
    training_data: Path, start_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--data", str(training_data), "-o", "y", "--minutes", "1"]
    start = ["--from", str(start_checkpoint)]
    assert main([*command, *start, "--subject-query", "alone"]) == 1
    assert "with --subject-query a known subject" in capsys.readouterr().err


def test_photos_without_instances_teach_nothing_without_a_subject_query(
    training_data: Path, start_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = read_samples([training_data])
    alpha = encoded(np.full((96, 80), 200, np.uint8))
    taught = [replace(sample, ids=None, labels=(), alpha=alpha) for sample in others]
    write_samples(tmp_path, [first, *taught])
    command = ["train", "--data", str(tmp_path), "-o", str(tmp_path / "run"), "--minutes", "1"]
    size = ["--batch", "1", "--longest-side", "64", "--from", str(start_checkpoint)]
    assert main([*command, *size, "--try", "2"]) == 0
    assert "photos per second" in capsys.readouterr().out


def test_a_trial_trains_jointly_on_photos_with_and_without_instances(
    training_data: Path, start_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = read_samples([training_data])
    alpha = encoded(np.full((96, 80), 200, np.uint8))
    samples = [
        replace(first, alpha=alpha),
        second,
        replace(third, ids=None, labels=(), alpha=alpha),
    ]
    write_samples(tmp_path, samples)
    command = ["train", "--data", str(tmp_path), "-o", str(tmp_path / "run"), "--minutes", "1"]
    size = ["--batch", "2", "--longest-side", "64", "--from", str(start_checkpoint)]
    model = ["--subject-query", "jointly", "--separable-convolution"]
    assert main([*command, *size, *model, "--try", "2"]) == 0
    output = capsys.readouterr().out
    assert "photos per second in early batches" in output
    assert "photos per second in late batches" in output


def test_a_run_of_no_time_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--data", "x", "-o", "y", "--minutes", "0"])
    assert "is not a positive number" in capsys.readouterr().err
