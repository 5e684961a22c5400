"""What the import of Gradio leaves out."""

import importlib.util
import inspect
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import gradio as gr
import pytest

from segmentation.page.gradio_import import no_stub_files

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
