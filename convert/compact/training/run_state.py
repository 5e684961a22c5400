"""The state of a training run in its folder, from which a run that was cut off continues."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from segmentation.errors import ConversionError

STATE = "state.pt"

Settings = Mapping[str, int | str | None]
"""What must be the same when a run is resumed, by the name of its flag."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        steps: number of batches.
        photos: number of photos in them.
        seconds: training time, of all processes of the run.
    """

    steps: int = 0
    photos: int = 0
    seconds: float = 0.0


def read_state(folder: Path, settings: Settings, *, may_resume: bool) -> dict[str, Any] | None:
    """Read the state of the run in a folder; None if there is no run.

    Args:
        folder: of the run.
        settings: of this run.
        may_resume: whether a run that is there may be continued.

    Raises:
        ConversionError: there is a run that may not be continued, or one with other settings.
    """
    path = folder / STATE
    if not path.exists():
        return None
    if not may_resume:
        raise ConversionError(
            f"{folder} holds a run. Continue it with --resume, or choose another folder.",
            f"{folder} 中已有训练。请加 --resume 继续，或换一个目录。",
        )
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["run"] != settings:
        saved = ", ".join(f"{name} {value}" for name, value in state["run"].items())
        raise ConversionError(
            f"{folder} holds a run with {saved}. Give the same arguments and photos, or choose "
            "another folder.",
            f"{folder} 中的训练使用的是 {saved}。请使用相同的参数与照片，或换一个目录。",
        )
    return state


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the state so that a crash at any moment leaves the old one or the new one."""
    path = folder / STATE
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
