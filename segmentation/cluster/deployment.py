"""Replicas: many engines behind one address, which Ray Serve starts, feeds and replaces.

serve run segmentation.cluster.deployment:app replicas=4 model=models/small engine=ascend
"""

from typing import TYPE_CHECKING, Any

from segmentation.engines.registry import open_engine
from segmentation.engines.remote import DEVICE_FAILED, description, pack, pixels_from
from segmentation.errors import InferenceFailed
from segmentation.inference.hub import get_model

if TYPE_CHECKING:
    from ray.serve import Application
    from starlette.requests import Request
    from starlette.responses import Response

# While one photo is computed, the next one's pixels arrive.
PHOTOS_PER_REPLICA = 2
# So many photos that fail one after the other are not to blame; their replica is.
FAILURES_IN_A_ROW = 3


class Replica:
    """One engine that answers `RemoteEngine`.

    Args:
        model: see `get_model`.
        engine: onnx or ascend; not auto, for replicas must be alike.
        precision: of the artifact; None takes the card's first choice.
        threads: for onnxruntime; 0 takes all cores.
        replicas: how many of its like there are.
    """

    def __init__(
        self, model: str, engine: str, precision: str | None, threads: int, replicas: int
    ) -> None:
        card = get_model(model, engine, precision)
        self._name = card.name
        self._engine, _ = open_engine(card, engine, precision, threads)
        self._description = description(card, self._engine, replicas)
        self._failures = 0

    def check_health(self) -> None:
        """Asked by Ray Serve from time to time, which replaces a replica that raises."""
        if self._failures >= FAILURES_IN_A_ROW:
            raise RuntimeError("its device fails photo after photo")

    async def __call__(self, request: "Request") -> "Response":
        """Answer one request as `RemoteEngine` says."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse, Response

        if request.method != "POST":
            return JSONResponse(self._description)
        if request.query_params.get("model") != self._name:
            return Response("that model is not here", 404)
        try:
            body, shape = await request.body(), request.query_params.get("shape", "")
            pixel_values = pixels_from(body, shape, self._engine)
        except ValueError as error:
            return Response(str(error), 400)
        try:
            # In a thread, for Ray asks meanwhile whether the replica is well.
            logits = await run_in_threadpool(self._engine.run, pixel_values)
        except InferenceFailed as error:
            self._failures += 1
            return JSONResponse({"en": error.text.en, "zh": error.text.zh}, DEVICE_FAILED)
        self._failures = 0
        return Response(pack(logits))


def app(args: dict[str, str]) -> "Application":
    """What `serve run` starts; the arguments are those of `_app`."""
    return _app(**args)


def _app(
    model: str = "compact",
    engine: str = "onnx",
    precision: str | None = None,
    threads: str = "1",
    replicas: str = "2",
) -> "Application":
    from ray import serve

    # Ray counts the cards of an Ascend host itself and shows each replica its own one alone.
    needs: dict[str, Any] = {"num_cpus": int(threads)}
    if engine == "ascend":
        needs = {"num_cpus": 1, "resources": {"NPU": 1}}
    deployment = serve.deployment(
        Replica,
        num_replicas=int(replicas),
        ray_actor_options=needs,
        max_ongoing_requests=PHOTOS_PER_REPLICA,
    )
    return deployment.bind(model, engine, precision, int(threads), int(replicas))
