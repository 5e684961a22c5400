"""Starting, stopping and killing a page, on hosts with different settings."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app
from segmentation.page.server.terminal_texts import PORT_TAKEN
from tests.paths import ROOT
from tests.started import started
from tests.visitor import Visitor

PHOTO = (ROOT / "examples" / "flower.jpg").read_bytes()


def test_a_page_restarted_after_a_kill_deletes_the_files_left_behind(tmp_path: Path) -> None:
    environment = {"GRADIO_TEMP_DIR": str(tmp_path)}
    with started(environment=environment) as page, Visitor(page.address) as visitor:
        visitor.open("flower.jpg", PHOTO)
        opening = visitor.handler("open_photo")
        visitor.join(opening, [visitor.values.get(id_) for id_ in opening["inputs"]])
        page.process.kill()  # while it processes a photo
    assert list(tmp_path.iterdir())
    with started(environment=environment) as page:
        with Visitor(page.address) as visitor:
            visitor.open("dahlia.jpg", PHOTO)
            assert visitor.values[visitor.component(elem_id="download")]
        page.process.send_signal(signal.SIGINT)
        page.process.communicate()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONIOENCODING": "utf-8"},
    ],
    ids=["no Chinese", "Turkish, a day ahead"],
)
def test_a_page_works_with_any_locale_and_time_zone_of_the_host(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    environment = {**environment, "GRADIO_TEMP_DIR": str(tmp_path)}
    with started(environment=environment) as page, Visitor(page.address, "zh") as visitor:
        visitor.open("花.jpg", PHOTO)
        download = visitor.values[visitor.component(elem_id="download")]
    assert download["path"].endswith("花_cutout.png")


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listen = ["--host", "127.0.0.1", "--port", str(port)]
        done = subprocess.run(
            [sys.executable, "app.py", *listen],
            cwd=ROOT,
            env={**os.environ, "GRADIO_TEMP_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    expected = f"{PORT_TAKEN.en}\n{PORT_TAKEN.zh}\n".format(first=port)
    assert (done.returncode, done.stderr) == (1, expected)
    assert not list(tmp_path.iterdir())


def test_a_precision_that_the_model_lacks_is_refused_at_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert app.main(["--precision", "fp61"]) == 1
    english, chinese = capsys.readouterr().err.splitlines()
    assert english.endswith("Choose from fp32, int8.")
    assert chinese.endswith("可选：fp32、int8。")
