"""Which operators take long, and on which engine of the chip they ran, by CANN's profilers."""

import csv
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from convert.ascend.toolkit import Toolkit
from convert.tune.om_operators import Operator, operators_of
from convert.tune.subscription import operator_times
from segmentation.model_card import Artifact, ModelCard, check_artifact

# Columns of op_summary_*.csv: CANN's msprof manual.
_OPERATOR, _ENGINE, _DURATION = "OP Type", "Task Type", "Task Duration(us)"

_MSPROF_BELOW_TOOLKIT = "tools/profiler/bin/msprof"

Durations = Counter[tuple[str | None, str]]
"""Nanoseconds by engine (such as AI_CORE or AI_CPU; None if unknown) and type of operator."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known about the operators of an OM.

    Attributes:
        operators: those of the OM with the engines that atc chose; none if atc does not tell.
        durations: how long they took for one photo; None if neither profiler recorded any.
    """

    operators: tuple[Operator, ...]
    durations: Durations | None


def profile(
    card: ModelCard, om: Artifact, toolkit: Toolkit, photo: Path, pixel_values: npt.NDArray[Any]
) -> Profile:
    """Run one photo under msprof, or with pyACL's subscription where msprof says nothing.

    pyACL does not say which engine an operator ran on; the OM does.

    Args:
        card: the model.
        om: one of its OMs for this host.
        toolkit: CANN's toolkit.
        photo: the photo.
        pixel_values: the photo in the shape and dtype that the OM takes.

    Raises:
        ModelDamaged: the OM is missing or altered.
    """
    operators = operators_of(check_artifact(card, om), toolkit)
    with tempfile.TemporaryDirectory(prefix="koutu-profile-") as folder:
        durations = run_msprof(card, toolkit, photo, Path(folder))
    if durations is None and (times := operator_times(card, om, pixel_values)) is not None:
        engines = {operator.name: operator.engine for operator in operators}
        durations = Counter()
        for (name, type_), nanoseconds in times.items():
            durations[engines.get(name), type_] += nanoseconds
    return Profile(operators, durations)


def run_msprof(card: ModelCard, toolkit: Toolkit, photo: Path, folder: Path) -> Durations | None:
    """Run one photo under msprof.

    Args:
        card: the model, with an OM for this host.
        toolkit: CANN's toolkit, whose msprof need not be on PATH.
        photo: the photo.
        folder: where msprof may write.

    Returns:
        The durations; None if msprof is not installed or recorded nothing.
    """
    below_toolkit = toolkit.atc.parents[1] / _MSPROF_BELOW_TOOLKIT
    msprof = shutil.which("msprof") or shutil.which(below_toolkit)
    if msprof is None:
        return None
    command = [sys.executable, "-m", "segmentation", photo.resolve(), "--engine", "ascend:0"]
    command += ["--model", card.folder.resolve(), "-o", folder.resolve()]
    application = shlex.join(map(str, command))
    subprocess.run(
        [msprof, f"--output={folder}", f"--application={application}"],
        stdout=2,  # stderr: stdout is for the report
        check=False,
    )
    durations: Durations = Counter()
    for path in folder.rglob("op_summary_*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                nanoseconds = round(1000 * float(row[_DURATION]))
                durations[row[_ENGINE], row[_OPERATOR]] += nanoseconds
    return durations or None
