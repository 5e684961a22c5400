"""A lack of memory becomes an error that says what to do."""

import cv2
import pytest

from segmentation.errors import PhotoTooLarge
from segmentation.image.memory import OUT_OF_MEMORY, translate_memory_errors


def test_a_memory_error_is_translated() -> None:
    with pytest.raises(PhotoTooLarge) as caught, translate_memory_errors():
        raise MemoryError
    assert caught.value.text == OUT_OF_MEMORY


def test_a_memory_error_of_opencv_is_translated() -> None:
    error = cv2.error("out of memory")
    error.code = cv2.Error.StsNoMem
    with pytest.raises(PhotoTooLarge) as caught, translate_memory_errors():
        raise error
    assert caught.value.text == OUT_OF_MEMORY


def test_another_error_of_opencv_is_left_alone() -> None:
    error = cv2.error("bad argument")
    error.code = cv2.Error.StsBadArg
    with pytest.raises(cv2.error), translate_memory_errors():
        raise error
