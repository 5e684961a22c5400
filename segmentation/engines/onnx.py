"""The onnxruntime engine, for every host without an Ascend card."""

import threading
from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.base import Engine, Logits, fallback_notices
from segmentation.engines.onnx_providers import (
    PROVIDERS,
    ProviderSpec,
    candidates,
    choose_graphs,
)
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.i18n import Text
from segmentation.model_card import Artifact, InputSpec, ModelCard, check_artifact
from segmentation.parallel.cores import available_cores

if TYPE_CHECKING:
    import onnxruntime as ort  # noqa: TID251 # for types only

# onnxruntime's log levels. Its own lines about a provider name libraries and source files; the
# notices of the engine say what matters.
FATAL, WARNING = 4, 2


class OnnxEngine(Engine):
    """One onnxruntime session per graph, opened on the first photo of its size.

    The best execution provider that is installed and works is used.

    Args:
        card: the model.
        precision: precision of the graphs; None takes what the provider runs fastest, else the
            card's first choice.
        threads: threads per inference; 0 lets onnxruntime use all cores.
        spin: idle threads of an inference wait actively for more work. This is faster on a machine
            with nothing else to do, and takes the cores from other work.
        provider: key of `PROVIDERS`, the only one to use; None takes the best.

    Raises:
        EngineUnavailable: the card has no ONNX graph of that precision, or none that runs here; or
            the provider that was asked for does not work.
        ModelDamaged: the graph is missing or altered, or onnxruntime cannot load it.
    """

    def __init__(
        self,
        card: ModelCard,
        precision: str | None = None,
        threads: int = 0,
        spin: bool = False,
        provider: str | None = None,
    ) -> None:
        self._card = card
        self._threads = threads
        self._spin = spin
        self._notices: tuple[Text, ...] = ()
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._sessions_lock = threading.Lock()
        self._run_lock = threading.Lock()
        self._graphs: dict[SizeHW, Artifact] = {}
        _check_precision(card, precision)
        self._provider = self._start(precision, provider)

    @property
    def input(self) -> InputSpec:
        """The input of the card, because the graph runs as it is."""
        return self._card.input

    @property
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """Input sizes (height, width) of all graphs of the chosen precision."""
        return tuple(self._graphs)

    @property
    def device(self) -> str:
        """The provider that onnxruntime uses, such as `onnxruntime CPU`."""
        return f"onnxruntime {self._provider.title}"

    @property
    def max_concurrency(self) -> int:
        """As many photos as there are cores for the threads of each; one on other devices."""
        if not (self._threads and self._provider.computes_on_host):
            return 1
        return max(1, available_cores() // self._threads)

    @property
    def computes_on_host(self) -> bool:
        """Whether the provider computes on the cores of the host."""
        return self._provider.computes_on_host

    @property
    def notices(self) -> tuple[Text, ...]:
        """The providers that are installed but did not start."""
        return self._notices

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo. A lock is held only if the provider needs it.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as `input` says.

        Returns:
            float32 logits (Q, C+1) and (Q, h, w).

        Raises:
            InferenceFailed: onnxruntime refused the input or failed.
            ModelDamaged: the graph of this size is opened now and cannot be loaded.
        """
        shape = pixel_values.shape
        is_channels_last = self._card.input.layout == "NHWC"
        size_hw = (shape[1], shape[2]) if is_channels_last else (shape[2], shape[3])
        session = self._session(self._graphs[size_hw])
        try:
            with ExitStack() as stack:
                if not self._provider.takes_calls_at_once:
                    stack.enter_context(self._run_lock)
                classes, masks = session.run(
                    list(self._card.outputs), {self._card.input.name: pixel_values}
                )
        except Exception as error:  # onnxruntime's errors have no common base class
            raise InferenceFailed(
                "The model could not process this photo. Try again, or try another photo.",
                "模型未能处理这张照片。请重试，或换一张照片。",
            ) from error
        return Logits(classes[0], masks[0])

    def close(self) -> None:
        """Drop the sessions; onnxruntime frees each one when its last inference returns."""
        self._sessions.clear()

    def _start(self, precision: str | None, key: str | None) -> ProviderSpec:
        """Open the first graph on the first provider that works, which is returned."""
        ort = import_onnxruntime()
        providers = candidates(key, ort.get_available_providers())
        if not providers and key is not None:
            raise _not_installed(PROVIDERS[key])
        failures: list[Text] = []
        for spec in providers:
            chosen, reason = choose_graphs(self._card.graphs, spec, ort.__version__, precision)
            failure = reason or self._try(ort, chosen, spec)
            if failure is None:
                self._notices = fallback_notices(failures, spec.title)
                return spec
            failures.append(failure)
        raise EngineUnavailable.from_text(failures[0])

    def _try(self, ort: ModuleType, graphs: list[Artifact], spec: ProviderSpec) -> Text | None:
        """Open the first graph on a provider. Returns why it did not start, or None if it did."""
        self._graphs = {size_hw: graph for graph in graphs for size_hw in graph.sizes_hw}
        self._provider = spec
        spec.prepare(ort)
        first = graphs[0]
        try:
            used = self._session(first).get_providers()[0]
        except ModelDamaged:
            check_artifact(self._card, first)  # raises if it is the file
            if spec.key == "cpu":  # then it is the graph
                raise
            used = None
        if used == spec.name:
            return None
        self._sessions.clear()
        return Text(
            f"{spec.title} is installed but does not start here. Check its driver and libraries.",
            f"已安装 {spec.title}，但无法在本机启动。请检查其驱动和运行库。",
        )

    def _session(self, graph: Artifact) -> "ort.InferenceSession":
        with self._sessions_lock:
            if graph.file not in self._sessions:
                self._sessions[graph.file] = self._open_session(graph)
            return self._sessions[graph.file]

    def _open_session(self, graph: Artifact) -> "ort.InferenceSession":
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = FATAL
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(self._spin)))
        # Between inferences, threads never spin.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._provider.session_options(options)
        path = check_artifact(self._card, graph)
        provider = self._provider.name, self._provider.options(self._threads)
        ort.set_default_logger_severity(FATAL)
        try:
            return ort.InferenceSession(path, options, providers=[provider], enable_fallback=False)
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ModelDamaged(
                f"onnxruntime {ort.__version__} cannot load {graph.file}. Export the model again.",
                f"onnxruntime {ort.__version__} 无法加载 {graph.file}。请重新导出模型。",
            ) from error
        finally:
            ort.set_default_logger_severity(WARNING)


def _check_precision(card: ModelCard, precision: str | None) -> None:
    """Check that a card has ONNX graphs of a precision, or any for None.

    Raises:
        EngineUnavailable: it has none.
    """
    precisions = {graph.precision for graph in card.graphs}
    if precision in precisions or (precision is None and precisions):
        return
    precision = precision or "onnx"
    raise EngineUnavailable(
        f"Model {card.name} has no {precision} graph for onnxruntime. "
        "Export it, or choose another precision.",
        f"模型 {card.name} 没有 {precision} 精度的 ONNX 文件。请先导出，或选择其他精度。",
    )


def _not_installed(spec: ProviderSpec) -> EngineUnavailable:
    return EngineUnavailable(
        f"onnxruntime has no {spec.title} here. Remove the package onnxruntime and install "
        f"{spec.package}, or choose another engine.",
        f"当前的 onnxruntime 不含 {spec.title}。请卸载 onnxruntime 并安装 {spec.package}，"
        "或选择其他引擎。",
    )
