"""The engine that computes elsewhere: replicas behind one address (see `cluster.deployment`).

The HTTP client is httpx, which gradio in requirements.txt installs.
"""

import json
import ssl
import time
from typing import Any

import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.base import Engine, Logits
from segmentation.engines.replica_protocol import (
    DEVICE_FAILED,
    format_shape,
    model_identity,
    unpack_logits,
)
from segmentation.errors import EngineUnavailable, InferenceFailed
from segmentation.model_card import InputSpec, ModelCard, input_spec

CONNECT_TIMEOUT_S = 5.0
RESPONSE_TIMEOUT_S = 60.0
# Pauses before each attempt. A replica that dies loses its photos. The next attempt reaches
# another replica at once, or, after the pauses, the replacement.
ATTEMPT_PAUSES_S = (0.0, 1.0, 4.0)
# Statuses from the proxy in front of the replicas: a replica died, or none is free.
REPLICA_LOST = (500, 502, 503, 504)


class RemoteEngine(Engine):
    """Sends pixels to replicas that all run one model, and receives logits.

    Args:
        card: the model that the replicas must run.
        address: address of the replicas, such as http://127.0.0.1:8000.

    Raises:
        EngineUnavailable: no replica, another service or another model answers at the address.
    """

    def __init__(self, card: ModelCard, address: str) -> None:
        self._card = card
        self._address = address
        # The system's certificates, not certifi's; loaded once, because that takes milliseconds.
        self._tls = ssl.create_default_context()
        try:
            status, content = self._send("GET")
            if status in REPLICA_LOST:
                raise EngineUnavailable(
                    "No replica is ready yet. Try again in a minute.",
                    "尚无就绪的副本，请稍后再试。",
                )
            description = json.loads(content)
            self._input = input_spec(description["input"])
            self._sizes_hw = tuple((height, width) for height, width in description["sizes_hw"])
            self._replicas = int(description["replicas"])
            self._device = f"{description['device']} × {self._replicas}"
            is_same_model = description["model"] == model_identity(card)
        except OSError as error:
            raise EngineUnavailable(
                f"No replica responds ({error}). Start the replicas first, as "
                "segmentation/cluster/README.md describes, and check the address.",
                f"副本没有响应（{error}）。"
                "请先按 segmentation/cluster/README.md 启动副本，并检查地址。",
            ) from error
        except (ValueError, LookupError, TypeError) as error:
            raise EngineUnavailable(
                "The service at this address is not a replica of this version. Check the address, "
                "and start the replicas from the same version.",
                "该地址上的服务不是此版本的副本。请检查地址，并用相同版本启动副本。",
            ) from error
        if not is_same_model:
            raise EngineUnavailable(
                f"The replicas run another model than {card.name}, or another version of it. "
                "Start the page and the replicas with the same model.",
                f"副本运行的不是模型 {card.name}，或版本不同。请用同一模型启动页面和副本。",
            )

    @property
    def input(self) -> InputSpec:
        """The input of the replicas' engines."""
        return self._input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """Input sizes (height, width) of the replicas' engines."""
        return self._sizes_hw

    @property
    def device(self) -> str:
        """The device of the replicas, and their number."""
        return self._device

    @property
    def max_concurrency(self) -> int:
        """The number of replicas."""
        return self._replicas

    @property
    def computes_on_host(self) -> bool:
        """The replicas compute, wherever they are; this process only waits for them."""
        return False

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo, on another replica if the first one is lost.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as `input` says.

        Returns:
            float32 logits (Q, C+1) and (Q, h, w).

        Raises:
            InferenceFailed: the replica's device failed, no replica responds, or the replicas
                have changed.
        """
        query = {"model": self._card.name, "shape": format_shape(pixel_values)}
        pixels = pixel_values.tobytes()
        cause: OSError | None = None
        for pause_s in ATTEMPT_PAUSES_S:
            time.sleep(pause_s)
            try:
                status, content = self._send("POST", query, pixels)
            except TimeoutError as error:
                cause = error
                break  # the replicas are overloaded, and another attempt would add to the load
            except OSError as error:
                cause = error
                continue
            if status == DEVICE_FAILED:
                raise InferenceFailed(**json.loads(content))
            if status == 200:
                return unpack_logits(content)
            if status not in REPLICA_LOST:
                raise InferenceFailed(
                    "The servers that run the model have changed. Please ask the operator of this "
                    "page to restart it.",
                    "运行模型的服务器已变更。请联系本页面的管理员重新启动页面。",
                )
        raise InferenceFailed(
            "The servers that run the model do not respond. Try again in a minute.",
            "运行模型的服务器没有响应，请稍后再试。",
        ) from cause

    def close(self) -> None:
        """Do nothing: no connection is kept between two photos."""

    def _send(
        self, method: str, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Send one request over a connection of its own, because replicas come and go.

        Returns:
            Status and body of the answer.

        Raises:
            TimeoutError: the connection or the answer took too long.
            ConnectionError: there was no answer.
        """
        import httpx

        try:
            response = httpx.request(
                method,
                self._address,
                params=query,
                content=body,
                timeout=httpx.Timeout(RESPONSE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                trust_env=False,  # photos must not go through a proxy of the environment
                verify=self._tls,
            )
        except httpx.TimeoutException as error:
            raise TimeoutError(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(type(error).__name__) from error
        return response.status_code, response.content
