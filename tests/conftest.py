"""Settings of all tests."""

from collections.abc import Iterator

import pytest

from segmentation.engines.telemetry import disable_telemetry

# Before anything imports onnxruntime: its wheels send telemetry otherwise.
disable_telemetry()


@pytest.fixture(scope="session", autouse=True)
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test process its own folder for uploads, since a page empties its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield
