"""What a page and its replicas send each other over HTTP.

GET returns the replica's description as JSON. POST runs the model on one photo: the query has
`model` and `shape` (such as `1,384,384,3`), the body has the pixels as bare bytes. The answer is
200 with packed logits, or DEVICE_FAILED with a JSON object of the error message in `en` and `zh`.
"""

import io
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.engines.base import Engine, Logits
from segmentation.model_card import ModelCard

# Status of a replica whose device failed. The body has the message for the visitor.
DEVICE_FAILED = 422


def describe_replica(card: ModelCard, engine: Engine, replicas: int) -> dict[str, Any]:
    """Describe a replica as JSON values: its model, its input, its device and its number."""
    return {
        "model": model_identity(card),
        "input": asdict(engine.input),
        "sizes_hw": engine.sizes_hw,
        "device": engine.device,
        "replicas": replicas,
    }


def model_identity(card: ModelCard) -> list[Any]:
    """The facts of a model that page and replica must agree on to understand the logits."""
    return [card.name, [label.en for label in card.labels], card.mask_stride]


def format_shape(pixel_values: npt.NDArray[Any]) -> str:
    """Write the shape of an array of any dtype and shape for the query."""
    return ",".join(str(side) for side in pixel_values.shape)


def parse_pixels(body: bytes, shape: str, engine: Engine) -> npt.NDArray[Any]:
    """Read the pixels of a request.

    Args:
        body: the pixels as bare bytes.
        shape: the query's shape, such as `1,384,384,3`.
        engine: the engine that takes them.

    Returns:
        uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as the engine's input says.

    Raises:
        ValueError: the engine does not take the shape, or the body does not fill it.
    """
    is_channels_last = engine.input.layout == "NHWC"
    accepted = {
        f"1,{height},{width},3" if is_channels_last else f"1,3,{height},{width}"
        for height, width in engine.sizes_hw
    }
    if shape not in accepted:
        raise ValueError(f"the replica does not take the shape {shape}")
    sides = [int(side) for side in shape.split(",")]
    return np.frombuffer(body, engine.input.dtype).reshape(sides)


def pack_logits(logits: Logits) -> bytes:
    """Write float32 logits (Q, C+1) and (Q, h, w) as two NumPy files, one after the other."""
    buffer = io.BytesIO()
    for array in logits:
        np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def unpack_logits(data: bytes) -> Logits:
    """Read logits written by `pack_logits`.

    Returns:
        float32 logits (Q, C+1) and (Q, h, w).

    Raises:
        ValueError: the bytes are something else.
        EOFError: the bytes are cut short.
    """
    buffer = io.BytesIO(data)
    return Logits(*(np.load(buffer, allow_pickle=False) for _ in Logits._fields))
