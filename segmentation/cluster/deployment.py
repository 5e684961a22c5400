"""Replicas: engines behind one address, started, balanced and replaced by Ray Serve.

serve run segmentation.cluster.deployment:app replicas=4 model=models/small engine=ascend
"""

from typing import TYPE_CHECKING, Any

from segmentation.engines.registry import is_ascend, open_engine
from segmentation.engines.replica_protocol import (
    DEVICE_FAILED,
    describe_replica,
    pack_logits,
    parse_pixels,
)
from segmentation.errors import InferenceFailed
from segmentation.inference.hub import get_model

if TYPE_CHECKING:
    from ray.serve import Application
    from starlette.requests import Request
    from starlette.responses import Response

# While one photo is computed, the pixels of the next one arrive.
PHOTOS_PER_REPLICA = 2
# After so many failures in a row the fault is the replica's, not the photos'.
MAX_FAILURES_IN_A_ROW = 3


class Replica:
    """One engine that answers the requests of `RemoteEngine` (see `engines.replica_protocol`).

    Args:
        model: bundled name, model folder or Hub repository (see `get_model`).
        engine: onnx or ascend, but not auto, because replicas must be alike.
        precision: precision of the artifact; None takes the card's first choice on every processor,
            because replicas must be alike.
        threads: threads per inference, for onnxruntime; 0 uses all cores.
        replicas: number of replicas in the deployment.

    Raises:
        ModelError: the model cannot be found or used.
        EngineUnavailable: the engine cannot start on this host.
    """

    def __init__(
        self, model: str, engine: str, precision: str | None, threads: int, replicas: int
    ) -> None:
        card = get_model(model, engine, precision)
        self._name = card.name
        if precision is None and not is_ascend(engine) and card.graphs:
            precision = card.graphs[0].precision
        self._engine, _ = open_engine(card, engine, precision, threads)
        self._description = describe_replica(card, self._engine, replicas)
        self._failures_in_a_row = 0

    def check_health(self) -> None:
        """Raise if the device fails every photo. Ray Serve polls this and replaces the replica.

        Raises:
            RuntimeError: the last photos all failed.
        """
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise RuntimeError(f"the device failed {self._failures_in_a_row} photos in a row")

    async def __call__(self, request: "Request") -> "Response":
        """Answer one request of `RemoteEngine`."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse, Response

        if request.method != "POST":
            return JSONResponse(self._description)
        if request.query_params.get("model") != self._name:
            return Response("this replica runs another model", 404)
        try:
            body, shape = await request.body(), request.query_params.get("shape", "")
            pixel_values = parse_pixels(body, shape, self._engine)
        except ValueError as error:
            return Response(str(error), 400)
        try:
            # In a thread, so that Ray's health checks are answered meanwhile.
            logits = await run_in_threadpool(self._engine.run, pixel_values)
        except InferenceFailed as error:
            self._failures_in_a_row += 1
            return JSONResponse({"en": error.text.en, "zh": error.text.zh}, DEVICE_FAILED)
        self._failures_in_a_row = 0
        return Response(pack_logits(logits))


class ServedReplica(Replica):
    """A replica on Ray Serve; see `Replica` for its arguments.

    Ray opens a port in each replica for calls of other deployments, on all interfaces. It asks for
    no token and unpickles what it gets, so that anybody who reaches it can run code. The page's
    requests come through Ray's HTTP proxy, and need no such port.
    """

    def __init__(self, *arguments: Any) -> None:
        from ray.serve._private import replica

        # Ray calls this once the replica is made.
        setattr(replica, "add_port_to_grpc_server", _leave_closed)  # noqa: B010
        super().__init__(*arguments)


def _leave_closed(_server: Any, _address: str) -> int:
    """Open no port. Returns 0 for its number."""
    return 0


def app(args: dict[str, str]) -> "Application":
    """Build the deployment from the `name=value` arguments of `serve run`.

    Args:
        args: any of model, engine, precision, threads and replicas; see `_build`.
    """
    return _build(**args)


def _build(
    model: str = "compact",
    engine: str = "onnx",
    precision: str | None = None,
    threads: str = "1",
    replicas: str = "2",
) -> "Application":
    from ray import serve

    # Ray counts the cards of an Ascend host and makes one of them visible to each replica.
    resources: dict[str, Any] = {"num_cpus": int(threads)}
    if engine == "ascend":
        resources = {"num_cpus": 1, "resources": {"NPU": 1}}
    deployment = serve.deployment(
        ServedReplica,
        name="Replica",
        num_replicas=int(replicas),
        ray_actor_options=resources,
        max_ongoing_requests=PHOTOS_PER_REPLICA,
    )
    return deployment.bind(model, engine, precision, int(threads), int(replicas))
