"""What the import of Gradio and the building of a page leave out."""

import gc
import importlib.util
import inspect
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import gradio as gr
import pytest
from gradio.routes import App

from segmentation.page.gradio_internals.startup import (
    no_garbage_collection,
    no_stub_files,
    no_web_applications,
)
from tests.segmentation.page.serving import in_event_loop

COMPONENT = "import gradio as gr\n\n\nclass Canvas(gr.HTML):\n    EVENTS = ['pick']\n"


@pytest.mark.parametrize(
    ("block", "stubs"),
    [(no_stub_files(), []), (nullcontext(), ["canvas.pyi"])],
    ids=["inside", "outside"],
)
def test_a_component_gets_no_stub_file_in_the_block(
    tmp_path: Path, block: AbstractContextManager[None], stubs: list[str]
) -> None:
    """The second case fails when Gradio itself stops writing them, which ends the need."""
    source = tmp_path / "canvas.py"
    source.write_text(COMPONENT)
    spec = importlib.util.spec_from_file_location("canvas", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch, block:
        # A class without a module in this table has no file.
        patch.setitem(sys.modules, "canvas", module)
        spec.loader.exec_module(module)
    assert issubclass(module.Canvas, gr.HTML)
    assert [path.name for path in tmp_path.glob("*.pyi")] == stubs
    assert inspect.getfile(gr.HTML).endswith("html.py"), "other code still finds sources"


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_collection_passes_over_the_block(was_enabled: bool) -> None:
    set_collection = gc.enable if was_enabled else gc.disable
    set_collection()
    try:
        with no_garbage_collection():
            assert not gc.isenabled()
            kept = [object()]
        assert gc.isenabled() == was_enabled
        assert not any(item is kept for item in gc.get_objects()), "later it leaves this out"
    finally:
        gc.enable()


def empty_page() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as page:
        begun = page.app
    assert type(begun) is type(page.app)
    return page


def test_a_page_has_no_web_application_before_its_launch() -> None:
    """The second half fails when Gradio itself stops making them, which ends the need."""
    with no_web_applications():
        assert in_event_loop(empty_page).app is None
    assert isinstance(in_event_loop(empty_page).app, App)
