"""The execution providers of onnxruntime that the engine can use, one row each.

To add a provider, add a row to `PROVIDERS`; the choices of `--engine` and their checks follow it.
"""

import contextlib
import io
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

from segmentation.engines.cpu_features import multiplies_int8_fast
from segmentation.i18n import Text
from segmentation.model_card import Artifact

# The form of deformable attention (see `convert.graph.sampling`) that needs a newer onnxruntime
# than the others, and the first version that has its operator.
DEFORM_CONV, DEFORM_CONV_VERSION = "deform-conv", (1, 25)
# Operators of opset 16, which all providers have.
PORTABLE = ("grid-sample", "gather")


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """One row of the registry.

    Attributes:
        key: what follows `onnx:` in a choice of the engine.
        name: onnxruntime's name of the provider; it is in use if a session lists it first.
        title: product name, as the badge and notices show it.
        package: the package that has it, instead of `onnxruntime`.
        samplings: forms of deformable attention that it runs, the fastest first.
        precisions: names the precisions of graphs that it runs faster here than the card's first
            choice, the fastest first.
        is_automatic: whether it is tried without being asked for.
        computes_on_host: whether it computes on the cores of the host.
        takes_calls_at_once: whether a session may run in several threads at the same time.
        options: makes the provider's options from the number of threads; 0 means all cores.
        session_options: sets what the provider demands of onnxruntime's `SessionOptions`.
        prepare: called with the module onnxruntime before the first session.
    """

    key: str
    name: str
    title: str
    package: str
    samplings: tuple[str, ...]
    precisions: Callable[[], tuple[str, ...]] = lambda: ()
    is_automatic: bool = True
    computes_on_host: bool = False
    takes_calls_at_once: bool = True
    options: Callable[[int], dict[str, Any]] = lambda _threads: {}
    session_options: Callable[[Any], None] = lambda _options: None
    prepare: Callable[[ModuleType], None] = lambda _onnxruntime: None


def _preload_cuda(onnxruntime: ModuleType) -> None:
    """Load the CUDA libraries that pip installed, where the system's linker does not look."""
    # It prints what is missing, even to a stdout that is a file; the engine's notice says so too.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


def _openvino_options(threads: int) -> dict[str, Any]:
    # Its cache of compiled graphs is not used: it saves nothing with a graph of any size.
    # Nor is bfloat16: with onnxruntime-openvino 1.24.1 it is slower (112 against 84 ms on a Xeon
    # with AVX-512 BF16), and the masks of a second size come back empty.
    return {"device_type": "CPU"} | ({"num_of_threads": str(threads)} if threads else {})


def _cpu_precisions() -> tuple[str, ...]:
    return ("int8",) if multiplies_int8_fast() else ()


def _disable_memory_pattern(options: Any) -> None:
    options.enable_mem_pattern = False


# In the order in which they are tried. The last one is in every package.
_SPECS = (
    ProviderSpec(
        key="tensorrt",
        name="TensorrtExecutionProvider",
        title="TensorRT",
        package="onnxruntime-gpu",
        samplings=(*PORTABLE, DEFORM_CONV),
        is_automatic=False,  # it compiles a graph for minutes
        prepare=_preload_cuda,
    ),
    ProviderSpec(
        key="cuda",
        name="CUDAExecutionProvider",
        title="CUDA",
        package="onnxruntime-gpu",
        samplings=(*PORTABLE, DEFORM_CONV),
        prepare=_preload_cuda,
    ),
    ProviderSpec(
        key="cann",
        name="CANNExecutionProvider",
        title="CANN",
        package="onnxruntime-cann",
        samplings=PORTABLE,
    ),
    ProviderSpec(
        key="openvino",
        name="OpenVINOExecutionProvider",
        title="OpenVINO",
        package="onnxruntime-openvino",
        samplings=PORTABLE,
        computes_on_host=True,
        options=_openvino_options,
    ),
    ProviderSpec(
        key="directml",
        name="DmlExecutionProvider",
        title="DirectML",
        package="onnxruntime-directml",
        samplings=PORTABLE,
        takes_calls_at_once=False,
        session_options=_disable_memory_pattern,
    ),
    ProviderSpec(
        key="coreml",
        name="CoreMLExecutionProvider",
        title="CoreML",
        package="onnxruntime",
        samplings=(*PORTABLE, DEFORM_CONV),
        is_automatic=False,  # in every package for macOS, and not measured
    ),
    ProviderSpec(
        key="cpu",
        name="CPUExecutionProvider",
        title="CPU",
        package="onnxruntime",
        samplings=(DEFORM_CONV, *PORTABLE),
        precisions=_cpu_precisions,
        computes_on_host=True,
    ),
)
PROVIDERS: Mapping[str, ProviderSpec] = MappingProxyType({spec.key: spec for spec in _SPECS})


def candidates(key: str | None, available: list[str]) -> tuple[ProviderSpec, ...]:
    """List the providers to try, the best first.

    Args:
        key: of the one provider that was asked for; None takes those that are automatic.
        available: onnxruntime's names of the providers in the installed package.
    """
    return tuple(
        spec
        for spec in PROVIDERS.values()
        if spec.name in available and (spec.is_automatic if key is None else spec.key == key)
    )


def choose_graphs(
    graphs: Sequence[Artifact], provider: ProviderSpec, version: str, precision: str | None = None
) -> tuple[list[Artifact], Text | None]:
    """Choose the graphs that a provider runs fastest.

    Args:
        graphs: of a card, the preferred one first; a graph whose card does not name its sampling
            is taken to run.
        provider: the provider.
        version: of onnxruntime.
        precision: the only one to choose from; None leaves it to the provider.

    Returns:
        The graphs of one precision and sampling, and None; or no graph, and the reason.
    """
    is_old = _version(version) < DEFORM_CONV_VERSION
    samplings = [s for s in provider.samplings if not (is_old and s == DEFORM_CONV)]
    precisions = (precision,) if precision else (*provider.precisions(), graphs[0].precision)
    for kind in itertools.product(precisions, (*samplings, None)):
        if chosen := [graph for graph in graphs if (graph.precision, graph.sampling) == kind]:
            return chosen, None
    needed = ".".join(map(str, DEFORM_CONV_VERSION))
    return [], Text(
        f"The graphs of this model need onnxruntime {needed} or newer on the CPU or a GPU by "
        f"NVIDIA; here is {version} with {provider.title}. Update it, or export the model again "
        "with --sampling grid-sample.",
        f"该模型的计算图需要 onnxruntime {needed} 或更高版本，并运行在 CPU 或 NVIDIA GPU 上；"
        f"当前为 {version}（{provider.title}）。请升级，或用 --sampling grid-sample 重新导出模型。",
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
