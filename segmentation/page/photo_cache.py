"""Decoded photos and results of the visitors at work: each is decoded once, not at each click."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.i18n import Text
from segmentation.image.photo import Limits, Photo
from segmentation.page.preview import reduce_photo
from segmentation.page.server.files.uploads import read_upload
from segmentation.page.strings import STRINGS

# Two photos of 50 megapixels, or some thirty of 4: three bytes a pixel, one more with transparency.
MAX_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class CachedPhoto:
    """A decoded photo.

    Attributes:
        photo: at its own size.
        preview: reduced for the page, see `reduce_photo`.
        bytes: memory used by the pixels of both.
    """

    photo: Photo
    preview: Photo
    bytes: int


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A decoded file that the page made.

    Attributes:
        pixels: uint8 (H, W, 4) with straight alpha, or (H, W, 3).
    """

    pixels: UInt8

    @property
    def bytes(self) -> int:
        """Memory used by the pixels."""
        return self.pixels.nbytes


class PhotoCache:
    """Decoded photos and results by the path of their file; the least recently used are dropped.

    Safe to use from any thread. A file that is deleted from the disk is not served any more; call
    `drop_deleted` from time to time to free its memory.

    Args:
        limits: of each photo.
        max_bytes: of all pixels together.

    Attributes:
        limits: of each photo.
    """

    def __init__(self, limits: Limits, max_bytes: int = MAX_BYTES) -> None:
        self.limits = limits
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, CachedPhoto | CachedResult] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: str, missing: Text = STRINGS["photo_deleted"]) -> Photo:
        """Read a visitor's photo; it is decoded only if it is not in the cache.

        Raises:
            PhotoError: the file was deleted in the meantime, which `missing` says, or is no photo.
            PhotoTooLarge: it exceeds the limits.
        """
        return self.get(path, missing).photo

    def drop_deleted(self) -> None:
        """Drop what was read from files that were deleted."""
        with self._lock:
            for path in [path for path in self._entries if not Path(path).exists()]:
                del self._entries[path]

    @property
    def bytes(self) -> int:
        """Memory used by the pixels of everything in the cache."""
        with self._lock:
            return sum(entry.bytes for entry in self._entries.values())

    def get(self, path: str, missing: Text = STRINGS["photo_deleted"]) -> CachedPhoto:
        """Read a visitor's photo and its preview; errors as `read`."""
        entry = self._find(path)
        if isinstance(entry, CachedPhoto):
            return entry
        photo = read_upload(path, self.limits, missing)
        preview = reduce_photo(photo)
        entry = CachedPhoto(photo, preview, _bytes_of(photo) + _bytes_of(preview))
        self._keep(path, entry)
        return entry

    def read_result(self, path: str) -> UInt8 | None:
        """Read a file that the page made.

        Returns:
            uint8 (H, W, 4) with straight alpha, or (H, W, 3); None if the file was deleted.
        """
        entry = self._find(path)
        if isinstance(entry, CachedResult):
            return entry.pixels
        pixels: Any = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        if pixels is None:
            return None
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        result = CachedResult(np.asarray(cv2.cvtColor(pixels, code), np.uint8))
        self._keep(path, result)
        return result.pixels

    def _find(self, path: str) -> CachedPhoto | CachedResult | None:
        with self._lock:
            entry = self._entries.get(path)
            if entry is None or not Path(path).exists():
                return None
            self._entries.move_to_end(path)
            return entry

    def _keep(self, path: str, entry: CachedPhoto | CachedResult) -> None:
        with self._lock:
            self._entries[path] = entry
            self._entries.move_to_end(path)
            while sum(kept.bytes for kept in self._entries.values()) > self._max_bytes:
                self._entries.popitem(last=False)


def _bytes_of(photo: Photo) -> int:
    return photo.rgb.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)
