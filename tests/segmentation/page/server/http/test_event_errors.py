"""Events that Gradio cannot take: each is refused in words, and the terminal shows no traceback."""

from typing import Any

import httpx
import pytest

from segmentation.page.server.http.event_errors import BAD_CALL
from segmentation.page.server.http.request_body import BAD_SESSION

EVENT = {"data": [], "fn_index": 0, "session_hash": "a-1"}


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("queue/join", {**EVENT, "fn_index": -1}, BAD_CALL.zh),
        ("queue/join", {**EVENT, "fn_index": 9999}, BAD_CALL.zh),
        ("queue/join", {**EVENT, "session_hash": ""}, BAD_SESSION.zh),
        ("queue/join", {**EVENT, "session_hash": "a" * 65}, BAD_SESSION.zh),
        ("queue/join", {**EVENT, "session_hash": "a\n"}, BAD_SESSION.zh),
        ("queue/join", {**EVENT, "session_hash": ["a"]}, BAD_SESSION.zh),
        ("queue/join", {**EVENT, "batched": True}, BAD_SESSION.zh),
        ("call/nothing", {"data": []}, BAD_CALL.zh),
        ("call/v2/nothing", {}, BAD_CALL.zh),
        ("call/v2/open_photo", {}, BAD_CALL.zh),
        ("call/v2/cutout", {}, BAD_CALL.zh),
        ("call/v2/cutout", {"photo": None, "nonsense": 1}, BAD_CALL.zh),
    ],
)
def test_an_event_that_cannot_be_queued_is_refused_in_words(
    address: str, path: str, body: dict[str, Any], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"{address}/gradio_api/{path}"
    answer = httpx.post(url, json=body, headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.json()) == (400, {"detail": reason})
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("path", ["queue/data?session_hash=nobody", "call/cutout/nobody"])
def test_the_answer_to_an_unknown_event_says_so(
    address: str, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = httpx.get(f"{address}/gradio_api/{path}")
    assert "404: Not Found" in answer.text
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
def test_no_method_but_those_of_the_page_is_answered(address: str, method: str) -> None:
    assert httpx.request(method, f"{address}/config").status_code == 404


def test_a_session_that_names_itself_at_length_has_no_heartbeat(address: str) -> None:
    assert httpx.get(f"{address}/gradio_api/heartbeat/{'a' * 65}").status_code == 404
