"""Actions of a visitor in the browser, and checks of what the page shows."""

import base64
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from segmentation import encode
from segmentation.arrays import UInt8
from segmentation.page.strings import STRINGS
from tests.paths import SCREENSHOTS

# The helmet in the example astronaut.png, which is not chosen at first.
HELMET = 420 / 512, 450 / 512
DROP = """([name, base64, type, selector]) => {
    const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, {type}));
    const options = {dataTransfer, bubbles: true, cancelable: true};
    document.querySelector(selector).dispatchEvent(new DragEvent("dragenter", options));
    const isShown = "drop" in document.documentElement.dataset;
    const drop = new DragEvent("drop", options);
    document.querySelector(selector).dispatchEvent(drop);
    return [isShown, drop.defaultPrevented];
}"""
# Marks the page when it offers no file, however briefly.
WATCH_FILE = """() => {
    const {dataset} = document.documentElement;
    delete dataset.withdrawn;
    new MutationObserver((_, observer) => {
        if (!document.querySelector("#download")?.disabled) return;
        dataset.withdrawn = "";
        observer.disconnect();
    }).observe(document.body, {attributes: true, childList: true, subtree: true});
}"""
# `Axe.run` would send all elements to this process, those without a violation included.
VIOLATIONS = """axe.run({resultTypes: ["violations"]}).then(({violations}) =>
    violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`)))"""

# What fingers press, where it is smaller than 44 pixels.
SMALL_TARGETS = """[...document.querySelectorAll(
    "button, #header a, [type=number], [type=range], label:has(> [type=radio], > [type=checkbox])"
)].filter((target) => {
    const {width, height} = target.getBoundingClientRect();
    const isShown = target.checkVisibility({visibilityProperty: true}) && height > 1;
    return isShown && Math.min(width, height) < 44;
}).map((target) => `small: ${target.outerHTML}`)"""
# Borders of controls whose contrast to what lies around them is below 3:1 (WCAG 1.4.11).
FAINT_BORDERS = """() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const isOpaque = (colour) => (numbers(colour)[3] ?? 1) === 1;
    const light = (colour) => numbers(colour).slice(0, 3).map((level) => level / 255)
        .map((level) => (level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4))
        .reduce((sum, level, channel) => sum + level * [0.2126, 0.7152, 0.0722][channel], 0.05);
    const fill = (element) => getComputedStyle(element).backgroundColor;
    const around = ({parentElement}) =>
        isOpaque(fill(parentElement)) ? fill(parentElement) : around(parentElement);
    const controls = "button, label, .views, input:not([type=file], [type=range])";
    return [...document.querySelectorAll(controls)].filter((control) => {
        const {borderTopColor, borderTopWidth} = getComputedStyle(control);
        const hasBorder = borderTopWidth !== "0px" && isOpaque(borderTopColor);
        if (!hasBorder || !control.checkVisibility({visibilityProperty: true})) return false;
        const ratio = light(borderTopColor) / light(around(control));
        return Math.max(ratio, 1 / ratio) < 3;
    }).map((control) => `faint border: ${control.outerHTML}`);
}"""
# Windows up to this width are those of phones.
PHONE_WIDTH = 640
# A slow machine must not fail a test.
TIMEOUT_MS = 60_000


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Run a browser until the end of the block."""
    chromium = shutil.which("chromium")
    assert chromium, "browser tests need chromium; `make test` installs it as root"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


def text(page: Page, key: str) -> str:
    """Return the text of a key of STRINGS in the language of the page."""
    language = page.evaluate("navigator.language")
    return STRINGS[key].in_language("zh" if language.startswith("zh") else "en")


@contextmanager
def redrawn(page: Page) -> Iterator[None]:
    """Wait until the result shows the actions of the block and its file is ready."""
    shown = "#canvas img.result[src*='_preview.']"
    before = page.locator(shown).evaluate_all("images => images[0]?.getAttribute('src') ?? ''")
    page.evaluate(WATCH_FILE)
    yield
    # `expect` would describe the whole page for its message each time it looks.
    page.locator(f"{shown}:not([src='{before}'])").wait_for(state="attached", timeout=TIMEOUT_MS)
    # The picture may show a moment before the file of the last one is withdrawn.
    expect(page.locator("html")).to_have_attribute("data-withdrawn", "")
    await_file(page)


@contextmanager
def made_again(page: Page) -> Iterator[None]:
    """Wait until the page has withdrawn its file after the actions of the block, and made another.

    For actions that do not change the picture, which `redrawn` waits for.
    """
    page.evaluate(WATCH_FILE)
    yield
    expect(page.locator("html")).to_have_attribute("data-withdrawn", "")
    await_file(page)


def await_file(page: Page) -> None:
    """Wait until the page offers the file of the result and says what it is."""
    expect(page.locator("#download")).to_have_text(file_button(text(page, "download")))
    expect(page.locator("#download")).to_be_enabled()


def file_button(label: str) -> re.Pattern[str]:
    """Return what a download button shows: its label, then format and size of a single picture."""
    return re.compile(rf"^\s*{re.escape(label)}( \w+ · \d+ × \d+)?\s*$")


def open_example(page: Page, index: int) -> None:
    """Click an example, which the start screen shows, and wait for its file."""
    if page.locator("#workspace").is_visible():
        page.locator("#home").click()
    with redrawn(page):
        page.locator("#examples img").nth(index).click()


def open_tools(page: Page, key: str) -> None:
    """Open a panel of tools, by the key of its name in STRINGS."""
    tab = page.get_by_role("tab", name=text(page, key), exact=True)
    tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")


def upload_image(page: Page, image: UInt8, path: Path) -> None:
    """Upload an image uint8 (H, W, 3) as a file."""
    path.write_bytes(encode(image))
    photo_input(page).set_input_files(path)


def photo_input(page: Page) -> Locator:
    """Return the input of the button that chooses the photo."""
    return page.locator("#drop input[type=file]")


def drop_file(page: Page, path: Path, name: str, type_: str, selector: str) -> list[bool]:
    """Drop a file; return whether the page offers to take it, and the browser leaves it alone."""
    # A list of numbers would take seconds to reach the browser.
    photo = base64.b64encode(path.read_bytes()).decode()
    outcome: list[bool] = page.evaluate(DROP, [name, photo, type_, selector])
    return outcome


def download(page: Page, folder: Path) -> tuple[str, UInt8]:
    """Download the result. Returns its name and its pixels."""
    with page.expect_download() as waiting:
        page.locator("#download").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.name, decode(path)


@contextmanager
def saved(page: Page, folder: Path, button: str, name: str) -> Iterator[Path]:
    """Save the file of a download button once it has the expected name."""
    link = page.get_by_role("button", name=file_button(button))
    expect(link).to_be_enabled()
    for _ in range(20):
        # The page may replace the button's file at the moment of the click.
        with suppress(PlaywrightTimeout), page.expect_download(timeout=5_000) as waiting:
            link.click()
            if waiting.value.suggested_filename == name:
                break
    waiting.value.save_as(folder / name)
    yield folder / name


def decode(path: Path) -> UInt8:
    """Decode an image file with its alpha."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)


def click_photo(page: Page, x: float, y: float) -> None:
    """Click the photo at a fraction of its width and height, wherever it lies on the canvas."""
    page.mouse.click(*point_on_photo(page, x, y))


def move_over_photo(page: Page, x: float, y: float) -> None:
    """Move the pointer to a fraction of the photo's width and height."""
    page.mouse.move(*point_on_photo(page, x, y))


def paint(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one point of the photo to another one, given as fractions of it."""
    page.mouse.move(*point_on_photo(page, *start))
    page.mouse.down()
    page.mouse.move(*point_on_photo(page, *end), steps=10)
    page.mouse.up()


def point_on_photo(page: Page, x: float, y: float) -> tuple[float, float]:
    """Return the place in the window, in pixels, of a fraction of the photo's width and height."""
    image = page.locator("#canvas img.original")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def problems(page: Page, name: str, still: bool = True) -> list[str]:
    """Return what axe finds, faint borders, overflow, and targets too small for fingers."""
    SCREENSHOTS.mkdir(exist_ok=True)
    if still:
        # An element that is still fading in has too little contrast.
        page.wait_for_function(
            "document.getAnimations().every(motion => motion.playState != 'running')"
        )
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    violations: list[str] = page.evaluate(VIOLATIONS) + page.evaluate(FAINT_BORDERS)
    if page.evaluate("innerWidth") <= PHONE_WIDTH:
        violations += page.evaluate(SMALL_TARGETS)
    is_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*violations, "wider than the window"] if is_wide else violations


def canvas_tool(page: Page, name: str) -> Locator:
    """Return the button of a tool of the canvas."""
    return page.locator(f"#canvas button[data-tool={name}]")
