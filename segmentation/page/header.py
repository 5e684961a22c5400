"""The header above the tabs and the footer below them."""

from dataclasses import dataclass

import gradio as gr

from segmentation.i18n import Language, Text
from segmentation.image.photo import Limits
from segmentation.page.components import PageContext, bilingual, static_html, string
from segmentation.page.server.files.uploads import KEEP_SECONDS, SWEEP_SECONDS
from segmentation.page.strings import FOOTER, STRINGS

# A sweep sees a file first, and the first sweep after its time has passed deletes it.
KEEP_MINUTES = (KEEP_SECONDS + 2 * SWEEP_SECONDS) // 60
# The link to the other language, which is named in that language.
LANGUAGE_LINKS = """
<a href="?lang=zh" lang="en" hreflang="zh">中文</a>
<a href="?lang=en" lang="zh" hreflang="en">English</a>
"""


@dataclass(frozen=True, slots=True)
class Header:
    """The components of the header and the footer that change.

    Attributes:
        model: the menu of models.
        status: model, device, and notices about them; the footer shows it.
    """

    model: gr.Dropdown
    status: gr.Markdown


def header(context: PageContext) -> Header:
    """Create the header: wordmark, language, and the menu of models if there are several."""
    choices = model_choices(context, "en")
    with gr.Row(elem_id="header"):
        static_html(
            '<h1><a id="home" href="./"><span class="mark" aria-hidden="true">抠</span>'
            '<span class="name">Koutu 抠图</span></a></h1>',
            elem_id="wordmark",
        )
        model = gr.Dropdown(
            choices,
            value=context.registry.card().name,
            label=string("model"),
            filterable=False,
            visible=len(choices) > 1,
            elem_id="model",
        )
        static_html(LANGUAGE_LINKS, elem_id="language")
    return Header(model, gr.Markdown(elem_id="status", render=False))


def model_choices(context: PageContext, language: Language) -> list[tuple[str, str]]:
    """Return the models as a menu shows them: title, name."""
    return [(card.title.in_language(language), card.name) for card in context.registry.cards]


def status_text(context: PageContext, model: str | None, language: Language) -> str:
    """Return model, device and notices as Markdown; None names the first model.

    Raises:
        ModelNotFound: the model is not on this page.
    """
    segmenter = context.registry.segmenter(model)
    device = segmenter.device or STRINGS["device_when_loaded"].in_language(language)
    notices = (*context.notices, *segmenter.notices)
    lines = [
        f"`{segmenter.card.title.in_language(language)} · {device}`",
        *(f"⚠️ {notice.in_language(language)}" for notice in notices),
    ]
    return "  \n".join(lines)


def footer(context: PageContext, top: Header) -> None:
    """Create the footer: the limits of a photo, the promise on privacy, model and device."""
    with gr.Column(elem_id="footer"):
        text = Text(footer_text(context.limits, "en"), footer_text(context.limits, "zh"))
        static_html(f"<p>{bilingual(text)}</p>")
        top.status.render()  # type: ignore[no-untyped-call]


def footer_text(limits: Limits, language: Language) -> str:
    """Return the limits of a photo and the promise on privacy."""
    megapixels = limits.megapixels
    pixels = Text(f"{megapixels:g} MP", f"{megapixels * 100:g} 万像素")
    return FOOTER.in_language(language).format(
        pixels=pixels.in_language(language), megabytes=limits.megabytes, minutes=KEEP_MINUTES
    )
