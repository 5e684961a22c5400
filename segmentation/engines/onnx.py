"""The onnxruntime engine, for every host without an Ascend card."""

import threading
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.base import Engine, Logits
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.model_card import Artifact, InputSpec, ModelCard, check_artifact

if TYPE_CHECKING:
    import onnxruntime as ort  # noqa: TID251 # for types only

# In order of preference. The plain onnxruntime package only has the last one.
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class OnnxEngine(Engine):
    """One onnxruntime session per graph, opened on the first photo of its size.

    Args:
        card: the model.
        precision: precision of the graphs; None takes the card's first choice.
        threads: threads per inference; 0 lets onnxruntime use all cores.
        spin: idle threads of an inference wait actively for more work. This is faster on a machine
            with nothing else to do, and takes the cores from other work.

    Raises:
        EngineUnavailable: the card has no ONNX graph of that precision.
        ModelDamaged: the graph is missing or altered, or onnxruntime cannot load it.
    """

    def __init__(
        self,
        card: ModelCard,
        precision: str | None = None,
        threads: int = 0,
        spin: bool = False,
    ) -> None:
        graphs = [artifact for artifact in card.artifacts if artifact.format == "onnx"]
        precision = precision or (graphs[0].precision if graphs else "onnx")
        self._card = card
        self._threads = threads
        self._spin = spin
        self._graphs: dict[SizeHW, Artifact] = {
            size_hw: graph
            for graph in graphs
            if graph.precision == precision
            for size_hw in graph.sizes_hw
        }
        if not self._graphs:
            raise EngineUnavailable(
                f"Model {card.name} has no {precision} graph for onnxruntime. "
                "Export it, or choose another precision.",
                f"模型 {card.name} 没有 {precision} 精度的 ONNX 文件。请先导出，或选择其他精度。",
            )
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._sessions_lock = threading.Lock()
        first_session = self._session(next(iter(self._graphs.values())))
        provider: str = first_session.get_providers()[0]
        self._device = f"onnxruntime {provider.removesuffix('ExecutionProvider')}"

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
        return self._device

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo. Sessions are thread-safe, so no lock is held.

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

    def _session(self, graph: Artifact) -> "ort.InferenceSession":
        with self._sessions_lock:
            if graph.file not in self._sessions:
                self._sessions[graph.file] = self._open_session(graph)
            return self._sessions[graph.file]

    def _open_session(self, graph: Artifact) -> "ort.InferenceSession":
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(self._spin)))
        # Between inferences, threads never spin.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        path = check_artifact(self._card, graph)
        available = ort.get_available_providers()
        try:
            return ort.InferenceSession(
                path, options, providers=[name for name in PROVIDERS if name in available]
            )
        except Exception as error:  # onnxruntime's errors have no common base class
            raise ModelDamaged(
                f"onnxruntime {ort.__version__} cannot load {graph.file}. Export the model again.",
                f"onnxruntime {ort.__version__} 无法加载 {graph.file}。请重新导出模型。",
            ) from error
