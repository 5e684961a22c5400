"""Uploads that are not what they seem; tests of `read_photo` have more of them."""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation import encode
from tests.paths import EXAMPLES
from tests.segmentation.page.server.connections import send_raw
from tests.visitor import Failed, Visitor

# A visitor reads sentences of ours, and nothing about the host.
INTERNAL = re.compile(r"Traceback|site-packages|/tmp/|Error\b|\.py\b|errno", re.IGNORECASE)
ZEROS = zlib.compress(bytes(100_000_000), 9)
SVG = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><text>&x;</text></svg>"""


def png_with_chunk(kind: bytes, data: bytes) -> bytes:
    """A photo with one more chunk before its pixels."""
    png = encode(np.full((64, 64, 3), 90, np.uint8))
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png[:33] + chunk + png[33:]


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def blank_png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def cut_photo() -> bytes:
    return (EXAMPLES / "flower.jpg").read_bytes()[:30_000]


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("bomb.png", lambda: blank_png(14_000), "196 MP|far too many pixels"),
        ("drawing.svg", lambda: SVG, "SVG is a drawing"),
        ("drawing.png", lambda: SVG, "SVG is a drawing"),
        ("page.html", lambda: b"<html><script>alert(1)</script></html>", "not a photo"),
        ("zip.jpg", lambda: zipped("a", zipped("b", zipped("c", bytes(10**7)))), "not a photo"),
        ("program.jpg", lambda: b"\x7fELF" + bytes(999), "not a photo"),
        ("script.eps", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", "not a photo"),
        ("list.m3u8", lambda: b"#EXTM3U\nfile:///etc/passwd", "not a photo"),
        ("cut.jpg", cut_photo, "cut short"),
        ("empty.jpg", lambda: b"", "empty"),
    ],
)
def test_a_hostile_upload_is_refused_in_words(
    visitor: Visitor, name: str, make: Callable[[], bytes], says: str
) -> None:
    with pytest.raises(Failed, match=says) as failed:
        visitor.open(name, make())
    assert not INTERNAL.search(str(failed.value))


def test_a_photo_that_is_also_a_web_page_is_served_as_a_photo(
    visitor: Visitor, photo: bytes
) -> None:
    """Other files are downloaded, never shown where their scripts would run as the page's."""
    both = photo + b"<html><script>alert(1)</script></html>" + zipped("a", b"b")
    for name, content_type in (("x.jpg", "image/jpeg"), ("x.html", "application/octet-stream")):
        file = visitor.upload(name, both)
        answer = visitor.http.get(f"/gradio_api/file={file['path']}")
        assert answer.headers["content-type"] == content_type
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
def test_an_upload_stays_in_its_folder_whatever_its_name(
    address: str, folder: Path, photo: bytes, name: str
) -> None:
    outside = {path for path in folder.parent.rglob("*") if folder not in path.parents}
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
    body = head + name.encode() + b'"\r\n\r\n' + photo + b"\r\n--x--\r\n"
    headers = {
        "content_type": "multipart/form-data; boundary=x",
        "content_length": str(len(body)),
    }
    status, answer = send_raw(address, "POST", "/gradio_api/upload", body, **headers)
    if status == 200:
        (path,) = json.loads(answer)
        assert Path(path).resolve().is_relative_to(folder)
        assert Path(path).resolve().parent != folder
    else:
        assert status in (400, 500, 507)
        assert not INTERNAL.search(answer.decode().replace("Internal Server Error", ""))
    assert outside == {path for path in folder.parent.rglob("*") if folder not in path.parents}


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_side_chunk_that_inflates_does_not_keep_a_photo_from_opening(
    visitor: Visitor, kind: bytes
) -> None:
    assert visitor.open("photo.png", png_with_chunk(kind, b"a\0\0" + ZEROS)) > 1
