"""The handlers of the tab that compares settings. Each takes and returns values by component."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segmentation.compositing.matting.alpha import Edge
from segmentation.cutout import CutoutOptions
from segmentation.i18n import Language
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.registry import ModelVariant
from segmentation.page.compare_tab.columns import (
    LETTERS,
    Column,
    draw_columns,
    figures_table,
    legend,
    read_prepared,
    side_by_side,
)
from segmentation.page.compare_tab.compare import (
    Setting,
    compare,
    segment_with_variants,
    variants_of,
)
from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.compare_tab.memory import recall_settings, remember_settings
from segmentation.page.components import (
    EXAMPLES,
    PROGRESS,
    PageContext,
    Updates,
    Values,
    gallery,
    language_of,
    require,
    selected_index,
    skip,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.server.files.downloads import store_image
from segmentation.page.session import PhotoState
from segmentation.page.strings import STRINGS


class CompareEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
        cutout: has the photo that is open on the tab for one photo.
        variants: the choices of the menus.
        memory: what the browser keeps of the settings.
    """

    def __init__(
        self,
        context: PageContext,
        layout: CompareLayout,
        cutout: CutoutLayout,
        variants: Sequence[ModelVariant],
        memory: gr.BrowserState,
    ) -> None:
        self._context = context
        self._layout = layout
        self._cutout = cutout
        self._variants = {variant_name(variant): variant for variant in variants}
        self._memory = memory

    def greet(self, values: Values, request: gr.Request) -> Updates:
        """Show the tab in the visitor's language, with the settings of the last visit.

        It begins with the comparison of the first example.
        """
        layout, language = self._layout, language_of(request)
        choices = variant_choices(self._variants.values(), language)
        kept: dict[Block, Any] = {item: item.value for item in layout.controls}
        kept.update(recall_settings(layout.controls, values[self._memory]))
        menus: Updates = {
            menu: gr.Dropdown(choices=choices, value=kept[menu])
            for menu in (controls["variant"] for controls in layout.settings)
        }
        return {
            layout.columns: prepared(layout.example.value),
            **kept,
            **menus,
            **self.show_settings(kept),
        }

    def remember(self, values: Values) -> Updates:
        """Let the browser keep the settings."""
        return {self._memory: remember_settings(self._layout.controls, values)}

    def open_example(self, event: gr.EventData) -> Updates:
        """Show the comparison of the example that was clicked, which was made in advance."""
        index = selected_index(event, gallery())
        return {self._layout.example: index, self._layout.columns: prepared(index)}

    def show_settings(self, values: Values) -> Updates:
        """Show the controls of as many settings as are compared."""
        count = values[self._layout.count]
        tabs = self._layout.setting_tabs
        return {tab: gr.Tab(visible=index < count) for index, tab in enumerate(tabs)}

    def compare_example(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Updates]:
        """Compare the settings on the example that was opened last."""
        with translate_errors(request):
            path = EXAMPLES / gallery()[values[self._layout.example]]["file"]
            photo = read_photo(path, self._context.limits)
            yield from self._compare(photo, None, values, request, progress)

    def compare_mine(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Updates]:
        """Compare the settings on the objects that are selected on the tab for one photo."""
        if not values[self._cutout.is_open]:
            gr.Warning(STRINGS["no_photo"].in_language(language_of(request)))
            return
        state: PhotoState = require(values[self._cutout.photo_state], request)
        with translate_errors(request):
            photo = self._context.photos.read(state.path)
            selection = state.segmentation, state.selected(values[self._cutout.min_score])
            yield from self._compare(photo, selection, values, request, progress)

    def show(self, values: Values, request: gr.Request) -> Updates:
        """Show a comparison: all side by side, the figures, and the second against the first."""
        layout, language = self._layout, language_of(request)
        columns: Sequence[Column] | None = values[layout.columns]
        if columns is None:
            return skip()
        return {
            layout.side_by_side: side_by_side(columns, language),
            layout.figures: figures_table(columns, language),
            **self._pair(columns, 1, language),
        }

    def show_against_first(
        self, values: Values, event: gr.EventData, request: gr.Request
    ) -> Updates:
        """Show the cut-out that was clicked against the first one.

        Raises:
            gr.Error: the server dropped the comparison.
        """
        language = language_of(request)
        columns: Sequence[Column] = require(values[self._layout.columns], request)
        if not Path(columns[0].image).exists():
            raise gr.Error(STRINGS["photo_deleted"].in_language(language), print_exception=False)
        return self._pair(columns, selected_index(event, columns) or 1, language)

    def _compare(
        self,
        photo: Photo,
        selection: tuple[Any, Sequence[int]] | None,
        values: Values,
        request: gr.Request,
        progress: gr.Progress,
    ) -> Iterator[Updates]:
        """Yield after each variant, so that cancelling waits for one only; then the columns."""
        layout, language = self._layout, language_of(request)
        settings = [
            self._setting(controls, values) for controls in layout.settings[: values[layout.count]]
        ]
        text = STRINGS["comparing"].in_language(language)
        progress(0, text)
        results = []
        for result in segment_with_variants(self._context.registry, photo, settings, selection):
            results.append(result)
            progress(len(results) / (len(variants_of(settings)) + 1), text)
            yield skip()
        comparison = compare(photo, settings, results)
        for notice in {notice for cutout in comparison.cutouts for notice in cutout.notices}:
            gr.Warning(notice.in_language(language))
        yield {layout.columns: draw_columns(comparison, store_image)}

    def _setting(self, controls: Mapping[str, Component], values: Values) -> Setting:
        chosen = {name: values[component] for name, component in controls.items()}
        edge = Edge(chosen["softness"], chosen["grow"], chosen["fine_hair"])
        options = CutoutOptions(refine=chosen["refine"], edge=edge)
        return Setting(self._variants[chosen["variant"]], options)

    def _pair(self, columns: Sequence[Column], index: int, language: Language) -> Updates:
        layout, column = self._layout, columns[index]
        return {
            layout.pair: (columns[0].image, column.image),
            layout.difference: column.difference,
            layout.legend: legend(LETTERS[index], language),
        }


def variant_choices(variants: Iterable[ModelVariant], language: Language) -> list[tuple[str, str]]:
    """Return the variants as a menu shows them: title, name."""
    return [(variant.title.in_language(language), variant_name(variant)) for variant in variants]


def variant_name(variant: ModelVariant) -> str:
    """Name a variant, whatever its place in the menu: browsers remember which was chosen."""
    return "/".join((variant.model, variant.precision or "", variant.engine or ""))


@cache
def prepared(example: int) -> tuple[Column, ...]:
    """Return the comparison of an example that was made in advance, by its place in the gallery."""
    return read_prepared(EXAMPLES / "compare")[gallery()[example]["file"]]
