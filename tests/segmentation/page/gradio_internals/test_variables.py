"""Variables that a host sets for other programs of Gradio do not stop the page."""

import os
import re
import subprocess
import sys

from segmentation.engines.telemetry import SWITCHES
from segmentation.page.gradio_internals.variables import READ
from tests.paths import ROOT
from tests.readmes import PAGE_README, halves


def test_a_bad_port_is_a_sentence_and_other_variables_are_ignored() -> None:
    environment = {
        "GRADIO_SERVER_PORT": "abc",
        "GRADIO_NUM_PORTS": "many",
        "GRADIO_NODE_NUM_PORTS": "many",
        "GRADIO_NUM_WORKERS": "many",
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_ANALYTICS_MAX_EVENTS": "many",
    }
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[0].startswith("abc is not a port.")
    assert "Traceback" not in run.stderr


def test_only_documented_variables_stay() -> None:
    code = "import os, segmentation.page; print(*(n for n in os.environ if 'GRADIO_' in n))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "GRADIO_ALLOWED_PATHS": "/", "GRADIO_SERVER_PORT": "abc"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = run.stdout.split()
    assert "GRADIO_SERVER_PORT" in names
    assert "GRADIO_ALLOWED_PATHS" not in names


def test_the_readme_names_the_variables_that_stay() -> None:
    for half in halves(PAGE_README):
        assert set(re.findall(r"GRADIO_\w+", half)) == READ - SWITCHES.keys()
