"""Fixtures of the tests of images."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageFile, PngImagePlugin


@pytest.fixture
def decoding_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if it decodes the pixels of a file."""

    for kind in (Image.Image, ImageFile.ImageFile, PngImagePlugin.PngImageFile):

        def load(image: Image.Image, original: Callable[..., Any] = kind.load) -> Any:
            if image.format is not None:
                pytest.fail(f"pixels of a {image.format} were decoded")
            return original(image)

        monkeypatch.setattr(kind, "load", load)
