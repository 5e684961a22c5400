"""Theme, style sheet and JavaScript of the page."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from segmentation.page.canvas.canvas import canvas_script, canvas_style
from segmentation.page.components import I18N
from segmentation.page.minify import read_code
from segmentation.page.strings import GRADIO_NAMES, GRADIO_TEXTS, STRINGS

ASSETS = Path(__file__).parent / "assets"
# The style sheets of the page, joined in this order.
STYLES = ("layout", "start", "studio", "batch", "compare", "gradio")
# The scripts of the page; `startPage` uses the others.
SCRIPTS = ("drop", "focus", "share", "notice", "pair", "status", "page")
# Those that run before Gradio's scripts.
HEAD_SCRIPTS = ("language", "clock")
# Texts that the scripts show.
NOTICES = ("uploading", "copied", "copy_impossible")
# Texts that the style sheet shows, by the names of its custom properties.
STYLE_TEXTS = {
    "drop-photo": STRINGS["drop_overlay"],
    "drop-batch": STRINGS["drop_batch_overlay"],
}
# Fonts of the visitor's system, so that none is fetched from another host.
FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")

GROUND, PANEL = ("#f3f5f7", "#12161b"), ("#ffffff", "#1b2128")
LINE, CONTROL_LINE = ("#d9dee5", "#333c47"), ("#848e9c", "#737f8e")
TEXT, QUIET_TEXT = ("#1a222c", "#eef1f4"), ("#4d5866", "#b3bcc7")
ACCENT, ACCENT_HOVER = ("#0f766e", "#2dd4bf"), ("#115e59", "#5eead4")
ON_ACCENT, ACCENT_TINT = ("#ffffff", "#06231f"), ("#dcf2ee", "#143733")
HOVER, NONE = ("#eef1f4", "#262e37"), ("transparent", "transparent")
# Colours of Gradio's theme in the light and in the dark scheme. Borders of controls have a contrast
# of at least 3:1 to their ground, and text one of at least 4.5:1.
COLOURS: dict[str, tuple[str, str]] = {
    "body_background_fill": GROUND,
    "body_text_color": TEXT,
    "body_text_color_subdued": QUIET_TEXT,
    "background_fill_primary": PANEL,
    "background_fill_secondary": GROUND,
    "border_color_primary": LINE,
    "color_accent_soft": ACCENT_TINT,
    "block_background_fill": PANEL,
    "block_border_color": LINE,
    "block_info_text_color": QUIET_TEXT,
    "block_label_background_fill": PANEL,
    "block_label_border_color": LINE,
    "block_label_text_color": QUIET_TEXT,
    "block_title_background_fill": NONE,
    "block_title_text_color": TEXT,
    "panel_background_fill": NONE,
    "input_background_fill": PANEL,
    "input_border_color": CONTROL_LINE,
    "input_border_color_focus": ACCENT,
    "table_even_background_fill": PANEL,
    "table_odd_background_fill": GROUND,
    "table_border_color": LINE,
    "slider_color": ACCENT,
    "loader_color": ACCENT,
    "link_text_color": ACCENT,
    "checkbox_background_color": PANEL,
    "checkbox_background_color_selected": ACCENT,
    "checkbox_border_color": CONTROL_LINE,
    "checkbox_border_color_focus": ACCENT,
    "checkbox_border_color_hover": ACCENT,
    "checkbox_border_color_selected": ACCENT,
    "checkbox_label_background_fill": PANEL,
    "checkbox_label_background_fill_hover": HOVER,
    "checkbox_label_background_fill_selected": ACCENT_TINT,
    "checkbox_label_border_color": CONTROL_LINE,
    "checkbox_label_border_color_hover": ACCENT,
    "checkbox_label_border_color_selected": ACCENT,
    "checkbox_label_text_color": TEXT,
    "checkbox_label_text_color_selected": TEXT,
    "button_primary_background_fill": ACCENT,
    "button_primary_background_fill_hover": ACCENT_HOVER,
    "button_primary_border_color": ACCENT,
    "button_primary_border_color_hover": ACCENT_HOVER,
    "button_primary_text_color": ON_ACCENT,
    "button_secondary_background_fill": PANEL,
    "button_secondary_background_fill_hover": HOVER,
    "button_secondary_border_color": CONTROL_LINE,
    "button_secondary_border_color_hover": ACCENT,
    "button_secondary_text_color": TEXT,
}
# The same in both schemes.
SHAPES = {
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_title_padding": "0px",
    "block_title_text_weight": "600",
    "block_title_text_size": "*text_sm",
    "block_shadow": "none",
    "button_border_width": "1px",
    "input_border_width": "1px",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "button_large_text_weight": "600",
    "checkbox_label_border_width": "1px",
    "checkbox_label_shadow": "none",
    "layout_gap": "12px",
}


def appearance() -> dict[str, Any]:
    """Return the options of `serve` for the theme, the scripts and the texts."""
    return {
        "theme": theme(),
        "css": css(),
        # Gradio calls it when the page has been built.
        "js": "() => startKoutu()",
        "head": f"<style>{canvas_style()}</style>{_head_scripts()}",
        "i18n": I18N,
    }


def theme() -> gr.themes.Base:
    """Return the page's theme: quiet greys, one accent, borders that can be seen.

    Borders of controls have a contrast of 3:1 to their ground, text one of 4.5:1.
    """
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=("ui-monospace", "monospace"),
    )
    light = {name: values[0] for name, values in COLOURS.items()}
    dark = {f"{name}_dark": values[1] for name, values in COLOURS.items()}
    return base.set(**light, **dark, **SHAPES, checkbox_label_border_width_dark="1px")


def css() -> str:
    """Return the style sheet."""
    return "\n".join(_read(f"{name}.css") for name in STYLES)


def restart_check() -> str:
    """Return the function that reports whether the server was restarted since the last load.

    The browser's memory goes with it.
    """
    return f"(_, memory) => {{\n{_read('restart.js')}\nreturn [watchForRestart(), memory];\n}}"


def _read(name: str) -> str:
    return read_code(ASSETS / name)


def _head_scripts() -> str:
    scripts = [*(_read(f"{name}.js") for name in HEAD_SCRIPTS), canvas_script(), _page_script()]
    return "".join(f"<script>{script}</script>" for script in scripts)


def _page_script() -> str:
    """Return the script that defines `startKoutu`.

    The configuration of the page, which clients of the API load as well, is shorter without it.
    """
    strings = {
        "texts": [asdict(text) for text in GRADIO_TEXTS],
        "names": {name: asdict(text) for name, text in GRADIO_NAMES.items()},
        "notices": {key: asdict(STRINGS[key]) for key in NOTICES},
        "styleTexts": {name: asdict(text) for name, text in STYLE_TEXTS.items()},
    }
    definitions = "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    start = f"startPage({json.dumps(strings, ensure_ascii=False)});"
    return f"window.startKoutu = () => {{\n{definitions}\n{start}\n}};"
