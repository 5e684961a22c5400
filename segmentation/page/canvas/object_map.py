"""The object map: which objects a click gives, for each pixel of the reduced photo.

It travels to the browser once as a small PNG, so that hovering needs no request.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from segmentation.arrays import PointShare, SizeHW, UInt8
from segmentation.image.write import encode
from segmentation.inference.postprocess import Segmentation
from segmentation.page.overlay import find_thickest_point, inside_mask
from segmentation.page.server.files.downloads import store_file

# Objects at one pixel that the map can hold: red, green and blue have an id each.
CHANNELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMap:
    """An object map that was sent to the browser.

    Attributes:
        segmentation: has the objects.
        ids: of those in the map.
        path: of the PNG.
        numbers_xy: where the number of each of them stands, as shares of the photo.
    """

    segmentation: Segmentation
    ids: tuple[int, ...]
    path: str
    numbers_xy: tuple[PointShare, ...]

    def shows(self, segmentation: Segmentation, ids: Collection[int]) -> bool:
        """Whether this is the map of exactly these instances of this segmentation."""
        return self.segmentation is segmentation and self.ids == tuple(ids)


def update_object_map(
    former: ObjectMap | None, segmentation: Segmentation, visible: Segmentation, size_hw: SizeHW
) -> ObjectMap:
    """Return the map that the browser has, or store another one if it shows other objects.

    Args:
        former: the map that the browser has.
        segmentation: all objects found.
        visible: the objects for the map.
        size_hw: height and width of the reduced photo.
    """
    ids = tuple(instance.id for instance in visible.instances)
    if former is not None and former.shows(segmentation, ids):
        return former
    pixels, numbers_xy = draw_object_map(visible, size_hw)
    return ObjectMap(segmentation, ids, store_file("objects.png", encode(pixels)), numbers_xy)


def draw_object_map(
    segmentation: Segmentation, size_hw: SizeHW
) -> tuple[UInt8, tuple[PointShare, ...]]:
    """Draw the object map of a photo.

    Args:
        segmentation: the objects.
        size_hw: height and width of the reduced photo.

    Returns:
        uint8 (h, w, 3): the ids of the objects that the first, second and third click at that pixel
        give, in the order of `Segmentation.at`; 0 where there is none. And where the number of each
        instance stands, as shares of the photo.
    """
    height, width = size_hw
    pixels = np.zeros((height, width, CHANNELS), np.uint8)
    numbers: dict[int, PointShare] = {}
    ranked = sorted(
        segmentation.instances, key=lambda instance: instance.prominence_at_click, reverse=True
    )
    for instance in ranked:
        inside = inside_mask(segmentation, instance.id, size_hw)
        x, y = find_thickest_point(inside)
        numbers[instance.id] = (x + 0.5) / width, (y + 0.5) / height
        free = inside > 0
        for channel in range(CHANNELS):
            layer = pixels[..., channel]
            taken = free & (layer > 0)
            layer[free & ~taken] = instance.id
            free = taken
    return pixels, tuple(numbers[instance.id] for instance in segmentation.instances)
