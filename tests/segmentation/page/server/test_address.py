"""Where a page listens: every flag and variable leads to a port or to a sentence."""

import socket

import pytest

from segmentation.errors import AddressUnavailable
from segmentation.page.server import address
from segmentation.page.server.address import choose_address, root_host


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)


@pytest.mark.parametrize(
    ("host", "chosen"),
    [
        (None, "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("localhost", "localhost"),
        ("::", "::"),
        ("::1", "::1"),
        ("[::1]", "::1"),
    ],
)
def test_port_0_is_any_free_one_on_every_kind_of_address(host: str | None, chosen: str) -> None:
    found, port = choose_address(host, 0)
    assert found == chosen
    assert 1024 <= port <= 65535


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(AddressUnavailable, match=f"{port} is not a port"):
        choose_address(None, port)


@pytest.mark.parametrize("value", ["no number", "70000"])
def test_a_variable_that_is_no_port_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_PORT", value)
    with pytest.raises(AddressUnavailable, match=f"{value} is not a port"):
        choose_address()


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no..host"])
def test_an_address_of_another_host_is_refused(host: str) -> None:
    with pytest.raises(AddressUnavailable, match="is not an address of this host"):
        choose_address(host, 0)


def test_a_port_that_is_taken_is_refused_and_a_search_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"Port {taken} is taken"):
            choose_address(None, taken)
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken))
        assert choose_address()[1] > taken
        monkeypatch.setattr(address, "PORTS_TRIED", 1)
        with pytest.raises(AddressUnavailable, match=f"Port {taken} is taken"):
            choose_address()


def test_a_root_path_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://[photos.example")
    with pytest.raises(AddressUnavailable, match="GRADIO_ROOT_PATH"):
        root_host()
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://photos.example/koutu")
    assert root_host() == "photos.example"
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/koutu")
    assert root_host() is None
