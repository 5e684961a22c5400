"""What the page shows before there is a photo: one sentence, a card to drop photos, examples."""

import gradio as gr

from segmentation.i18n import Text
from segmentation.page.components import (
    bilingual,
    cancel_button,
    example_list,
    photo_button,
    static_html,
    string,
)
from segmentation.page.header import KEEP_MINUTES
from segmentation.page.strings import STRINGS

# Number of examples below the card: one row on a desktop, two on a phone.
EXAMPLE_COUNT = 6


class StartScreen:
    """Create the components.

    They stay in the page when a photo is open, since photos can be dropped at any time; the style
    sheet hides them.

    Attributes:
        upload: the button that chooses a photo; dropped and pasted photos go through it as well.
        progress: shows the progress of the first photo.
        cancel: stops opening it.
        examples: `select` says which example was clicked.
    """

    def __init__(self) -> None:
        with gr.Column(elem_id="start"):
            static_html(_introduction(), elem_id="introduction")
            with gr.Column(elem_id="drop"):
                self.upload = photo_button(
                    string("choose_photo"), variant="primary", elem_id="upload"
                )
                static_html(f"<p>{bilingual(STRINGS['drop_photo'])}</p>")
                self.progress = gr.HTML(js_on_load=None, elem_id="opening")
                self.cancel = cancel_button()
            static_html(f"<h3>{bilingual(STRINGS['try_examples'])}</h3>")
            self.examples = example_list(EXAMPLE_COUNT, elem_id="examples")


def _introduction() -> str:
    intro = STRINGS["intro"]
    filled = Text(*(text.format(minutes=KEEP_MINUTES) for text in (intro.en, intro.zh)))
    return f"<h2>{bilingual(STRINGS['title'])}</h2><p>{bilingual(filled)}</p>"
