"""What the page says about an open photo: its objects, its notices, the next step."""

from segmentation.i18n import Language, Text
from segmentation.inference.postprocess import Instance, Segmentation
from segmentation.model_card import SUBJECT
from segmentation.page.session import PhotoState, Shown
from segmentation.page.strings import STRINGS


def object_choices(segmentation: Segmentation, language: Language) -> list[tuple[str, int]]:
    """Return the objects as a list on the page shows them: description, id.

    The whole subject comes first, where the model finds it.
    """
    ordered = sorted(segmentation.instances, key=lambda item: item.id != segmentation.subject_id)
    return [(describe(instance, language), instance.id) for instance in ordered]


def describe(instance: Instance, language: Language) -> str:
    """Return the entry of an object in a list: number and label."""
    label = STRINGS["whole_subject"] if instance.label == SUBJECT else instance.label
    return f"{instance.id} · {label.in_language(language)}"


def advice(state: PhotoState, shown: Shown) -> tuple[Text, ...]:
    """Return what the visitor should do next, if anything."""
    if shown.has_cutout:
        lacks_backdrop = state.options is not None and state.options.lacks_backdrop
        return (STRINGS["choose_backdrop"],) if lacks_backdrop else ()
    if not state.segmentation.instances:
        return (STRINGS["no_objects"],)
    if not shown.visible.instances:
        return (STRINGS["no_certain_objects"],)
    return (STRINGS["select_one"],)


def notice_lines(state: PhotoState, language: Language) -> str:
    """Return the notices about how the file was read as Markdown, a line for each."""
    return "  \n".join(notice.in_language(language) for notice in state.notices)
