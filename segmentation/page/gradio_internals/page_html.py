"""The HTML and the configuration of a page, as Gradio serves them."""

from typing import Any

import gradio as gr
from gradio import routes
from jinja2 import ChoiceLoader, DictLoader, PackageLoader

_TEMPLATE = "frontend/index.html"


def insert_into_head(html: str) -> None:
    """Put HTML, as it is, at the top of the head of the pages that this process serves.

    Gradio's own option `head` adds it only after Gradio's scripts have built the page.
    """
    templates = PackageLoader("gradio", "templates")
    source, _, _ = templates.get_source(routes.templates.env, _TEMPLATE)
    head = f"<head>{{% raw %}}{html}{{% endraw %}}"
    changed = DictLoader({_TEMPLATE: source.replace("<head>", head, 1)})
    routes.templates.env.loader = ChoiceLoader([changed, templates])


def drop_repeated_schemas(ui: gr.Blocks) -> None:
    """Leave out schemas that a page's configuration repeats: Gradio takes `api_info` for them.

    Args:
        ui: the page, whose configuration is made when it is complete, and again at its launch.
    """
    make_config = ui.get_config_file

    def make_small_config() -> Any:
        config = make_config()
        for component in config["components"]:
            for name in ("api_info_as_input", "api_info_as_output"):
                if component.get(name, ...) == component.get("api_info"):
                    del component[name]
        return config

    setattr(ui, "get_config_file", make_small_config)  # noqa: B010
