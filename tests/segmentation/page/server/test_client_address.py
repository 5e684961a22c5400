"""Networks of client addresses, and addresses behind proxies."""

from pathlib import Path
from typing import Any

import pytest

from segmentation.page.server.client_address import client_network
from segmentation.page.server.launch import middleware
from segmentation.page.server.limits.policy import PRIVATE_PAGE
from tests.coroutines import run_coroutine


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_household_has_one_network(address: str, network: str) -> None:
    assert client_network(address) == network


def seen_address(folder: Path, peer: str, *forwarded_for: str, on_space: bool) -> str:
    """The client address that the application sees."""
    seen: list[str] = []

    async def application(scope: Any, _: Any, __: Any) -> None:
        seen.append(scope["client"][0])

    async def unused(*_: Any) -> Any:
        raise AssertionError("the middleware reads and answers nothing")

    server: Any = application
    for layer in reversed(middleware(folder, PRIVATE_PAGE, on_space=on_space)):
        server = layer.cls(server, *layer.args, **layer.kwargs)
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded_for]
    scope = {"type": "http", "method": "GET", "path": "/gradio_api/user", "headers": headers}
    scope["client"] = (peer, 5)
    run_coroutine(server(scope, unused, unused))
    (address,) = seen
    return address


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ([], "10.0.0.1"),
        (["8.8.8.8"], "8.8.8.8"),
        (["8.8.8.8:1234"], "8.8.8.8"),
        (["2001:4860::8888"], "2001:4860::8888"),
        (["1.1.1.1, 8.8.8.8, 10.2.3.4"], "8.8.8.8"),
        (["1.1.1.1", "8.8.8.8, 10.2.3.4"], "8.8.8.8"),
        (["nonsense, 8.8.8.8, 10.2.3.4, fd00::1"], "8.8.8.8"),
    ],
)
def test_on_a_space_the_proxies_name_the_client(
    tmp_path: Path, forwarded_for: list[str], address: str
) -> None:
    """The nearest proxy is believed; what the client itself wrote stands further left."""
    assert seen_address(tmp_path, "10.0.0.1", *forwarded_for, on_space=True) == address


def test_an_entry_that_is_no_address_is_a_network_of_its_own(tmp_path: Path) -> None:
    """A proxy that hides its clients writes a word for all of them."""
    seen = seen_address(tmp_path, "10.0.0.1", "unknown, 10.2.3.4", on_space=True)
    assert client_network(seen) == "unknown"


def test_on_a_space_a_client_that_no_proxy_serves_names_nobody(tmp_path: Path) -> None:
    assert seen_address(tmp_path, "9.9.9.9", "8.8.8.8", on_space=True) == "9.9.9.9"


def test_elsewhere_a_client_cannot_choose_its_address(tmp_path: Path) -> None:
    assert seen_address(tmp_path, "10.0.0.1", "8.8.8.8", on_space=False) == "10.0.0.1"
