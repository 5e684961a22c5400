"""Switches off the usage statistics of the packages that Koutu uses, as the READMEs promise."""

import os
import sys
from types import ModuleType

# Each package reads its variable when it is imported or started, and later changes do nothing.
# onnxruntime's own `disable_telemetry_events` comes too late: the first import already writes a
# device id and a database below the home folder, and sends them within a minute.
SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "RAY_USAGE_STATS_ENABLED": "0",
}
# OpenVINO's reporter has no variable. OpenVINO runs without it if it cannot be imported.
BLOCKED_MODULE = "openvino_telemetry"


def disable_telemetry() -> None:
    """Switch off the usage statistics of all packages, for this process and its children.

    Call it before the first import of any of them. Values that the host set are replaced.
    """
    os.environ.update(SWITCHES)
    sys.modules[BLOCKED_MODULE] = None  # type: ignore[assignment]  # makes an import fail


def import_onnxruntime() -> ModuleType:
    """Import onnxruntime without its telemetry. Every other import of it is a linter error.

    Returns:
        The module `onnxruntime`.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    disable_telemetry()
    import onnxruntime  # noqa: TID251 # the one place

    module: ModuleType = onnxruntime
    return module
