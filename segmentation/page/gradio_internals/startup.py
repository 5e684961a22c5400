"""The import of Gradio and the building of a page, without what neither needs."""

import gc
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segmentation.page.gradio_internals.variables import SERVER_PORT


def import_gradio() -> None:
    """Import the modules of Gradio that read the port, without it: `choose_address` checks it."""
    port = os.environ.pop(SERVER_PORT, None)
    try:
        with no_garbage_collection(), no_stub_files():
            import gradio.http_server
            import gradio.node_server  # noqa: F401
    finally:
        if port is not None:
            os.environ[SERVER_PORT] = port


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect no garbage in the block, and later leave out what is there at its end.

    Modules stay for good. Going through them again and again took 15 % of the processor time of
    the import.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def no_stub_files() -> Iterator[None]:
    """Keep Gradio from writing the stub file of each component that is defined in the block.

    It parses the source and the stub of each component for this, which took 40 % of the processor
    time of its import; the stubs come with its package. It skips a component that has no file.
    """
    getfile = inspect.getfile

    def getfile_of_others(value: Any) -> str:
        if type(value).__name__ == "ComponentMeta":
            raise OSError
        return getfile(value)

    setattr(inspect, "getfile", getfile_of_others)  # noqa: B010
    try:
        yield
    finally:
        setattr(inspect, "getfile", getfile)  # noqa: B010


@contextmanager
def no_web_applications() -> Iterator[None]:
    """Keep Gradio from making a web application when a page is begun, and when it is complete.

    Nothing uses these two, which take as long as all components: `launch` makes its own.
    """
    from gradio.routes import App

    create = App.create_app
    setattr(App, "create_app", staticmethod(lambda *_, **__: None))  # noqa: B010
    try:
        yield
    finally:
        setattr(App, "create_app", staticmethod(create))  # noqa: B010
