"""From the photo to the file, in a browser."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from segmentation import Limits, Photo, Segmenter, find_model
from segmentation.inference.select import MIN_OFFERED_SCORE
from tests.paths import EXAMPLES, SCREENSHOTS
from tests.segmentation.page.browsing import (
    HELMET,
    click_photo,
    download,
    open_example,
    open_tools,
    photo_input,
    redrawn,
    text,
    upload_image,
)
from tests.started import started


def test_upload_click_background_download(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        photo_input(page).set_input_files(EXAMPLES / "astronaut.png")
    name, image = download(page, tmp_path)
    assert name == "astronaut_cutout.png"
    assert image.shape == (512, 512, 4)
    assert image[200, 230, 3] == 255, "the face is kept"
    assert image[30, 60, 3] == 0, "the flag is gone"
    assert image[450, 420, 3] == 0, "the helmet was not chosen"
    assert not image[image[..., 3] == 0].any(), "transparent pixels keep no colour"

    # The page shows the photo reduced, so this also checks the coordinates of clicks.
    with redrawn(page):
        click_photo(page, *HELMET)
    assert download(page, tmp_path)[1][450, 420, 3] == 255, "the helmet is chosen now"

    with redrawn(page):
        page.get_by_label(text(page, "blur"), exact=True).check()
    assert download(page, tmp_path)[1].shape == (512, 512, 3)


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_an_example_is_cut_out_by_one_click(page: Page, tmp_path: Path) -> None:
    open_example(page, 3)
    name, image = download(page, tmp_path)
    assert name == "flower_cutout.png"
    assert image[200, 300, 3] == 255
    assert image[50, 50, 3] == 0


def test_a_first_visit_takes_two_clicks(browser: Browser, tmp_path: Path) -> None:
    """On a page that has not loaded its model yet; `playwright show-trace` shows the time taken."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 360, "height": 640})
    context.tracing.start(screenshots=True, snapshots=True)
    page = context.new_page()
    environment = {"GRADIO_TEMP_DIR": str(tmp_path / "page")}
    with started(environment=environment) as server:
        page.goto(server.address)
        page.locator("#examples img").nth(3).click()
        name, image = download(page, tmp_path)
        expect(page.locator("#canvas")).to_be_in_viewport()
        seconds = page.evaluate("performance.now()") / 1000
    context.tracing.stop(path=SCREENSHOTS / "first_visit.zip")
    context.close()
    print(f"{seconds:.1f} s from the address to the file")
    assert name == "flower_cutout.png"
    assert image[200, 300, 3] == 255


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_an_object_is_placed_in_another_photo(page: Page, tmp_path: Path) -> None:
    open_example(page, 3)
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    open_tools(page, "background")
    page.get_by_label(text(page, "scene"), exact=True).check()
    # Without the other photo there is no such file, nor does a transparent one take its place.
    expect(page.locator("#canvas .notice")).to_have_text(text(page, "choose_backdrop"))
    expect(page.locator("#download")).to_be_disabled()
    with redrawn(page):
        page.locator("#workspace .backdrop input[type=file]").set_input_files(
            EXAMPLES / "coffee.png"
        )
    assert download(page, tmp_path)[1].shape == (400, 600, 3)


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_another_model_segments_the_same_photo(page: Page) -> None:
    open_example(page, 0)
    with redrawn(page):
        click_photo(page, *HELMET)
    # The twin finds the same objects, so the address of the picture does not change.
    menu = page.get_by_role("combobox", name=text(page, "model"))
    menu.click()
    page.get_by_role("option", name="孪生").click()
    expect(page.locator("code").get_by_text("孪生 · onnxruntime CPU")).to_be_visible()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(2)

    menu.click()
    page.get_by_role("option", name="损坏").click()
    expect(page.get_by_text("模型 broken 缺少文件 model.onnx")).to_be_visible()
    expect(menu).to_have_value("孪生")
    expect(page.locator("code").get_by_text("孪生 · onnxruntime CPU")).to_be_visible()
    expect(page.locator("#download")).to_be_enabled()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_the_list_of_objects_selects_like_clicks(page: Page, tmp_path: Path) -> None:
    open_example(page, 0)
    with redrawn(page):
        page.locator("input[type=checkbox]").nth(1).check()
    assert download(page, tmp_path)[1][450, 420, 3] == 255
    with redrawn(page):
        page.keyboard.press("Control+z")
    assert download(page, tmp_path)[1][450, 420, 3] == 0
    page.get_by_text(text(page, "none"), exact=True).click()
    expect(page.get_by_text(text(page, "select_one"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()


def test_a_bad_file_is_explained_and_the_page_still_works(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    explanation = page.get_by_text(re.compile("not a photo|无法识别为照片"))
    photo_input(page).set_input_files(bad)
    expect(explanation).to_be_visible()
    expect(page.locator("#start .error")).to_be_hidden()  # the toast explains it
    page.locator(".toast-close").click()
    expect(explanation).to_be_hidden()
    open_example(page, 0)
    assert download(page, tmp_path)[0] == "astronaut_cutout.png"
    # Once more, since the page creates its components again when it changes.
    page.locator("#home").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#upload").click()
    chooser.value.set_files(bad)
    expect(explanation).to_be_visible()


def test_a_file_too_large_is_refused_in_the_visitors_language(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(int(Limits().megabytes * 1e6) + 1)
    photo_input(page).set_input_files(large)
    words = {"en": "The file has more than 50 MB", "zh": "文件超过 50 MB"}
    language = page.evaluate("navigator.language")[:2]
    expect(page.get_by_text(words[language])).to_be_visible()
    title = {"en": "Error", "zh": "出错了"}[language]
    expect(page.locator(".toast-title")).to_have_text(re.compile(rf"^\s*{title}\s*$"))


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_photo_is_pasted(page: Page, tmp_path: Path) -> None:
    photo = base64.b64encode((EXAMPLES / "flower.jpg").read_bytes()).decode()
    page.get_by_role("tab", name=text(page, "compare"), exact=True).click()
    page.locator("#compare_rail input[type=number]").first.focus()
    with redrawn(page):
        are_taken = page.evaluate(
            """async (photo) => {
                const bytes = await (await fetch(`data:image/jpeg;base64,${photo}`)).blob();
                const paste = (text) => {
                    const clipboardData = new DataTransfer();
                    clipboardData.items.add(new File([bytes], "rose.jpg", {type: "image/jpeg"}));
                    if (text) clipboardData.setData("text/plain", text);
                    const options = {clipboardData, bubbles: true, cancelable: true};
                    const event = new ClipboardEvent("paste", options);
                    document.activeElement.dispatchEvent(event);
                    return event.defaultPrevented;
                };
                return [paste("12"), paste("")];
            }""",
            photo,
        )
    assert are_taken == [False, True], "a text field takes the text, if there is one"
    assert download(page, tmp_path)[0] == "rose_cutout.png"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_slider_moved_by_keys_changes_the_result(page: Page) -> None:
    open_example(page, 3)
    open_tools(page, "edge_panel")
    slider = page.locator("input[type=range]:visible").nth(1)
    with redrawn(page):
        # In the frame in which it unfolds, the slider undoes a change of its value.
        for _ in range(20):
            slider.press("ArrowRight")
            page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            if slider.input_value() != "0":
                break


def test_a_photo_without_objects_is_reported(page: Page, tmp_path: Path) -> None:
    upload_image(page, np.full((300, 400, 3), 200, np.uint8), tmp_path / "wall.png")
    expect(page.get_by_text(text(page, "no_objects"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()


def test_a_photo_without_certain_objects_offers_uncertain_ones(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    upload_image(
        page, np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8), tmp_path / "noise.png"
    )
    expect(page.get_by_text(text(page, "no_certain_objects"))).to_be_visible()
    with redrawn(page):
        page.get_by_role("button", name=text(page, "show_uncertain")).click()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(1)


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_click_beside_all_outlines_selects_a_guess(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    blobs = np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8)
    upload_image(page, blobs, tmp_path / "noise.png")
    expect(page.get_by_text(text(page, "no_certain_objects"))).to_be_visible()
    photo = Photo(blobs, None, "noise", ())
    found, _ = Segmenter(find_model("compact")).segment(photo, MIN_OFFERED_SCORE)
    logits = found.mask_logits([1])
    row, column = np.unravel_index(logits.argmax(), logits.shape)
    with redrawn(page):
        click_photo(page, (column + 0.5) / logits.shape[1], (row + 0.5) / logits.shape[0])
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(1)
    expect(page.get_by_text(text(page, "no_certain_objects"))).to_be_hidden()
