"""Whether the client of a call still waits for it."""

from collections.abc import Callable
from contextvars import ContextVar

from segmentation.errors import KoutuError

client_is_here: ContextVar[Callable[[], bool]] = ContextVar("client_is_here", default=lambda: True)


class ClientLeft(KoutuError):
    """The client of a call hung up, so that nobody would read its result."""


def check_client() -> None:
    """Stop a call between two stages of its work if its client is gone.

    Raises:
        ClientLeft: the client is gone.
    """
    if not client_is_here.get()():
        raise ClientLeft("The client left.", "客户端已断开。")
