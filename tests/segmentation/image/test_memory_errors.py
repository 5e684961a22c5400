"""A lack of memory becomes an error that says what to do."""

import cv2
import pytest

from segmentation.errors import PhotoTooLarge
from segmentation.image.decode import decode
from segmentation.image.memory_errors import OUT_OF_MEMORY, TOO_COSTLY, translate_memory_errors
from segmentation.image.photo import Limits
from tests.segmentation.image.photo_files import sample


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


@pytest.mark.parametrize("is_of_opencv", [False, True])
def test_a_photo_that_takes_all_memory_while_it_is_decoded_is_too_costly(
    is_of_opencv: bool,
) -> None:
    def fail(_pixels: int) -> None:
        if not is_of_opencv:
            raise MemoryError
        error = cv2.error("out of memory")
        error.code = cv2.Error.StsNoMem
        raise error

    with pytest.raises(PhotoTooLarge) as caught:
        decode(sample("PNG"), Limits(), fail)
    assert caught.value.text == TOO_COSTLY


def test_another_error_of_opencv_is_left_alone() -> None:
    error = cv2.error("bad argument")
    error.code = cv2.Error.StsBadArg
    with pytest.raises(cv2.error), translate_memory_errors():
        raise error
