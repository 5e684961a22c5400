"""Components, event options and error handling that several tabs share."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import gradio as gr
from gradio.blocks import Block

from segmentation.errors import ChoiceError, KoutuError
from segmentation.i18n import LANGUAGES, Language, Text, preferred_language
from segmentation.image.bounded.pool import MAX_DECODERS
from segmentation.image.memory_errors import translate_memory_errors
from segmentation.image.photo import Limits
from segmentation.inference.registry import ModelRegistry
from segmentation.page.gradio_internals.calls import event_data
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.server.files.uploads import KEEP_SECONDS
from segmentation.page.server.limits.queue_limits import DEVICE_QUEUE
from segmentation.page.strings import GRADIO_KEYS, STRINGS
from segmentation.text_options import accepts

EXAMPLES = Path(__file__).parents[2] / "examples"
# Values and updates of components, as handlers take and return them.
Values = Mapping[Block, Any]
Updates = Mapping[Block, Any]
State = TypeVar("State")

# As a default of a handler's parameter it makes Gradio pass the visitor's own progress.
PROGRESS = gr.Progress()
# Gradio drops the server-side states of a page after this time, as the visitor's files go.
STATE_SECONDS = KEEP_SECONDS

# Options of events.
PRIVATE: Mapping[str, Any] = {"api_visibility": "private"}
# By default the browser updates a loading status, even a hidden one, of every output of every
# event at each message of the server, which takes more time than the change of the page.
QUIET: Mapping[str, Any] = {**PRIVATE, "show_progress": "hidden", "show_progress_on": []}
# By default Gradio drops an event while the same one is running.
LATEST: Mapping[str, Any] = {**QUIET, "trigger_mode": "always_last"}

# Gradio's page translates every string that is a key, even the value of a control: a prefix keeps
# keys from being equal to values such as "auto".
KEY_PREFIX = "strings:"
# The script of `button_list`.
SELECT_BUTTON = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("select", { index: Number(button.dataset.index), value: null });
});
"""
_ENGLISH = {KEY_PREFIX + key: text.en for key, text in STRINGS.items()}
_CHINESE = {KEY_PREFIX + key: text.zh for key, text in STRINGS.items()}
# Gradio looks up zh-CN, which assets/language.js gives every Chinese browser, under zh as well, but
# it has texts of its own under zh-CN.
I18N = gr.I18n(
    en={**_ENGLISH, **{key: text.en for key, text in GRADIO_KEYS.items()}},
    zh=_CHINESE,
    **{"zh-CN": {key: text.zh for key, text in GRADIO_KEYS.items()}},
)


@dataclass(frozen=True, slots=True)
class PageContext:
    """The context that the handlers of all tabs share.

    Attributes:
        registry: the models.
        limits: of a visitor's photo.
        photos: decoded photos of the visitors at work.
        notices: what every visitor should know about the models.
    """

    registry: ModelRegistry
    limits: Limits
    notices: tuple[Text, ...] = ()
    photos: PhotoCache = field(init=False)

    @property
    def device_queue(self) -> dict[str, Any]:
        """Options of the events that use the device.

        More of them run at a time than the engine takes: a photo that takes long to decode keeps
        nobody's inference waiting. `Segmenter` counts the inferences.
        """
        concurrency = self.registry.segmenter().max_concurrency + MAX_DECODERS
        return {"concurrency_id": DEVICE_QUEUE, "concurrency_limit": concurrency}

    def __post_init__(self) -> None:
        object.__setattr__(self, "photos", PhotoCache(self.limits))


def skip() -> Updates:
    """Return updates that change nothing. (Gradio would read an empty dictionary as a value.)"""
    updates: Updates = gr.skip()
    return updates


def string(key: str) -> str:
    """Return a placeholder that the browser replaces by STRINGS[key] in its own language."""
    return str(I18N(KEY_PREFIX + key))


def choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the choices of a menu whose values are keys of STRINGS: placeholder, value."""
    return [(string(name), name) for name in names]


def serial(queue: str) -> dict[str, Any]:
    """Return the options of events that share a queue and run one at a time."""
    return {"concurrency_id": queue, "concurrency_limit": 1}


def changed(control: Any) -> Any:
    """Return the event of a control that a visitor changed."""
    if isinstance(control, gr.Slider):
        return control.release
    return control.upload if isinstance(control, gr.UploadButton) else control.input


def photo_button(label: str, **options: Any) -> gr.UploadButton:
    """Create a button that chooses a photo; its value is the path of the file as it was sent.

    With `file_count="multiple"` it chooses several, and its value is the list of their paths.

    It takes any file: only `read_photo` decides what a photo is. Gradio's own inputs for pictures
    go by the type that the browser guesses, and refuse HEIC and names without an ending. To hide
    the button, hide a column around it: an update would replace the component by one that leaves
    an empty file behind for each upload.
    """
    component = gr.UploadButton(label, **options)

    def read_paths(payload: Any) -> Any:
        if component.file_count == "multiple":
            return [file.path for file in payload or ()]
        return payload.path if payload else None

    setattr(component, "preprocess", read_paths)  # noqa: B010
    return component


def cancel_button() -> gr.Button:
    """Create a button that shows while its area waits for the server."""
    return gr.Button(string("cancel"), elem_classes="cancel")


def bilingual(text: Text) -> str:
    """Return a text as HTML in both languages, of which the style sheet shows the page's own."""
    return "".join(
        f'<span lang="{language}">{escape(text.in_language(language))}</span>'
        for language in LANGUAGES
    )


def static_html(html: str, **options: Any) -> gr.HTML:
    """Create a piece of HTML that no event changes."""
    return gr.HTML(html, js_on_load=None, apply_default_css=False, **options)


def button_list(html: str = "", **options: Any) -> gr.HTML:
    """Create HTML with buttons; its `select` event has the `data-index` of the one clicked."""
    return gr.HTML(html, js_on_load=SELECT_BUTTON, apply_default_css=False, **options)


@cache
def gallery() -> list[dict[str, str]]:
    """Return the examples in the order of the page: file, en, zh."""
    entries: list[dict[str, str]] = json.loads((EXAMPLES / "gallery.json").read_text("utf-8"))
    return entries


def example_list(count: int | None = None, **options: Any) -> gr.HTML:
    """Create a list of the first examples, by default of all: reduced copies with captions."""
    pictures = [
        (
            (EXAMPLES / "thumbs" / entry["file"]).with_suffix(".webp"),
            bilingual(Text(entry["en"], entry["zh"])),
        )
        for entry in gallery()[:count]
    ]
    return button_list(picture_buttons(pictures), **options)


def picture_buttons(pictures: Iterable[tuple[str | Path, str]]) -> str:
    """Return pictures with captions as the HTML of `button_list`.

    Args:
        pictures: paths, and captions as HTML, which name the pictures.
    """
    return "".join(
        f'<button type="button" data-index="{index}"><img src="{file_address(path)}" alt="">'
        f"{caption}</button>"
        for index, (path, caption) in enumerate(pictures)
    )


def file_address(path: str | Path) -> str:
    """Return the address of a file that the page serves, for an attribute in HTML."""
    return escape(f"gradio_api/file={quote(str(path))}")


def language_of(request: gr.Request) -> Language:
    """Return the language of a visitor's page."""
    return preferred_language(request.headers.get("accept-language", ""))


@contextmanager
def translate_errors(request: gr.Request) -> Iterator[None]:
    """Show an error of ours to the visitor in their language; the page stays as it was.

    Raises:
        gr.Error: for any `KoutuError`, and if memory runs out.
    """
    try:
        with translate_memory_errors():
            yield
    except KoutuError as error:
        raise gr.Error(error.in_language(language_of(request)), print_exception=False) from error


def selected_index(event: gr.EventData, items: Sized) -> int:
    """Return the index of the item that was clicked.

    Raises:
        ChoiceError: there is no such item, since a client may send anything.
    """
    data = event_data(event)
    index: Any = data.get("index") if isinstance(data, dict) else None
    if not (accepts(int, index) and 0 <= index < len(items)):
        raise ChoiceError.from_text(STRINGS["bad_setting"])
    return int(index)


def require(state: State | None, request: gr.Request) -> State:
    """Return a server-side state that a page relies on.

    Raises:
        gr.Error: Gradio dropped it because the page was left alone for too long.
    """
    if state is None:
        raise gr.Error(
            STRINGS["photo_deleted"].in_language(language_of(request)), print_exception=False
        )
    return state
