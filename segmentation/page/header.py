"""The header above the tabs and the footer below them: title, menu of models, privacy."""

from dataclasses import dataclass

import gradio as gr

from segmentation.i18n import Language
from segmentation.image.photo import Limits
from segmentation.page.components import PRIVATE, PageContext, language_of, string
from segmentation.page.server.launch import KEEP_SECONDS, SWEEP_SECONDS
from segmentation.page.strings import FOOTER, STRINGS


@dataclass(frozen=True, slots=True)
class Header:
    """The components above all tabs.

    Attributes:
        heading: title, model, device, and notices about them.
        model: the menu of models.
    """

    heading: gr.Markdown
    model: gr.Radio


def header(context: PageContext) -> Header:
    """Create the header; the menu is hidden if there is only one model."""
    choices = model_choices(context, "en")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            heading = gr.Markdown()
        model = gr.Radio(
            choices,
            value=context.registry.card().name,
            label=string("model"),
            visible=len(choices) > 1,
            min_width=320,
        )
    return Header(heading, model)


def model_choices(context: PageContext, language: Language) -> list[tuple[str, str]]:
    """Return the models as a menu shows them: title, name."""
    return [(card.title.in_language(language), card.name) for card in context.registry.cards]


def heading_text(context: PageContext, model: str | None, language: Language) -> str:
    """Return the heading as Markdown; None names the first model.

    Raises:
        ModelNotFound: the model is not on this page.
    """
    segmenter = context.registry.segmenter(model)
    device = segmenter.device or STRINGS["device_when_loaded"].in_language(language)
    notices = (*context.notices, *segmenter.notices)
    lines = [
        f"# {STRINGS['title'].in_language(language)}\n{STRINGS['intro'].in_language(language)}",
        f"`{segmenter.card.title.in_language(language)} · {device}`",
        *(f"⚠️ {notice.in_language(language)}" for notice in notices),
    ]
    return "  \n".join(lines)


def footer(ui: gr.Blocks, context: PageContext) -> None:
    """Create the footer: the limits of a photo, and the promise on privacy."""

    def show(request: gr.Request) -> str:
        return footer_text(context.limits, language_of(request))

    ui.load(show, None, gr.Markdown(), **PRIVATE)


def footer_text(limits: Limits, language: Language) -> str:
    """Return the limits of a photo and the promise on privacy."""
    # A sweep sees a file first, and the first sweep after its time has passed deletes it.
    minutes = (KEEP_SECONDS + 2 * SWEEP_SECONDS) // 60
    return FOOTER.in_language(language).format(
        megapixels=limits.megapixels, megabytes=limits.megabytes, minutes=minutes
    )


def say_restarted(was_restarted: bool, request: gr.Request) -> None:
    """Explain why a page that reloaded itself is empty."""
    if was_restarted:
        gr.Warning(STRINGS["restarted"].in_language(language_of(request)), duration=None)
