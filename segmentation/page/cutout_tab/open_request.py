"""A photo that the tab is asked to open: by another tab, or by what the browser remembers."""

from dataclasses import dataclass

from segmentation.page.options import PageOptions


@dataclass(frozen=True, slots=True, eq=False)
class OpenRequest:
    """A photo to open, and how. Each request is unequal to all others, so each one is an event.

    Attributes:
        path: of the upload.
        model: name of the model that finds the objects.
        chosen: ids of the objects to select; empty selects the subject.
        options: values for the controls.
        is_first: whether the page asks for it as it loads, so that a photo that the visitor opened
            in the meantime stays.
    """

    path: str
    model: str
    chosen: tuple[int, ...]
    options: PageOptions
    is_first: bool = False
