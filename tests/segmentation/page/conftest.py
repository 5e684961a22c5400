"""One page and one browser for all browser tests of a process."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from segmentation import Segmenter, Text, cutout, find_model, make_alpha
from segmentation.compositing import compose
from segmentation.compositing.matting.foreground import foreground
from segmentation.engines.onnx import OnnxEngine
from tests.kept_engine import once, run_once
from tests.paths import EXAMPLES
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import TIMEOUT_MS, started_browser
from tests.segmentation.page.serving import page_context, served_page

expect.set_options(timeout=TIMEOUT_MS)

ALPHA_ONCE, FOREGROUND_ONCE = once(make_alpha), once(foreground)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a page with three models, one of which has no graph file."""
    compact = find_model("compact")
    twin = replace(compact, name="twin", title=Text("Twin", "孪生"), score_threshold=0.5)
    empty = tmp_path_factory.mktemp("empty")
    broken = replace(compact, name="broken", title=Text("Broken", "损坏"), folder=empty)
    with served_page(context=page_context(cards=[compact, twin, broken])) as address:
        yield address


@pytest.fixture(scope="session")
def small_dogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a copy of two_dogs.jpg with a quarter of its width and height, 514 x 772 pixels."""
    path = tmp_path_factory.mktemp("photos") / "two_dogs.jpg"
    cv2.imwrite(str(path), cv2.imread(str(EXAMPLES / "two_dogs.jpg"), cv2.IMREAD_REDUCED_COLOR_4))
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def tab(browser: Browser) -> BrowserTab:
    return BrowserTab(browser)


@pytest.fixture
def cached_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute the same masks, opacity and colours once, for tests that open photos again."""
    monkeypatch.setattr(OnnxEngine, "run", run_once)
    monkeypatch.setattr(cutout, "make_alpha", ALPHA_ONCE)
    monkeypatch.setattr(compose, "foreground", FOREGROUND_ONCE)


@pytest.fixture(params=["en-US", "zh-CN"])
def page(request: pytest.FixtureRequest, tab: BrowserTab, address: str) -> Iterator[Page]:
    """Open the page as a new visitor, once in each language."""
    request.getfixturevalue("cached_inference")
    with tab.visit(address, request.param) as page:
        page.locator("#examples img").first.wait_for()
        yield page


@dataclass(frozen=True, slots=True)
class HeldInference:
    """Inferences that wait for an event.

    Attributes:
        release: set it to let all inferences run.
        models: the model name of each inference that has begun.
    """

    release: threading.Event
    models: list[str]


@pytest.fixture
def held_inference(monkeypatch: pytest.MonkeyPatch) -> HeldInference:
    held = HeldInference(threading.Event(), [])
    segment = Segmenter.segment

    def wait_and_segment(segmenter: Segmenter, *args: Any, **options: Any) -> Any:
        held.models.append(segmenter.card.name)
        held.release.wait(60)
        return segment(segmenter, *args, **options)

    monkeypatch.setattr(Segmenter, "segment", wait_and_segment)
    return held
