"""The canvas in a browser: hovering, boxes, zoom, keys, and that nothing moves."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from segmentation.page.canvas.canvas import FOLDER
from segmentation.page.minify import read_code
from tests.paths import EXAMPLES
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import (
    HELMET,
    canvas_tool,
    click_photo,
    move_over_photo,
    open_example,
    open_tools,
    paint,
    photo_input,
    problems,
    redrawn,
    text,
)


@pytest.fixture(params=[1280, 360])
def sized_page(request: pytest.FixtureRequest, tab: BrowserTab, address: str) -> Iterator[Page]:
    """Open the page on a screen of each width."""
    request.getfixturevalue("cached_inference")
    height = 800 if request.param > 640 else 640
    with tab.visit(address, width=request.param, height=height) as page:
        page.locator("#examples img").first.wait_for()
        yield page


def test_hovering_shows_what_a_click_gives_without_a_request(sized_page: Page) -> None:
    page = sized_page
    open_example(page, 0)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    stage = page.locator("#canvas .stage")
    move_over_photo(page, *HELMET)
    expect(stage).to_have_attribute("data-target", "2")
    move_over_photo(page, 230 / 512, 300 / 512)
    expect(stage).to_have_attribute("data-target", "1")
    move_over_photo(page, 0.99, 0.02)
    expect(stage).to_have_attribute("data-target", "")
    # Those by which the page and the server notice that the other one is gone.
    regular = ("heartbeat", "app_id")
    assert [
        url for url in requests if not url.partition("?")[0].rstrip("/").endswith(regular)
    ] == []
    assert problems(page, f"canvas_{page.viewport_size['width']}", still=False) == []  # type: ignore[index]


def test_nothing_moves_from_the_upload_to_the_background(sized_page: Page) -> None:
    page = sized_page
    page.evaluate(
        """() => {
            window.places = new Set();
            const record = () => {
                const stage = document.querySelector("#canvas .stage");
                if (stage?.offsetParent) {
                    const {x, y, width, height} = stage.getBoundingClientRect();
                    const [canvas, workspace] = ["canvas", "workspace"].map(
                        (id) => document.getElementById(id).getBoundingClientRect().y);
                    // A phone keeps it in view while the page is scrolled.
                    const first = innerWidth > 640 ? -Infinity : 0;
                    const moved = y - Math.max(workspace + y - canvas, first);
                    const place = [x, workspace + scrollY, y - canvas, moved, width, height];
                    window.places.add(place.join(" "));
                }
                requestAnimationFrame(record);
            };
            record();
        }"""
    )
    with redrawn(page):
        photo_input(page).set_input_files(EXAMPLES / "astronaut.png")
    for _ in range(5):
        with redrawn(page):
            click_photo(page, *HELMET)
    with redrawn(page):
        page.get_by_label(text(page, "colour"), exact=True).check()
    assert len(page.evaluate("[...window.places]")) == 1


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_click_on_nothing_keeps_the_file(page: Page) -> None:
    open_example(page, 3)
    notice = page.locator("#canvas .notice")
    click_photo(page, 0.02, 0.02)
    expect(notice).to_have_text(text(page, "nothing_here"))
    expect(page.locator("#download")).to_be_enabled()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_box_and_a_line_offer_further_objects_and_zoom_shows_the_photos_own_pixels(
    page: Page,
) -> None:
    with redrawn(page):
        photo_input(page).set_input_files(EXAMPLES / "two_dogs.jpg")
    stage = page.locator("#canvas .stage")
    found = page.locator("#photo").get_by_role("checkbox", name=re.compile(r"^\d+ · "))
    count = found.count()
    stage.hover()
    page.keyboard.press("b")
    with redrawn(page):
        paint(page, (0.05, 0.05), (0.3, 0.35))
    assert found.count() > count
    expect(page.locator("#undo")).to_be_enabled()
    with redrawn(page):
        page.keyboard.press("Control+z")
    expect(found).to_have_count(count)
    page.keyboard.press("s")
    with redrawn(page):
        paint(page, (0.1, 0.8), (0.3, 0.9))
    expect(found).to_have_count(count + 1)
    with redrawn(page):
        page.keyboard.press("Control+z")

    part = page.locator("#canvas img.tile")
    expect(part).to_be_hidden()
    stage.hover()
    for _ in range(8):
        page.keyboard.press("+")
    expect(part).to_be_visible()
    page.keyboard.press("0")
    expect(part).to_be_hidden()


@pytest.mark.parametrize("width", [360, 900])
def test_nothing_lies_over_the_picture_or_its_buttons(
    tab: BrowserTab, address: str, width: int
) -> None:
    with tab.visit(address, width=width, height=740) as page:
        page.locator("#examples img").first.wait_for()
        open_example(page, 3)
        # As in a browser that can share pictures.
        page.evaluate("document.documentElement.classList.add('can-share')")
        expect(page.locator("#share")).to_be_visible()
        # One button, for the ground that comes next.
        ground = page.locator("#canvas .grounds > :visible")
        for name in ("white", "black"):
            ground.click()
            expect(page.locator("#canvas .canvas")).to_have_attribute("data-ground", name)
        expect(ground).to_have_attribute("type", "color")
        canvas_tool(page, "keep").click()
        page.locator("#canvas .stage").hover()
        page.mouse.wheel(0, -400)
        expect(page.locator("#canvas .brush")).to_be_visible()
        notes = FilePayload(name="notes.jpg", mimeType="image/jpeg", buffer=b"words")
        photo_input(page).set_input_files(notes)
        expect(page.locator(".toast-body")).to_be_visible()
        covered = page.evaluate(
            """() => {
                const box = (selector) => document.querySelector(selector).getBoundingClientRect();
                const isOver = (a, b) =>
                    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
                const above = ["#canvas .brush", "#canvas .zooms", ".toast-body", "#copy"];
                const below = ["#canvas .stage", "#undo", "#redo", "#download", "#share"];
                return above.flatMap((upper) => below
                    .filter((lower) => isOver(box(upper), box(lower)))
                    .map((lower) => `${upper} over ${lower}`));
            }"""
        )
        assert covered == []
        if width == 900:
            # Download is as wide as the row of buttons below it.
            ends = [page.locator(name).bounding_box() for name in ("#download", "#share")]
            download, share = (box["x"] + box["width"] for box in ends if box)
            assert download == pytest.approx(share, abs=1)
        else:
            assert_picture_stays_above_its_panel(page)


@pytest.mark.parametrize("count", [1, 4, 5, 8, 9])
def test_a_stroke_that_is_thinned_keeps_its_ends(browser: Browser, count: int) -> None:
    script = read_code(FOLDER / "scripts" / "sketch.js")
    page = browser.new_page()
    points = page.evaluate(
        f"""(count) => {{
            const MAX_POINTS = 4;
            {script}
            let sent = [];
            const sketch = new Sketch(null, (_, stroke) => sent = stroke.points_xy);
            sketch.sendStroke({{ points_xy: [...Array(count).keys()] }});
            return sent;
        }}""",
        count,
    )
    page.close()
    assert len(points) <= 4
    assert [points[0], points[-1]] == [0, count - 1]


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_pictures_on_their_way_are_not_drawn(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with redrawn(page):
        page.locator("input[type=file]").first.set_input_files(EXAMPLES / "two_dogs.jpg")
    held: list[Route] = []
    page.route("**/objects.png", lambda route: held.append(route))
    page.locator("#canvas .stage").hover()
    page.keyboard.press("b")
    with redrawn(page):
        paint(page, (0.05, 0.05), (0.3, 0.35))
    page.locator("#canvas label", has_text="Objects").click()
    move_over_photo(page, 0.5, 0.5)
    assert errors == [], "an object in the box is selected and not in the former map"
    for route in held:
        route.continue_()

    part = page.locator("#canvas img.tile")
    page.locator("#canvas label", has_text="Result").click()
    page.locator("#canvas .stage").hover()
    for _ in range(8):
        page.keyboard.press("+")
    expect(part).to_be_visible()
    page.route("**/*_part*", lambda route: held.append(route))
    with page.expect_request("**/*_part*"):
        page.keyboard.press("-")
    move_over_photo(page, 0.5, 0.5)
    expect(part).to_be_hidden()
    held[-1].continue_()
    expect(part).to_be_visible()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_the_canvas_works_with_keys_alone(page: Page) -> None:
    open_example(page, 0)
    stage = page.locator("#canvas .stage")
    stage.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    expect(stage).to_have_attribute("data-target", "2")
    with redrawn(page):
        page.keyboard.press("Enter")
    page.keyboard.press("e")
    expect(canvas_tool(page, "erase")).to_have_attribute("aria-pressed", "true")
    with redrawn(page):
        page.keyboard.press("Enter")
    page.keyboard.down("o")
    expect(page.locator("#canvas .canvas")).to_have_attribute("data-view", "original")
    page.keyboard.up("o")
    expect(page.locator("#canvas .canvas")).to_have_attribute("data-view", "result")


def assert_picture_stays_above_its_panel(page: Page) -> None:
    """Check on a phone that the picture is in view while a panel is used, and covers no focus."""
    open_tools(page, "edge_panel")
    stage, canvas = page.locator("#canvas .stage"), page.locator("#canvas")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert stage.evaluate("stage => stage.getBoundingClientRect().y") == 0
    # What has the focus lies below the canvas, wherever it comes from.
    page.locator("#rail input[type=range]:visible").last.focus()
    for key in ("Shift+Tab", "Tab"):
        for _ in range(3):
            page.keyboard.press(key)
            bottom = canvas.evaluate("canvas => canvas.getBoundingClientRect().bottom")
            top = page.evaluate("document.activeElement.getBoundingClientRect().top")
            assert top >= bottom, page.evaluate("document.activeElement.outerHTML")
    # It would fill a phone that lies on its side.
    page.set_viewport_size({"width": 740, "height": 360})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(stage).not_to_be_in_viewport()
