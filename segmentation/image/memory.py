"""Turn a lack of memory into an error that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from segmentation.errors import PhotoTooLarge
from segmentation.i18n import Text

OUT_OF_MEMORY = Text(
    "This host has too little memory left for a photo this large. Save it smaller, or retry later.",
    "本机剩余内存不足以处理这么大的照片。请缩小照片，或稍后再试。",
)


@contextmanager
def translate_memory_errors() -> Iterator[None]:
    """Raise `PhotoTooLarge` in place of the errors for a lack of memory.

    Raises:
        PhotoTooLarge: the body raised `MemoryError`, or OpenCV's form of it.
    """
    try:
        yield
    except MemoryError as error:
        raise PhotoTooLarge.from_text(OUT_OF_MEMORY) from error
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise PhotoTooLarge.from_text(OUT_OF_MEMORY) from error
