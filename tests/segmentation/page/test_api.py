"""The public API of the page: its two calls, and the requests it refuses."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from segmentation import Limits
from segmentation.i18n import Language
from segmentation.page.header import footer_text
from segmentation.page.server.files.storage import MIN_FILE_BYTES, STORAGE_MEGABYTES
from segmentation.page.server.http import login
from segmentation.page.server.limits import queue_limits
from segmentation.page.server.limits.policy import PRIVATE_PAGE, PUBLIC_PAGE, PagePolicy, Rate
from segmentation.page.server.limits.upload_quota import SHARE_USED_UP
from segmentation.page.strings import STRINGS
from tests.paths import ROOT
from tests.segmentation.page.conftest import HeldInference
from tests.segmentation.page.serving import served_page
from tests.visitor import WITHOUT_CERTIFICATES, Failed, Refused, Visitor

pytestmark = pytest.mark.usefixtures("kept_engine", "cached_inference")

DOGS = ROOT / "examples" / "two_dogs.jpg"
SMALL_DOGS = ROOT / "examples" / "thumbs" / "two_dogs.webp"
META = {"_type": "gradio.FileData"}
ENGLISH, CHINESE = {"Accept-Language": "en"}, {"Accept-Language": "zh-CN,zh"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_page(PagePolicy(Limits(megapixels=10))) as address:
        yield address


def client(address: str, headers: dict[str, str] = ENGLISH) -> Client:
    # Without certificates, since the page is on http.
    return Client(
        address, headers=headers, verbose=False, analytics_enabled=False, ssl_verify=False
    )


def call(address: str, name: str, body: dict[str, Any], headers: dict[str, str] = ENGLISH) -> Any:
    """Send a call without gradio_client. Returns its last event and the data of that event."""
    calls = f"{address}gradio_api/call"
    with httpx.Client(headers=headers, timeout=60, verify=WITHOUT_CERTIFICATES) as http:
        event = http.post(f"{calls}/v2/{name}", json=body).raise_for_status().json()
        lines = http.get(f"{calls}/{name}/{event['event_id']}").text.split("\n")
    ends = [i for i, line in enumerate(lines) if line in ("event: complete", "event: error")]
    return lines[ends[-1]], json.loads(lines[ends[-1] + 1].removeprefix("data: "))


def test_the_api_has_two_calls(address: str) -> None:
    info = httpx.get(f"{address}gradio_api/info").json()
    assert set(info["named_endpoints"]) == {"/segment", "/cutout"}
    assert info["unnamed_endpoints"] == {}


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [(ENGLISH, "The model has no label 'unicorn'"), (CHINESE, "模型没有“unicorn”这个标签")],
)
def test_errors_are_in_the_language_of_the_caller(
    address: str, headers: dict[str, str], sentence: str
) -> None:
    with closing(client(address, headers)) as caller, pytest.raises(AppError, match=sentence):
        caller.predict(handle_file(SMALL_DOGS), objects="unicorn", api_name="/cutout")


def test_an_address_is_refused_before_it_is_queued(address: str) -> None:
    body = {"photo": {"path": "https://example.com/dog.jpg", "meta": META}}
    answer = httpx.post(f"{address}gradio_api/call/v2/cutout", json=body, headers=CHINESE)
    assert answer.status_code == 400
    assert answer.json() == {"detail": "不会读取其他网站的地址，请上传文件。"}


def test_a_photo_beyond_the_limits_is_refused(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    cv2.imwrite(str(photo), np.zeros((3000, 4000, 3), np.uint8))
    with closing(client(address)) as caller:
        for name in ("/segment", "/cutout"):
            with pytest.raises(AppError, match="is 10 MP"):
                caller.predict(handle_file(photo), api_name=name)
        with pytest.raises(AppError, match="is 10 MP"):
            caller.predict(handle_file(SMALL_DOGS), backdrop=handle_file(photo), api_name="/cutout")


@pytest.mark.parametrize(
    "photo",
    [
        "/etc/passwd",
        {"path": "/etc/passwd"},
        {"path": "/etc/passwd", "meta": META},
        {"path": str(DOGS), "meta": META},
        {"path": "x\0", "meta": META},
        {"path": "..", "meta": META},
        {"path": "x", "inner": {"path": "/etc/passwd", "meta": META}},
        [],
        None,
    ],
)
@pytest.mark.parametrize("headers", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_only_uploaded_files_are_read(address: str, photo: Any, headers: dict[str, str]) -> None:
    uploaded = {"photo": upload(address)}
    others = [{**uploaded, name: photo} for name in ("backdrop", "strokes_mask")]
    # A photo is needed, and the others are not.
    for body in [{"photo": photo}, *(others if photo is not None else ())]:
        event, data = call(address, "cutout", body, headers)
        assert event == "event: error"
        starts = ("上传照片", "照片应写作") if headers == CHINESE else ("Upload the", "A photo is")
        assert data["error"].strip("请").startswith(starts)


def upload(address: str) -> dict[str, Any]:
    files = {"files": (SMALL_DOGS.name, SMALL_DOGS.read_bytes())}
    with httpx.Client(verify=WITHOUT_CERTIFICATES) as http:
        (path,) = http.post(f"{address}gradio_api/upload", files=files).raise_for_status().json()
    return {"path": path, "meta": META}


def network(address: str, host: str) -> httpx.Client:
    """Return a client of another network."""
    transport = httpx.HTTPTransport(verify=WITHOUT_CERTIFICATES, local_address=host)
    return httpx.Client(base_url=address, transport=transport)


def test_a_public_page_limits_calls_and_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow host the work of the first call would count as the second one.
    monkeypatch.setattr(queue_limits, "SECONDS_PER_CALL", 600)
    policy = PagePolicy(Limits(megabytes=0.1), Rate(burst=2, per_minute=0.1), max_waiting=1)
    small = handle_file(SMALL_DOGS)
    with served_page(policy) as address:
        with closing(client(address, CHINESE)) as caller:
            for _ in range(2):
                caller.predict(small, api_name="/segment")
            with pytest.raises(AppError, match="操作过于频繁，请等待"):
                caller.predict(small, api_name="/segment")
        with closing(client(address)) as another:
            another.predict(small, api_name="/segment")
        large = tmp_path / "large.jpg"
        large.write_bytes(bytes(200_000))
        with (
            closing(client(address, CHINESE)) as third,
            pytest.raises(AppError, match=r"文件超过 0\.1 MB"),
        ):
            third.predict(handle_file(large), api_name="/segment")


def test_a_flood_from_one_network_leaves_places_in_the_queue(
    held_inference: HeldInference,
) -> None:
    with served_page(PagePolicy(Limits(), max_waiting=4)) as address, Visitor(address) as visitor:
        join = {
            "fn_index": visitor.handler("segment")["id"],
            "data": [upload(address), None, None],
            "session_hash": "flood",
        }
        answers = [
            visitor.http.post("gradio_api/queue/join", json=join, headers=CHINESE)
            for _ in range(30)
        ]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert all("网络的请求排队过多" in answer.text for answer in refused)
        with network(address, "127.0.0.2") as other:
            assert other.post("gradio_api/queue/join", json=join).status_code == 200
        finish(visitor, held_inference, "flood")


def finish(visitor: Visitor, inference: HeldInference, session: str) -> None:
    """Let the calls of a session run, and read their answers to the end."""
    inference.release.set()
    visitor.http.get("gradio_api/queue/data", params={"session_hash": session})


def test_one_network_can_use_only_its_share_of_the_storage() -> None:
    """It loses its own oldest files; another network keeps its."""
    share = 3 * MIN_FILE_BYTES / (STORAGE_MEGABYTES * 1e6)
    with (
        served_page(PagePolicy(Limits(), storage_share=share)) as address,
        Visitor(address) as visitor,
        network(address, "127.0.0.2") as other,
    ):
        kept = other.post("gradio_api/upload", files={"files": ("0.jpg", b"0")}).json()[0]
        files = [visitor.upload("photo.jpg", b"%d" % number) for number in range(5)]
        for file in files[:2]:
            with pytest.raises(Refused):
                visitor.fetch(file)
        assert [visitor.fetch(file) for file in files[2:]] == [b"2", b"3", b"4"]
        assert other.get(f"gradio_api/file={kept}").content == b"0"
        with pytest.raises(Refused) as refused:
            visitor.upload("large.jpg", bytes(3 * MIN_FILE_BYTES))
        assert (refused.value.status, refused.value.text) == (429, SHARE_USED_UP.en)


def test_a_full_queue_is_reported(held_inference: HeldInference) -> None:
    with (
        served_page(PagePolicy(Limits(), max_waiting=2)) as address,
        Visitor(address) as visitor,
        network(address, "127.0.0.1") as first,
        network(address, "127.0.0.2") as second,
        network(address, "127.0.0.3") as third,
    ):
        join = {
            "fn_index": visitor.handler("segment")["id"],
            "data": [upload(address), None, None],
            "session_hash": "crowd",
        }
        answers = [
            http.post("gradio_api/queue/join", json=join, headers=CHINESE)
            for _ in range(10)
            for http in (first, second, third)
        ]
        finish(visitor, held_inference, "crowd")
    refused = [answer.json()["detail"] for answer in answers if answer.status_code == 503]
    assert any("现在排队的人太多" in detail for detail in refused)


def test_a_page_with_a_password_is_closed_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "PAUSE_SECONDS", 0)
    credentials = ("明", "open sesame")
    with served_page(PagePolicy(Limits()), auth=credentials) as address:
        with httpx.Client(base_url=address, verify=WITHOUT_CERTIFICATES) as anonymous:
            for target in ("config", "gradio_api/info", f"gradio_api/file={DOGS}"):
                assert anonymous.get(target).status_code == 401
            assert "open_photo" not in anonymous.get("").text
            for target in ("upload", "queue/join", "call/v2/segment"):
                assert anonymous.post(f"gradio_api/{target}", json={}).status_code == 401
            wrong = {"username": credentials[0], "password": "open barley"}
            answers = [anonymous.post("login", data=wrong, headers=CHINESE) for _ in range(32)]
            assert [answer.status_code for answer in answers] == [400] * 30 + [429] * 2
            assert "操作过于频繁" in answers[-1].json()["detail"]
        with network(address, "127.0.0.2") as visitor:
            right = dict(zip(("username", "password"), credentials, strict=True))
            assert visitor.post("login", data=right).json() == {"success": True}
            assert "segment" in visitor.get("gradio_api/info").text


@pytest.mark.parametrize(
    ("flags", "environment", "policy", "link"),
    [
        ([], {}, PRIVATE_PAGE, False),
        (["--host", "0.0.0.0", "--auth", "a:b"], {}, PRIVATE_PAGE, False),
        (["--public"], {}, PUBLIC_PAGE, False),
        (["--share"], {}, PUBLIC_PAGE, True),
        ([], {"GRADIO_SHARE": "True"}, PUBLIC_PAGE, True),
        (["--share"], {"SYSTEM": "spaces", "SPACE_ID": "a/b"}, PUBLIC_PAGE, False),
    ],
)
def test_a_public_page_has_the_tighter_policy(
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    environment: dict[str, str],
    policy: PagePolicy,
    link: bool,
) -> None:
    for name in ("GRADIO_SHARE", "SYSTEM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    args = app.parser().parse_args(flags)
    assert (app.policy_for(args), app.wants_link(args)) == (policy, link)


@pytest.mark.parametrize("text", ["ming", "ming:", ":secret", ""])
def test_auth_needs_a_name_and_a_password(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.parser().parse_args(["--auth", text])
    assert "USER:PASSWORD" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_handlers_report_a_photo_whose_state_was_dropped(address: str, language: Language) -> None:
    with Visitor(address, language) as visitor:
        for name in ("select_none", "select_all", "undo", "show_uncertain", "stop"):
            handler = visitor.handler(name)
            with pytest.raises(Failed) as failed:
                visitor.ask(handler, [visitor.values.get(id_) for id_ in handler["inputs"]])
            assert str(failed.value) == STRINGS["photo_deleted"].in_language(language)


def test_the_footer_shows_the_limits_of_a_public_page() -> None:
    footer = footer_text(PUBLIC_PAGE.limits, "en")
    assert "25 MP and 20 MB" in footer
