"""Requests that are too long, and uploads that leave files behind, through the web server."""

import json
from pathlib import Path

import pytest

from segmentation import Limits
from segmentation.page.server.files.storage import usage_of
from segmentation.page.server.files.uploads import KEEP_SECONDS, sweep
from segmentation.page.server.http.form import MAX_FILES
from segmentation.page.server.http.request_body import EVENT_BYTES
from tests.segmentation.page.server.connections import begin_upload, wait_for
from tests.visitor import Visitor


def test_a_request_declares_its_length_and_keeps_within_the_limits(
    visitor: Visitor, folder: Path
) -> None:
    before = set(folder.rglob("*"))
    post = visitor.http.post
    for target in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/x"):
        assert post(target, content=iter([b"of no declared length"])).status_code == 411
    part = bytes(int(Limits().batch_megabytes * 1e6) // 20)
    many = [("files", (f"{number}.jpg", part)) for number in range(20)]
    assert post("/gradio_api/upload", files=many).status_code == 413
    long = json.dumps({"data": ["x" * EVENT_BYTES], "fn_index": 0, "session_hash": "x"})
    assert post("/gradio_api/queue/join", content=long).status_code == 413
    deep = "[" * 100_000 + "]" * 100_000
    assert post("/gradio_api/queue/join", content=deep).status_code == 400
    assert set(folder.rglob("*")) == before


def test_an_upload_of_too_many_files_is_cut_short(visitor: Visitor, folder: Path) -> None:
    files = [("files", (f"{number}.jpg", b"x")) for number in range(MAX_FILES + 1)]
    assert visitor.http.post("/gradio_api/upload", files=files).status_code == 413
    sweep(folder, -1)
    assert not list(folder.iterdir())


def test_uploads_count_as_used_storage(visitor: Visitor, folder: Path) -> None:
    sweep(folder, -1)
    usage = usage_of(folder)
    assert usage.used_bytes == 0
    visitor.upload("photo.jpg", bytes(1_000_000))
    assert 1_000_000 < usage.used_bytes < 1_001_000, "the form around the file counts too"
    sweep(folder, KEEP_SECONDS)
    assert usage.used_bytes == 1_000_000


def test_an_upload_that_was_cut_short_is_swept(
    visitor: Visitor, address: str, folder: Path, photo: bytes
) -> None:
    """Gradio forgets a file whose sender hung up, and one in a field of another name."""
    with begin_upload(address) as connection:
        wait_for(lambda: files_directly_in(folder))
        connection.close()
    with pytest.raises(IndexError):
        visitor.upload("x.jpg", photo, field="other")
    wait_for(lambda: len(files_directly_in(folder)) == 2)
    sweep(folder, KEEP_SECONDS)
    assert len(files_directly_in(folder)) == 2, "another visitor's upload may still be arriving"
    sweep(folder, -1)
    assert not files_directly_in(folder)


def files_directly_in(folder: Path) -> list[Path]:
    """Files that Gradio has not moved to a place of their own."""
    return [path for path in folder.iterdir() if path.is_file()]
