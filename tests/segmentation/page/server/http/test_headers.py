"""Headers that name other hosts, and requests from other sites."""

import json

import pytest

from tests.segmentation.page.server.connections import send_raw
from tests.visitor import Visitor


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x_forwarded_host": "evil.example", "x_forwarded_proto": "https"},
        {"x_forwarded_prefix": "/evil.example", "x_original_url": "//evil.example"},
        {"forwarded": "host=evil.example", "x_forwarded_for": "evil.example"},
        {"origin": "http://evil.example", "referer": "http://evil.example"},
    ],
    ids=lambda headers: "+".join(headers),
)
def test_headers_of_one_visitor_do_not_reach_another(address: str, headers: dict[str, str]) -> None:
    paths = ("/", "/config", "/gradio_api/info", "/manifest.json", "/gradio_api/startup-events")
    for path in paths:
        send_raw(address, "GET", path, **headers)
        assert b"evil.example" not in send_raw(address, "GET", path)[1]


def test_another_site_cannot_read_the_page_of_a_local_visitor(visitor: Visitor) -> None:
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        answer = visitor.http.get("/config", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
    form = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    body = json.dumps({"data": [], "fn_index": 0, "session_hash": "x"})
    answer = visitor.http.post("/gradio_api/queue/join", content=body, headers=form)
    assert answer.status_code == 403, "a form of another site is no event"
