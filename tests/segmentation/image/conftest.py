"""Fixtures of the tests of images."""

from collections.abc import Callable
from typing import Any

import cv2
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from segmentation.image import read
from segmentation.image.decode import decode


class InProcess:
    """Decodes in the process of the test, where it can change the decoders."""

    decode = staticmethod(decode)


@pytest.fixture
def decoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `read_photo` decode in the process of the test."""
    monkeypatch.setattr(read, "decoder_pool", InProcess)


@pytest.fixture
def decoding_forbidden(decoded_here: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Fail the test if it decodes the pixels of a file."""

    for kind in (Image.Image, ImageFile.ImageFile, PngImagePlugin.PngImageFile):

        def load(image: Image.Image, original: Callable[..., Any] = kind.load) -> Any:
            if image.format is not None:
                pytest.fail(f"pixels of a {image.format} were decoded")
            return original(image)

        monkeypatch.setattr(kind, "load", load)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("pixels of a JPEG were decoded"))
