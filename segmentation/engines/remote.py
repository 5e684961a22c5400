"""The engine that computes elsewhere: replicas behind one address (see `cluster.deployment`)."""

import io
import json
import time
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.base import Engine, Logits
from segmentation.errors import EngineUnavailable, InferenceFailed
from segmentation.model_card import InputSpec, ModelCard, input_spec

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
# Before each try at a photo. A replica that dies takes its photos with it; the next try meets
# another one at once, or after the pauses the one that took its place.
PAUSES = (0.0, 1.0, 4.0)
# The answer of a replica whose device failed: the sentence for the visitor is in it.
DEVICE_FAILED = 422
# Of whoever stands before the replicas: one of them died, or none is free.
REPLICA_LOST = (500, 502, 503, 504)


class RemoteEngine(Engine):
    """Sends pixels to replicas that all run one model, and gets logits back.

    GET asks what the replicas are: JSON as `description` makes it. POST with `model` and `shape` in
    the query and the pixels as bare bytes infers one photo: 200 with `pack`ed logits, or
    DEVICE_FAILED with a JSON object of the sentence in `en` and `zh`.

    Args:
        card: the model that the replicas are to run.
        address: of the replicas, such as http://127.0.0.1:8000.

    Raises:
        EngineUnavailable: nothing, something else, or another model answers at the address.
    """

    def __init__(self, card: ModelCard, address: str) -> None:
        self._card = card
        self._address = urlsplit(address)
        try:
            status, data = self._ask("GET", {})
            if status in REPLICA_LOST:
                raise EngineUnavailable(
                    "No replica is ready yet. Try again in a minute.",
                    "尚无就绪的副本，请稍后再试。",
                )
            told = json.loads(data)
            self._input = input_spec(told["input"])
            self._sizes_hw = tuple((height, width) for height, width in told["sizes_hw"])
            self._at_once = int(told["replicas"])
            self._device = f"{told['device']} × {self._at_once}"
            same = told["model"] == _identity(card)
        except (OSError, HTTPException) as error:
            raise EngineUnavailable(
                f"No replica answers ({type(error).__name__}). Start them first, as the README "
                "says, and look at the address.",
                f"副本没有响应（{type(error).__name__}）。请先按 README 启动副本，并检查地址。",
            ) from error
        except (ValueError, LookupError, TypeError) as error:
            raise EngineUnavailable(
                "Something answers at that address, but it is no replica of this version.",
                "该地址有响应，但不是此版本的副本。",
            ) from error
        if not same:
            raise EngineUnavailable(
                f"The replicas do not run the model {card.name}, or another version of it.",
                f"副本运行的不是模型 {card.name}，或版本不同。",
            )

    @property
    def input(self) -> InputSpec:
        """What the replicas' engines take."""
        return self._input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """The input sizes of the replicas' engines."""
        return self._sizes_hw

    @property
    def device(self) -> str:
        """What the replicas compute on, and how many they are."""
        return self._device

    @property
    def max_concurrency(self) -> int:
        """As many photos as there are replicas."""
        return self._at_once

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Infer one photo on some replica, and on another one if the first is lost meanwhile."""
        shape = ",".join(str(side) for side in pixel_values.shape)
        query = {"model": self._card.name, "shape": shape}
        reason: Exception | None = None
        for pause in PAUSES:
            time.sleep(pause)
            try:
                status, data = self._ask("POST", query, pixel_values.tobytes())
            except TimeoutError as error:
                reason = error
                break  # they are drowning: another try would only add to it
            except (OSError, HTTPException) as error:
                reason = error
                continue
            if status == DEVICE_FAILED:
                raise InferenceFailed(**json.loads(data))
            if status == 200:
                return unpack(data)
            if status not in REPLICA_LOST:
                raise InferenceFailed(
                    "The computers that find the objects have been changed, and this page has to "
                    "be started again. Please tell whoever runs it.",
                    "负责查找物体的计算机已变更，需要重新启动本页面，请告知管理员。",
                )
        raise InferenceFailed(
            "The computers that find the objects do not answer. Try again in a minute.",
            "负责查找物体的计算机没有响应，请稍后再试。",
        ) from reason

    def close(self) -> None:
        """Nothing is held between two photos."""

    def _ask(self, method: str, query: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of one answer, over a connection of its own: replicas come and go."""
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        connection = kind(self._address.netloc, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.request(method, f"{self._address.path or '/'}?{urlencode(query)}", body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def description(card: ModelCard, engine: Engine, replicas: int) -> dict[str, Any]:
    """What a replica says of itself and its like, as JSON takes it."""
    return {
        "model": _identity(card),
        "input": asdict(engine.input),
        "sizes_hw": engine.sizes_hw,
        "device": engine.device,
        "replicas": replicas,
    }


def pixels_from(body: bytes, shape: str, engine: Engine) -> npt.NDArray[Any]:
    """The pixels that `RemoteEngine` sent, of one of the shapes the engine takes.

    Raises:
        ValueError: another shape, or other bytes than it needs.
    """
    channels_last = engine.input.layout == "NHWC"
    shapes = {
        f"1,{height},{width},3" if channels_last else f"1,3,{height},{width}"
        for height, width in engine.sizes_hw
    }
    if shape not in shapes:
        raise ValueError(f"no photo of shape {shape} is taken here")
    sides = [int(side) for side in shape.split(",")]
    return np.frombuffer(body, engine.input.dtype).reshape(sides)


def pack(logits: Logits) -> bytes:
    """Logits as bytes: both arrays in NumPy's own file format, one behind the other."""
    buffer = io.BytesIO()
    for values in logits:
        np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def unpack(data: bytes) -> Logits:
    """The logits that `pack` packed."""
    buffer = io.BytesIO(data)
    return Logits(*(np.load(buffer, allow_pickle=False) for _ in Logits._fields))


def _identity(card: ModelCard) -> list[Any]:
    """What page and replica must agree on, or else they would talk at cross purposes."""
    return [card.name, [label.en for label in card.labels], card.mask_stride]
