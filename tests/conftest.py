"""Settings of all tests."""

import gc
import os
from collections.abc import Iterator

import pytest

import segmentation.engines.onnx
from segmentation.engines.telemetry import disable_telemetry
from segmentation.parallel.cores import available_cores
from tests.kept_engine import open_or_keep

# Before anything imports onnxruntime: its wheels send telemetry otherwise.
disable_telemetry()
# Programs that tests start find compiled modules, as they do on most machines.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Before anything imports torch: test processes that share the cores do not gain by threads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: many tests wait for a browser, a program or a deadline."""
    return available_cores() + 1


def pytest_sessionstart() -> None:
    """Collect no garbage while modules are imported, since there is hardly any."""
    gc.disable()


def pytest_runtestloop() -> None:
    """Collect garbage from now on, without looking at the modules and the tests again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test process its own folder for uploads, since a page empties its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture
def kept_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the bundled model once for all tests of what is around it.

    Opening the model and running it on the same few photos would take most of the time of such
    tests. The tests of `OnnxEngine`, and those that start a program, open it each time.
    """
    monkeypatch.setattr(segmentation.engines.onnx, "OnnxEngine", open_or_keep)
