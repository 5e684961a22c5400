"""Decoded photos and results of the visitors at work: each is decoded once, not at each click.

The newest opacity of the objects is kept as well: another background or crop does not change it.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.matting.stroke_masks import Correction
from segmentation.compositing.matting.stroke_matting import apply_strokes
from segmentation.cutout import CutoutOptions, compute_alpha
from segmentation.i18n import Text
from segmentation.image.photo import Limits, Photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement
from segmentation.page.preview import reduce_photo
from segmentation.page.server.files.uploads import read_upload
from segmentation.page.strings import STRINGS

# Two photos of 50 megapixels, or some twenty of 4: three bytes a pixel, one more with transparency,
# and one for the opacity of the objects.
MAX_BYTES = 400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class KeptAlpha:
    """An opacity of objects.

    Attributes:
        objects: what it was computed of, besides the strokes.
        strokes: those applied, see `apply_strokes`.
        alpha: uint8 (H, W).
    """

    objects: object
    strokes: tuple[Correction, ...]
    alpha: UInt8


class NewestAlpha:
    """The opacity of objects in a photo; the newest one is kept. Safe to use from any thread.

    Args:
        photo: the photo, or a reduced copy of it.
    """

    def __init__(self, photo: Photo) -> None:
        self._photo = photo
        self._newest: KeptAlpha | None = None

    def compute(
        self,
        segmentation: Segmentation,
        ids: Collection[int],
        options: CutoutOptions,
        refinement: Refinement | None,
    ) -> UInt8:
        """Compute the opacity, unless the newest one is of the same; arguments as of `cut_out`.

        Further strokes are applied to the newest one, which takes a fraction of the time.

        Returns:
            uint8 (H, W) of the photo's size, not to be changed.
        """
        if refinement is not None and not refinement.matches(segmentation, ids):
            refinement = None
        objects, strokes = (segmentation, frozenset(ids), refinement, options.edge), options.strokes
        newest = self._newest
        if newest is not None and newest.objects == objects and self._leads_to(newest, strokes):
            added = strokes[len(newest.strokes) :]
            alpha = apply_strokes(newest.alpha, self._photo.rgb, added)
        else:
            alpha = compute_alpha(self._photo, segmentation, ids, refinement, options.edge, strokes)
        self._newest = KeptAlpha(objects, strokes, alpha)
        return alpha

    def _leads_to(self, kept: KeptAlpha, strokes: tuple[Correction, ...]) -> bool:
        """Whether an opacity needs no more than the strokes that are missing, if any."""
        # The transparency of the photo comes after all strokes.
        return kept.strokes == strokes or (
            self._photo.alpha is None and kept.strokes == strokes[: len(kept.strokes)]
        )


@dataclass(frozen=True, slots=True)
class CachedPhoto:
    """A decoded photo.

    Attributes:
        photo: at its own size.
        preview: reduced for the page, see `reduce_photo`.
        alpha: of objects in `photo`.
        preview_alpha: of objects in `preview`; the same as `alpha` if the photo is not reduced.
    """

    photo: Photo
    preview: Photo
    alpha: NewestAlpha
    preview_alpha: NewestAlpha

    @classmethod
    def from_photo(cls, photo: Photo) -> Self:
        """Reduce a photo for the page."""
        preview, alpha = reduce_photo(photo), NewestAlpha(photo)
        return cls(photo, preview, alpha, alpha if preview is photo else NewestAlpha(preview))

    @property
    def bytes(self) -> int:
        """Memory used by the pixels of all, with an opacity of each."""
        return _bytes_of(self.photo) + _bytes_of(self.preview)


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
            PhotoError: the file is not a photo, or was deleted in the meantime, which `missing`
                says.
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
        entry = CachedPhoto.from_photo(read_upload(path, self.limits, missing))
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
    """Memory used by a photo's pixels and one opacity of its objects."""
    height, width = photo.hw
    return photo.rgb.nbytes + height * width * (1 if photo.alpha is None else 2)
