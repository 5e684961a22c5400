"""Objects in a part of a photo, where the model sees them larger than in the whole photo."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from segmentation.arrays import Bool, BoxXYXY, Float16, Float32, SizeHW
from segmentation.errors import ChoiceError
from segmentation.image.photo import Photo
from segmentation.inference.metrics import box_iou
from segmentation.inference.postprocess import OUTSIDE_LOGIT, Instance, Segmentation
from segmentation.inference.preprocess import Geometry
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import MIN_OFFERED_SCORE

# Padding of the rectangle, as a share of its longer side: people draw close to what they mean, and
# the model needs to see what it borders on.
PADDING = 0.1
# An object that lies less than this in the rectangle is one beside it.
MIN_SHARE_INSIDE = 0.5
# Shortest side of a rectangle, in photo pixels.
MIN_BOX_SIDE = 16
# Padding of a line that was drawn over an object, as a share of its longer side: such a line ends
# inside the object, and a tight rectangle around it cuts the object off.
TRACE_PADDING = 0.5
# Longest side of the mask grid over the photo, in cells. A small rectangle of a large photo would
# otherwise need a huge one.
MAX_GRID_SIDE = 512


def segment_box(
    segmenter: Segmenter,
    photo: Photo,
    box_xyxy: BoxXYXY,
    threshold: float = MIN_OFFERED_SCORE,
) -> Segmentation:
    """Find the objects in a rectangle of a photo.

    Args:
        segmenter: finds the objects.
        photo: the photo.
        box_xyxy: the rectangle, in photo pixels; what lies outside the photo is left out.
        threshold: minimum score, 0..1; low by default, since a person who draws a rectangle is more
            certain than the model.

    Returns:
        The objects that lie mostly in the rectangle, the one most likely meant first, with masks
        over the whole photo, on a grid as fine as the model's in the rectangle.

    Raises:
        ChoiceError: the rectangle is too small.
        EngineUnavailable: the engine cannot start.
        InferenceFailed: the engine failed on the rectangle.
        ModelDamaged: an artifact is missing or altered.
    """
    drawn_xyxy = _inside_photo(box_xyxy, 0, photo.hw)
    drawn_left, drawn_top, drawn_right, drawn_bottom = drawn_xyxy
    if min(drawn_right - drawn_left, drawn_bottom - drawn_top) < MIN_BOX_SIDE:
        raise ChoiceError(
            f"The rectangle is less than {MIN_BOX_SIDE} pixels wide or high. Draw a larger one.",
            f"框选区域的宽或高不足 {MIN_BOX_SIDE} 像素，请画大一些。",
        )
    margin = round(PADDING * max(drawn_right - drawn_left, drawn_bottom - drawn_top))
    crop_xyxy = left, top, _, _ = _inside_photo(drawn_xyxy, margin, photo.hw)
    in_crop = _segment_crop(segmenter, photo, crop_xyxy, threshold)
    drawn_in_crop = drawn_left - left, drawn_top - top, drawn_right - left, drawn_bottom - top
    return place_in_photo(objects_in_box(in_crop, drawn_in_crop), crop_xyxy, photo.hw)


def segment_trace(
    segmenter: Segmenter,
    photo: Photo,
    trace_xy: Sequence[tuple[float, float]],
    threshold: float = MIN_OFFERED_SCORE,
) -> Segmentation:
    """Find the object that a line was drawn over.

    Args:
        segmenter: finds the objects.
        photo: the photo.
        trace_xy: points of the line, in photo pixels, at least one of them in the photo.
        threshold: minimum score, 0..1; low by default, as of `segment_box`.

    Returns:
        The object, with a mask over the whole photo as of `segment_box`; no object if there is none
        under the line.

    Raises:
        EngineUnavailable, InferenceFailed, ModelDamaged: as `segment_box`.
    """
    points = np.clip(np.asarray(trace_xy, np.float32), 0, np.subtract(photo.hw[::-1], 1))
    start, end = points.min(axis=0), points.max(axis=0)
    half = (0.5 + TRACE_PADDING) * max(float((end - start).max()), MIN_BOX_SIDE)
    corners = *np.floor((start + end) / 2 - half), *np.ceil((start + end) / 2 + half)
    left, top, right, bottom = (round(float(edge)) for edge in corners)
    crop_xyxy = _inside_photo((left, top, right, bottom), 0, photo.hw)
    in_crop = _segment_crop(segmenter, photo, crop_xyxy, threshold)
    return place_in_photo(object_under_line(in_crop, points - crop_xyxy[:2]), crop_xyxy, photo.hw)


def objects_in_box(segmentation: Segmentation, box_xyxy: BoxXYXY) -> Segmentation:
    """Keep the objects that lie mostly in a box, the one most likely meant first.

    The score alone prefers what the model is certain of, such as a part of what is meant. (Measured
    with boxes around 354 objects of 60 COCO photos that were not found in the whole photo: the mean
    IoU of the first mask with the object is 0.49, by the score 0.45.)

    Args:
        segmentation: has the objects.
        box_xyxy: in pixels of the segmented image.
    """
    mask_h, mask_w = segmentation.geometry.mask_hw
    height, width = segmentation.geometry.photo_hw
    left, right = (round(x * mask_w / width) for x in box_xyxy[::2])
    top, bottom = (round(y * mask_h / height) for y in box_xyxy[1::2])
    kept: list[Instance] = []
    for instance in segmentation.instances:
        inside = segmentation.mask_logits([instance.id]) > 0
        if inside[top:bottom, left:right].sum() >= MIN_SHARE_INSIDE * inside.sum():
            kept.append(instance)
    kept.sort(
        key=lambda item: item.score**0.5 * box_iou(item.box_xyxy, box_xyxy) ** 2, reverse=True
    )
    return replace(segmentation, instances=tuple(kept))


def object_under_line(segmentation: Segmentation, points_xy: Float32) -> Segmentation:
    """Keep the object that a line was most likely drawn over; none if there is none under it.

    The score alone prefers what the model is certain of, wherever it is. (Measured with lines over
    the objects of 60 COCO photos that were not found in the whole photo: with a tight rectangle and
    by the score, 6 of 84 masks have an IoU of 0.7 with the object; with TRACE_PADDING and this
    order, 17.)

    Args:
        segmentation: has the objects.
        points_xy: points of the line, float32 (N, 2), in pixels of the segmented image.
    """
    line = _line_on_grid(points_xy, segmentation.geometry)

    def fit(instance: Instance) -> float:
        covered = (segmentation.mask_logits([instance.id]) > 0)[line].mean()
        return float(instance.score**0.5 * covered**4)

    best = sorted(segmentation.instances, key=fit, reverse=True)[:1]
    return replace(segmentation, instances=tuple(item for item in best if fit(item) > 0))


def place_in_photo(
    segmentation: Segmentation, crop_xyxy: BoxXYXY, photo_hw: SizeHW
) -> Segmentation:
    """Translate the objects found in a crop to the frame of the photo.

    Args:
        segmentation: of the crop.
        crop_xyxy: the crop, in photo pixels.
        photo_hw: height and width of the photo.

    Returns:
        The same objects, with ids 1, 2, ... in the same order.
    """
    left, top, right, bottom = crop_xyxy
    crop_hw = bottom - top, right - left
    geometry = _fine_geometry(segmentation.geometry, crop_hw, photo_hw)
    share = crop_hw[0] * crop_hw[1] / (photo_hw[0] * photo_hw[1])
    instances: list[Instance] = []
    masks: list[Float16] = []
    for position, instance in enumerate(segmentation.instances):
        x0, y0, x1, y1 = instance.box_xyxy
        box_xyxy = left + x0, top + y0, left + x1, top + y1
        area = instance.area * share
        instances.append(replace(instance, id=position + 1, box_xyxy=box_xyxy, area=area))
        mask_logits = segmentation.mask_logits([instance.id])
        masks.append(_place_mask(mask_logits, crop_xyxy, geometry).astype(np.float16))
    grid = np.asarray(masks, np.float16).reshape(len(masks), *geometry.mask_hw)
    return Segmentation(tuple(instances), grid, geometry)


def _inside_photo(box_xyxy: BoxXYXY, margin: int, photo_hw: SizeHW) -> BoxXYXY:
    height, width = photo_hw
    left, top, right, bottom = box_xyxy
    return (
        max(left - margin, 0),
        max(top - margin, 0),
        min(right + margin, width),
        min(bottom + margin, height),
    )


def _segment_crop(
    segmenter: Segmenter, photo: Photo, crop_xyxy: BoxXYXY, threshold: float
) -> Segmentation:
    left, top, right, bottom = crop_xyxy
    crop = np.ascontiguousarray(photo.on_white[top:bottom, left:right])
    return segmenter.segment(replace(photo, rgb=crop, alpha=None), threshold)[0]


def _line_on_grid(points: Float32, geometry: Geometry) -> Bool:
    """The cells of the mask grid on a line with these points (N, 2) of the segmented image."""
    (height, width), (mask_h, mask_w) = geometry.photo_hw, geometry.mask_hw
    cells = np.floor((points + 0.5) * (mask_w / width, mask_h / height)).astype(np.int32)
    line = np.zeros((mask_h, mask_w), np.uint8)
    cv2.polylines(line, [cells], isClosed=False, color=1)
    return line > 0


def _fine_geometry(geometry: Geometry, crop_hw: SizeHW, photo_hw: SizeHW) -> Geometry:
    """A geometry of the whole photo whose mask cells are those of a crop, up to MAX_GRID_SIDE."""
    cells_per_pixel = geometry.mask_hw[0] / crop_hw[0], geometry.mask_hw[1] / crop_hw[1]
    cells = [side * scale for side, scale in zip(photo_hw, cells_per_pixel, strict=True)]
    shrink = min(1.0, MAX_GRID_SIDE / max(cells))
    stride = geometry.mask_stride
    height, width = (max(1, round(side * shrink)) * stride for side in cells)
    return Geometry(photo_hw, (height, width), (height, width), stride)


def _place_mask(mask_logits: Float32, crop_xyxy: BoxXYXY, geometry: Geometry) -> Float32:
    """Resample mask logits (h, w) over a crop to the grid of the photo, far below 0 around it."""
    left, top, right, bottom = crop_xyxy
    (photo_h, photo_w), (mask_h, mask_w) = geometry.photo_hw, geometry.mask_hw
    step_x = photo_w / mask_w * mask_logits.shape[1] / (right - left)
    step_y = photo_h / mask_h * mask_logits.shape[0] / (bottom - top)
    # Cell centres, on either grid.
    start_x = step_x / 2 - 0.5 - left * mask_logits.shape[1] / (right - left)
    start_y = step_y / 2 - 0.5 - top * mask_logits.shape[0] / (bottom - top)
    photo_to_crop = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
    placed = cv2.warpAffine(
        mask_logits,
        photo_to_crop,
        (mask_w, mask_h),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    x = (np.arange(mask_w) + 0.5) * photo_w / mask_w
    y = (np.arange(mask_h) + 0.5)[:, None] * photo_h / mask_h
    in_crop = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return np.where(in_crop, placed, np.float32(OUTSIDE_LOGIT)).astype(np.float32)
