"""The page in a real browser: what a visitor does, from the photo to the file."""

import base64
import re
import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

import app
from segmentation import Limits, Photo, Segmenter, Text, encode, find_model
from segmentation.arrays import UInt8
from segmentation.errors import StorageFull
from segmentation.inference.registry import ModelRegistry
from segmentation.page.session import LEAST_SCORE
from tests.paths import EXAMPLES, SCREENSHOTS
from tests.started import started
from tests.visitor import Visitor

CHROMIUM = shutil.which("chromium")
# A busy machine is no fault of the page.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with three models to choose from, one of which has lost its graph."""
    compact = find_model("compact")
    twin = replace(compact, name="twin", title=Text("Twin", "孪生"), score_threshold=0.5)
    empty = tmp_path_factory.mktemp("empty")
    broken = replace(compact, name="broken", title=Text("Broken", "损坏"), folder=empty)
    ui = app.build_ui(app.Page(ModelRegistry([compact, twin, broken]), Limits()))
    url = app.serve(ui)
    yield url
    ui.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "the browser test needs chromium; `make test` installs it where it may"
    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        browser.close()


@pytest.fixture(params=["en-US", "zh-CN"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(locale=request.param, accept_downloads=True)
    page = context.new_page()
    page.goto(address)
    page.locator("#examples img").first.wait_for()
    yield page
    context.close()


def said(page: Page, key: str) -> str:
    language = page.evaluate("navigator.language")
    return app.STRINGS[key].in_language("zh" if language.startswith("zh") else "en")


@contextmanager
def redrawn(page: Page) -> Iterator[None]:
    """Wait until what is done inside shows in the result, and its file is ready."""
    after = page.locator("img[src*='after.jpeg']")
    before = after.get_attribute("src") if after.count() else ""
    yield
    expect(after).not_to_have_attribute("src", before or "")
    expect(page.locator("#download")).to_have_text(said(page, "download"))
    expect(page.locator("#download")).to_be_enabled()


def download(page: Page, folder: Path) -> tuple[str, UInt8]:
    with page.expect_download() as waiting:
        page.locator("#download").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.name, np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)


def test_upload_click_background_download(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("input[type=file]").first.set_input_files(EXAMPLES / "astronaut.png")
    name, image = download(page, tmp_path)
    assert name == "astronaut_cutout.png"
    assert image.shape == (512, 512, 4)
    assert image[200, 230, 3] == 255, "her face is kept"
    assert image[30, 60, 3] == 0, "the flag is gone"
    assert image[450, 420, 3] == 0, "the helmet was not chosen"
    assert not image[image[..., 3] == 0].any(), "what is gone cannot be brought back"

    # The photo is drawn smaller than it is, so this also proves that clicks land where they point.
    with redrawn(page):
        click_photo(page, 420 / 512, 450 / 512)
    assert download(page, tmp_path)[1][450, 420, 3] == 255, "now the helmet is"

    with redrawn(page):
        page.get_by_label(said(page, "blur"), exact=True).check()
    assert download(page, tmp_path)[1].shape == (512, 512, 3)


def test_other_formats_and_files(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    page.get_by_text(said(page, "more_files")).click()
    page.get_by_role("radio", name="webp").check()
    with saved(page, tmp_path, said(page, "download"), "flower_cutout.webp") as webp:
        assert decoded(webp).shape == (427, 640, 4)
    page.get_by_role("radio", name="jpeg").check()
    expect(page.get_by_text(re.compile("JPEG 不支持透明|JPEG has no transparency"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()
    page.get_by_text(said(page, "zip")).click()
    with saved(page, tmp_path, said(page, "download_zip"), "flower_objects.zip") as archive:
        assert zipfile.ZipFile(archive).namelist() == ["flower_1_object.png"]


def test_an_object_is_placed_in_another_photo(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    with redrawn(page):
        page.get_by_label(said(page, "shadow"), exact=True).check()
    page.get_by_label(said(page, "scene"), exact=True).check()
    with redrawn(page):
        page.locator("input[type=file]").last.set_input_files(EXAMPLES / "coffee.png")
    for _ in range(20):
        # Nobody is that quick: the file without the other photo may come first.
        image = download(page, tmp_path)[1]
        if image.shape == (400, 600, 3):
            break
    assert image.shape == (400, 600, 3)


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_another_model_looks_at_the_same_photo(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples img").first.click()
    with redrawn(page):
        click_photo(page, 420 / 512, 450 / 512)
    # What the twin sees is the same, and so is the address of its picture.
    page.get_by_label("孪生").check()
    expect(page.locator("code").get_by_text("孪生 · onnxruntime CPU")).to_be_visible()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(2)

    page.get_by_label("损坏").click()
    expect(page.get_by_text("模型 broken 缺少文件 model.onnx")).to_be_visible()
    expect(page.get_by_label("孪生")).to_be_checked()
    expect(page.locator("code").get_by_text("孪生 · onnxruntime CPU")).to_be_visible()
    expect(page.locator("#download")).to_be_enabled()


def test_an_example_is_cut_out_by_one_click(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    name, image = download(page, tmp_path)
    assert name == "flower_cutout.png"
    assert image[200, 300, 3] == 255
    assert image[50, 50, 3] == 0


def test_a_first_visit_takes_two_clicks(browser: Browser, tmp_path: Path) -> None:
    """On a page that has not loaded its model yet; `playwright show-trace` shows what took long."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 360, "height": 640})
    context.tracing.start(screenshots=True, snapshots=True)
    page = context.new_page()
    environment = {"GRADIO_TEMP_DIR": str(tmp_path / "page")}
    with started(environment=environment) as server:
        page.goto(server.address)
        page.locator("#examples img").nth(3).click()
        expect(page.locator("#photo")).to_be_in_viewport()
        name, image = download(page, tmp_path)
        seconds = page.evaluate("performance.now()") / 1000
    context.tracing.stop(path=SCREENSHOTS / "first_visit.zip")
    context.close()
    print(f"{seconds:.1f} s from the address to the file")
    assert name == "flower_cutout.png"
    assert image[200, 300, 3] == 255


def test_the_list_does_what_clicks_do(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("#examples img").first.click()
    with redrawn(page):
        page.locator("input[type=checkbox]").nth(1).check()
    assert download(page, tmp_path)[1][450, 420, 3] == 255
    with redrawn(page):
        page.keyboard.press("Control+z")
    assert download(page, tmp_path)[1][450, 420, 3] == 0
    page.get_by_text(said(page, "none"), exact=True).click()
    expect(page.get_by_text(said(page, "pick_one"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()


def test_a_bad_file_is_explained_and_the_page_lives_on(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    explanation = page.get_by_text(re.compile("not a photo|无法识别为照片"))
    page.locator("input[type=file]").first.set_input_files(bad)
    expect(explanation).to_be_visible()
    expect(page.locator("#photo .error")).to_be_hidden()  # said once is enough
    with redrawn(page):
        page.locator("#examples img").first.click()
    assert download(page, tmp_path)[0] == "astronaut_cutout.png"
    # Once more, for the components of a page are made anew when it changes.
    expect(explanation).to_be_hidden(timeout=15_000)
    page.get_by_role("button", name=said(page, "another")).click()
    page.locator("input[type=file]").first.set_input_files(bad)
    expect(explanation).to_be_visible()


def test_a_file_too_large_is_refused_in_the_visitors_words(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(int(Limits().megabytes * 1e6) + 1)
    page.locator("input[type=file]").first.set_input_files(large)
    words = {"en": "The file has more than 50 MB", "zh": "文件超过 50 MB"}
    language = page.evaluate("navigator.language")[:2]
    expect(page.get_by_text(words[language])).to_be_visible()
    title = {"en": "Error", "zh": "出错了"}[language]
    expect(page.locator(".toast-title")).to_have_text(re.compile(rf"^\s*{title}\s*$"))


@dataclass(frozen=True, slots=True)
class Held:
    """Looks at photos that end when they may; the models that began one."""

    goes_on: threading.Event
    looked: list[str]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held(threading.Event(), [])
    segment = Segmenter.segment

    def slowly(segmenter: Segmenter, *args: Any, **options: Any) -> Any:
        held.looked.append(segmenter.card.name)
        held.goes_on.wait(60)
        return segment(segmenter, *args, **options)

    monkeypatch.setattr(Segmenter, "segment", slowly)
    return held


def test_what_takes_long_can_be_cancelled(page: Page, held: Held, tmp_path: Path) -> None:
    page.locator("#examples img").nth(3).click()
    cancel = page.locator("#cancel")
    expect(cancel).to_have_text(said(page, "cancel"))
    cancel.click()
    expect(cancel).to_be_hidden()
    held.goes_on.set()
    with redrawn(page):
        page.locator("#examples img").nth(2).click()
    assert download(page, tmp_path)[0] == "coffee_cutout.png"


def test_a_comparison_that_was_cancelled_looks_no_further(page: Page, held: Held) -> None:
    page.get_by_role("tab", name=said(page, "compare")).click()
    page.get_by_role("button", name=said(page, "compare_example")).click()
    cancel = page.locator("#cancel_compare")
    expect(cancel).to_be_visible()
    expect(page.get_by_text(said(page, "comparing"))).to_be_visible()
    cancel.click()
    expect(cancel).to_be_hidden()
    held.goes_on.set()
    # The device is free for others, in whose line the second model would be, too.
    page.get_by_role("tab", name=said(page, "cut_out")).click()
    with redrawn(page):
        page.locator("#examples img").nth(2).click()
    assert set(held.looked) == {"compact"}, "the twin was to be next"


def test_of_choices_made_while_a_file_is_made_the_last_counts(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    page.get_by_text(said(page, "more_files")).click()
    make_file, goes_on, begun = app.make_file, threading.Event(), threading.Semaphore(0)

    def slowly(*args: Any) -> bytes:
        begun.release()
        goes_on.wait(60)
        return make_file(*args)

    monkeypatch.setattr(app, "make_file", slowly)
    page.get_by_role("radio", name="webp").check()
    begun.acquire()
    page.get_by_label(said(page, "square"), exact=True).check()
    page.get_by_role("radio", name="png").check()
    expect(page.locator("#download")).to_be_disabled()
    goes_on.set()
    with saved(page, tmp_path, said(page, "download"), "flower_cutout.png") as png:
        height, width, _ = decoded(png).shape
        assert height == width


@pytest.mark.parametrize("first", ["example", "upload"])
def test_a_photo_opened_over_another_gets_none_of_its_files(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str
) -> None:
    make_file, goes_on, begun = app.make_file, threading.Event(), threading.Semaphore(0)

    def slowly(photo: Photo, *args: Any) -> bytes:
        if photo.stem == "flower":
            begun.release()
            goes_on.wait(60)
        return make_file(photo, *args)

    monkeypatch.setattr(app, "make_file", slowly)
    if first == "example":
        page.locator("#examples img").nth(3).click()
    else:
        page.locator("input[type=file]").first.set_input_files(EXAMPLES / "flower.jpg")
    begun.acquire()
    page.locator("#examples img").nth(2).click()
    page.locator("#result img[src*='coffee']").first.wait_for()
    expect(page.locator("#download")).to_be_enabled()
    goes_on.set()
    assert download(page, tmp_path)[0] == "coffee_cutout.png"


def test_without_the_closer_look_the_page_shows_what_the_file_holds(
    page: Page, tmp_path: Path
) -> None:
    looked = page.get_by_text(re.compile("looked closer|细看一次"))
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    expect(looked).to_be_visible()
    closer = download(page, tmp_path)[1]
    page.get_by_text(said(page, "options"), exact=True).click()
    with redrawn(page):
        page.get_by_label(said(page, "closer")).uncheck()
    expect(looked).to_be_hidden()
    assert (download(page, tmp_path)[1] != closer).any()
    with redrawn(page):
        page.get_by_label(said(page, "closer")).check()
    expect(looked).to_be_visible()
    assert (download(page, tmp_path)[1] == closer).all()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_new_background_waits_for_no_model(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks = []
    refine = app.try_refine

    def counted(*args: Any) -> Any:
        looks.append(args)
        return refine(*args)

    monkeypatch.setattr(app, "try_refine", counted)
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    assert len(looks) == 1
    alpha = download(page, tmp_path)[1][..., 3]
    with redrawn(page):
        page.get_by_label(said(page, "shadow"), exact=True).check()
    with redrawn(page):
        page.get_by_label(said(page, "colour"), exact=True).check()
    image = download(page, tmp_path)[1]
    assert image.shape == (*alpha.shape, 3)
    assert len(looks) == 1
    with redrawn(page):
        page.get_by_label(said(page, "transparent"), exact=True).check()
    with redrawn(page):
        page.get_by_label(said(page, "shadow"), exact=True).uncheck()
    assert (download(page, tmp_path)[1][..., 3] == alpha).all(), "as the look had it"


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_closer_look_that_did_not_come_is_made_up_for(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as held:
        held.setattr(app, "try_refine", lambda *_: (None, ()))
        with redrawn(page):
            page.locator("#examples img").nth(3).click()
        expect(page.get_by_text("looked closer")).to_be_hidden()
    with redrawn(page):
        page.get_by_label(said(page, "shadow"), exact=True).check()
    expect(page.get_by_text("looked closer")).to_be_visible()
    expect(page.locator(".toast-body")).to_have_count(0)


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_photo_that_does_not_open_leaves_the_last_one_its_file(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file, goes_on, begun = app.make_file, threading.Event(), threading.Semaphore(0)

    def slowly(*args: Any) -> bytes:
        begun.release()
        goes_on.wait(60)
        return make_file(*args)

    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    monkeypatch.setattr(app, "make_file", slowly)
    page.get_by_label(said(page, "shadow"), exact=True).check()
    begun.acquire()
    gone = [{**entry, "file": "gone.jpg"} for entry in app.gallery()]
    with monkeypatch.context() as broken:
        broken.setattr(app, "gallery", lambda: gone)
        page.locator("#examples img").nth(2).click()
        expect(page.locator(".toast-body")).to_be_visible()
    goes_on.set()
    expect(page.locator("#download")).to_be_enabled()
    assert download(page, tmp_path)[0] == "flower_cutout.png"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_file_takes_the_place_of_the_one_before(page: Page, tmp_path: Path) -> None:
    photo = shutil.copy(EXAMPLES / "flower.jpg", tmp_path / "one_of_a_kind.jpg")
    with redrawn(page):
        page.locator("input[type=file]").first.set_input_files(photo)
    for name in ("shadow", "outline"):
        with redrawn(page):
            page.get_by_label(said(page, name), exact=True).check()
    with redrawn(page):
        page.get_by_label(said(page, "shadow"), exact=True).uncheck()
    files = list(Path(app.get_upload_folder()).rglob("one_of_a_kind_cutout.png"))
    assert len(files) == 2, "the last one may be on its way to the visitor"
    assert download(page, tmp_path)[0] == files[0].name


def test_a_choice_before_any_photo_promises_no_file(page: Page) -> None:
    page.get_by_label(said(page, "square"), exact=True).check()
    page.get_by_text(said(page, "more_files")).click()
    page.get_by_role("radio", name="webp").check()
    expect(page.get_by_label(said(page, "quality")).first).to_be_visible()
    page.get_by_text(said(page, "zip")).click()
    expect(page.get_by_text(said(page, "no_photo"))).to_be_visible()
    expect(page.locator("#download")).to_have_text(said(page, "download"))
    page.get_by_role("radio", name="png").check()
    expect(page.get_by_label(said(page, "quality")).first).to_be_hidden()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_objects_of_another_crop_are_no_longer_on_offer(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    page.get_by_text(said(page, "more_files")).click()
    page.get_by_text(said(page, "zip")).click()
    offered = page.get_by_role("button", name=said(page, "download_zip"), exact=True)
    expect(offered).to_be_enabled()
    page.get_by_label(said(page, "square"), exact=True).check()
    expect(offered).to_be_hidden()
    with saved(page, tmp_path, said(page, "download"), "flower_cutout.png") as png:
        height, width, _ = decoded(png).shape
        assert height == width
    page.get_by_label(said(page, "scene"), exact=True).check()
    expect(page.get_by_label(said(page, "square"), exact=True)).to_be_hidden()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_photo_is_pasted(page: Page, tmp_path: Path) -> None:
    photo = base64.b64encode((EXAMPLES / "flower.jpg").read_bytes()).decode()
    with redrawn(page):
        page.evaluate(
            """async (photo) => {
                const bytes = await (await fetch(`data:image/jpeg;base64,${photo}`)).blob();
                const clipboardData = new DataTransfer();
                clipboardData.items.add(new File([bytes], "rose.jpg", {type: "image/jpeg"}));
                const options = {clipboardData, bubbles: true};
                document.body.dispatchEvent(new ClipboardEvent("paste", options));
            }""",
            photo,
        )
    assert download(page, tmp_path)[0] == "rose_cutout.png"


def test_a_slider_moved_by_keys_counts(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    page.get_by_text(said(page, "options"), exact=True).click()
    slider = page.locator("input[type=range]:visible").nth(2)
    with redrawn(page):
        # Within the frame in which it is unfolded it takes back what is done to it.
        for _ in range(20):
            slider.press("ArrowRight")
            page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            if slider.input_value() != "0":
                break


def test_a_batch_that_was_held_up_goes_on(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    step, faults = app.advance, [StorageFull("No room.", "没有空间。")]

    def held_up(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return step(*args)

    monkeypatch.setattr(app, "advance", held_up)
    page.get_by_role("tab", name=said(page, "batch")).click()
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "flower.jpg")
    page.get_by_role("button", name=said(page, "run_batch")).click()
    go_on = page.get_by_role("button", name=said(page, "go_on"))
    go_on.click()
    expect(page.get_by_text("flower_cutout.png").last).to_be_visible()
    expect(page.get_by_role("button", name=said(page, "run_batch"))).to_be_visible()
    expect(go_on).to_be_hidden()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_who_waits_in_line_reads_it_in_his_language(page: Page, address: str, held: Held) -> None:
    with Visitor(address) as before:
        opening = before.handler("open_example")
        data = [before.values.get(id_) for id_ in opening["inputs"]]
        before.join(opening, data, {"index": 0, "value": None})
        page.locator("#examples img").nth(3).click()
        waiting = page.locator("#result .meta-text, #result .meta-text-center")
        expect(waiting).to_contain_text("排队：")
        expect(waiting).not_to_contain_text("queue")
        expect(page.locator("#cancel")).to_be_visible()
        assert faults(page, "waiting_zh", still=False) == []
    with redrawn(page):
        held.goes_on.set()


def test_a_long_upload_is_told_in_the_visitors_words(page: Page) -> None:
    line = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 10_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.locator("input[type=file]").first.set_input_files(EXAMPLES / "coffee.png")
    told = page.locator(".uploading")
    expect(told).to_be_visible()
    assert said(page, "uploading") in told.evaluate(
        "of => getComputedStyle(of, '::before').content"
    )
    expect(told).to_have_css("font-size", "0px")


def test_nothing_found_is_said(page: Page, tmp_path: Path) -> None:
    upload(page, np.full((300, 400, 3), 200, np.uint8), tmp_path / "wall.png")
    expect(page.get_by_text(said(page, "nothing"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()


def test_nothing_certain_offers_guesses(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    upload(page, np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8), tmp_path / "noise.png")
    expect(page.get_by_text(said(page, "nothing_yet"))).to_be_visible()
    with redrawn(page):
        page.get_by_role("button", name=said(page, "less_certain")).click()
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(1)


def test_a_click_takes_a_guess_where_nothing_is_outlined(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    blobs = np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8)
    upload(page, blobs, tmp_path / "noise.png")
    expect(page.get_by_text(said(page, "nothing_yet"))).to_be_visible()
    photo = Photo(blobs, None, "noise", ())
    found, _ = Segmenter(find_model("compact")).segment(photo, LEAST_SCORE)
    logits = found.mask_logits([1])
    row, column = np.unravel_index(logits.argmax(), logits.shape)
    with redrawn(page):
        click_photo(page, (column + 0.5) / logits.shape[1], (row + 0.5) / logits.shape[0])
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(1)
    expect(page.get_by_text(said(page, "nothing_yet"))).to_be_hidden()


@pytest.mark.parametrize(
    ("scheme", "width", "locale"),
    [
        ("light", 1280, "en-US"),
        ("light", 360, "zh-CN"),
        ("dark", 1280, "zh-CN"),
        ("dark", 360, "en-US"),
    ],
)
def test_all_can_read_it_on_any_screen(
    browser: Browser, address: str, scheme: Literal["light", "dark"], width: int, locale: str
) -> None:
    context = browser.new_context(
        locale=locale, color_scheme=scheme, viewport={"width": width, "height": 640}
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    examples = page.locator("#examples img")
    expect(page.locator("#examples img[alt='']")).to_have_count(examples.count())
    grid = page.locator("#examples .grid-container")
    assert grid.evaluate("grid => grid.scrollWidth <= grid.clientWidth"), "an example is cut off"
    around = page.locator("#examples .grid-wrap")
    assert around.evaluate("box => box.scrollHeight <= box.clientHeight"), "a row is cut off"
    assert faults(page, f"{scheme}_{width}_empty") == []
    with redrawn(page):
        examples.nth(3).click()
    for folded in page.locator("button.label-wrap:visible").all():
        folded.click()
    expect(page.get_by_role("button", name=said(page, "zip"))).to_be_visible()
    assert faults(page, f"{scheme}_{width}_result") == []
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert faults(page, f"{scheme}_{width}_{tab.inner_text()}") == []
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "flower.jpg")
    expect(page.get_by_text("flower")).to_be_visible()
    assert faults(page, f"{scheme}_{width}_files") == []
    context.close()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_who_cannot_see_the_page_hears_chinese(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    for folded in page.locator("button.label-wrap:visible").all():
        folded.click()
    # Names that are the same in every language are no English.
    spoken = (
        "[...document.querySelectorAll('[aria-label]')]"
        ".map(of => of.ariaLabel.replace(/JPEG|WebP/g, ''))"
    )
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_function(f"!{spoken}.some(says => /[a-z]{{3}}/i.test(says))")


def test_programmers_find_the_calls_in_the_footer_and_nobody_what_he_cannot_read(
    page: Page,
) -> None:
    calls = page.locator("footer .show-api")
    if page.evaluate("navigator.language") == "zh-CN":
        expect(calls).to_be_hidden()
        return
    calls.click()
    for name in ("segment", "cutout"):
        expect(page.get_by_text(f'api_name="/{name}"')).to_be_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples button").nth(3).press("Enter")
    chosen = page.get_by_role("checkbox", name=re.compile("^1 · "))
    expect(chosen).to_be_checked()
    chosen.press("Space")
    expect(page.get_by_text(said(page, "pick_one"))).to_be_visible()
    with redrawn(page):
        chosen.press("Space")
    with page.expect_download() as waiting:
        page.locator("#download").press("Enter")
    assert waiting.value.suggested_filename == "flower_cutout.png"


def faults(page: Page, name: str, still: bool = True) -> list[str]:
    """What axe finds wrong with the page as it stands, and whether it is wider than its window."""
    SCREENSHOTS.mkdir(exist_ok=True)
    if still:
        # What is still fading in has no contrast yet.
        page.wait_for_function(
            "document.getAnimations().every(motion => motion.playState != 'running')"
        )
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    found = [
        f"{violation['id']}: {node['html']}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, "wider than the window"] if wide else found


def upload(page: Page, image: UInt8, path: Path) -> None:
    path.write_bytes(encode(image))
    page.locator("input[type=file]").first.set_input_files(path)


@contextmanager
def saved(page: Page, folder: Path, button: str, name: str) -> Iterator[Path]:
    """The file behind a button, once it has the name."""
    link = page.get_by_role("button", name=button, exact=True)
    expect(link).to_be_enabled()
    for _ in range(20):
        # Under a click that comes just then the page may change what the button is for.
        with suppress(PlaywrightTimeout), page.expect_download(timeout=5_000) as waiting:
            link.click()
            if waiting.value.suggested_filename == name:
                break
    waiting.value.save_as(folder / name)
    yield folder / name


def decoded(path: Path) -> UInt8:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)


def click_photo(page: Page, x: float, y: float) -> None:
    """Click the photo at a share of its width and height, wherever it lies in its frame."""
    image = page.locator("#canvas img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert box is not None
    natural_w, natural_h = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    scale = min(box["width"] / natural_w, box["height"] / natural_h, 1)
    left = box["x"] + (box["width"] - natural_w * scale) / 2
    top = box["y"] + (box["height"] - natural_h * scale) / 2
    page.mouse.click(left + x * natural_w * scale, top + y * natural_h * scale)


def test_many_photos_become_a_zip_and_a_bad_one_is_explained(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    page.get_by_role("tab", name=said(page, "batch")).click()
    photos = [bad, EXAMPLES / "flower.jpg", *[EXAMPLES / "coffee.png"] * 8]
    # Copies with names of their own, since the page takes a file once.
    copies = [shutil.copy(photo, tmp_path / f"{n}_{photo.name}") for n, photo in enumerate(photos)]
    page.locator("input[type=file][multiple]").set_input_files(copies)
    expect(page.get_by_text(re.compile(r"9_coffee"))).to_be_attached()
    page.get_by_role("button", name=said(page, "run_batch")).click()
    expect(page.get_by_text("1_flower_cutout.png")).to_be_visible()
    page.get_by_role("button", name=said(page, "stop")).click()
    with saved(page, tmp_path, said(page, "download_zip"), "cutouts.zip") as archive:
        names = zipfile.ZipFile(archive).namelist()
    assert names[0] == "1_flower_cutout.png"
    assert names[-1] == "objects.csv"
    assert len(names) < len(photos), "it was stopped"
    expect(page.get_by_text(re.compile("not a photo|无法识别为照片")).last).to_be_visible()


def test_a_restart_of_the_server_is_told(browser: Browser) -> None:
    shelf = ModelRegistry([find_model("compact")])
    first = app.build_ui(app.Page(shelf, Limits()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = app.serve(first, server_port=port)
    page = browser.new_context(locale="zh-CN").new_page()
    page.goto(url)
    with redrawn(page):
        page.locator("#examples img").nth(3).click()
    first.close()
    second = app.build_ui(app.Page(shelf, Limits()))
    app.serve(second, server_port=port)
    expect(page.get_by_text(said(page, "restarted"))).to_be_visible()
    expect(page.get_by_text(said(page, "drop"))).to_be_visible()
    expect(page.locator(".toast-title")).to_have_text(re.compile(r"^\s*请注意\s*$"))
    assert faults(page, "restarted_zh") == []
    page.context.close()
    second.close()


def test_settings_are_compared(page: Page) -> None:
    page.get_by_role("tab", name=said(page, "compare")).click()
    # Something to see at once, and another example by a click.
    expect(page.locator("#pair img[src*='astronaut_cut_out_B']")).to_be_visible()
    expect(page.locator("#difference img[src*='astronaut_difference_B']")).to_be_visible()
    page.locator("#compare_examples img").nth(6).click()
    expect(page.locator("#difference img[src*='chelsea_difference_B']")).to_be_visible()
    # Without a photo of one's own the page says where to get one.
    page.get_by_role("button", name=said(page, "compare_mine")).click()
    expect(page.get_by_text(said(page, "no_photo"))).to_be_visible()
    # Three settings of one's own: as they come, all different.
    page.get_by_role("button", name=said(page, "settings")).click()
    page.get_by_role("radio", name="3", exact=True).check()
    page.get_by_role("button", name=said(page, "compare_example")).click()
    figures = page.locator("#figures")
    expect(figures).to_contain_text(said(page, "spent_each_photo"))
    expect(figures).to_contain_text(re.compile("Twin|孪生"))
    expect(page.locator("#beside img")).to_have_count(3)
    page.locator("#beside img").nth(2).click()
    expect(page.locator("#difference img[src*='difference_C']")).to_be_visible()


def test_no_value_is_taken_for_a_mark() -> None:
    """Gradio's page translates every string that is a key, what a control stands at as well."""
    values = {*app.BACKGROUNDS, *app.FITS, *app.FRAMES, *app.BATCH_RULES, *app.OUTPUT_FORMATS}
    assert not values & app.I18N.translations["en"].keys()
