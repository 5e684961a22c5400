"""Where the password of a page comes from, and what it protects."""

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

import app
from segmentation.page.server.http import login
from segmentation.page.server.http.login import NOT_A_FORM, LoginGuard, credentials
from segmentation.page.server.http.refusal import Refusal
from segmentation.page.server.launch import serve
from tests.coroutines import run_coroutine
from tests.segmentation.page.serving import address_of, blank_page, served


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        with served(
            blank_page, lambda ui, port: serve(ui, server_port=port, auth=("name", "secret"))
        ) as ui:
            yield address_of(ui)


def log_in(client: httpx.Client, password: str) -> int:
    form = {"username": "name", "password": password}
    return client.post("/login", data=form).status_code


def test_the_password_comes_from_the_command_line_a_file_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "password"
    path.write_text("name:se:cret\n", "utf-8")
    assert credentials("name:se:cret") == credentials(f"@{path}") == ("name", "se:cret")
    monkeypatch.setenv("KOUTU_AUTH", f"@{path}")
    assert app.parser().parse_args([]).auth == ("name", "se:cret")
    for text in ("name", ":secret", "name:", "@/nowhere"):
        with pytest.raises(argparse.ArgumentTypeError):
            credentials(text)


def test_wrong_passwords_lock_nobody_out(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "PAUSE_SECONDS", 0)
    with httpx.Client(base_url=address) as client:
        statuses = [log_in(client, "wrong") for _ in range(40)]
        assert statuses[:30] == [400] * 30
        assert statuses[30:].count(429) >= 9
        assert log_in(client, "secret") == 200


async def guess(guard: LoginGuard, password: str, network: str = "192.0.2.1") -> int:
    """Return the status of a login's refusal, or 0."""
    body = f"username=name&password={password}".encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "client": (network, 1),
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        await guard.check_login(scope, receive)
    except Refusal as refusal:
        return refusal.status
    return 0


def test_guesses_are_checked_one_by_one_with_a_pause() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)  # others get their chance to overtake

    async def attack() -> list[int]:
        guard = LoginGuard(("name", "secret"), pause)
        for _ in range(30):
            assert await guess(guard, "wrong") == 0
        assert not pauses
        tries = [guess(guard, "secret")]
        tries += [guess(guard, "wrong") for _ in range(99)]
        outcomes = await asyncio.gather(*tries)
        # Another network does not wait for them.
        assert await guess(guard, "wrong", "198.51.100.1") == 0
        return list(outcomes)

    assert run_coroutine(attack()) == [0] + [429] * 99
    # The rest was refused without a look at the password.
    assert pauses == [login.PAUSE_SECONDS] * login.MAX_WAITING


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=x", 'multipart/form-data; boundary="é"'],
)
def test_a_damaged_form_is_refused(address: str, content_type: str) -> None:
    headers = {"Content-Type": content_type.encode("latin-1")}
    answer = httpx.post(f"{address}/login", content=b"name=secret", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, NOT_A_FORM.en)


@pytest.mark.parametrize("charset", ["undefined", "raw_unicode_escape"])
def test_a_form_in_no_encoding_of_text_is_refused(address: str, charset: str) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = httpx.post(f"{address}/login", content=part, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, NOT_A_FORM.en)


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "app_id"), ("GET", "heartbeat/x"), ("POST", "cancel"), ("POST", "reset")],
)
def test_nothing_answers_before_the_login(address: str, method: str, target: str) -> None:
    body = {"session_hash": "x", "fn_index": 0, "event_id": "x"}
    with httpx.Client(base_url=address) as client:
        path = f"/gradio_api/{target}"
        assert client.request(method, path, json=body).status_code == 401
        assert log_in(client, "secret") == 200
        with client.stream(method, path, json=body) as answer:
            assert answer.status_code == 200


def test_the_cookie_stays_on_the_page(address: str) -> None:
    answer = httpx.post(f"{address}/login", data={"username": "name", "password": "secret"})
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    assert all("samesite=lax" in cookie.lower() for cookie in cookies)
