"""Handlers of an idle page whose server-side state was dropped."""

from typing import Any

import gradio as gr
import pytest

from segmentation.i18n import Language
from segmentation.image.memory_errors import OUT_OF_MEMORY
from segmentation.page.compare_tab.events import CompareEvents
from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.compare_tab.memory import compare_memory
from segmentation.page.components import translate_errors
from segmentation.page.cutout_tab.drawing import Drawing
from segmentation.page.cutout_tab.edit_events import EditEvents
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.other_files.events import OtherFiles
from segmentation.page.cutout_tab.result_events import ResultEvents
from segmentation.page.strings import STRINGS
from tests.segmentation.page.serving import in_event_loop, page_context


class Page:
    """The handlers of a page, without a server."""

    def __init__(self) -> None:
        context = page_context()
        with gr.Blocks(analytics_enabled=False):
            self.cutout = CutoutLayout(context.registry.card())
            self.compare = CompareLayout([("Compact", "compact")])
        drawing = Drawing(context, self.cutout)
        self.results = ResultEvents(context, self.cutout, drawing)
        self.other_files = OtherFiles(context, self.cutout)
        self.edits = EditEvents(context, self.cutout, drawing)
        self.comparing = CompareEvents(context, self.compare, self.cutout, [], compare_memory())
        self.values: dict[Any, Any] = {
            self.cutout.photo_state: None,
            self.cutout.is_open: True,
            self.cutout.min_score: 0.5,
            self.cutout.view: None,
            self.compare.columns: None,
        }


@pytest.fixture(scope="module")
def idle_page() -> Page:
    return in_event_loop(Page)


def request_in(language: Language) -> gr.Request:
    return gr.Request(headers={"accept-language": language})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["draw", "refine", "export"])
def test_handlers_of_an_open_photo_report_its_deletion(
    idle_page: Page, name: str, language: Language
) -> None:
    with pytest.raises(gr.Error) as error:
        getattr(idle_page.results, name)(idle_page.values, request_in(language))
    assert error.value.message == STRINGS["photo_deleted"].in_language(language)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["ask_mask", "make_mask", "ask_zip", "make_zip"])
def test_handlers_of_the_mask_and_the_zip_report_its_deletion(
    idle_page: Page, name: str, language: Language
) -> None:
    with pytest.raises(gr.Error) as error:
        getattr(idle_page.other_files, name)(idle_page.values, request_in(language))
    assert error.value.message == STRINGS["photo_deleted"].in_language(language)


@pytest.mark.parametrize("name", ["pick", "paint", "search_box", "show_tile"])
def test_handlers_of_the_canvas_report_its_deletion(idle_page: Page, name: str) -> None:
    with pytest.raises(gr.Error) as error:
        getattr(idle_page.edits, name)(idle_page.values, gr.EventData(None, {}), request_in("en"))
    assert error.value.message == STRINGS["photo_deleted"].en


@pytest.mark.parametrize("language", ["en", "zh"])
def test_handlers_of_a_comparison_report_its_deletion(idle_page: Page, language: Language) -> None:
    request = request_in(language)
    clicked = gr.SelectData(None, {"index": 1, "value": None})
    with pytest.raises(gr.Error) as error:
        idle_page.comparing.show_against_first(idle_page.values, clicked, request)
    assert error.value.message == STRINGS["photo_deleted"].in_language(language)
    with pytest.raises(gr.Error) as error:
        next(iter(idle_page.comparing.compare_mine(idle_page.values, request)))
    assert error.value.message == STRINGS["photo_deleted"].in_language(language)


def test_without_a_photo_handlers_change_nothing(idle_page: Page) -> None:
    values = {**idle_page.values, idle_page.cutout.is_open: False}
    for name in ("draw", "draw_refined", "refine", "export"):
        updates = getattr(idle_page.results, name)(values, request_in("en"))
        assert updates == gr.skip()
    for name in ("make_mask", "make_zip"):
        updates = getattr(idle_page.other_files, name)(values, request_in("en"))
        assert updates == gr.skip()


def test_files_that_nobody_asked_for_are_not_made(idle_page: Page) -> None:
    # Gradio sends these events of a new page when its first result is drawn.
    cutout = idle_page.cutout
    opened = {cutout.photo_state: object(), cutout.mask.wanted: None, cutout.zip.wanted: None}
    values = {**idle_page.values, **opened}
    assert idle_page.other_files.make_mask(values, request_in("en")) == gr.skip()
    assert idle_page.other_files.make_zip(values, request_in("en")) == gr.skip()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lack_of_memory_is_explained(language: Language) -> None:
    with pytest.raises(gr.Error) as error, translate_errors(request_in(language)):
        raise MemoryError
    assert error.value.message == OUT_OF_MEMORY.in_language(language)
