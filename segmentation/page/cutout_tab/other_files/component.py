"""A file that the tab for one photo makes on request, besides the file of the result."""

from dataclasses import dataclass
from secrets import token_hex

import gradio as gr
from gradio.blocks import Block

from segmentation.compositing.strokes import Stroke
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement
from segmentation.page.components import STATE_SECONDS, Updates, Values, skip, string
from segmentation.page.options import PageOptions
from segmentation.page.session import PhotoState


@dataclass(frozen=True, slots=True)
class ResultKey:
    """What a result is made of; equal keys mean the same result, but for its refinement.

    Attributes:
        segmentation: has the objects.
        selected: ids of those that are cut out.
        strokes: of the brushes.
        options: values of the controls.
    """

    segmentation: Segmentation
    selected: tuple[int, ...]
    strokes: tuple[Stroke, ...]
    options: PageOptions

    @classmethod
    def of(cls, state: PhotoState, options: PageOptions) -> "ResultKey":
        """Return the key of the result of a photo's state."""
        return cls(state.segmentation, state.selected(options.min_score), state.strokes, options)

    def awaits_refinement(self, newest: Refinement | None) -> bool:
        """Whether the result is to be refined, and the newest refinement is not of its objects."""
        if not (self.options.refine and self.selected):
            return False
        return newest is None or not newest.matches(self.segmentation, self.selected)


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was made.

    Attributes:
        key: of its result.
        path: of the file.
    """

    key: ResultKey
    path: str


class OtherFile:
    """Create the components: a button that asks for the file, and one that downloads it.

    The file belongs to the result that it is asked for. Another result withdraws it; the same
    result, drawn again, leaves it.

    Args:
        make: key in STRINGS of what the first button says.
        download: key in STRINGS of what the other one says.

    Attributes:
        make: the button that asks for the file.
        download: the button that downloads it.
        wanted: the `ResultKey` of the result that the file is asked for, or None.
        made: the `MadeFile` that was made last, or None.
        request: a state that changes when the file is to be made.
        states: what `follow` reads.
        outputs: the components that `ask`, `hide` and `follow` update.
    """

    def __init__(self, make: str, download: str) -> None:
        self._label = string(download)
        self.make = gr.Button(string(make), size="sm")
        self.download = gr.DownloadButton(self._label, visible=False)
        self.wanted = gr.State(None, time_to_live=STATE_SECONDS)
        self.made = gr.State(None, time_to_live=STATE_SECONDS)
        self.request = gr.State(None)
        self.states: list[Block] = [self.wanted, self.made]
        self.outputs: list[Block] = [self.download, self.request, *self.states]

    def ask(self, key: ResultKey, now: bool) -> Updates:
        """Ask for the file of a result: now, or when the result has been refined."""
        preparing = gr.DownloadButton(
            string("preparing"), value=None, interactive=False, visible=True
        )
        requested = self._request() if now else {}
        return {self.wanted: key, self.made: None, self.download: preparing, **requested}

    def follow(self, key: ResultKey, values: Values, is_refined: bool, is_new: bool) -> Updates:
        """Withdraw the file if a result that was drawn is not the one that it is asked for.

        Args:
            key: of the result.
            values: have `wanted` and `made`.
            is_refined: whether the result is as its file will be.
            is_new: whether it was refined just now, so that a former file of it is out of date.
        """
        wanted: ResultKey | None = values[self.wanted]
        made: MadeFile | None = values[self.made]
        if wanted is None:
            return {}
        if wanted != key:
            return self.hide()
        is_missing = is_new or made is None or made.key != key
        return self._request() if is_refined and is_missing else {}

    def show(self, values: Values) -> Updates:
        """Offer the file that was made, if it is still wanted."""
        made: MadeFile | None = values[self.made]
        if made is None or values[self.wanted] != made.key:
            return skip()
        button = gr.DownloadButton(self._label, value=made.path, interactive=True, visible=True)
        return {self.download: button}

    def hide(self) -> Updates:
        """Withdraw the file."""
        return {self.wanted: None, self.download: gr.DownloadButton(visible=False)}

    def _request(self) -> Updates:
        return {self.request: token_hex(8)}
