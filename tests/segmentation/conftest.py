"""What the tests of several packages of `segmentation` share."""

import pytest

import segmentation.engines.onnx
from tests.segmentation.kept_engine import open_or_keep


@pytest.fixture
def kept_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the bundled model once for all tests of what is around it.

    Opening the model and running it on the same few photos would take most of the time of such
    tests. The tests of `OnnxEngine`, and those that start a program, open it each time.
    """
    monkeypatch.setattr(segmentation.engines.onnx, "OnnxEngine", open_or_keep)
