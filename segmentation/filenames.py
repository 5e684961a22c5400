"""Where the command line's results go, and in which format."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from segmentation.errors import ChoiceError
from segmentation.image.read import safe_stem
from segmentation.image.write import ENDINGS, Format

# What a name for the result must not promise.
OTHER_ENDINGS = (".avif", ".gif", ".bmp", ".tif", ".tiff", ".heic")


def output_format(output: Path, format_: Format | None) -> Format:
    """The format that --format or the ending of -o names, if they agree; PNG if neither does.

    Raises:
        ChoiceError: they do not agree, or the ending is that of another kind of image.
    """
    if output.is_dir():
        return format_ or "png"
    ending = output.suffix.lower()
    if ending in OTHER_ENDINGS:
        raise ChoiceError(
            f"Cut-outs are PNG, WebP or JPEG files: name {output.name} so, or give a folder.",
            f"抠图结果是 PNG、WebP 或 JPEG 文件：请修改 {output.name} 的扩展名，或给出文件夹。",
        )
    named = ENDINGS.get(ending)
    if format_ and named and format_ != named:
        raise ChoiceError(
            f"{output.name} does not end like a {format_} file. Change -o or --format.",
            f"{output.name} 的扩展名与 {format_} 格式不符。请修改 -o 或 --format。",
        )
    return format_ or named or "png"


def check_output(output: Path, photos: Sequence[Path], each: bool = False) -> None:
    """Refuse one file for several results, or the photo itself as the result.

    Raises:
        ChoiceError: several photos, or each object by itself, for one file; or the photo's own.
    """
    if not _is_file_name(output):
        return
    if each:
        raise ChoiceError(
            f"--each writes a file for every object, not one {output.name}. Give a folder.",
            f"--each 会为每个物体写一个文件，不能只用 {output.name}。请给出文件夹。",
        )
    if output.exists() and any(photo.exists() and output.samefile(photo) for photo in photos):
        raise ChoiceError(
            f"{output.name} is the photo itself. Give the result another name.",
            f"{output.name} 就是原照片。请给结果换一个名字。",
        )
    if len(photos) > 1:
        raise ChoiceError(
            f"{len(photos)} photos do not fit into one file {output.name}. Give a folder.",
            f"{len(photos)} 张照片不能写入同一个文件 {output.name}。请给出文件夹。",
        )


def targets(
    photos: Sequence[Path], output: Path, format_: Format = "png"
) -> Iterator[tuple[Path, Path]]:
    """Each photo with the file to write for it; no two photos share one.

    Args:
        photos: the photos, in order.
        output: a file for a single photo, or a folder, made when it is first needed.
        format_: of the files.
    """
    if _is_file_name(output):
        yield photos[0], output
        return
    taken: set[str] = set()
    for photo in photos:
        stem = first = safe_stem(photo.name)
        number = 2
        while stem.casefold() in taken:  # some file systems take A and a for one
            stem, number = f"{first}_{number}", number + 1
        taken.add(stem.casefold())
        yield photo, output / f"{stem}_cutout{file_extension(format_)}"


def file_extension(format_: Format) -> str:
    """The usual file name ending of a format."""
    return next(ending for ending, format_of in ENDINGS.items() if format_of == format_)


def _is_file_name(output: Path) -> bool:
    return output.suffix.lower() in ENDINGS and not output.is_dir()
