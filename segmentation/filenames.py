"""Paths and formats of the files that the command line reads and writes."""

import os
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path

from segmentation.errors import ChoiceError
from segmentation.i18n import Text
from segmentation.image.formats import (
    OUTPUT_FORMATS,
    Format,
    find_format,
    find_format_by_extension,
    join_titles,
)
from segmentation.image.photo import safe_stem
from segmentation.inference.postprocess import Instance

# Stands for stdin among the photos, and for stdout as the output.
STREAM = Path("-")
# Extensions of photos that results are not written as, unless `OUTPUT_FORMATS` has them.
OTHER_EXTENSIONS = (
    *(".avif", ".avifs", ".heic", ".heif", ".heics", ".heifs", ".hif", ".gif", ".bmp", ".dib"),
    *(".tif", ".tiff", ".jpe", ".jfif", ".apng"),
)
# What `python -m segmentation` adds to the stem of a photo for its own files.
RESULT_SUFFIXES = ("_cutout", "_mask")


def argument_path(text: str) -> Path:
    """Turn an argument into a path; "-" becomes `STREAM`, and "./-" the file of that name."""
    path = Path(text)
    return path.absolute() if path == STREAM and text != "-" else path


def printable(text: str) -> str:
    """Write control characters, line breaks and changes of direction in a text as escapes.

    The name of a file may hold any of them, and would change what the terminal shows.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def expand_photos(arguments: Sequence[Path], recursive: bool = False) -> list[Path]:
    """List the photos that arguments name.

    Args:
        arguments: files, folders, `STREAM`, and patterns such as *.jpg, which the shells of Windows
            do not expand.
        recursive: take the photos in the folders of a folder as well.

    Returns:
        Files and `STREAM` as they are, what a pattern matches, and the photos in a folder. An
        argument that matches nothing stays as it is, so that it can be reported.
    """
    paths: list[Path] = []
    for argument in arguments:
        # os.path and glob: pathlib raises for names that are too long, and for absolute patterns.
        is_pattern = argument != STREAM and not os.path.exists(argument)  # noqa: PTH110
        matches = sorted(glob(str(argument), recursive=True)) if is_pattern else []  # noqa: PTH207
        for path in map(Path, matches) if matches else [argument]:
            photos = _photos_in(path, recursive) if is_folder(path) else []
            paths += photos or [path]
    return paths


def is_folder(path: Path) -> bool:
    """Return whether an argument is a folder, which `STREAM` never is."""
    return path != STREAM and os.path.isdir(path)  # noqa: PTH112 (pathlib raises for long names)


def _photos_in(folder: Path, recursive: bool) -> list[Path]:
    """List the photos in a folder, without hidden files and without the results of earlier runs."""
    photos: list[Path] = []
    for parent, folders, names in os.walk(folder):
        hidden = [name for name in folders if name.startswith(".")]
        folders[:] = sorted({*folders} - {*hidden}) if recursive else []
        visible = [name for name in sorted(names) if not name.startswith(".")]
        photos += [Path(parent, name) for name in visible if _has_photo_extension(name)]
    stems = {safe_stem(photo.name).casefold() for photo in photos}
    return [photo for photo in photos if not _is_result(photo, stems)]


def _has_photo_extension(name: str) -> bool:
    extension = Path(name).suffix.lower()
    return extension in OTHER_EXTENSIONS or find_format_by_extension(extension) is not None


def _is_result(photo: Path, stems: set[str]) -> bool:
    """Whether a file is named like a result of one of the photos with these stems."""
    stem = safe_stem(photo.name).casefold()
    return any(
        stem.endswith(suffix) and stem.removesuffix(suffix) in stems for suffix in RESULT_SUFFIXES
    )


def output_format(output: Path, format_: Format | None) -> Format:
    """Choose the format of the results.

    Args:
        output: a file or a folder, the value of -o.
        format_: the value of --format, or None.

    Returns:
        The format that --format names, else the one of the output's extension, else PNG.

    Raises:
        ChoiceError: format and extension do not agree, or the extension is that of a photo format
            that results are not written as.
    """
    if output == STREAM or output.is_dir():
        return format_ or "png"
    by_extension = find_format_by_extension(output.suffix)
    if by_extension is None:
        if output.suffix.lower() in OTHER_EXTENSIONS:
            raise ChoiceError.from_text(_wrong_extension(output))
        return format_ or "png"
    if format_ and format_ != by_extension.name:
        raise ChoiceError(
            f"{output.name} does not end like a {format_} file. Change -o or --format.",
            f"{output.name} 的扩展名与 {format_} 格式不符。请修改 -o 或 --format。",
        )
    return by_extension.name


def check_output(output: Path, photos: Sequence[Path], each: bool = False) -> None:
    """Check that the output can hold the results and is none of the photos.

    Args:
        output: a file or a folder, the value of -o.
        photos: the photos to cut out.
        each: whether every object gets a file of its own, as with --each.

    Raises:
        ChoiceError: the output is one file for several results, or it is a photo itself.
    """
    if output == STREAM:
        _check_stream(photos, each)
    if not _is_file_name(output):
        return
    if each:
        raise ChoiceError(
            f"--each writes a file for every object, not one {output.name}. Give a folder.",
            f"--each 会为每个物体写一个文件，不能只用 {output.name}。请改用文件夹。",
        )
    if output.exists() and any(photo.exists() and output.samefile(photo) for photo in photos):
        raise ChoiceError(
            f"{output.name} is the photo itself. Give the result another name.",
            f"{output.name} 就是原照片。请给结果换一个名字。",
        )
    if len(photos) > 1:
        raise ChoiceError(
            f"{len(photos)} photos do not fit into one file {output.name}. Give a folder.",
            f"{len(photos)} 张照片不能写入同一个文件 {output.name}。请改用文件夹。",
        )


def output_paths(
    photos: Sequence[Path], output: Path, format_: Format = "png"
) -> Iterator[tuple[Path, Path]]:
    """Pair each photo with the path of its result; no two photos get the same path.

    Args:
        photos: the photos, in order.
        output: a file or `STREAM` for a single photo, or a folder, which need not exist.
        format_: format of the results, a key of `OUTPUT_FORMATS`.

    Yields:
        A photo, and the file to write its result to.

    Raises:
        ChoiceError: there is no such format.
    """
    if output == STREAM or _is_file_name(output):
        yield photos[0], output
        return
    taken: set[str] = set()
    for photo in photos:
        stem = first = "photo" if photo == STREAM else safe_stem(photo.name)
        number = 2
        while stem.casefold() in taken:  # some file systems do not distinguish A from a
            stem, number = f"{first}_{number}", number + 1
        taken.add(stem.casefold())
        yield photo, output / f"{stem}_cutout{file_extension(format_)}"


def file_extension(format_: Format) -> str:
    """Return the usual file name extension of a format, with its dot.

    Raises:
        ChoiceError: there is no such format.
    """
    return find_format(format_).extensions[0]


def _check_stream(photos: Sequence[Path], each: bool) -> None:
    if each or len(photos) > 1:
        raise ChoiceError(
            "-o - writes one file to stdout. Give one photo without --each, or a folder.",
            "-o - 只向标准输出写一个文件。请只给一张照片且不用 --each，或改用文件夹。",
        )


def _is_file_name(output: Path) -> bool:
    return find_format_by_extension(output.suffix) is not None and not output.is_dir()


def _wrong_extension(output: Path) -> Text:
    titles = join_titles(OUTPUT_FORMATS.values())
    return Text(
        f"Cut-outs are {titles.en} files. Give {output.name} such an extension, or give a folder.",
        f"抠图结果是 {titles.zh} 文件。请修改 {output.name} 的扩展名，或改用文件夹。",
    )


def object_filename(stem: str, instance: Instance, format_: Format = "png") -> str:
    """Name the file of one object: <stem>_<id>_<label>.<extension>, the label in English."""
    return f"{stem}_{instance.id}_{safe_stem(instance.label.en)}{file_extension(format_)}"
