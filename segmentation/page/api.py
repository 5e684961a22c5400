"""The two calls that the page publishes for programs: `/segment` and `/cutout`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.events import api

from segmentation.arrays import SizeHW
from segmentation.cutout import cut_out_photo
from segmentation.errors import ChoiceError, PhotoError
from segmentation.i18n import Text
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import check_objects, select
from segmentation.page.components import PageContext, language_of, translate_errors
from segmentation.page.gradio_internals.files import is_file
from segmentation.page.overlay import draw_instances
from segmentation.page.preview import reduce_photo
from segmentation.page.server.files.downloads import store_file, store_image
from segmentation.page.server.limits.client_presence import check_client
from segmentation.page.strings import STRINGS
from segmentation.text_options import TextOptions

Function = TypeVar("Function", bound=Callable[..., Any])
# What the page publishes about the arguments of both calls.
ARGUMENTS = {
    "photo": "the upload.",
    "objects": "auto, largest, all; labels such as dog,cat; numbers such as 1,3; or at:X,Y.",
    "keep": "brush strokes that belong to the cut-out: X,Y[,RADIUS];X,Y... in shares.",
    "erase": "brush strokes that do not belong to it, written likewise.",
    "strokes_mask": "the upload of a mask over the photo: white keeps, black erases.",
    "background": "transparent, a colour (#RRGGBB or CSS name), gradient:COLOUR,COLOUR or blur.",
    "backdrop": "the upload of another photo to put behind the objects.",
    "fit": "of the backdrop, cover or contain.",
    "place": "SCALE,X,Y puts the objects into the backdrop, which keeps its size.",
    "softness": "of the edge, -1 (hard) to 1 (soft).",
    "grow": "the edge by thousandths of the photo, -20 to 20.",
    "fine_hair": "look for strands outside the outline.",
    "outline": "WIDTH,#RRGGBB, the width in percent of the objects.",
    "shadow": "draw a soft one.",
    "crop": "subject, square or portrait; by default the photo's own frame.",
    "size": "such as 295x413, 35x45mm or 2x2in, or shop-1000, shop-1600 or shop-2000.",
    "longest": "pixels of the longer side, instead of size.",
    "id": "format of an ID photo such as cn-1inch, instead of size.",
    "margin": "around the subject of a size, in percent.",
    "dpi": "dots per inch of the file.",
    "sheet": "fill 6-inch photo paper with copies.",
    "format": "png, webp or jpeg (or jpg).",
    "quality": "1 to 100 of webp and jpeg.",
    "max_kb": "the largest file, in kB.",
    "threshold": "minimum score of an object, 0 to 1; by default the model's.",
    "one_look": "leave out the second, closer look.",
    "model": "one of the page's; by default the first.",
}


def publish_api(context: PageContext) -> None:
    """Publish the calls of a page, inside its `gr.Blocks`."""
    calls = Calls(context)
    api(calls.segment, api_name="segment", **context.device_queue)
    api(calls.cutout, api_name="cutout", **context.device_queue)


def describe_arguments(call: Function) -> Function:
    """Add the descriptions of its arguments to the docstring of a call, which Gradio publishes."""
    names = [name for name in inspect.signature(call).parameters if name in ARGUMENTS]
    lines = "".join(f"\n    {name}: {ARGUMENTS[name]}" for name in names)
    call.__doc__ = f"{call.__doc__}\n\nArgs:{lines}"
    return call


class Calls:
    """The calls. Gradio publishes their parameters and docstrings.

    Args:
        context: models and limits.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @describe_arguments
    def segment(
        self,
        photo: gr.FileData,
        request: gr.Request,
        threshold: float | None = None,
        model: str | None = None,
    ) -> tuple[dict[str, Any], gr.FileData]:
        """Find the objects in a photo: what they are and where, and the photo with them on it."""
        language = language_of(request)
        with translate_errors(request):
            options = TextOptions(threshold=threshold)
            segmenter = self._context.registry.segmenter(model)
            source = read_photo(upload_path(photo), self._context.limits)
            check_client()
            segmentation, _ = segmenter.segment(source, options.threshold)
            check_client()
            chosen = select(segmentation, "auto")
            drawn = draw_instances(reduce_photo(source).on_white, segmentation, chosen)
            path = store_image(f"{source.stem}_objects", drawn)
        report = {
            "size_hw": source.hw,
            "instances": [instance.as_json() for instance in segmentation.instances],
            "chosen": chosen,
            "model": segmenter.card.name,
            "device": segmenter.device,
            "notices": [notice.in_language(language) for notice in source.notices],
        }
        return report, gr.FileData(path=path)

    @describe_arguments
    def cutout(
        self,
        photo: gr.FileData,
        request: gr.Request,
        objects: str = "auto",
        keep: str | None = None,
        erase: str | None = None,
        strokes_mask: gr.FileData | None = None,
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
        size: str | None = None,
        longest: int | None = None,
        id: str | None = None,  # noqa: A002  (the name that callers use)
        margin: float | None = None,
        dpi: float | None = None,
        sheet: bool = False,
        format: str = "png",  # noqa: A002  (the name that callers use)
        quality: int | None = None,
        max_kb: float | None = None,
        threshold: float | None = None,
        one_look: bool = False,
        model: str | None = None,
    ) -> tuple[gr.FileData, dict[str, Any]]:
        """Cut objects out of a photo; options are those of the command line's flags."""
        return self._cut_out(locals())

    def _cut_out(self, arguments: dict[str, Any]) -> tuple[gr.FileData, dict[str, Any]]:
        """Cut out what the arguments of `cutout` say, by name."""
        request: gr.Request = arguments["request"]
        with translate_errors(request):
            # Every argument but the files and the model is an option of the same name.
            names = {field.name for field in fields(TextOptions)} & {*arguments}
            options = TextOptions(**{name: arguments[name] for name in names})
            segmenter = self._context.registry.segmenter(arguments["model"])
            backdrop, strokes_mask = (
                None if arguments[name] is None else upload_path(arguments[name])
                for name in ("backdrop", "strokes_mask")
            )
            photo, limits = upload_path(arguments["photo"]), self._context.limits
            file = cut_out_upload(options, segmenter, photo, backdrop, limits, strokes_mask)
            path = store_file(file.name, file.data)
        language = language_of(request)
        report = {
            "size_hw": file.size_hw,
            "chosen": file.chosen,
            "notices": [notice.in_language(language) for notice in file.notices],
        }
        return gr.FileData(path=path, orig_name=file.name), report


@dataclass(frozen=True, slots=True, eq=False)
class CutoutFile:
    """The file of a cut-out.

    Attributes:
        name: after the photo.
        data: the bytes.
        size_hw: height and width of the image.
        chosen: ids of the objects that were cut out.
        notices: what a person should know about the photo and the cut-out.
    """

    name: str
    data: bytes
    size_hw: SizeHW
    chosen: tuple[int, ...]
    notices: tuple[Text, ...]


def cut_out_upload(
    options: TextOptions,
    segmenter: Segmenter,
    path: Path,
    backdrop: Path | None,
    limits: Limits,
    strokes_mask: Path | None = None,
) -> CutoutFile:
    """Cut objects out of an uploaded photo.

    Args:
        options: what to cut out, and what to make of it.
        segmenter: finds the objects.
        path: of the photo.
        backdrop: of another photo behind the objects.
        limits: of all pictures.
        strokes_mask: of a mask file, see `mask_corrections`.

    Raises:
        KoutuError: an option cannot be fulfilled, or the photo cannot be processed.
    """
    check_objects(options.objects, segmenter.card.object_labels)
    behind: Photo | None = None if backdrop is None else read_photo(backdrop, limits)
    masks = [] if strokes_mask is None else [read_photo(strokes_mask, limits)]
    cutout_options = options.to_cutout_options(behind, masks)
    check_client()
    photo = read_photo(path, limits)
    check_client()
    outcome = cut_out_photo(segmenter, photo, cutout_options)
    cutout = outcome.cutout
    if cutout is None:
        raise _nothing_to_cut_out(len(outcome.segmentation.instances))
    check_client()
    height, width = cutout.image.shape[:2]
    name, data = cutout.file_name(photo.stem), cutout.encode(limits.encoding_seconds)
    return CutoutFile(name, data, (height, width), outcome.ids, outcome.notices)


def upload_path(file: Any) -> Path:
    """Return the path of an upload that a program names.

    Raises:
        PhotoError: the value does not name a file. A value without the mark of a file was not
            checked to be an upload.
    """
    if not is_file(file):
        raise PhotoError(
            'A photo is {"path": what /upload returned, "meta": {"_type": "gradio.FileData"}}.',
            '照片应写作 {"path": /upload 返回的路径, "meta": {"_type": "gradio.FileData"}}。',
        )
    return Path(file["path"])


def _nothing_to_cut_out(count: int) -> ChoiceError:
    if count == 0:
        return ChoiceError(STRINGS["no_objects"].en, STRINGS["no_objects"].zh)
    return ChoiceError(
        f"None of the {count} objects found is what `objects` asks for.",
        f"找到的 {count} 个物体都不符合 objects 的要求。",
    )
