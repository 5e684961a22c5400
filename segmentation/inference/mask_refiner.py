"""A small network that corrects the mask of any object, on a finer grid over its crop.

It comes with the code and serves all models, on the processor: it knows no labels, only the photo
and a mask. See models/refiner/README.md.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from segmentation.arrays import Float32, SizeHW, UInt8
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import InferenceFailed, ModelDamaged
from segmentation.model_card import BUNDLED, digest_of

if TYPE_CHECKING:
    import onnxruntime as ort  # noqa: TID251 # for types only

NETWORK = BUNDLED / "refiner" / "refiner.onnx"
SHA256 = "47e3b26ca3a70d64a6180529d019197550319ab2350b706efc75db2a1f115641"
# Longest side of what the network sees, in pixels. It was trained at this size. Its strides need
# multiples of 16.
LONGEST_SIDE, SIDE_MULTIPLE = 256, 16
SHORTEST_SIDE = 64


def correct_mask(crop: UInt8, mask_logits: Float32) -> Float32:
    """Correct the outline, the thin parts and the gaps of an object's mask.

    Args:
        crop: uint8 (H, W, 3), the photo around the object.
        mask_logits: float32 (h, w) over the crop.

    Returns:
        float32 (h, w) over the crop, with half of LONGEST_SIDE cells along its longer side.

    Raises:
        InferenceFailed: onnxruntime failed.
        ModelDamaged: the network's file is missing or altered, or onnxruntime cannot load it.
    """
    return run_network(_network(), crop, mask_logits)


def run_network(path: Path, crop: UInt8, mask_logits: Float32) -> Float32:
    """Correct a mask with the network of a file; everything else is as in `correct_mask`.

    Args:
        path: an ONNX file that `convert.compact refiner` wrote.
        crop, mask_logits: as in `correct_mask`.
    """
    size_hw = network_hw((crop.shape[0], crop.shape[1]))
    feeds = {"photo": scale_photo(crop, size_hw), "mask_logits": scale_logits(mask_logits, size_hw)}
    session = _session(path)
    try:
        (corrected,) = session.run(["corrected_logits"], feeds)
    except Exception as error:  # onnxruntime's errors have no common base class
        raise InferenceFailed(
            "The outline could not be corrected. Try again, or switch off Refine selection.",
            "未能修正边缘。请重试，或关闭“精细识别”。",
        ) from error
    return np.asarray(corrected[0, 0], np.float32)


def network_hw(crop_hw: SizeHW) -> SizeHW:
    """Height and width of the network's input for a crop: about its aspect ratio."""
    scale = LONGEST_SIDE / max(crop_hw)
    height, width = (
        max(SHORTEST_SIDE, round(side * scale / SIDE_MULTIPLE) * SIDE_MULTIPLE) for side in crop_hw
    )
    return height, width


def scale_photo(rgb: UInt8, size_hw: SizeHW) -> Float32:
    """Scale a photo (H, W, 3) to the network's input, float32 (1, 3, h, w) in -1..1."""
    shrinks = size_hw[0] < rgb.shape[0] or size_hw[1] < rgb.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    scaled = cv2.resize(rgb, size_hw[::-1], interpolation=interpolation)
    values = scaled.astype(np.float32) / np.float32(127.5) - 1
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def scale_logits(mask_logits: Float32, size_hw: SizeHW) -> Float32:
    """Scale mask logits (h, w) to the network's input, float32 (1, 1, H, W)."""
    scaled = cv2.resize(mask_logits, size_hw[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(scaled[None, None], np.float32)


@cache
def _network() -> Path:
    """The path of the bundled network, checked once."""
    if not NETWORK.is_file() or digest_of(NETWORK) != SHA256:
        raise ModelDamaged(
            f"{NETWORK.name} is missing or altered. Install Koutu again.",
            f"{NETWORK.name} 缺失或已被改动，请重新安装 Koutu。",
        )
    return NETWORK


@cache
def _session(path: Path) -> "ort.InferenceSession":
    """One session for all calls. A run takes some 20 ms, so it has a single thread."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise ModelDamaged(
            f"onnxruntime {ort.__version__} cannot load {path.name}. Update onnxruntime.",
            f"onnxruntime {ort.__version__} 无法加载 {path.name}，请升级 onnxruntime。",
        ) from error
