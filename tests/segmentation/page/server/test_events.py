"""Events that a visitor sends by hand: files of the host, addresses, numbers, other sessions."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from segmentation.page.server.files.storage import STORAGE_FULL
from segmentation.page.server.files.uploads import sweep
from segmentation.page.server.http.request_body import NO_URL
from tests.segmentation.page.server.connections import listen
from tests.segmentation.page.server.events import (
    handlers_of,
    inputs_of,
    outcome,
    values_with,
)
from tests.segmentation.page.server.host_files import hostile_paths, leaks
from tests.visitor import Failed, Refused, Visitor, file_data


def test_no_handler_reads_a_file_of_the_host(
    address: str, secret: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each input of each tab, each handler and the data of its click are given paths."""
    # A visitor for each path: an event takes little work, but some time until its answer comes.
    with ThreadPoolExecutor() as pool:
        tried = list(pool.map(partial(try_path, address), hostile_paths(secret, folder)))
    expected = {"open_photo", "open_example", "show_against_first", "cutout", "advance"}
    assert all(names >= expected for names in tried)
    stored = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in stored if leaks(path.read_bytes())]
    assert "Traceback" not in "".join(capfd.readouterr())


def try_path(address: str, path: str) -> set[str]:
    """Send a path to everything that takes values; return the names of the handlers."""
    file = file_data(path)
    click = {**file, "index": path, "value": file}
    with Visitor(address) as visitor:
        events = [
            (event, values_with(visitor, event, position, file), None)
            for event, position in inputs_of(visitor)
        ]
        events += [(event, [file] * len(event["inputs"]), click) for event in handlers_of(visitor)]
        for event, values, event_data in events:
            answer = outcome(visitor, event, values, event_data)
            assert not leaks(answer.encode()), (event["api_name"], path)
    return {event["api_name"] for event, _, _ in events}


def test_no_event_makes_the_server_fetch_an_address(visitor: Visitor) -> None:
    """Gradio would: from any public host, whole, into memory and onto the disk."""
    with listen() as (port, was_reached):
        for address in (f"http://127.0.0.1:{port}/x.png", " HTTPS://huggingface.co/x.png"):
            for event, position in inputs_of(visitor):
                values = values_with(visitor, event, position, [{"nested": file_data(address)}])
                with pytest.raises(Refused) as refused:
                    visitor.join(event, values)
                assert refused.value.status == 400
                assert NO_URL.en in refused.value.text
            with pytest.raises(Refused, match="400"):
                visitor.join(visitor.handler("pick"), [], {"value": file_data(address)})
            for spelling in (address, quote(address), quote(address, safe="")):
                for route in ("file=", "proxy=", "file/"):
                    assert visitor.http.get(f"/gradio_api/{route}{spelling}").status_code == 404
        hidden = file_data("", url=f"http://127.0.0.1:{port}/x.png")
        open_photo = visitor.handler("open_photo")
        values = {**visitor.values, visitor.input_of(open_photo, "uploadbutton"): hidden}
        with pytest.raises(Failed):
            visitor.ask(open_photo, [values[id_] for id_ in open_photo["inputs"]])
        assert not was_reached()


@pytest.mark.usefixtures("cached_inference")
def test_values_that_no_page_would_send_break_nothing(visitor: Visitor, photo: bytes) -> None:
    visitor.open("flower.jpg", photo)
    update = {"__type__": "update"}
    events = [
        (event, values_with(visitor, event, position, value), None)
        for event, position in inputs_of(visitor)
        for value in (-1e308, 10**400, [update])
    ]
    for event in handlers_of(visitor):
        values = [visitor.values.get(id_) for id_ in event["inputs"]]
        events += [(event, values, {"index": index}) for index in (-1e308, 10**400, [update])]
    for event, values, event_data in events:
        answer = outcome(visitor, event, values, event_data)
        assert "Traceback" not in answer
        assert "site-packages" not in answer
        assert answer != "None", (event["api_name"], "failed without a sentence")
    assert visitor.open("flower.jpg", photo) > 1


def test_visitors_do_not_see_each_others_photos(address: str, photo: bytes) -> None:
    with Visitor(address) as first, Visitor(address) as other:
        first.open("first.jpg", photo)
        export = first.handler("export")
        assert outcome(other, export, [other.values.get(id_) for id_ in export["inputs"]])
        download = other.component(elem_id="download")
        assert not other.values[download]
        path = first.values[first.component(elem_id="download")]["path"]
        assert path.endswith("first_cutout.png")


def test_a_folder_that_takes_no_files_is_reported(
    visitor: Visitor, folder: Path, photo: bytes
) -> None:
    """A full or read-only disk gives the sentence and not a bare failure; the page recovers."""
    visitor.open("flower.jpg", photo)
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("not a folder")
    try:
        with pytest.raises(Refused) as refused:
            visitor.upload("flower.jpg", photo)
        assert (refused.value.status, refused.value.text) == (507, STORAGE_FULL.en)
        open_example = visitor.handler("open_example")
        values = [visitor.values.get(id_) for id_ in open_example["inputs"]]
        with pytest.raises(Failed, match=re.escape(STORAGE_FULL.en)):
            visitor.ask(open_example, values, {"index": 3, "value": None})
    finally:
        folder.unlink()
        aside.rename(folder)
    assert visitor.open("flower.jpg", photo) > 1


def test_a_photo_that_was_swept_is_reported(visitor: Visitor, folder: Path, photo: bytes) -> None:
    visitor.open("flower.jpg", photo)
    sweep(folder, -1)
    assert not list(folder.iterdir())
    draw = visitor.handler("draw")
    with pytest.raises(Failed, match="no longer has this photo"):
        visitor.ask(draw, [visitor.values.get(id_) for id_ in draw["inputs"]])
