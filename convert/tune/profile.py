"""Which operators ran on which engine of the chip, by CANN's profiler."""

import csv
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from segmentation.model_card import ModelCard

# Columns of op_summary_*.csv: CANN's msprof manual.
_OPERATOR, _ENGINE, _DURATION = "OP Type", "Task Type", "Task Duration(us)"

Durations = Counter[tuple[str, str]]
"""Microseconds by engine (such as AI_CORE or AI_CPU) and operator."""


def profile(card: ModelCard, photo: Path, folder: Path) -> Durations | None:
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
