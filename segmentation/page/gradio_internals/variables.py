"""Gradio's environment variables: which of them count, and none that stops its import.

Hosts set variables of Gradio for their other programs. Some open files or start servers that this
page has no use for, and Gradio's import fails on a port that is not a number.
"""

import os

SERVER_PORT = "GRADIO_SERVER_PORT"
# Those that the README documents, and the switch that `disable_telemetry` sets.
READ = frozenset(
    {
        "GRADIO_ANALYTICS_ENABLED",
        "GRADIO_ROOT_PATH",
        "GRADIO_SERVER_NAME",
        SERVER_PORT,
        "GRADIO_SHARE",
        "GRADIO_SHARE_SERVER_ADDRESS",
        "GRADIO_TEMP_DIR",
    }
)


def remove_unused_variables() -> None:
    """Remove Gradio's variables that are not in `READ`, for this process."""
    for name in list(os.environ):
        if name.startswith("GRADIO_") and name not in READ:
            del os.environ[name]
