"""What strangers may try on a public page, through its real web server on this host alone."""

import asyncio
import http.client
import io
import json
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from starlette.routing import Route

import app
from segmentation import Limits, encode, find_model
from segmentation.inference.registry import ModelRegistry
from segmentation.page.server import idle_connections, request_guard
from segmentation.page.server.uploads import STORAGE_FULL, sweep
from tests.paths import EXAMPLES
from tests.visitor import Failed, Refused, Visitor, file_data

MARK = "nobody-may-read-this"
# What a visitor may be told: sentences of ours, and nothing of the host.
INTERNAL = re.compile(r"Traceback|site-packages|/tmp/|Error\b|\.py\b|errno", re.IGNORECASE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def ui(folder: Path) -> Iterator[gr.Blocks]:
    assert folder.is_dir()

    async def served() -> gr.Blocks:
        ui = app.build_ui(app.Page(ModelRegistry([find_model("compact")]), Limits()))
        app.serve(ui)
        return ui

    # Where no event loop runs, Gradio makes one for each of its locks and never closes it.
    ui = asyncio.run(served())
    yield ui
    ui.close()
    assert not list(folder.iterdir()), "nothing is left when the page ends, whatever was tried"


@pytest.fixture(scope="module")
def address(ui: gr.Blocks) -> str:
    return str(ui.local_url).rstrip("/")


@pytest.fixture
def visitor(address: str) -> Iterator[Visitor]:
    with Visitor(address) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    path.write_bytes(encode(np.zeros((20, 20, 3), np.uint8)) + MARK.encode())
    return path


def photo() -> bytes:
    return (EXAMPLES / "flower.jpg").read_bytes()


def raw(
    address: str, method: str, target: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """Status and start of the answer to a request that no client library has tidied up."""
    server = urlsplit(address).netloc
    connection = http.client.HTTPConnection(server, timeout=60)
    connection.putrequest(method, target, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body or None)
    try:
        response = connection.getresponse()
        endless = "event-stream" in (response.getheader("content-type") or "")
        return response.status, b"" if endless else response.read()
    finally:
        connection.close()


# Files: none but the visitor's own and the examples'.


def hostile_paths(secret: Path, folder: Path) -> list[str]:
    card = Path(app.__file__).parent / "segmentation/models/compact/card.json"
    up = "../" * 12
    return [
        "/etc/passwd",
        str(secret),
        str(card),
        f"{folder}/{up}{str(secret)[1:]}",
        f"{EXAMPLES}/../app.py",
        f"{EXAMPLES}/{up}etc/passwd",
        f"{folder}",
        f"file://{secret}",
        f"{secret}\0.png",
        "\\\\127.0.0.1\\share\\x.png",
    ]


def leaks(text: bytes) -> bool:
    return any(mark in text for mark in (MARK.encode(), b"root:", b'"schema": 1', b"argparse"))


def routes(ui: gr.Blocks) -> set[tuple[str, str]]:
    """Method and template of all that Gradio would serve, included routers as well."""
    described = ui.app.openapi()["paths"].items()
    routes = {(method.upper(), path) for path, methods in described for method in methods}
    for route in ui.app.routes:
        if isinstance(route, Route):
            template = route.path.replace(":path}", "}")
            routes |= {(method, template) for method in route.methods or ()}
    return {(method, path) for method, path in routes if method != "HEAD"}


def test_the_routes_that_answer_are_those_the_page_needs(ui: gr.Blocks, address: str) -> None:
    """A new Gradio may bring new routes; they stay shut until somebody thinks about them."""
    answering = set()
    for method, template in routes(ui):
        target = re.sub(r"\{[^}]*\}", "1", template)
        status, body = raw(address, method, target, content_length="0")
        if not (status == 404 and request_guard.CLOSED.en.encode() in body):
            answering.add(template.rstrip("/") or "/")
    api = "/gradio_api/"
    assert answering == {
        *("/", "/assets/{path}", "/config", "/favicon.ico", "/login", "/logout", "/manifest.json"),
        *("/pwa_icon", "/pwa_icon/{size}", "/robots.txt", "/static/{path}", "/theme.css"),
        *(api + name for name in ("app_id", "cancel", "info", "login_check", "reset", "user")),
        *(api + name for name in ("startup-events", "theme.css", "upload", "upload_progress")),
        *(api + name for name in ("queue/data", "queue/join", "heartbeat/{session_hash}")),
        *(api + name for name in ("call/{api_name}", "call/{api_name}/{event_id}")),
        *(api + name for name in ("call/v2/{api_name}", "call/v2/{api_name}/{event_id}")),
        api + "file={path_or_url}",
    }


def test_no_route_reads_a_file_of_the_host(
    ui: gr.Blocks, address: str, secret: Path, folder: Path
) -> None:
    templates = {path for method, path in routes(ui) if method == "GET" and "{" in path}
    assert "/gradio_api/file={path_or_url}" in templates
    for template in sorted(templates):
        for path in hostile_paths(secret, folder):
            for way in (quote(path), quote(path, safe=""), quote(quote(path, safe=""))):
                target = re.sub(r"\{[^}]*\}", lambda _, way=way: way, template)
                _, body = raw(address, "GET", target)
                assert not leaks(body), target


def test_no_handler_reads_a_file_of_the_host(visitor: Visitor, secret: Path, folder: Path) -> None:
    """Every input of every tab, every handler and what is said of its click are given paths."""
    tried = set()
    for path in hostile_paths(secret, folder):
        file = file_data(path)
        events = [(d, with_value(visitor, d, at, file), None) for d, at in inputs_of(visitor)]
        click = {**file, "index": path, "value": file}
        events += [(d, [file] * len(d["inputs"]), click) for d in handlers_of(visitor)]
        for dependency, data, click in events:
            answer = outcome(visitor, dependency, data, click)
            assert not leaks(answer.encode()), (dependency["api_name"], path)
            tried.add(dependency["api_name"])
    assert tried >= {"open_photo", "open_example", "put_beside", "cutout", "advance_batch"}
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if leaks(path.read_bytes())]


def inputs_of(visitor: Visitor) -> Iterator[tuple[dict[str, Any], int]]:
    """One handler for each component that is an input at all, and its place among the inputs."""
    kinds = {component["id"]: component["type"] for component in visitor.config["components"]}
    seen: set[int] = set()
    for dependency in visitor.config["dependencies"]:
        for position, id_ in enumerate(dependency["inputs"]):
            if kinds[id_] != "state" and id_ not in seen:
                seen.add(id_)
                yield dependency, position


def handlers_of(visitor: Visitor) -> list[dict[str, Any]]:
    """One event for each handler."""
    return list({of["api_name"]: of for of in visitor.config["dependencies"]}.values())


def with_value(
    visitor: Visitor, dependency: dict[str, Any], position: int, value: Any
) -> list[Any]:
    """The inputs as the page has them, but one."""
    data = [visitor.values.get(id_) for id_ in dependency["inputs"]]
    return [*data[:position], value, *data[position + 1 :]]


def outcome(
    visitor: Visitor, dependency: dict[str, Any], data: list[Any], click: Any = None
) -> str:
    """What comes of an event, be it an answer, an error or a refusal."""
    try:
        return json.dumps(visitor.ask(dependency, data, click))
    except (Failed, Refused) as error:
        return str(error)


def test_no_event_makes_the_server_fetch_an_address(visitor: Visitor) -> None:
    """Gradio would: from any public host, whole, into memory and onto the disk."""
    with listening() as (port, heard):
        for address in (f"http://127.0.0.1:{port}/x.png", " HTTPS://huggingface.co/x.png"):
            for dependency, position in inputs_of(visitor):
                data = with_value(visitor, dependency, position, [{"nested": file_data(address)}])
                with pytest.raises(Refused) as refused:
                    visitor.join(dependency, data)
                assert refused.value.status == 400
                assert request_guard.NO_URL.en in refused.value.text
            with pytest.raises(Refused, match="400"):
                visitor.join(visitor.handler("pick"), [], {"value": file_data(address)})
            for way in (address, quote(address), quote(address, safe="")):
                for route in ("file=", "proxy=", "file/"):
                    assert visitor.http.get(f"/gradio_api/{route}{way}").status_code == 404
        inside = file_data("", url=f"http://127.0.0.1:{port}/x.png")
        opening = visitor.handler("open_photo")
        with pytest.raises(Failed):
            visitor.ask(opening, [inside, *(None for _ in opening["inputs"][1:])])
        assert not heard()


@contextmanager
def listening() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port of this host, and whether anybody has come there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def heard() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], heard


# Uploads: judged by `read_photo` (tests/segmentation/test_photo.py), here through the web server.


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(kind: bytes, data: bytes) -> bytes:
    """A photo with one more chunk before its pixels."""
    png = encode(np.full((64, 64, 3), 90, np.uint8))
    return png[:33] + chunk(kind, data) + png[33:]


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def flat_png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


ZEROS = zlib.compress(bytes(100_000_000), 9)
SVG = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><text>&x;</text></svg>"""


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("bomb.png", lambda: flat_png(14_000), "196 MP|far too many pixels"),
        ("text.png", lambda: png_with(b"zTXt", b"a\0\0" + ZEROS), "damaged|not a photo"),
        ("profile.png", lambda: png_with(b"iCCP", b"a\0\0" + ZEROS), "damaged|not a photo"),
        ("drawing.svg", lambda: SVG, "SVG is a drawing"),
        ("drawing.png", lambda: SVG, "SVG is a drawing"),
        ("page.html", lambda: b"<html><script>alert(1)</script></html>", "not a photo"),
        ("zip.jpg", lambda: zipped("a", zipped("b", zipped("c", bytes(10**7)))), "not a photo"),
        ("program.jpg", lambda: b"\x7fELF" + bytes(999), "not a photo"),
        ("script.eps", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", "not a photo"),
        ("list.m3u8", lambda: b"#EXTM3U\nfile:///etc/passwd", "not a photo"),
        ("cut.jpg", lambda: photo()[:30_000], "damaged"),
        ("empty.jpg", lambda: b"", "empty"),
    ],
)
def test_a_hostile_upload_is_refused_in_words(
    visitor: Visitor, name: str, make: Callable[[], bytes], says: str
) -> None:
    with pytest.raises(Failed, match=says) as failed:
        visitor.open(name, make())
    assert not INTERNAL.search(str(failed.value))


def test_a_photo_that_is_also_a_page_is_served_as_a_photo(visitor: Visitor) -> None:
    """And what is no photo is downloaded, never shown where its scripts would be the page's."""
    both = photo() + b"<html><script>alert(1)</script></html>" + zipped("a", b"b")
    for name, kind in (("x.jpg", "image/jpeg"), ("x.html", "application/octet-stream")):
        file = visitor.upload(name, both)
        answer = visitor.http.get(f"/gradio_api/file={file['path']}")
        assert answer.headers["content-type"] == kind
    for name, data in (("x.svg", SVG), ("x.xml", SVG), ("x.js", b"alert(1)"), ("x.pdf", b"%PDF")):
        answer = visitor.http.get(f"/gradio_api/file={visitor.upload(name, data)['path']}")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "name",
    [
        "../../../../../../tmp/x.png",
        "..\\..\\x.png",
        "/etc/passwd",
        "..",
        "x\0.png",
        "x" * 300 + ".png",
        "照片" * 90 + ".png",
        ".htaccess",
        "a/b/../../c.png",
        "x\r\nSet-Cookie: a=b.png",
        "\u202egnp.exe",
        "con.png",
        "~root.png",
        "$(id);`id`.png",
        "%2e%2e%2fx.png",
    ],
)
def test_a_name_decides_nothing(address: str, folder: Path, name: str) -> None:
    """A file comes to lie below the folder for uploads, or is refused, whatever it is called."""
    outside = {path for path in folder.parent.rglob("*") if folder not in path.parents}
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
    body = head + name.encode() + b'"\r\n\r\n' + photo() + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    status, answer = raw(
        address,
        "POST",
        "/gradio_api/upload",
        body,
        content_type=kind,
        content_length=str(len(body)),
    )
    if status == 200:
        (path,) = json.loads(answer)
        assert Path(path).resolve().is_relative_to(folder)
        assert Path(path).resolve().parent != folder
    else:
        assert status in (400, 500, 507)
        assert not INTERNAL.search(answer.decode().replace("Internal Server Error", ""))
    assert outside == {path for path in folder.parent.rglob("*") if folder not in path.parents}


def test_a_request_says_how_long_it_is_and_keeps_within_the_limits(
    visitor: Visitor, folder: Path
) -> None:
    before = set(folder.rglob("*"))
    post = visitor.http.post
    for target in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/x"):
        assert post(target, content=iter([b"of no known length"])).status_code == 411
    part = bytes(int(Limits().batch_megabytes * 1e6) // 20)
    many = [("files", (f"{i}.jpg", part)) for i in range(20)]
    assert post("/gradio_api/upload", files=many).status_code == 413
    long = json.dumps(
        {"data": ["x" * request_guard.EVENT_BYTES], "fn_index": 0, "session_hash": "x"}
    )
    assert post("/gradio_api/queue/join", content=long).status_code == 413
    deep = "[" * 100_000 + "]" * 100_000
    assert post("/gradio_api/queue/join", content=deep).status_code == 400
    assert set(folder.rglob("*")) == before


def test_an_upload_of_no_end_of_files_is_cut_short(visitor: Visitor, folder: Path) -> None:
    files = [("files", (f"{i}.jpg", b"x")) for i in range(request_guard.MOST_FILES + 1)]
    assert visitor.http.post("/gradio_api/upload", files=files).status_code == 413
    sweep(folder, -1)
    assert not list(folder.iterdir())


# Clients that are slow, or gone.


def test_an_upload_cut_short_leaves_nothing_that_is_not_swept(
    visitor: Visitor, address: str, folder: Path
) -> None:
    """Gradio forgets a file whose sender hung up, and one in a field of another name."""
    with begun_upload(address) as (connection, _):
        wait_for(lambda: stray(folder))
        connection.close()
    with pytest.raises(IndexError):
        visitor.upload("x.jpg", photo(), field="other")
    wait_for(lambda: len(stray(folder)) == 2)
    sweep(folder, app.KEEP_SECONDS)
    assert len(stray(folder)) == 2, "another visitor's upload may still be coming"
    sweep(folder, -1)
    assert not stray(folder)


def stray(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def wait_for(condition: Callable[[], object]) -> None:
    """Look until something is so; half a minute is more than any machine needs."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


@contextmanager
def begun_upload(address: str) -> Iterator[tuple[socket.socket, bytes]]:
    """A connection on which a part of an upload has been sent."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    request = (
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + head + bytes(50_000)
    )
    with connected(address) as connection:
        connection.sendall(request)
        yield connection, request


def test_a_client_that_never_ends_its_request_is_let_go(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_guard, "SECONDS", 0)
    monkeypatch.setattr(request_guard, "SLOWEST_BYTES_A_SECOND", 900_000)
    with begun_upload(address) as (connection, _):
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert request_guard.TOO_SLOW.en.encode() in answer


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /robots.txt",
    ],
    ids=["nothing", "half a request", "one and a half"],
)
def test_a_connection_that_says_no_more_is_let_go(
    address: str, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(idle_connections, "PATIENCE_SECONDS", 0)
    with connected(address) as connection:
        connection.sendall(said)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200") == said.count(b"\r\n\r\n")


def test_half_open_connections_keep_nobody_out(
    visitor: Visitor, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One network holds so many, the others have theirs, and what is at work stays."""
    monkeypatch.setattr(idle_connections, "MOST_CONNECTIONS", 20)
    with ExitStack() as stack:
        opened = [stack.enter_context(connected(address, "127.0.0.2")) for _ in range(200)]
        at_work = opened[::40]
        for connection in opened:
            stream = b"gradio_api/heartbeat/x" if connection in at_work else b""
            end = b"\r\n\r\n" if stream else b""
            connection.sendall(b"GET /" + stream + b" HTTP/1.1\r\nHost: x" + end)
        wait_for(lambda: sum(map(is_open, opened)) == 20)
        assert all(map(is_open, at_work))
        assert visitor.http.get("/").status_code == 200


def connected(address: str, source: str = "127.0.0.1") -> socket.socket:
    url = urlsplit(address)
    return socket.create_connection((url.hostname, url.port), 60, (source, 0))


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return True
    except ConnectionResetError:
        pass
    return False


# Headers.


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
def test_one_visitors_headers_do_not_reach_another(address: str, headers: dict[str, str]) -> None:
    pages = ("/", "/config", "/gradio_api/info", "/manifest.json", "/gradio_api/startup-events")
    for page in pages:
        raw(address, "GET", page, **headers)
        assert b"evil.example" not in raw(address, "GET", page)[1]


def test_another_site_cannot_read_the_page_of_a_local_visitor(visitor: Visitor) -> None:
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        answer = visitor.http.get("/config", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
    form = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    body = json.dumps({"data": [], "fn_index": 0, "session_hash": "x"})
    answer = visitor.http.post("/gradio_api/queue/join", content=body, headers=form)
    assert answer.status_code == 422, "a form of another site is no event"


# What visitors make.


def test_numbers_and_words_no_page_would_send_break_nothing(visitor: Visitor) -> None:
    visitor.open("flower.jpg", photo())
    update = {"__type__": "update"}
    events = [
        (dependency, with_value(visitor, dependency, position, value), None)
        for dependency, position in inputs_of(visitor)
        for value in (-1e308, [update])
    ]
    for dependency in handlers_of(visitor):
        data = [visitor.values.get(id_) for id_ in dependency["inputs"]]
        events += [(dependency, data, {"index": at}) for at in (-1e308, [update])]
    for event in events:
        answer = outcome(visitor, *event)
        assert "Traceback" not in answer
        assert "site-packages" not in answer
    assert visitor.open("flower.jpg", photo()) > 1


def test_two_visitors_have_nothing_of_each_other(address: str) -> None:
    with Visitor(address) as one, Visitor(address) as other:
        one.open("one.jpg", photo())
        export = other.handler("export")
        assert outcome(other, export, [other.values.get(id_) for id_ in export["inputs"]])
        download = other.component(elem_id="download")
        assert not other.values[download]
        assert one.values[one.component(elem_id="download")]["path"].endswith("one_cutout.png")


def test_a_folder_that_takes_nothing_is_said(visitor: Visitor, folder: Path) -> None:
    """A full or read-only disk: the sentence, not a bare failure; then all is well again."""
    visitor.open("flower.jpg", photo())
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("not a folder")
    try:
        with pytest.raises(Refused) as refused:
            visitor.upload("flower.jpg", photo())
        assert (refused.value.status, refused.value.text) == (507, STORAGE_FULL.en)
        example = {"index": 3, "value": None}
        opening = visitor.handler("open_example")
        data = [visitor.values.get(id_) for id_ in opening["inputs"]]
        with pytest.raises(Failed, match=re.escape(STORAGE_FULL.en)):
            visitor.ask(opening, data, example)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert visitor.open("flower.jpg", photo()) > 1


def test_everything_is_swept(visitor: Visitor, folder: Path) -> None:
    visitor.open("flower.jpg", photo())
    sweep(folder, -1)
    assert not list(folder.iterdir())
    showing = visitor.handler("show_found")
    with pytest.raises(Failed, match="no longer has this photo"):
        visitor.ask(showing, [visitor.values.get(id_) for id_ in showing["inputs"]])
