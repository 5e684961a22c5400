"""Reads photos: the only entry for the files of users and visitors."""

import os
import selectors
import stat
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text
from segmentation.image.bounded.pool import decoder_pool
from segmentation.image.photo import Limits, Photo, safe_stem

# What `read_photo` takes: a path, or the content of a file.
PhotoSource = str | os.PathLike[str] | bytes | BinaryIO
# A program that writes to a pipe may pause this long.
PIPE_SECONDS = 60
IS_TEXT = Text(
    'The file was opened as text. Open it with mode "rb".',
    '文件以文本方式打开，请改用 "rb" 模式。',
)


def read_photo(source: PhotoSource, limits: Limits | None = None) -> Photo:
    """Read a photo of any common format and mode, upright and in sRGB.

    It is decoded in a process of its own with limits on memory and time, see `bounded`.

    Args:
        source: the path of a file, whose name gives the photo's stem; the content of one; or a file
            object opened for reading bytes. For pixels, see `Photo.from_array`.
        limits: defaults to `Limits()`.

    Raises:
        PhotoError: the file is missing, not a photo, damaged, or too small; or this host cannot
            start the process.
        PhotoTooLarge: the file exceeds a limit, found before a pixel was decoded, or takes more
            memory or time than a photo of its size may.
    """
    limits = limits or Limits()
    data, name = _read_source(source, limits)
    return replace(decoder_pool().decode(data, limits), stem=safe_stem(name))


def _read_source(source: PhotoSource, limits: Limits) -> tuple[bytes, str]:
    """Read a source's content; the name is "photo" if it has none."""
    max_bytes = int(limits.megabytes * 1e6)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _check_bytes(_read_file(path, max_bytes), limits), path.name
    name = "photo"
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = _read_stream(source, max_bytes)
        named = getattr(source, "name", None)
        # Pipes have a number, and stdin is <stdin>.
        if isinstance(named, str) and not named.startswith("<"):
            name = Path(named).name
    else:
        kind = type(source).__name__
        raise PhotoError(
            f"A photo is read from a path, bytes or a binary file, not from {kind}. For pixels, "
            "use Photo.from_array.",
            f"照片须从路径、bytes 或二进制文件读取，不能是 {kind}。像素数组请用 Photo.from_array。",
        )
    return _check_bytes(data, limits), name


def _read_stream(stream: BinaryIO, max_bytes: int) -> bytes:
    try:
        data = stream.read(max_bytes + 1)
    except UnicodeDecodeError as error:
        raise PhotoError.from_text(IS_TEXT) from error
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise PhotoError(
            f"The photo cannot be read ({error}). Open it again.",
            f"无法读取照片（{error}）。请重新打开。",
        ) from error
    if not isinstance(data, bytes):
        raise PhotoError.from_text(IS_TEXT)
    return data


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        # Path.open takes no opener.
        with open(path, "rb", opener=_open_without_waiting) as file:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                return _read_pipe(file, path.name, max_bytes)
            return file.read(max_bytes + 1)  # a file may grow while it is read
    except FileNotFoundError as error:
        raise PhotoError(
            f"There is no file {path.name}. Check the path.",
            f"找不到文件 {path.name}，请检查路径。",
        ) from error
    except IsADirectoryError as error:
        raise PhotoError(
            f"{path.name} is a folder. Name the photos in it instead.",
            f"{path.name} 是文件夹，请指定其中的照片。",
        ) from error
    except PhotoError:
        raise
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path.name} cannot be read. Check its permissions.",
            f"无法读取 {path.name}，请检查文件权限。",
        ) from error


def _read_pipe(pipe: BinaryIO, name: str, max_bytes: int) -> bytes:
    """Read a pipe until it has more than `max_bytes`, or its writer closes it.

    Raises:
        PhotoError: the writer sends nothing for `PIPE_SECONDS`.
    """
    data = bytearray()
    os.set_blocking(pipe.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(data) <= max_bytes:
            try:
                part = os.read(pipe.fileno(), max_bytes + 1 - len(data))
            except BlockingIOError:  # its writer may send more
                if selector.select(PIPE_SECONDS):
                    continue
                raise PhotoError(
                    f"Nothing more arrives from {name}. Check the program that writes to it.",
                    f"{name} 没有新的数据。请检查向它写入的程序。",
                ) from None
            if not part:
                break
            data += part
    return bytes(data)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file. A named pipe that nobody writes to is empty, and not waited for without an end.

    Returns:
        Its descriptor.
    """
    if os.name != "posix":
        return os.open(path, flags)
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)  # a device is read as usual; `_read_pipe` waits by itself
    return descriptor


def _check_bytes(data: bytes, limits: Limits) -> bytes:
    if len(data) > int(limits.megabytes * 1e6):
        raise PhotoTooLarge(
            f"The file has more than {limits.megabytes:g} MB. Save the photo smaller.",
            f"文件超过 {limits.megabytes:g} MB。请压缩后再试。",
        )
    if not data:
        raise PhotoError(
            "The file is empty. Choose the photo again.", "文件是空的，请重新选择照片。"
        )
    return data
