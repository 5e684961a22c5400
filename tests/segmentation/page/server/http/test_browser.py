"""What a browser may send, and the headers of the answers."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from segmentation.page.server.http.browser import own_hosts
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import click_photo, download, open_example
from tests.segmentation.page.server.connections import send_raw
from tests.visitor import Visitor

BODY = b"{}"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:7860", 200),
        ("127.0.0.1", 200),
        ("192.168.1.7:80", 200),
        ("[::1]:7860", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost:99999", 400),
        ("a b", 400),
        ("[::1", 400),
    ],
)
def test_a_private_page_answers_to_its_own_names(address: str, host: str, status: int) -> None:
    """Another name that resolves to this host belongs to a site that attacks the page."""
    assert send_raw(address, "GET", "/robots.txt", host=host)[0] == status


def test_the_operator_names_further_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOUTU_HOSTS", "Photos.example, cut.example")
    assert own_hosts(is_public=False) > {"localhost", "photos.example", "cut.example"}
    assert own_hosts(is_public=True) == {"photos.example", "cut.example"}
    monkeypatch.delenv("KOUTU_HOSTS")
    assert own_hosts(is_public=True) == {"*"}
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://proxy.example/koutu")
    assert "proxy.example" in own_hosts(is_public=False)


@pytest.mark.parametrize("forwarded", ["x:99999", "a b", "x:y", "good.example, x:99999"])
def test_a_forwarded_host_that_is_none_is_refused(address: str, forwarded: str) -> None:
    assert send_raw(address, "GET", "/", x_forwarded_host=forwarded)[0] == 400


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),
        ({"sec_fetch_site": "same-origin", "origin": "https://proxied.example"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "same-site"}, True),
        ({"origin": "http://localhost:1", "host": "localhost:1"}, False),
        ({"origin": "http://localhost:2", "host": "localhost:1"}, True),
        ({"origin": "http://a.example", "x_forwarded_host": "a.example"}, False),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
    ],
)
@pytest.mark.parametrize(("target", "accepted"), [("upload", 400), ("queue/join", 422)])
def test_a_request_of_another_site_is_refused(
    address: str, target: str, accepted: int, headers: dict[str, str], is_refused: bool
) -> None:
    """A request that is accepted reaches Gradio or our form reader, to which the body is wrong."""
    headers = {**headers, "content_length": str(len(BODY))}
    status, _ = send_raw(address, "POST", f"/gradio_api/{target}", BODY, **headers)
    assert status == (403 if is_refused else accepted)


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/file=x", "/nothing"])
def test_every_answer_has_the_headers_for_browsers(visitor: Visitor, path: str) -> None:
    headers = visitor.http.get(path, headers={"Origin": "http://evil.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "'unsafe-inline'" not in headers["content-security-policy"].partition("style-src")[0]
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("value", ["bytes=0-0", "bytes=0-0-0", "bytes=a-b", "x"])
def test_a_range_is_answered_with_the_whole_file(visitor: Visitor, value: str) -> None:
    """Gradio would answer with all headers of the request, or with a traceback in the log."""
    file = visitor.upload("x.png", b"photo")
    headers = {"Range": value, "Location": "http://evil.example", "Set-Cookie": "a=b"}
    answer = visitor.http.get(f"/gradio_api/file={file['path']}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"photo")
    assert not {"location", "set-cookie"} & answer.headers.keys()


def test_a_session_breaks_no_content_security_policy(
    tab: BrowserTab, address: str, tmp_path: Path
) -> None:
    """The page loads, opens an example, downloads its file, and selects by a click."""
    messages: list[str] = []
    with tab.visit("about:blank") as page:
        page.on("console", lambda message: messages.append(message.text))
        page.goto(address)
        open_example(page, 0)
        name, _ = download(page, tmp_path)
        click_photo(page, 0.5, 0.5)  # deselects the object
        expect(page.locator("#download")).to_be_disabled()
    assert name.endswith(".png")
    assert not [text for text in messages if "Content Security Policy" in text]
