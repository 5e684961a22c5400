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

TOO_COSTLY = Text(
    "Reading this file takes far more memory or time than a photo of its size needs. Save it again "
    "as JPEG or PNG, then retry.",
    "读取此文件所需的内存或时间远超同尺寸照片。请另存为 JPEG 或 PNG 后再试。",
)


@contextmanager
def translate_memory_errors(text: Text = OUT_OF_MEMORY) -> Iterator[None]:
    """Raise `PhotoTooLarge` in place of the errors for a lack of memory.

    Args:
        text: of the error.

    Raises:
        PhotoTooLarge: the body raised `MemoryError`, or OpenCV's form of it.
    """
    try:
        yield
    except MemoryError as error:
        raise PhotoTooLarge.from_text(text) from error
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise PhotoTooLarge.from_text(text) from error
