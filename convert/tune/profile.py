"""Which operators take long, and on which engine of the chip they ran, by CANN's profilers."""

import csv
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy.typing as npt

from convert.tune.subscription import operator_times
from segmentation.model_card import Artifact, ModelCard

# Columns of op_summary_*.csv: CANN's msprof manual.
_OPERATOR, _ENGINE, _DURATION = "OP Type", "Task Type", "Task Duration(us)"

Durations = Counter[tuple[str | None, str]]
"""Microseconds by engine (such as AI_CORE or AI_CPU; None if unknown) and operator."""


def profile(
    card: ModelCard, om: Artifact, photo: Path, pixel_values: npt.NDArray[Any]
) -> Durations | None:
    """Run one photo under msprof, or with pyACL's subscription where msprof says nothing.

    Args:
        card: the model.
        om: one of its OMs for this host.
        photo: the photo.
        pixel_values: the photo in the shape and dtype that the OM takes.

    Returns:
        The durations; None if neither recorded anything.

    Raises:
        ModelDamaged: the OM is missing or altered.
    """
    with tempfile.TemporaryDirectory(prefix="koutu-profile-") as folder:
        durations = run_msprof(card, photo, Path(folder))
    if durations is None and (times := operator_times(card, om, pixel_values)) is not None:
        durations = Counter({(None, operator): time for operator, time in times.items()})
    return durations


def run_msprof(card: ModelCard, photo: Path, folder: Path) -> Durations | None:
    """Run one photo under msprof.

    Args:
        card: the model, with an OM for this host.
        photo: the photo.
        folder: where msprof may write.

    Returns:
        The durations; None if msprof is not installed or recorded nothing.
    """
    if shutil.which("msprof") is None:
        return None
    command = [sys.executable, "-m", "segmentation", photo.resolve(), "--engine", "ascend:0"]
    command += ["--model", card.folder.resolve(), "-o", folder.resolve()]
    application = shlex.join(map(str, command))
    subprocess.run(
        ["msprof", f"--output={folder}", f"--application={application}"],
        stdout=2,  # stderr: stdout is for the report
        check=False,
    )
    durations: Durations = Counter()
    for path in folder.rglob("op_summary_*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                durations[row[_ENGINE], row[_OPERATOR]] += float(row[_DURATION])  # type: ignore[assignment]
    return durations or None
