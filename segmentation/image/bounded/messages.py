"""The messages between a program and the process that decodes for it.

A message is the length of a JSON object in four bytes, the object, and what it says follows. JSON
and not pickle: whoever takes over the decoder must not take over the program with it.
"""

import json
import struct
from collections.abc import Callable
from typing import IO, Any

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text

MAX_LENGTH = 1 << 16
# The errors that pass from one process to the other, by name.
ERRORS = {kind.__name__: kind for kind in (PhotoError, PhotoTooLarge)}

Message = dict[str, Any]


def write_message(stream: IO[bytes], message: Message, *attachments: Any) -> None:
    """Write a message, and the buffers that follow it."""
    text = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(text)) + text)
    for attachment in attachments:
        stream.write(attachment)
    stream.flush()


def read_message(read: Callable[[int], bytes]) -> Message | None:
    """Read a message.

    Args:
        read: reads so many bytes, or fewer at the end of the stream.

    Returns:
        The message, or None if the stream ends before its last byte.

    Raises:
        ValueError: it is no message.
    """
    head = read(4)
    if len(head) < 4:
        return None
    length = struct.unpack(">I", head)[0]
    if length > MAX_LENGTH:
        raise ValueError("too long a message")
    text = read(length)
    if len(text) < length:
        return None
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def pack_error(error: PhotoError) -> Message:
    """Return the message that says why a photo cannot be decoded."""
    return {"error": type(error).__name__, "text": [error.text.en, error.text.zh]}


def unpack_error(message: Message) -> PhotoError | None:
    """Return the error that a message says, if it says one.

    Raises:
        ValueError, TypeError, KeyError: it is no such message.
    """
    if "error" not in message:
        return None
    return ERRORS[message["error"]].from_text(unpack_text(message["text"]))


def unpack_text(pair: Any) -> Text:
    """Return the text of an English and a Chinese string."""
    en, zh = pair
    return Text(str(en), str(zh))
