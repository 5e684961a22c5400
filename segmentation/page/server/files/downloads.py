"""Files that the page makes for visitors to download."""

import os
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from segmentation.arrays import UInt8
from segmentation.image.write import encode
from segmentation.page.gradio_internals.files import upload_folder
from segmentation.page.server.client_address import current_network
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import translate_disk_errors, usage_of


def store_file(name: str, data: bytes) -> str:
    """Store a file from where the page serves it until it is swept.

    Args:
        name: its name for the visitor.
        data: its content; files of the same name and content are one file of their network.

    Returns:
        Its path.

    Raises:
        StorageFull: there is no space for the file, or it cannot be written.
    """
    digest = sha256(current_network.get().encode() + b"\0" + data).hexdigest()
    path = upload_folder() / digest / name
    with suppress(OSError):
        os.utime(path)  # an equal file, which may be on its way to a visitor
        owners_of(upload_folder()).add(current_network.get(), path)
        return str(path)
    return _write(path, data)


def store_image(stem: str, image: UInt8) -> str:
    """Store an image that the page shows: as PNG if it is transparent, else as JPEG.

    Args:
        stem: its name for the visitor, without an extension.
        image: uint8 (H, W, 4) with straight alpha, or (H, W, 3).

    Returns:
        Its path.

    Raises:
        StorageFull: there is no space for the file, or it cannot be written.
    """
    format_ = _format_of(image)
    return store_file(f"{stem}.{format_}", encode(image, format_))


def replace_image(previous: tuple[str, ...], stem: str, image: UInt8) -> tuple[str, ...]:
    """Store an image that the page shows, and delete the second-last one; see `replace_download`.

    Args:
        previous: the paths that the last call returned; returned again if the image is the same.
        stem, image: see `store_image`; uint8 (H, W, 3 or 4).
    """
    format_ = _format_of(image)
    name, data = f"{stem}.{format_}", encode(image, format_)
    for path in map(Path, previous[-1:]):
        with suppress(OSError):  # it may have been swept
            if path.name == name and path.read_bytes() == data:
                return previous
    return replace_download(previous, name, data)


def replace_download(previous: tuple[str, ...], name: str, data: bytes) -> tuple[str, ...]:
    """Store a new download and delete the second-last one.

    The last one stays, as it may be on its way to the visitor. A download has a folder of its own,
    since a file stored by its content may belong to another visitor too.

    Args:
        previous: the paths that the last call returned.
        name: name of the new file for the visitor.
        data: its content.

    Returns:
        The paths of the last and the new file.

    Raises:
        StorageFull: there is no space for the file, or it cannot be written. The second-last file
            is deleted even then.
    """
    for path in map(Path, previous[:-1]):
        delete_file(path)
    return (*previous[-1:], _write(_new_folder() / name, data))


def delete_file(path: Path) -> None:
    """Delete a stored file, which may have been swept, unless it belongs to another network too."""
    owners_of(upload_folder()).delete(current_network.get(), path)


def hold_files(holder: Path, paths: Collection[Path]) -> None:
    """Keep files that a batch still needs from being deleted to make room for newer ones.

    Args:
        holder: the file that the batch makes; its former hold ends.
        paths: the files; without any there is no hold.
    """
    owners_of(upload_folder()).hold(holder, paths)


def new_file_path(name: str) -> Path:
    """A path to write a file to bit by bit; the page serves the file until it is swept.

    Args:
        name: its name for the visitor.

    Raises:
        StorageFull: its folder cannot be created.
    """
    folder = upload_folder()
    path = _new_folder() / name
    with translate_disk_errors():
        path.parent.mkdir(parents=True)
    usage_of(folder).add_growing_file(path)
    owners_of(folder).add(current_network.get(), path)
    return path


def _new_folder() -> Path:
    return upload_folder() / token_hex()


def _write(path: Path, data: bytes) -> str:
    """Write a file beside its place and move it there, so that nobody reads half of it."""
    folder = upload_folder()
    usage, owners, network = usage_of(folder), owners_of(folder), current_network.get()
    with translate_disk_errors():
        owners.make_room(network, len(data))
        usage.check(len(data))
        usage.add_file(len(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{token_hex()}")
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
    owners.add(network, path)
    return str(path)


def _format_of(image: UInt8) -> str:
    return "png" if image.shape[2] == 4 else "jpeg"
