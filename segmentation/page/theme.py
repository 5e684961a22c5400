"""Theme, style sheet and JavaScript of the page."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from segmentation.page.components import I18N
from segmentation.page.strings import GRADIO_NAMES, GRADIO_TEXTS, STRINGS

ASSETS = Path(__file__).parent / "assets"
# Fonts of the visitor's system, so that none is fetched from another host.
FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")


def appearance() -> dict[str, Any]:
    """Return the options of `gr.Blocks.launch` for the theme, the scripts and the texts."""
    return {"theme": theme(), "css": css(), "js": javascript(), "i18n": I18N}


def theme() -> gr.themes.Base:
    """Return Gradio's soft theme, with fonts of the system and text of sufficient contrast."""
    indigo = vars(gr.themes.colors.indigo)
    # A step darker under text.
    accent = gr.themes.Color(**{**indigo, "c500": indigo["c600"], "name": "accent"})
    soft = gr.themes.Soft(primary_hue=accent, font=FONTS, font_mono=("ui-monospace", "monospace"))
    return soft.set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )


def css() -> str:
    """Return the style sheet."""
    return (ASSETS / "page.css").read_text("utf-8")


def javascript() -> str:
    """Return the function that Gradio calls when the page has been built."""
    strings = {
        "texts": [asdict(text) for text in GRADIO_TEXTS],
        "names": {name: asdict(text) for name, text in GRADIO_NAMES.items()},
        "uploading": asdict(STRINGS["uploading"]),
    }
    script = (ASSETS / "page.js").read_text("utf-8")
    return f"() => {{\n{script}\nstartPage({json.dumps(strings, ensure_ascii=False)});\n}}"


def restart_check() -> str:
    """Return the function that reports whether the server was restarted since the last load."""
    script = (ASSETS / "restart.js").read_text("utf-8")
    return f"() => {{\n{script}\nreturn watchForRestart();\n}}"
