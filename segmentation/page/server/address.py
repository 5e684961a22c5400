"""The address and port that a page listens on.

Gradio's own search reports every failure as a port that is taken, tries IPv6 addresses as IPv4,
and raises what the socket raises for a port out of range.
"""

import errno
import os
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from segmentation.errors import AddressUnavailable
from segmentation.i18n import Text
from segmentation.page.server.terminal_texts import (
    BAD_ADDRESS,
    BAD_PORT,
    BAD_ROOT_PATH,
    NO_FREE_PORT,
    PORT_FORBIDDEN,
    PORT_TAKEN,
)

LOCALHOST = "127.0.0.1"
FIRST_PORT, PORTS_TRIED = 7860, 100
MAX_PORT = 65535


def choose_address(host: str | None = None, port: int | None = None) -> tuple[str, int]:
    """Choose where to listen.

    Args:
        host: address or name of this host, IPv6 with or without brackets; None takes
            GRADIO_SERVER_NAME, else 127.0.0.1.
        port: the port; 0 takes any free one; None takes the first free one from
            GRADIO_SERVER_PORT or 7860.

    Returns:
        The host without brackets, and a port that was free a moment ago.

    Raises:
        AddressUnavailable: the port is taken or not allowed, or the address is not this host's.
    """
    host = (host or os.environ.get("GRADIO_SERVER_NAME") or LOCALHOST).strip("[]")
    if port is not None:
        return host, _first_free(host, [_checked(port)])
    text = os.environ.get("GRADIO_SERVER_PORT", "")
    first = _checked(text or FIRST_PORT)
    ports = [0] if first == 0 else range(first, min(first + PORTS_TRIED, MAX_PORT + 1))
    return host, _first_free(host, ports)


def is_ipv6(host: str) -> bool:
    """Whether a host is an IPv6 address."""
    return ":" in host


def root_host() -> str | None:
    """Return the host in GRADIO_ROOT_PATH, under which a proxy serves the page, if it names one.

    Raises:
        AddressUnavailable: the variable is not an address.
    """
    root = os.environ.get("GRADIO_ROOT_PATH", "")
    try:
        return urlsplit(root).hostname
    except ValueError as error:
        text = Text(BAD_ROOT_PATH.en.format(root=root), BAD_ROOT_PATH.zh.format(root=root))
        raise AddressUnavailable.from_text(text) from error


def _checked(port: int | str) -> int:
    try:
        number = int(port)
    except ValueError:
        number = -1
    if not 0 <= number <= MAX_PORT:
        raise AddressUnavailable(BAD_PORT.en.format(port=port), BAD_PORT.zh.format(port=port))
    return number


def _first_free(host: str, ports: Iterable[int]) -> int:
    tried = list(ports)
    for port in tried:
        try:
            return _bind(host, port)
        # UnicodeError: a name that no host can have.
        except (OSError, UnicodeError) as error:
            code = error.errno if isinstance(error, OSError) else None
            if code == errno.EADDRINUSE:
                continue
            text = PORT_FORBIDDEN if code in (errno.EACCES, errno.EPERM) else BAD_ADDRESS
            facts = {"host": host, "port": port}
            raise AddressUnavailable(text.en.format(**facts), text.zh.format(**facts)) from error
    text = PORT_TAKEN if len(tried) == 1 else NO_FREE_PORT
    facts = {"first": tried[0], "last": tried[-1]}
    raise AddressUnavailable(text.en.format(**facts), text.zh.format(**facts))


def _bind(host: str, port: int) -> int:
    """Bind each address of a host for a moment. Returns the port.

    Raises:
        OSError: one of them cannot be bound.
    """
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as server:
            if os.name == "posix":  # elsewhere the option would allow a port that is taken
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((address[0], port, *address[2:]))
            port = server.getsockname()[1]
    return port
