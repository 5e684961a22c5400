"""Make the moving picture of the README: python -m tests.readme_picture

It starts the page and does what a visitor does: drop a photo, click an object, brush away what is
too much, choose an ID photo on blue, download.
"""

import argparse
import base64
import io
import math
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    drop_file,
    open_tools,
    point_on_photo,
    redrawn,
    started_browser,
    text,
)
from tests.started import started

PHOTO = EXAMPLES / "astronaut.png"
# The helmet, and the flag behind the sleeve, as fractions of the photo's width and height.
HELMET = 0.82, 0.85
FLAG = (0.005, 0.8), (0.025, 0.99)
WINDOW_WH = 1080, 790
QUALITY = 75
MAX_BYTES = 2_000_000
# Frames of a movement of the pointer, and how long each is shown.
MOVE_FRAMES, MOVE_MILLISECONDS = 7, 60
CLICK_MILLISECONDS = 140
# Headless browsers draw no pointer.
POINTER = """photo => {
    const pointer = document.createElement("div");
    pointer.id = "pointer";
    pointer.style = "position: fixed; z-index: 99999; pointer-events: none; left: 0; top: 0";
    pointer.innerHTML = `<svg width="26" height="34" viewBox="0 0 13 17" style="display: block">
        <path d="M1 1v13l3-3 2 5 2-1-2-5h4z" fill="black" stroke="white"/></svg>
        <img src="${photo}" alt="" style="width: 90px; opacity: .85; border-radius: 6px">
        <i style="position: absolute; left: -16px; top: -16px; width: 36px; height: 36px;
        border: 3px solid #e11d48; border-radius: 50%; display: none"></i>`;
    document.documentElement.append(pointer);
}"""
MOVE = """([x, y]) => {
    document.querySelector("#pointer").style.transform = `translate(${x}px, ${y}px)`;
}"""
RING = "shown => { document.querySelector('#pointer i').style.display = shown ? '' : 'none'; }"
HAS_PICTURES = """() => [...document.querySelectorAll('#examples img')].every(
  picture => picture.complete && picture.naturalWidth
)"""
LET_GO = "() => document.querySelector('#pointer img').remove()"


@dataclass(slots=True)
class Recording:
    """A recording of a page.

    Attributes:
        page: the page, with a pointer.
        pointer_xy: place of the pointer, in pixels of the window.
        frames: the pictures, and for how many milliseconds each is shown.
    """

    page: Page
    pointer_xy: tuple[float, float] = (WINDOW_WH[0] - 120, WINDOW_WH[1] - 120)
    frames: list[tuple[Image.Image, int]] = field(default_factory=list)

    def show(self, milliseconds: int) -> None:
        """Add the page as it is now."""
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        self.frames.append((picture, milliseconds))

    def move_to(self, target: Locator | tuple[float, float]) -> None:
        """Move the pointer to the middle of an element, or to a point of the window."""
        start_x, start_y = self.pointer_xy
        end_x, end_y = target if isinstance(target, tuple) else _middle(target)
        for step in range(1, MOVE_FRAMES + 1):
            # As a hand does: slow at both ends.
            share = (1 - math.cos(math.pi * step / MOVE_FRAMES)) / 2
            self.pointer_xy = (
                start_x + share * (end_x - start_x),
                start_y + share * (end_y - start_y),
            )
            self.page.mouse.move(*self.pointer_xy)
            self.page.evaluate(MOVE, self.pointer_xy)
            self.show(MOVE_MILLISECONDS)

    def click(self, target: Locator | tuple[float, float]) -> None:
        """Move the pointer to an element or a point of the window, and click."""
        self.move_to(target)
        self.page.evaluate(RING, True)
        self.show(CLICK_MILLISECONDS)
        self.page.evaluate(RING, False)
        self.page.mouse.click(*self.pointer_xy)


def record(page: Page) -> list[tuple[Image.Image, int]]:
    """Use the page as a visitor. Returns the frames."""
    page.locator("#examples img").last.wait_for()
    page.wait_for_function(HAS_PICTURES)
    photo = base64.b64encode((EXAMPLES / "thumbs/astronaut.webp").read_bytes()).decode()
    page.evaluate(POINTER, f"data:image/webp;base64,{photo}")
    recording = Recording(page)
    page.evaluate(MOVE, recording.pointer_xy)
    recording.show(900)
    _drop(recording)
    recording.move_to(point_on_photo(page, *HELMET))
    recording.show(700)
    with redrawn(page):
        recording.click(point_on_photo(page, *HELMET))
    recording.show(1100)
    _erase(recording)
    recording.click(page.get_by_role("tab", name=text(page, "size_panel"), exact=True))
    open_tools(page, "size_panel")
    recording.show(300)
    for label in (text(page, "id_photo"), "Blue"):
        with redrawn(page):
            recording.click(page.get_by_label(label, exact=True))
        recording.show(900)
    with page.expect_download():
        recording.click(page.locator("#download"))
    recording.show(1900)
    return recording.frames


def _drop(recording: Recording) -> None:
    page = recording.page
    recording.move_to(page.locator("#drop"))
    with redrawn(page):
        drop_file(page, PHOTO, PHOTO.name, "image/png", "#drop")
        page.evaluate(LET_GO)
    recording.show(1200)


def _erase(recording: Recording) -> None:
    page = recording.page
    recording.click(page.locator("#canvas button[data-tool=erase]"))
    for _ in range(2):
        page.keyboard.press("]")
    recording.move_to(point_on_photo(page, *FLAG[0]))
    with redrawn(page):
        page.mouse.down()
        recording.move_to(point_on_photo(page, *FLAG[1]))
        page.mouse.up()
    recording.show(1100)


def _middle(element: Locator) -> tuple[float, float]:
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def main() -> None:
    """Write the picture, and print how long and how large it is."""
    parser = argparse.ArgumentParser(description="Make the moving picture of the README.")
    parser.add_argument("-o", "--output", type=Path, default=EXAMPLES / "page.webp")
    output: Path = parser.parse_args().output
    expect.set_options(timeout=60_000)
    with (
        started(environment={"GRADIO_SERVER_PORT": "0"}) as server,
        started_browser() as browser,
    ):
        page = browser.new_page(
            viewport={"width": WINDOW_WH[0], "height": WINDOW_WH[1]}, locale="en-US"
        )
        page.goto(server.address)
        frames = record(page)
    pictures, durations = zip(*frames, strict=True)
    pictures[0].save(
        output,
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        quality=QUALITY,
    )
    size = output.stat().st_size
    print(f"{output}: {len(frames)} frames, {sum(durations) / 1000:.1f} s, {size / 1e6:.2f} MB")
    if size > MAX_BYTES:
        parser.exit(1, f"A README's picture has {MAX_BYTES / 1e6:g} MB at most.\n")


if __name__ == "__main__":
    main()
