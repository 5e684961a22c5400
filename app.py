"""The page: layout and wiring."""

import argparse
import asyncio
import io
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache
from math import ceil
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, TypeVar

import gradio as gr
from gradio import networking, tunneling
from gradio.events import api
from gradio.exceptions import ChecksumMismatchError, ShareCertificateWriteError
from gradio.processing_utils import save_bytes_to_cache
from gradio.queueing import Queue
from gradio.routes import App
from gradio.utils import get_space, get_upload_folder, is_in_or_equal
from gradio_client.utils import is_file_obj_with_meta, traverse

from segmentation import (
    Edge,
    KoutuError,
    Language,
    Limits,
    Photo,
    PhotoError,
    Segmentation,
    Text,
    compose,
    encode,
    read_photo,
    select,
)
from segmentation.cli import ENGINES, count, engine
from segmentation.compositing.backgrounds import Scene
from segmentation.cutout import compute_alpha
from segmentation.each import cut_out_each, write_zip
from segmentation.filenames import file_extension
from segmentation.i18n import preferred_language
from segmentation.image.read import translate_memory_errors
from segmentation.image.write import FORMATS, Format
from segmentation.inference.refine import Refinement, try_refine
from segmentation.inference.registry import ModelRegistry, ModelVariant, available_models
from segmentation.page.api import Order, carry_out, found
from segmentation.page.batch import BATCH_RULES, Batch, advance, overview, start_batch
from segmentation.page.comparison.columns import (
    LETTERS,
    Column,
    caption,
    columns,
    legend,
    read_prepared,
    table,
)
from segmentation.page.comparison.compare import Setting, compare, finders_of, see
from segmentation.page.options import BACKGROUNDS, FITS, FRAMES, Style, reduced
from segmentation.page.overlay import draw_instances
from segmentation.page.server.client_address import client_network
from segmentation.page.server.idle_connections import close_idle_connections
from segmentation.page.server.launch import middleware
from segmentation.page.server.policy import PRIVATE_PAGE, PUBLIC_PAGE, PagePolicy
from segmentation.page.server.rate_limit import RateLimiter
from segmentation.page.server.storage import check_free_space, translate_disk_errors
from segmentation.page.server.uploads import (
    NOTHING_SEEN,
    read_upload,
    sweep,
    temporary_uploads_folder,
)
from segmentation.page.session import (
    LEAST_SCORE,
    SCORE_STEP,
    PhotoState,
    line,
    messages,
    on_checkerboard,
    preview,
)
from segmentation.page.strings import (
    FOOTER,
    GRADIO_NAMES,
    GRADIO_SAYS,
    LOGIN,
    NOT_SERVED,
    NOT_SHARED,
    SHARED,
    STRINGS,
)
from segmentation.recipe import make_file

EXAMPLES = Path(__file__).parent / "examples"
# Model folders that the operator put here are on the menu.
MODELS = Path(__file__).parent / "models"
KEEP_SECONDS = 3600
SWEEP_SECONDS = 300
# The preview of a very thin photo is thinner than a photo may be.
ANY_SHAPE = Limits(shortest_side=1)
# The queues of what needs the device, and of what makes files.
DEVICE, FILE = "device", "file"
# Handlers that do the work of several calls.
COMPARING = frozenset(("compare_example", "compare_mine"))
# Fonts of the visitor's own system: none is fetched from a host that he may not reach.
FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
# As a default of handlers it makes Gradio hand them the visitor's own.
PROGRESS = gr.Progress()
# A page outlives its server. When another one answers, what the page shows is not there any more:
# it is loaded again, and knows by the mark it left (for as long as the tab is open) to say why.
# Besides, Ctrl+Z is undo, save where something is written; Ctrl+V opens a photo, for which Gradio
# has but a button, that needs https; and a slider that was moved by keys is let go with them, for
# Gradio waits for a pointer.
ON_LOAD = """
() => {
  const {root, api_prefix, app_id} = window.gradio_config;
  const before = sessionStorage.getItem("koutu_server");
  sessionStorage.setItem("koutu_server", app_id);
  setInterval(async () => {
    const answer = await fetch(`${root}${api_prefix}/app_id`).catch(() => null);
    if (answer?.ok && (await answer.json()).app_id !== app_id) location.reload();
  }, 10000);
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("textarea, input:not([type=checkbox], [type=radio])");
    if (event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !writing)
      document.getElementById("undo")?.click();
  });
  document.addEventListener("paste", (event) => {
    const place = document.getElementById("photo");
    const input = place?.querySelector("input[type=file]");
    const [photo] = event.clipboardData?.files ?? [];
    if (!photo || !input || !place.offsetParent) return;
    const pasted = new DataTransfer();
    pasted.items.add(photo);
    input.files = pasted.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
  });
  document.addEventListener("keyup", ({target, key}) => {
    if (target.matches("input[type=range]") && /^(Arrow|Page|Home|End)/.test(key))
      target.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}));
  });
  return before !== null && before !== String(app_id);
}
"""
# The examples stand below what shows them.
SHOW_PHOTO = """(model) => {
    document.getElementById("photo").scrollIntoView({block: "nearest"});
    return model;
}"""
CSS = """
#canvas img { cursor: pointer; width: auto; max-width: 100%; max-height: 520px; margin: auto; }
#result { position: relative; }
#awaited { position: absolute; top: 160px; width: 100%; text-align: center; pointer-events: none; }
#result:has(img) #awaited { display: none; }
#result:has(.progress-level) .empty { visibility: hidden; }
#cancel, #cancel_compare { display: none; }
.gradio-container:has(#photo .progress-level, #photo .meta-text, #result .progress-level) #cancel,
.gradio-container:has(#pair .progress-level, #pair .meta-text) #cancel_compare { display: block; }
/* Toasts say what went wrong, and nothing did where somebody cancelled. */
:is(#photo, #result, #pair) :is(.error, .clear-status) { display: none; }
#examples .grid-wrap, #compare_examples .grid-wrap, #beside .grid-wrap { max-height: none; }
@media (max-width: 640px) {
    #examples .grid-container, #compare_examples .grid-container {
        grid-template-columns: repeat(auto-fit, minmax(80px, 1fr)) !important;
    }
}
/* What it opens is Gradio's, in English. */
:lang(zh) .show-api { display: none; }
/* One button within another, to add files to those chosen: neither can be reached by keys. */
.icon-button:has(.upload-container) { display: none; }
.dark :is([role=tab].selected, .download-link) { color: var(--primary-400); }
.progress-level-inner { padding: 0 8px; background: var(--block-background-fill); }
/* Gradio says this in English alone. */
.uploading { font-size: 0; }
.uploading::before { font-size: var(--text-lg); content: "UPLOADING_EN"; }
:lang(zh) .uploading::before { content: "UPLOADING_ZH"; }
""".replace("UPLOADING_EN", STRINGS["uploading"].en).replace(
    "UPLOADING_ZH", STRINGS["uploading"].zh
)
# What Gradio leaves unsaid to a screen reader, says twice, or says in English alone.
SPOKEN = """() => new MutationObserver(() => {
    const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
    const told = ".toast-body span, .meta-text, .meta-text-center, [title='grant webcam access'] *";
    if (language === "zh")
        document.querySelectorAll(told).forEach(
            says => says.childNodes.forEach(node => GRADIO_SAYS.forEach(([en, zh]) => {
                if (node.nodeName === "#text" && node.nodeValue.includes(en))
                    node.nodeValue = node.nodeValue.replace(en, zh);
            })));
    ["aria-label", "title"].forEach(name =>
        document.querySelectorAll(`[${name}]`).forEach(control => {
            const heard = control.getAttribute(name);
            const slides = heard.match(/^(?:number input|range slider) for (.+)/);
            const names = slides ? {zh: slides[1]} : GRADIO_NAMES[heard];
            const text = names?.[language];
            if (text && text !== heard) control.setAttribute(name, text);
        }));
    document.querySelectorAll("button:has(> .image-frame):not([aria-label])").forEach(button => {
        const label = button.closest(".block").querySelector("label").innerText.trim();
        button.setAttribute("aria-label", label);
    });
    // Its number says less than the caption within.
    document.querySelectorAll(".thumbnail-item[aria-label]").forEach(
        button => button.removeAttribute("aria-label"));
    const captioned = "#examples img, #compare_examples img, #beside img";
    document.querySelectorAll(captioned).forEach(img => img.alt && (img.alt = ""));
    document.querySelectorAll("div.empty").forEach(div => div.removeAttribute("aria-label"));
    // A button to fold what is said, around the one to close it: two in one cannot be told apart.
    document.querySelectorAll(".toast-header[role]").forEach(header =>
        ["role", "tabindex"].forEach(name => header.removeAttribute(name)));
}).observe(document.body, {
    childList: true, characterData: true, subtree: true, attributeFilter: ["aria-label", "title"]
})""".replace("GRADIO_SAYS", json.dumps([(text.en, text.zh) for text in GRADIO_SAYS])).replace(
    "GRADIO_NAMES", json.dumps({name: asdict(text) for name, text in GRADIO_NAMES.items()})
)

# Options of events: not for programs, and those that are too quick to speak of.
private: dict[str, Any] = {"api_visibility": "private"}
quiet: dict[str, Any] = {**private, "show_progress": "hidden"}
# By default Gradio drops an event while the same is under way, and all that hangs on it.
latest: dict[str, Any] = {**quiet, "trigger_mode": "always_last"}


def in_turn(name: str) -> dict[str, Any]:
    """The options of events that take turns, one at a time whatever Gradio's default is."""
    return {"concurrency_id": name, "concurrency_limit": 1}


# Gradio's page translates every string that is a key, even what a control stands at: a mark keeps
# the keys from being "auto" or "whole".
MARK = "words:"
ENGLISH = {MARK + key: text.en for key, text in STRINGS.items()}
CHINESE = {MARK + key: text.zh for key, text in STRINGS.items()}
I18N = gr.I18n(**{"en": ENGLISH, **dict.fromkeys(("zh", "zh-CN", "zh-TW", "zh-HK"), CHINESE)})

Columns = tuple[Column, ...]
# Of a chain of events: the handler, what it takes and gives, and its queue.
Step = tuple[Any, Any, Any, dict[str, Any]]
Remembered = TypeVar("Remembered", PhotoState, Batch, Columns)


class Page:
    """The handlers. What they know of a visitor comes in and goes out as a `PhotoState`.

    Args:
        shelf: the models that find the objects.
        limits: what a stranger's photo may cost.
        notices: what every visitor is to know about the models.
    """

    def __init__(self, shelf: ModelRegistry, limits: Limits, notices: Sequence[Text] = ()) -> None:
        self.shelf = shelf
        self.limits = limits
        self._notices = notices

    def greet(self, request: gr.Request) -> tuple[Any, ...]:
        """What stands on the page before any photo does, in the visitor's language."""
        language = language_of(request)
        # From one sweep a file is seen, at another it has lain for long enough.
        minutes = (KEEP_SECONDS + 2 * SWEEP_SECONDS) // 60
        footer = FOOTER.in_language(language).format(
            megapixels=self.limits.megapixels, megabytes=self.limits.megabytes, minutes=minutes
        )
        choices = [
            gr.Radio(choices=[(STRINGS[name].in_language(language), name) for name in names])
            for names in (BACKGROUNDS, FITS, FRAMES)
        ]
        invitation = f"## {STRINGS['examples'].in_language(language)}"
        return (
            self._heading(None, language),
            gr.Radio(choices=self.titles(language)),
            *choices,
            invitation,
            thumbs(language),
            footer,
        )

    def tell_of_restart(self, restarted: bool, request: gr.Request) -> None:
        """Say why a page that came back by itself is empty."""
        if restarted:
            gr.Warning(STRINGS["restarted"].in_language(language_of(request)), duration=None)

    def open_example(
        self,
        model: str,
        event: gr.SelectData,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Any:
        """Open the example that was clicked."""
        path = EXAMPLES / gallery()[event.index]["file"]
        return self.open_photo(str(path), model, request, progress)

    def open_photo(
        self,
        path: str | None,
        model: str,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Any:
        """Find the objects in a new photo and choose its subject."""
        if path is None:
            return gr.skip()
        with explained(request):
            segmenter = self.shelf.segmenter(model)
            language = language_of(request)
            waited_for = STRINGS["finding" if segmenter.device else "loading"].in_language(language)
            progress(0, waited_for)
            photo = read_photo(Path(path), self.limits)
            segmentation, timings = segmenter.segment(photo, LEAST_SCORE)
            suffix: Format = "jpeg" if photo.alpha is None else "png"
            small = _keep(f"{photo.stem}.{suffix}", encode(preview(photo), suffix))
        # A threshold that was lowered for the last photo would show this one's every guess.
        threshold = segmenter.card.score_threshold
        subject = select(segmentation.above(threshold), "auto")
        desk = PhotoState(path, small, model, segmentation, subject, timings, photo.notices)
        heading = self._heading(model, language_of(request))
        return desk, threshold, heading, gr.Column(visible=False), gr.Column(visible=True), True

    def change_model(
        self,
        model: str,
        desk: PhotoState | None,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> tuple[Any, ...]:
        """Load another model, and look with it at the photo on the desk."""
        language = language_of(request)
        with explained(request):
            segmenter = self.shelf.segmenter(model)
            threshold = segmenter.card.score_threshold
            title = segmenter.card.title.in_language(language)
            progress(0, desc=STRINGS["loading_model"].in_language(language).format(model=title))
            segmenter.open()
            if desk is not None:
                progress(0.5, desc=STRINGS["finding"].in_language(language))
                photo = read_upload(desk.photo, self.limits)
                desk = desk.seen_by(model, *segmenter.segment(photo, LEAST_SCORE), threshold)
        return model, desk, threshold, self._heading(model, language)

    def keep_model(self, model: str) -> str:
        """Show the model in use again, after a change of it came to nothing."""
        return model

    def start_over(self, model: str, request: gr.Request) -> tuple[Any, ...]:
        """Clear the desk for another photo."""
        with explained(request):
            threshold = self.shelf.card(model).score_threshold
        return (
            None,
            None,
            gr.Column(visible=True),
            gr.Column(visible=False),
            None,
            no_file(),
            gr.DownloadButton(visible=False),
            threshold,
            False,
        )

    def pick(
        self, desk: PhotoState | None, threshold: float, event: gr.SelectData, request: gr.Request
    ) -> PhotoState:
        """Choose the object under a click, or take it away."""
        return present(desk, request).clicking(event.index, threshold)

    def pick_from_list(
        self, desk: PhotoState | None, ids: list[int], request: gr.Request
    ) -> PhotoState:
        """Choose what is ticked in the list."""
        return present(desk, request).picking(ids)

    def pick_all(
        self, desk: PhotoState | None, threshold: float, request: gr.Request
    ) -> PhotoState:
        """Choose all objects shown."""
        desk = present(desk, request)
        return desk.picking(select(desk.shown(threshold), "all"))

    def pick_none(self, desk: PhotoState | None, request: gr.Request) -> PhotoState:
        """Choose nothing."""
        return present(desk, request).picking(())

    def undo(self, desk: PhotoState | None, request: gr.Request) -> PhotoState:
        """Take the last pick back."""
        return present(desk, request).undone()

    def show_guesses(
        self, desk: PhotoState | None, request: gr.Request
    ) -> tuple[PhotoState, float]:
        """Choose the best guess, and lower the threshold to it."""
        return present(desk, request).guessing()

    def show_choices(self, kind: str) -> tuple[Any, ...]:
        """Show the controls that belong to a kind of background; a scene has its own frame."""
        return (
            gr.ColorPicker(visible=kind in ("colour", "gradient")),
            gr.ColorPicker(visible=kind == "gradient"),
            gr.Column(visible=kind in ("picture", "scene")),
            gr.Radio(visible=kind == "picture"),
            gr.Row(visible=kind == "scene"),
            gr.Radio(visible=kind != "scene"),
        )

    def show_quality(self, format_: Format) -> Any:
        """Show the quality where the format has one."""
        return gr.Slider(visible=format_ != "png")

    def show_found(
        self, desk: PhotoState | None, threshold: float, is_open: bool, request: gr.Request
    ) -> Any:
        """Draw the objects on the photo and list them."""
        check_remembered(desk, is_open, request)
        if desk is None:
            return gr.skip()
        found, chosen = desk.shown(threshold), desk.choice(threshold)
        with explained(request):
            before = read_upload(desk.preview, ANY_SHAPE)
            drawn = draw_instances(before.on_white, found, chosen)
            path = _keep("objects.jpeg", encode(drawn, "jpeg"))
        language = language_of(request)
        lines = [(line(instance, language), instance.id) for instance in found.instances]
        return (
            path,
            gr.CheckboxGroup(choices=lines, value=list(chosen)),
            gr.Button(visible=not found.instances and bool(desk.segmentation.instances)),
            gr.Button(interactive=bool(desk.past)),
        )

    def show_result(
        self, desk: PhotoState | None, look: Refinement | None, request: gr.Request, *controls: Any
    ) -> Any:
        """Draw before and after, and say what to say; the file is out of date from now on."""
        if desk is None:
            return gr.skip()
        style = Style(*controls)
        chosen = desk.choice(style.threshold)
        try:
            with translate_memory_errors():
                photo = read_upload(desk.preview, ANY_SHAPE)
                alpha = compute_alpha(photo, desk.segmentation, chosen, look, style.edge)
                background = reduced(style.background(self.limits))
                after = compose(photo, alpha, background, style.effects)
                before = desk.preview
                if isinstance(background, Scene):
                    before = _keep("before.jpeg", encode(background.photo.on_white, "jpeg"))
                pair = before, _keep("after.jpeg", encode(on_checkerboard(after), "jpeg"))
        except KoutuError as error:
            # A warning, not an error: that would leave the old file on offer.
            gr.Warning(error.in_language(language_of(request)))
            return gr.skip(), gr.skip(), no_file(), gr.DownloadButton(visible=False)
        language = language_of(request)
        said = [text.in_language(language) for text in messages(desk, style.threshold, look)]
        return pair, "  \n".join(said), preparing(), gr.DownloadButton(visible=False)

    def prepare(self, desk: PhotoState | None, is_open: bool, request: gr.Request) -> Any:
        """Say that the file is out of date and that another one is on its way.

        Without a photo it fails, without a word, and what would follow costs the visitor nothing.
        """
        check_remembered(desk, is_open, request)
        if desk is None:
            raise gr.Error(visible=False, print_exception=False)
        return preparing()

    def prepare_zip(self, desk: PhotoState | None, is_open: bool, request: gr.Request) -> Any:
        """Say that the ZIP is on its way."""
        check_remembered(desk, is_open, request)
        if desk is None:
            gr.Warning(STRINGS["no_photo"].in_language(language_of(request)))
            return self.no_zip()
        return gr.DownloadButton(words("preparing"), value=None, interactive=False, visible=True)

    def no_zip(self) -> Any:
        """Take back what the button promised."""
        return gr.DownloadButton(visible=False)

    def refine(
        self, desk: PhotoState | None, threshold: float, wanted: bool, request: gr.Request
    ) -> Refinement | None:
        """See the chosen objects larger."""
        if desk is None or not wanted:
            return None
        try:
            photo = read_upload(desk.photo, self.limits)
            segmenter = self.shelf.segmenter(desk.model)
        except KoutuError:
            return None  # the export comes next, needs the photo too, and says what is wrong
        look, notices = try_refine(segmenter, photo, desk.segmentation, desk.choice(threshold))
        for notice in notices:
            gr.Warning(notice.in_language(language_of(request)))
        return look

    def check_look(
        self, desk: PhotoState | None, look: Refinement | None, threshold: float, wanted: bool
    ) -> None:
        """Fail, without a word, where the closer look that is wanted is still to be taken."""
        chosen = desk.choice(threshold) if desk and wanted else ()
        if desk and chosen and not (look and look.is_at(desk.segmentation, chosen)):
            raise gr.Error(visible=False, print_exception=False)

    def show_closer(
        self, desk: PhotoState | None, look: Refinement | None, request: gr.Request, *controls: Any
    ) -> Any:
        """Draw the result again, if there was a closer look."""
        return gr.skip() if look is None else self.show_result(desk, look, request, *controls)

    def export(
        self,
        desk: PhotoState | None,
        look: Refinement | None,
        made: tuple[str, ...],
        request: gr.Request,
        *controls: Any,
    ) -> tuple[Any, tuple[str, ...]]:
        """Make the file at the photo's own size, in place of the one before the last."""
        if desk is None:
            return gr.skip(), made
        style = Style(*controls)
        chosen = desk.choice(style.threshold)
        if not chosen:
            return no_file(), made
        try:
            with translate_memory_errors():
                photo = read_upload(desk.photo, self.limits)
                recipe = style.recipe(self.limits)
                alpha = compute_alpha(photo, desk.segmentation, chosen, look, recipe.edge)
                data = make_file(photo, alpha, recipe)
            made = _replace(made, f"{photo.stem}_cutout{file_extension(style.format)}", data)
        except KoutuError as error:
            # A warning, not an error: that would leave the button as if the file were to come.
            gr.Warning(error.in_language(language_of(request)))
            return no_file(), made
        return gr.DownloadButton(words("download"), value=made[-1], interactive=True), made

    def export_each(
        self, desk: PhotoState | None, look: Refinement | None, request: gr.Request, *controls: Any
    ) -> Any:
        """Make a ZIP of one PNG for each chosen object."""
        if desk is None:
            return self.no_zip()
        style = Style(*controls)
        chosen = desk.choice(style.threshold)
        if not chosen:
            gr.Warning(STRINGS["pick_one"].in_language(language_of(request)))
            return self.no_zip()
        with explained(request), TemporaryDirectory() as folder:
            photo = read_upload(desk.photo, self.limits)
            objects = cut_out_each(
                photo, desk.segmentation, chosen, look, style.edge, style.effects, style.crop
            )
            archive = Path(folder) / "objects.zip"
            write_zip(archive, objects)
            path = _keep(f"{photo.stem}_objects.zip", archive.read_bytes())
        return gr.DownloadButton(words("download_zip"), value=path, interactive=True)

    def greet_batch(self, request: gr.Request) -> tuple[Any, ...]:
        """What stands on the tab for many photos before there are any."""
        language = language_of(request)
        intro = STRINGS["batch_intro"].in_language(language)
        limits = {
            "photos": self.limits.batch_photos,
            "megabytes": self.limits.batch_megabytes,
        }
        rules = [(STRINGS[rule].in_language(language), rule) for rule in BATCH_RULES]
        return intro.format(**limits), gr.Radio(choices=rules)

    def start_batch(
        self,
        photos: list[str] | None,
        model: str,
        objects: str,
        request: gr.Request,
        *controls: Any,
    ) -> tuple[Any, ...]:
        """Put many photos in line; each is then a turn of its own among everybody's."""
        with explained(request):
            paths = [Path(photo) for photo in photos or ()]
            archive = _place("cutouts.zip")
            batch = start_batch(paths, archive, model, objects, Style(*controls), self.limits)
        stop = gr.Button(words("stop"), visible=True, interactive=True)
        return *show_batch(batch, language_of(request)), stop, gr.Button(visible=False)

    def advance_batch(self, batch: Batch | None, request: gr.Request) -> Any:
        """Bring the next of many photos through."""
        if batch is None:
            return gr.skip()
        language = language_of(request)
        with explained(request):
            segmenter = self.shelf.segmenter(batch.model)
            # One photo's file more, but not where there is no room already.
            check_free_space(Path(get_upload_folder()), 0)
            batch = advance(batch, segmenter, self.limits, language)
        stop = gr.Button(visible=not batch.sealed)
        return *show_batch(batch, language), stop, gr.Button(visible=False)

    def stop_batch(self, batch: Batch | None, request: gr.Request) -> Batch:
        """Leave out the photos still in line."""
        return present(batch, request).stopped()

    def titles(self, language: Language) -> list[tuple[str, str]]:
        """The models as a menu shows them: title, name."""
        return [(card.title.in_language(language), card.name) for card in self.shelf.cards]

    def segment(
        self,
        photo: gr.FileData,
        request: gr.Request,
        threshold: float | None = None,
        model: str | None = None,
    ) -> tuple[dict[str, Any], gr.FileData]:
        """Find the objects in a photo: what they are and where, and the photo with them drawn on.

        Args:
            photo: the upload.
            threshold: least score of an object, 0 to 1; by default the model's.
            model: one of the page's; by default the first.
        """
        with explained(request):
            order, segmenter = Order(threshold=threshold), self.shelf.segmenter(model)
            read = read_photo(uploaded(photo), self.limits)
            segmentation, _ = segmenter.segment(read, order.threshold)
        report = found(read, segmentation) | {
            "model": segmenter.card.name,
            "device": segmenter.device,
            "notices": [notice.in_language(language_of(request)) for notice in read.notices],
        }
        small = preview(replace(read, rgb=read.on_white, alpha=None))
        drawn = draw_instances(small, segmentation, report["chosen"])
        return report, gr.FileData(path=_keep(f"{read.stem}_objects.jpeg", encode(drawn, "jpeg")))

    def cutout(
        self,
        photo: gr.FileData,
        request: gr.Request,
        objects: str = "auto",
        background: str = "transparent",
        backdrop: gr.FileData | None = None,
        fit: str = "cover",
        place: str | None = None,
        softness: float = 0,
        grow: float = 0,
        fine_hair: bool = False,
        outline: str | None = None,
        shadow: bool = False,
        crop: str | None = None,
        format: str = "png",  # noqa: A002  (the name that callers use)
        quality: int | None = None,
        threshold: float | None = None,
        one_look: bool = False,
        model: str | None = None,
    ) -> gr.FileData:
        """Cut objects out of a photo, as the command line does with the flags of the same names.

        Args:
            photo: the upload.
            objects: auto, largest, all; labels such as dog,cat; or numbers such as 1,3.
            background: transparent, #RRGGBB, gradient:#RRGGBB,#RRGGBB or blur.
            backdrop: the upload of another photo to put behind the objects.
            fit: of the backdrop, cover or contain.
            place: SCALE,X,Y puts the objects into the backdrop, which keeps its size.
            softness: of the edge, -1 (hard) to 1 (soft).
            grow: the edge by thousandths of the photo, -20 to 20.
            fine_hair: look for strands outside the outline.
            outline: WIDTH,#RRGGBB, the width in percent of the objects.
            shadow: draw a soft one.
            crop: subject, square or portrait; by default the photo's own frame.
            format: png, webp or jpeg.
            quality: 1 to 100 of webp and jpeg.
            threshold: least score of an object, 0 to 1; by default the model's.
            one_look: leave out the second, closer look.
            model: one of the page's; by default the first.
        """
        style: Any = (objects, background, fit, place, softness, grow, fine_hair, outline, shadow)
        file: Any = (crop, format, quality, threshold, one_look)
        with explained(request):
            order, segmenter = Order(*style, *file), self.shelf.segmenter(model)
            behind = None if backdrop is None else uploaded(backdrop)
            name, data, _ = carry_out(order, segmenter, uploaded(photo), behind, self.limits)
        return gr.FileData(path=_keep(name, data), orig_name=name)

    def _heading(self, model: str | None, language: Language) -> str:
        segmenter = self.shelf.segmenter(model)
        device = segmenter.device or STRINGS["lazy"].in_language(language)
        lines = [
            f"# {STRINGS['title'].in_language(language)}\n{STRINGS['intro'].in_language(language)}",
            f"`{segmenter.card.title.in_language(language)} · {device}`",
            *(
                f"⚠️ {notice.in_language(language)}"
                for notice in (*self._notices, *segmenter.notices)
            ),
        ]
        return "  \n".join(lines)


class Comparing:
    """The handlers of the tab that compares settings. What it shows are `Column`s.

    Args:
        shelf: the models that find the objects.
        limits: what a stranger's photo may cost.
    """

    def __init__(self, shelf: ModelRegistry, limits: Limits) -> None:
        self._shelf = shelf
        self._limits = limits
        self.finders = shelf.finders()

    def greet(self, request: gr.Request) -> tuple[Any, ...]:
        """The tab as a visitor finds it: the first example, compared beforehand."""
        language = language_of(request)
        menus = [gr.Dropdown(choices=finder_choices(self.finders, language)) for _ in LETTERS]
        return STRINGS["compare_intro"].in_language(language), thumbs(language), prepared(0), *menus

    def open_example(self, event: gr.SelectData) -> tuple[int, tuple[Column, ...]]:
        """Show what was compared beforehand on the example that was clicked."""
        return event.index, prepared(event.index)

    def show_settings(self, how_many: int) -> list[Any]:
        """Show the controls of as many settings."""
        return [gr.Tab(visible=index < how_many) for index in range(len(LETTERS))]

    def compare_example(
        self,
        example: int,
        how_many: int,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
        *controls: Any,
    ) -> Iterator[Any]:
        """Compare the settings on an example."""
        with explained(request):
            photo = read_photo(EXAMPLES / gallery()[example]["file"], self._limits)
            yield from self._compare(photo, None, how_many, controls, request, progress)

    def compare_mine(
        self,
        desk: PhotoState | None,
        is_open: bool,
        threshold: float,
        how_many: int,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
        *controls: Any,
    ) -> Iterator[Any]:
        """Compare the settings on the objects that are chosen on the first tab."""
        check_remembered(desk, is_open, request)
        if desk is None:
            gr.Warning(STRINGS["no_photo"].in_language(language_of(request)))
            return
        with explained(request):
            photo = read_upload(desk.photo, self._limits)
            wanted = desk.segmentation, desk.choice(threshold)
            yield from self._compare(photo, wanted, how_many, controls, request, progress)

    def show(self, shown: Sequence[Column], request: gr.Request) -> tuple[Any, ...]:
        """Show a comparison: side by side, the figures, and the second against the first."""
        language = language_of(request)
        images = [
            (column.image, caption(column, letter, language))
            for letter, column in zip(LETTERS, shown, strict=False)
        ]
        return images, table(shown, language), *self._pair(shown, 1, language)

    def put_beside(
        self, shown: Columns | None, event: gr.SelectData, request: gr.Request
    ) -> tuple[Any, ...]:
        """Put the cut-out that was clicked against the first."""
        shown = present(shown, request)
        if not Path(shown[0].image).exists():
            raise gr.Error(STRINGS["gone"].in_language(language_of(request)), print_exception=False)
        return self._pair(shown, event.index or 1, language_of(request))

    def _compare(
        self,
        photo: Photo,
        wanted: tuple[Segmentation, Sequence[int]] | None,
        how_many: int,
        controls: Sequence[Any],
        request: gr.Request,
        progress: gr.Progress,
    ) -> Iterator[Any]:
        """Nothing after each finder, so that a visitor who cancels waits for one; the columns."""
        each = len(controls) // len(LETTERS)
        settings = [
            self._setting(*controls[start : start + each])
            for start in range(0, how_many * each, each)
        ]
        said = STRINGS["comparing"].in_language(language_of(request))
        progress(0, said)
        seen = []
        for one in see(self._shelf, photo, settings, wanted):
            seen.append(one)
            progress(len(seen) / (len(finders_of(settings)) + 1), said)
            yield gr.skip()
        comparison = compare(photo, settings, seen)
        for notice in {notice for one in comparison.compared for notice in one.notices}:
            gr.Warning(notice.in_language(language_of(request)))
        yield columns(comparison, lambda name, image: _keep(f"{name}.jpeg", encode(image, "jpeg")))

    def _setting(
        self, finder: int, closer: bool, softness: float, grow: float, fine_hair: bool
    ) -> Setting:
        return Setting(self.finders[finder], Edge(softness, grow, fine_hair), closer)

    def _pair(
        self, shown: Sequence[Column], other: int, language: Language
    ) -> tuple[tuple[str, str], str | None, str]:
        column = shown[other]
        return (shown[0].image, column.image), column.difference, legend(LETTERS[other], language)


def build_ui(page: Page, rules: PagePolicy = PRIVATE_PAGE) -> gr.Blocks:
    """Lay the page out, wire it to its handlers, and have its rules kept."""
    first = page.shelf.card()
    titles = page.titles("en")
    # Served as they are: copies in the cache would be swept away under the open page.
    gr.set_static_paths([EXAMPLES])
    ui = gr.Blocks(title="Koutu 抠图", analytics_enabled=False)
    with ui:
        desk = gr.State(None, time_to_live=KEEP_SECONDS)
        look = gr.State(None, time_to_live=KEEP_SECONDS)
        # Outlives the desk, so that a page which was left alone can say so.
        is_open = gr.State(False)
        in_use = gr.State(first.name)
        made = gr.State(())
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                heading = gr.Markdown()
            model = gr.Radio(
                titles,
                value=first.name,
                label=words("model"),
                visible=len(titles) > 1,
                min_width=320,
            )
        tabs = gr.Tabs()
        with tabs, gr.Tab(words("cut_out")):
            with gr.Row():
                with gr.Column(min_width=320, elem_id="photo"):
                    with gr.Column() as empty:
                        upload = photo_input(
                            label=words("photo"), placeholder=words("drop"), height=400
                        )
                    cancel = gr.Button(words("cancel"), size="sm", elem_id="cancel")
                    with gr.Column(visible=False) as found:
                        canvas = gr.Image(
                            label=words("canvas"),
                            interactive=False,
                            buttons=[],
                            elem_id="canvas",
                        )
                        with gr.Row():
                            another = gr.Button(words("another"), size="sm", min_width=60)
                            every = gr.Button(words("all"), size="sm", min_width=60)
                            none = gr.Button(words("none"), size="sm", min_width=60)
                            undo = gr.Button(
                                words("undo"),
                                size="sm",
                                min_width=60,
                                interactive=False,
                                elem_id="undo",
                            )
                        message = gr.Markdown()
                        less = gr.Button(words("less_certain"), visible=False)
                        objects = gr.CheckboxGroup(label=words("objects"))
                        with gr.Accordion(words("options"), open=False):
                            least = gr.Slider(
                                LEAST_SCORE,
                                0.95,
                                first.score_threshold,
                                step=SCORE_STEP,
                                label=words("threshold"),
                            )
                            softness = gr.Slider(-1, 1, 0, step=0.1, label=words("softness"))
                            grow = gr.Slider(-10, 10, 0, step=1, label=words("grow"))
                            fine_hair = gr.Checkbox(label=words("fine_hair"))
                            closer = gr.Checkbox(True, label=words("closer"))
                with gr.Column(min_width=320, elem_id="result"):
                    slider = gr.ImageSlider(
                        label=words("result"),
                        type="filepath",
                        interactive=False,
                        buttons=["fullscreen"],
                    )
                    gr.Markdown(words("awaited"), elem_id="awaited")
                    download = gr.DownloadButton(
                        words("download"), variant="primary", interactive=False, elem_id="download"
                    )
                    kind = gr.Radio(BACKGROUNDS, value="transparent", label=words("background"))
                    with gr.Row():
                        colour = gr.ColorPicker("#ffffff", label=words("colour"), visible=False)
                        colour_below = gr.ColorPicker(
                            "#88aacc", label=words("colour_below"), visible=False
                        )
                    with gr.Column(visible=False) as other:
                        backdrop = photo_input(label=words("backdrop"), height=200)
                    fit = gr.Radio(FITS, value="cover", label=words("fit"), visible=False)
                    with gr.Row(visible=False) as placing:
                        scale = gr.Slider(0.05, 2, 0.7, step=0.05, label=words("scale"))
                        across = gr.Slider(0, 1, 0.5, step=0.02, label=words("across"))
                        down = gr.Slider(0, 1, 0.6, step=0.02, label=words("down"))
                    with gr.Row():
                        outline = gr.Checkbox(label=words("outline"), min_width=100)
                        shadow = gr.Checkbox(label=words("shadow"), min_width=100)
                    frame = gr.Radio(FRAMES, value="whole", label=words("frame"))
                    with gr.Accordion(words("more_files"), open=False):
                        format_ = gr.Radio(FORMATS, value="png", label=words("format"))
                        quality = gr.Slider(
                            40, 100, 90, step=1, label=words("quality"), visible=False
                        )
                        zipping = gr.Button(words("zip"), size="sm")
                        download_zip = gr.DownloadButton(words("download_zip"), visible=False)
            invitation = gr.Markdown()
            examples = example_gallery(columns=6, elem_id="examples")
        footer = gr.Markdown()

        # Only looking at photos waits for the device. Picking and drawing have queues of their own,
        # one at a time each, so that the last click is also the last drawn.
        # What looks at photos, on as many devices as the opened engine has.
        max_concurrency = page.shelf.segmenter().max_concurrency
        device: dict[str, Any] = {"concurrency_id": DEVICE, "concurrency_limit": max_concurrency}
        opened = [desk, least, heading, empty, found, is_open]
        # In the order of the fields of `Style`.
        style = [least, kind, colour, colour_below, backdrop, fit, scale, across, down]
        style += [softness, grow, fine_hair, outline, shadow, frame, format_, quality]
        listed = [canvas, objects, less, undo]
        result = [slider, message, download, download_zip]
        greeted = [heading, model, kind, fit, frame, invitation, examples, footer]
        greeting = ui.load(page.greet, None, greeted, **private)
        restarted = gr.Checkbox(visible=False)
        ui.load(page.tell_of_restart, restarted, None, js=ON_LOAD, **private)
        choices = [colour, colour_below, other, fit, placing, frame]
        kind.input(page.show_choices, kind, choices, **latest)
        format_.input(page.show_quality, format_, quality, **latest)
        cleared = [desk, upload, empty, found, slider, download, download_zip, least, is_open]
        # Minimal, since the full one would hide the cross that takes the photo back.
        opening = {**private, **device, "show_progress": "minimal"}
        opening["show_progress_on"] = [upload, slider]

        # What is under way for the last photo ends before the next one is opened, or it would end
        # what that one has begun: so these events come first. What they end is wired below.
        stops = []
        for opens in (examples.select, upload.input):
            opens(None, cancels=greeting)
            stops.append([*ui.fns.values()][-1])
        change = model.input(
            page.change_model,
            [model, desk],
            [in_use, desk, least, heading],
            show_progress_on=model,
            **private,
            **device,
        )
        change.failure(page.keep_model, in_use, model, **quiet)
        changes = [
            change,
            upload.input(page.open_photo, [upload, model], opened, **opening),
            examples.select(
                page.open_example,
                model,
                opened,
                **opening,
                js=SHOW_PHOTO,
                trigger_mode="always_last",
            ),
            canvas.select(page.pick, [desk, least], desk, trigger_mode="multiple", **quiet),
            objects.input(page.pick_from_list, [desk, objects], desk, **latest),
            every.click(page.pick_all, [desk, least], desk, **latest),
            none.click(page.pick_none, desk, desk, **latest),
            undo.click(page.undo, desk, desk, trigger_mode="multiple", **quiet),
            less.click(page.show_guesses, desk, [desk, least], **quiet),
        ]
        styled = [desk, look, *style]
        find: Step = (page.show_found, [desk, least, is_open], listed, in_turn("list"))
        begin: Step = (page.prepare, [desk, is_open], download, {})
        draw: Step = (page.show_result, styled, result, in_turn("draw"))
        closely: Step = (page.refine, [desk, least, closer], look, device)
        again: Step = (page.show_closer, styled, result, in_turn("draw"))
        make: Step = (page.export, [desk, look, made, *style], [download, made], in_turn(FILE))
        running: list[Any] = [*changes]

        def chain(then: Any, *steps: Step) -> Any:
            for handler, inputs, outputs, queue in steps:
                step = then(handler, inputs, outputs, **queue, **latest)
                running.append(step)
                # Refused by the rules: what the button promised does not come.
                step.failure(no_file, None, download, **quiet)
                then = step.success
            return then

        for then in (*(changed.success for changed in changes), least.release):
            chain(then, find, draw, closely, again, make)
        chain(closer.input, begin, closely, draw, make)
        restyled = [softness.release, grow.release, fine_hair.input, outline.input, shadow.input]
        restyled += [kind.input, colour.input, colour_below.input, backdrop.input, backdrop.clear]
        restyled += [fit.input, scale.release, across.release, down.release]
        # A photo that did not open took the file of the one before with it.
        restyled += [photo.failure for photo in changes[1:3]]
        for then in restyled:
            looked = chain(then, begin, draw)(
                page.check_look, [desk, look, least, closer], None, **latest
            )
            running.append(looked)
            chain(looked.success, make)
            chain(looked.failure, closely, again, make)
        for then in (frame.input, format_.input, quality.release):
            chain(then, begin, make)
        zipped = zipping.click(page.prepare_zip, [desk, is_open], download_zip, **latest).success(
            page.export_each,
            styled,
            download_zip,
            concurrency_id=FILE,
            trigger_mode="always_last",
            **private,
        )
        zipped.failure(page.no_zip, None, download_zip, **quiet)
        # The objects in it have the former crop.
        frame.input(page.no_zip, None, download_zip, cancels=zipped, **quiet)
        running += [zipped]
        looking: list[Any] = changes[1:3]
        upload.clear(None, cancels=looking)
        cancel.click(lambda: None, None, upload, cancels=looking, **quiet)
        # What is still under way for the last photo must not end up under the next one.
        another.click(page.start_over, model, cleared, cancels=running, **quiet)
        for stop in stops:
            stop.cancels = [step["id"] for step in running if step not in changes]
        with tabs, gr.Tab(words("compare")):
            compare_tab(ui, Comparing(page.shelf, page.limits), [desk, is_open, least], device)
        with tabs, gr.Tab(words("batch")):
            batch_tab(ui, page, model, style)
        api(page.segment, api_name="segment", **device)
        api(page.cutout, api_name="cutout", **device)
    keep_rules(ui, rules)
    return ui


def batch_tab(ui: gr.Blocks, page: Page, model: gr.Radio, style: Sequence[gr.Component]) -> None:
    """Lay out and wire the tab for many photos, which takes model and style from the others."""
    batch = gr.State(None, time_to_live=KEEP_SECONDS)
    intro = gr.Markdown()
    photos = gr.File(label=words("photos"), file_count="multiple", height=200)
    # As in `photo_input`; Gradio's own would also leave an empty file behind for each.
    setattr(photos, "preprocess", lambda files: [file.path for file in files or ()])  # noqa: B010
    objects = gr.Radio(BATCH_RULES, value="auto", label=words("what"))
    run = gr.Button(words("run_batch"), variant="primary")
    stop = gr.Button(words("stop"), visible=False)
    go_on = gr.Button(words("go_on"), variant="primary", visible=False)
    state = gr.Markdown()
    download = gr.DownloadButton(words("download_zip"), variant="primary", visible=False)
    rows = gr.Dataframe(
        visible=False,
        interactive=False,
        wrap=True,
        buttons=[],
        column_widths=["40%", "60%"],
    )

    outputs = [batch, rows, state, download, run, stop, go_on]
    ui.load(page.greet_batch, None, [intro, objects], **private)
    run.click(page.start_batch, [photos, model, objects, *style], outputs, **quiet)
    # One event for each photo, so that batches take turns, and a page that was closed asks for no
    # more. Stopping waits in the same line, one at a time: it falls between two photos.
    queued: dict[str, Any] = {**quiet, "concurrency_id": "batch", "trigger_mode": "multiple"}
    for step in (
        batch.change(page.advance_batch, batch, outputs, **queued),
        go_on.click(page.advance_batch, batch, outputs, **queued),
    ):
        # Refused by the rules or the disk: the rest can still be had.
        step.failure(lambda: gr.Button(visible=True), None, go_on, **quiet)
    stopped = stop.click(
        lambda: gr.Button(words("stopping"), interactive=False), None, stop, **quiet
    ).success(page.stop_batch, batch, batch, **queued)
    stopped.failure(lambda: gr.Button(words("stop"), interactive=True), None, stop, **quiet)


def show_batch(batch: Batch, language: Language) -> tuple[Any, ...]:
    """What the tab for many photos shows of them: the batch itself, and five components."""
    said = STRINGS["batch_state"].in_language(language)
    counts = {
        "done": len(batch.done),
        "all": len(batch.done) + len(batch.todo),
        "files": sum(outcome.file is not None for outcome in batch.done),
    }
    headers = [STRINGS[key].in_language(language) for key in ("photo", "outcome")]
    return (
        batch,
        gr.Dataframe(overview(batch, language), headers=headers, visible=True),
        said.format(**counts),
        gr.DownloadButton(value=str(batch.archive) if batch.sealed else None, visible=batch.sealed),
        gr.Button(visible=batch.sealed),
    )


def compare_tab(
    ui: gr.Blocks,
    comparing: Comparing,
    mine: Sequence[gr.components.Component],
    device: dict[str, Any],
) -> None:
    """Lay out and wire the tab that compares settings; photo and queue are those of the first."""
    shown = gr.State(None, time_to_live=KEEP_SECONDS)
    example = gr.State(0)
    intro = gr.Markdown()
    with gr.Row():
        with gr.Column(min_width=320):
            examples = example_gallery(columns=4, elem_id="compare_examples")
            with gr.Accordion(words("settings"), open=False):
                how_many = gr.Radio(
                    list(range(2, len(LETTERS) + 1)), value=2, label=words("how_many")
                )
                tabs, controls = [], []
                for index, letter in enumerate(LETTERS):
                    with gr.Tab(letter, visible=index < how_many.value) as tab:
                        controls += _setting_controls(comparing.finders, index)
                    tabs.append(tab)
            with gr.Row():
                on_example = gr.Button(words("compare_example"), variant="primary", min_width=140)
                on_mine = gr.Button(words("compare_mine"), min_width=140)
            cancel = gr.Button(words("cancel"), elem_id="cancel_compare")
        with gr.Column(min_width=320):
            pair = gr.ImageSlider(
                label=words("pair"),
                type="filepath",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="pair",
            )
    with gr.Row():
        with gr.Column(min_width=320):
            beside = gr.Gallery(
                label=words("side_by_side"),
                columns=len(LETTERS),
                height="auto",
                object_fit="contain",
                allow_preview=False,
                interactive=False,
                buttons=[],
                elem_id="beside",
            )
        with gr.Column(min_width=320):
            difference = gr.Image(
                label=words("difference"),
                interactive=False,
                buttons=["fullscreen"],
                elem_id="difference",
            )
            key = gr.HTML()
    figures = gr.Markdown(elem_id="figures")
    paired = [pair, difference, key]
    drawn = [beside, figures, *paired]
    how_many.input(comparing.show_settings, how_many, tabs, **quiet)
    menus = controls[:: len(controls) // len(LETTERS)]
    ui.load(comparing.greet, None, [intro, examples, shown, *menus], **private).success(
        comparing.show, shown, drawn, **quiet
    )
    examples.select(comparing.open_example, None, [example, shown], **quiet).success(
        comparing.show, shown, drawn, **quiet
    )
    beside.select(comparing.put_beside, shown, paired, **quiet)
    settings = [how_many, *controls]
    waiting = {**private, **device, "show_progress_on": pair}
    comparisons: list[Any] = [
        on_example.click(comparing.compare_example, [example, *settings], shown, **waiting),
        on_mine.click(comparing.compare_mine, [*mine, *settings], shown, **waiting),
    ]
    for compared in comparisons:
        compared.success(comparing.show, shown, drawn, **quiet)
    cancel.click(None, cancels=comparisons)
    examples.select(None, cancels=comparisons)


def finder_choices(finders: Sequence[ModelVariant], language: Language) -> list[tuple[str, int]]:
    """The ways to find objects as a menu shows them: title, place."""
    return [(finder.title.in_language(language), place) for place, finder in enumerate(finders)]


def _setting_controls(finders: Sequence[ModelVariant], index: int) -> list[Any]:
    """The controls of a setting, in the order of `Comparing._setting`; no two alike to begin with.

    The second one tries another model or precision where there is one, else a single look.
    """
    choices = finder_choices(finders, "en")
    other = index == 1 and len(finders) > 1
    return [
        gr.Dropdown(choices, value=int(other), label=words("model"), visible=len(finders) > 1),
        gr.Checkbox(index != 1 or other, label=words("closer")),
        gr.Slider(-1, 1, (0, 0, 0, -1)[index], step=0.1, label=words("softness")),
        gr.Slider(-10, 10, 0, step=1, label=words("grow")),
        gr.Checkbox(index == 2, label=words("fine_hair")),
    ]


def keep_rules(ui: gr.Blocks, rules: PagePolicy) -> None:
    """Look at every call before Gradio does, for a stranger can call private events as well.

    What needs the device or makes a file must be within the visitor's share, and so must what waits
    in the queue. A file must have been uploaded here: Gradio refuses others as well, but does not
    say why.
    """
    process = ui.process_api
    turnstile = RateLimiter(rules.rate) if rules.rate else None

    async def process_api(**call: Any) -> dict[str, Any]:
        request = call["request"]
        with explained(request):
            traverse(call["inputs"], check_uploaded, is_file_obj_with_meta)
            costly = call["block_fn"].concurrency_id in (DEVICE, FILE)
            # A generator is called again for each step.
            if turnstile and costly and call.get("iterator") is None:
                times = len(LETTERS) if call["block_fn"].name in COMPARING else 1
                turnstile.admit(_host(request), request.session_hash, times)
        return await process(**call)

    setattr(ui, "process_api", process_api)  # noqa: B010
    keep_no_statistics(ui._queue)
    if rules.max_waiting is not None:
        share_places(ui._queue, rules.max_waiting)


def keep_no_statistics(queue: Queue) -> None:
    """Spare every event the sums over the last ten thousand that Gradio does for its monitoring.

    That page is shut here, and the sums take longer than most events.
    """
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


def share_places(queue: Queue, places: int) -> None:
    """Let so many calls wait, and no network hold more than half: one flood must not keep all out.

    Gradio's own `max_size` refuses in English alone.
    """
    push = queue.push

    async def push_fairly(body: Any, request: Any, username: str | None) -> Any:
        waiting = [
            event for of in queue.event_queue_per_concurrency_id.values() for event in of.queue
        ]
        network = client_network(_host(request))
        theirs = sum(client_network(_host(event.request)) == network for event in waiting)
        if theirs >= ceil(places / 2):
            reason = "too_many_waiting"
        elif len(waiting) >= places:
            reason = "queue_full"
        else:
            return await push(body, request, username)
        return False, STRINGS[reason].in_language(language_of(request)), "queue_full"

    setattr(queue, "push", push_fairly)  # noqa: B010


def _host(request: Any) -> str:
    return str(request.client.host) if request.client else ""


def check_uploaded(file: dict[str, Any]) -> None:
    """Refuse what names a file that nobody uploaded here.

    Raises:
        PhotoError: it is one of the server's own.
    """
    if "\0" in file["path"] or not is_in_or_equal(file["path"], get_upload_folder()):
        raise PhotoError(
            "Upload the photo: files of the server are not read.",
            "请上传照片：本页面不会读取服务器上的文件。",
        )


def uploaded(file: Any) -> Path:
    """The path of an upload that a program names.

    Raises:
        PhotoError: it names none; what has no mark of a file was not looked at by `keep_rules`.
    """
    if not is_file_obj_with_meta(file):
        raise PhotoError(
            'A photo is {"path": what /upload returned, "meta": {"_type": "gradio.FileData"}}.',
            '照片应写作 {"path": /upload 返回的路径, "meta": {"_type": "gradio.FileData"}}。',
        )
    return Path(file["path"])


def words(key: str) -> str:
    """The mark that the browser replaces by STRINGS[key] in its own language."""
    return str(I18N(MARK + key))


def photo_input(**options: Any) -> gr.Image:
    """An image input that hands over the file as it came.

    Gradio would open it first, and fail without a word to the visitor where it cannot. Judging and
    decoding a stranger's file is the business of `read_photo` alone. Hide it with a column around
    it: an update of the component itself would make a new one that Gradio opens files for.
    """
    component = gr.Image(type="filepath", image_mode=None, **options)
    setattr(component, "preprocess", lambda payload: payload.path if payload else None)  # noqa: B010
    return component


def example_gallery(columns: int, elem_id: str) -> gr.Gallery:
    """The examples to click, as many in a row on a wide screen."""
    return gr.Gallery(
        thumbs("en"),
        show_label=False,
        columns=columns,
        height="auto",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id=elem_id,
    )


def language_of(request: gr.Request) -> Language:
    """The language of a visitor's page."""
    return preferred_language(request.headers.get("accept-language", ""))


def present(state: Remembered | None, request: gr.Request) -> Remembered:
    """What a page remembers, which Gradio drops when the page was left alone for too long."""
    if state is None:
        raise gr.Error(STRINGS["gone"].in_language(language_of(request)), print_exception=False)
    return state


def check_remembered(desk: PhotoState | None, is_open: bool, request: gr.Request) -> None:
    """Tell who has a photo open that it was left alone for too long and is not here any more."""
    if is_open:
        present(desk, request)


def preparing() -> Any:
    """The download button while its file is made."""
    return gr.DownloadButton(words("preparing"), value=None, interactive=False)


def no_file() -> Any:
    """The download button with nothing behind it."""
    return gr.DownloadButton(words("download"), value=None, interactive=False)


@contextmanager
def explained(request: gr.Request) -> Iterator[None]:
    """Tell the visitor, in his language, what became of an error; the page stays as it was."""
    try:
        with translate_memory_errors():
            yield
    except KoutuError as error:
        raise gr.Error(error.in_language(language_of(request)), print_exception=False) from error


@cache
def gallery() -> list[dict[str, str]]:
    """The examples in the order of the page: file, en, zh."""
    entries: list[dict[str, str]] = json.loads((EXAMPLES / "gallery.json").read_text("utf-8"))
    return entries


def thumbs(language: Language) -> list[tuple[Path, str]]:
    """The examples as a gallery shows them: reduced copy, caption."""
    folder = EXAMPLES / "thumbs"
    return [(folder / f"{Path(e['file']).stem}.webp", e[language]) for e in gallery()]


@cache
def prepared(example: int) -> tuple[Column, ...]:
    """What was compared beforehand on an example, by its place in the gallery."""
    return read_prepared(EXAMPLES / "compare")[gallery()[example]["file"]]


def _keep(name: str, data: bytes) -> str:
    """Put a file where the page can fetch it until it is swept away; its path.

    Raises:
        StorageFull: visitors' files are too many, or the disk takes no more.
    """
    folder = get_upload_folder()
    with translate_disk_errors():
        check_free_space(Path(folder), len(data))
        return str(save_bytes_to_cache(data, name, folder))


def _replace(made: tuple[str, ...], name: str, data: bytes) -> tuple[str, ...]:
    """Keep a file in place of the one before the last; the paths of the last and of this one.

    The last may be on its way to the visitor just now. In a folder of its own: what is kept by its
    content may be another visitor's as well.

    Raises:
        StorageFull: as `_keep`; the one before the last is gone then, too.
    """
    for former in made[:-1]:
        with suppress(OSError):  # it was swept away, or Windows has it open: so it is swept later
            Path(former).unlink()
            Path(former).parent.rmdir()
    path = _place(name)
    with translate_disk_errors():
        check_free_space(Path(get_upload_folder()), len(data))
        path.write_bytes(data)
    return (*made[-1:], str(path))


def _place(name: str) -> Path:
    """Where a file may be written bit by bit, to be fetched and swept away like those kept.

    Raises:
        StorageFull: the disk takes no more.
    """
    path = Path(get_upload_folder()) / token_hex() / name
    with translate_disk_errors():
        path.parent.mkdir(parents=True)
    return path


def _credentials(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("write it as USER:PASSWORD")
    return user, password


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="Koutu: click it, cut it out.")
    add = parser.add_argument
    add(
        "--model",
        action="append",
        metavar="NAME",
        help="bundled name, model folder, or hf:OWNER/NAME[@REVISION]; may be given again, for the "
        "menu (default: those that KOUTU_MODELS names, else compact)",
    )
    add("--engine", type=engine, default="auto", help=ENGINES)
    add("--precision", help="of the artifact, such as fp32 or int8 (default: the card's first)")
    add("--threads", type=count, default=0, help="for onnxruntime (default: all cores)")
    # No defaults of our own below: where a flag is not given, Gradio's environment variables count.
    add("--share", action="store_true", help="a public link for a week; implies --public")
    add("--share-server-address", metavar="HOST:PORT", help="a share server of your own")
    add("--public", action="store_true", help="tighter limits and a rate, for strangers")
    add("--host", help="address to listen on (default: 127.0.0.1; 0.0.0.0 for the whole network)")
    add("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    add("--auth", type=_credentials, metavar="USER:PASSWORD", help="ask visitors for this")
    return parser


@asynccontextmanager
async def housekeeping(served: App) -> AsyncIterator[None]:
    """Keep the footer's promise as long as the page runs, and leave nothing when it ends.

    Not by Gradio's `delete_cache`: one event that names the folder itself ends that for good.
    """
    folder = Path(get_upload_folder())

    async def sweep_on() -> None:
        seen = NOTHING_SEEN
        while True:
            seen = await asyncio.to_thread(sweep, folder, KEEP_SECONDS, seen)
            await asyncio.sleep(SWEEP_SECONDS)

    def connections() -> list[Any]:
        # Gradio names its server once that has answered.
        server = getattr(served.get_blocks(), "server", None)
        return list(server.server_state.connections) if server else []

    tasks = [
        asyncio.create_task(chore) for chore in (sweep_on(), close_idle_connections(connections))
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        sweep(folder, -1)


def serve(ui: gr.Blocks, rules: PagePolicy = PRIVATE_PAGE, **options: Any) -> str:
    """Launch the page in the background with what holds wherever it runs; its address.

    Without Gradio's `max_file_size`: it refuses in English alone, and all of a batch for one photo.
    What is read of a photo has its limit in `read_photo`.
    """
    folder = Path(get_upload_folder())
    guarded = middleware(folder, rules, behind_proxies=bool(get_space()))
    _, address, _ = ui.launch(
        footer_links=["api", "gradio"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        auth_message=f"{LOGIN.zh}<br>{LOGIN.en}",
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        i18n=I18N,
        theme=theme(),
        css=CSS,
        js=SPOKEN,
        app_kwargs={"lifespan": housekeeping, "middleware": guarded},
        **options,
    )
    return str(address)


def share(ui: gr.Blocks, server: str | None) -> Text:
    """Ask a share server for a public link; what to tell about it.

    Args:
        ui: the page, served.
        server: HOST:PORT of the operator's own; None takes Gradio's.
    """
    own = server or networking.GRADIO_SHARE_SERVER_ADDRESS
    try:
        link = networking.setup_tunnel(
            str(ui.server_name), int(ui.server_port), ui.share_token, own, None
        )
    except Exception as error:  # what may befall Gradio's tunnel shares no base class
        reason, there = why_not_shared(error), Path(tunneling.BINARY_PATH)
        facts = {"url": tunneling.BINARY_URL, "path": there}
        return Text(
            NOT_SHARED.en.format(reason=reason.en, **facts),
            NOT_SHARED.zh.format(reason=reason.zh, **facts),
        )
    if not own:
        link = link.replace("http://", "https://")
    return Text(SHARED.en.format(link=link), SHARED.zh.format(link=link))


def why_not_shared(error: Exception) -> Text:
    """What befell Gradio's tunnel."""
    frpc = Path(tunneling.BINARY_PATH)
    match error:
        case ChecksumMismatchError():
            frpc.unlink()  # Gradio leaves it there, and would run it the next time
            return Text("frpc was altered on its way", "下载的 frpc 校验不符")
        case ShareCertificateWriteError():
            return Text("the current folder cannot be written", "当前文件夹不可写")
        case RuntimeError():
            return Text("api.gradio.app cannot be reached", "无法访问 api.gradio.app")
        case PermissionError() if frpc.exists():
            return Text(f"{frpc} may not be run", f"{frpc} 没有执行权限")
        case _ if not frpc.exists():
            return Text("frpc is missing and cannot be downloaded", "缺少 frpc，且无法下载")
        case _:
            return Text("the share server did not take the page", "分享服务器未接受连接")


def tell(text: Text) -> None:
    """Say something in the terminal, in both languages."""
    print(f"{text.en}\n{text.zh}", flush=True)


def reach_ourselves() -> None:
    """Keep Gradio's look at its own page off the operator's proxy, which cannot reach it."""
    direct = os.environ.get("no_proxy", os.environ.get("NO_PROXY"))
    os.environ["no_proxy"] = ",".join(filter(None, (direct, "127.0.0.1", "localhost")))


def theme() -> gr.themes.Base:
    """Gradio's soft theme, with fonts that are there and text that can be read by weak eyes."""
    indigo = vars(gr.themes.colors.indigo)
    # A step darker where it bears text.
    accent = gr.themes.Color(**{**indigo, "c500": indigo["c600"], "name": "accent"})
    soft = gr.themes.Soft(primary_hue=accent, font=FONTS, font_mono=("ui-monospace", "monospace"))
    return soft.set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until it is stopped; 0 when stopped, 1 when it could not start."""
    args = parser().parse_args(argv)
    try:
        # A Space has no command line.
        wanted = args.model or os.environ.get("KOUTU_MODELS", "").split() or ["compact"]
        cards, missing = available_models(wanted, MODELS, args.engine, args.precision)
        for error in missing:
            tell(error.text)
        shelf = ModelRegistry(cards, args.engine, args.precision, args.threads)
        if not missing:  # else another model stands in, in a precision of its own
            shelf.segmenter(precision=args.precision)
        if args.engine != "auto":
            shelf.segmenter().open()
        # Visitors read no path or repository of the operator's.
        notices = (STRINGS["model_missing"],) if missing else ()
        with temporary_uploads_folder(
            Path(os.environ.get("GRADIO_TEMP_DIR") or gettempdir())
        ) as room:
            os.environ["GRADIO_TEMP_DIR"] = str(room)
            return serve_until_stopped(args, shelf, notices)
    except KoutuError as error:
        print(f"{error.text.en}\n{error.text.zh}", file=sys.stderr)
        return 1


def wants_link(args: argparse.Namespace) -> bool:
    """Whether a share server is to be asked; a Space is public without."""
    wanted = args.share or os.getenv("GRADIO_SHARE", "").lower() == "true"
    return wanted and get_space() is None


def rules_for(args: argparse.Namespace) -> PagePolicy:
    """The rules for whoever can come: strangers, wherever the page is public."""
    return PUBLIC_PAGE if args.public or wants_link(args) or get_space() else PRIVATE_PAGE


def serve_until_stopped(
    args: argparse.Namespace, shelf: ModelRegistry, notices: Sequence[Text]
) -> int:
    """Serve the page as the command line says, and close what was opened; the exit code."""
    rules = rules_for(args)
    ui = build_ui(Page(shelf, rules.limits, notices), rules)
    # What stops a container or a service ends the page as Ctrl-C does: files swept, device given
    # back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    reach_ourselves()
    try:
        address = serve(ui, rules, server_name=args.host, server_port=args.port, auth=args.auth)
    except OSError:  # Gradio's, of every port or address it cannot have
        print(f"{NOT_SERVED.en}\n{NOT_SERVED.zh}", file=sys.stderr)
        shelf.close()
        return 1
    print(f"Koutu 抠图: {address}", flush=True)
    if wants_link(args):
        # Beside the page, which works while a far server lets one wait.
        ask = threading.Thread(
            target=lambda: tell(share(ui, args.share_server_address)), daemon=True
        )
        ask.start()
    ui.block_thread()
    shelf.close()
    return 0


if __name__ == "__main__":
    # A terminal without Chinese letters is no reason to stop.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
