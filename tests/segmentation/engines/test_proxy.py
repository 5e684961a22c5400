"""Proxy variables as people set them, and what httpx is given."""

import importlib.util
import os

import httpx
import pytest

from segmentation.engines import proxy
from segmentation.engines.proxy import (
    PROXY_VARIABLES,
    ignored_proxies,
    readable_exclusions,
    readable_proxy,
    repair_proxies,
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXY_VARIABLES, "no_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.setenv(spelling, "")
            monkeypatch.delenv(spelling)
    monkeypatch.setattr(proxy, "_ignored", {})


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("http://proxy.example:8080", "http://proxy.example:8080"),
        ("proxy.example:8080", "http://proxy.example:8080"),
        ("127.0.0.1:7890", "http://127.0.0.1:7890"),
        ("socks5://127.0.0.1:7891", "socks5://127.0.0.1:7891"),
        ("socks://127.0.0.1:7891/", "socks5h://127.0.0.1:7891/"),
        ("SOCKS5H://127.0.0.1:7891", "socks5h://127.0.0.1:7891"),
        ("http://[::1]:7890", "http://[::1]:7890"),
        ("socks4://127.0.0.1:7891", None),
        ("http://[::1", None),
        ("http://", None),
        ("http://proxy.example:port", None),
    ],
)
def test_a_proxy_is_written_as_httpx_reads_it(value: str, address: str | None) -> None:
    assert readable_proxy(value) == address


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1"),
        ("[::1],[fe80::1]", "::1,fe80::1"),
        ("10.0.0.0/8, 192.168.0.0/16,fe80::/10", "10.0.0.0/8,192.168.0.0/16"),
        (".example.com *.example.cn", ".example.com,*.example.cn"),
        ("[::1]:8080,example.com:8080", "example.com:8080"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_exclusions_are_written_as_httpx_reads_them(value: str, hosts: str) -> None:
    assert readable_exclusions(value) == hosts


@pytest.mark.parametrize("name", ["all_proxy", "ALL_PROXY", "https_proxy", "HTTP_PROXY"])
def test_an_unusable_proxy_is_removed_and_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "socks4://user:secret@127.0.0.1:7891")
    monkeypatch.setenv("no_proxy", "fe80::/10,[::1]")
    repair_proxies()
    assert name not in os.environ
    httpx.Client().close()  # which raises on a variable that it cannot read
    (sentence,) = ignored_proxies()
    for text in (sentence.en, sentence.zh):
        assert name in text
        assert "127.0.0.1:7891" in text
        assert "secret" not in text


def test_socks_without_its_package_is_removed_and_the_package_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:7891")
    repair_proxies()
    assert "ALL_PROXY" not in os.environ
    assert "socksio" in ignored_proxies()[0].en
