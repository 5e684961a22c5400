"""CSS classes of Gradio that the style sheet and the scripts of the page rely on."""

import re
from functools import cache
from pathlib import Path

import gradio
import pytest

from segmentation.page.gradio_internals.dom import DOM_CLASSES
from segmentation.page.theme import ASSETS, css

FRONTEND = Path(gradio.__file__).parent / "templates" / "frontend"


@cache
def bundle() -> str:
    """The scripts and style sheets that Gradio serves."""
    files = [*FRONTEND.rglob("*.js"), *FRONTEND.rglob("*.css")]
    return "\n".join(path.read_text("utf-8") for path in files)


@pytest.mark.parametrize("name", DOM_CLASSES)
def test_gradio_still_has_the_class(name: str) -> None:
    assert re.search(rf"""["'`. ]{name}["'`. :{{,)\[>]""", bundle())


def test_the_classes_in_our_assets_are_listed_and_no_others() -> None:
    rules = re.sub(r"/\*.*?\*/", "", css(), flags=re.S)
    selectors = re.findall(r"([^{}]+){", rules)
    scripts = "\n".join(path.read_text("utf-8") for path in ASSETS.glob("*.js"))
    strings = re.findall(r"""["']([^"'\n]*)["']""", scripts)
    selectors += [string for string in strings if not string.endswith(".png")]
    used = {name for selector in selectors for name in re.findall(r"\.([a-z][\w-]*)", selector)}
    own = {"backdrop", "can-share", "cancel", "mark", "name"}
    assert used == {*DOM_CLASSES, *own}


def test_gradio_still_has_the_clock_that_is_slowed_down() -> None:
    clock = re.search("CLOCK = /(.+)/;", (ASSETS / "clock.js").read_text("utf-8"))
    assert clock is not None
    (tracker,) = FRONTEND.rglob("statustracker-*.js")
    (callback,) = re.findall(r"\(\)=>{[^{}]*performance\.now[^{}]*}", tracker.read_text("utf-8"))
    assert re.search(clock[1], callback)
